//! What customers have heard: the last message that was sent to each, with what can be answered or pressed.

use std::collections::HashMap;

use serde_json::Value;

use crate::demo::World;
use crate::demo::providers::{Account, INSTAGRAMS, MAILBOXES, NUMBERS, PAGES, SESSIONS};

/// The last message that was sent to a customer.
pub(in crate::demo) struct Heard {
    /// Its id at the provider.
    pub message: String,
    pub at_ms: i64,
    /// Of a mail: its thread and its `Message-ID`.
    pub mail: Option<(String, String)>,
    pub buttons: Vec<Button>,
}

#[derive(Clone)]
pub(in crate::demo) struct Button {
    pub payload: String,
    pub title: String,
}

/// By account and the customer's address there.
pub(in crate::demo) struct AllHeard(HashMap<(Account, String), Heard>);

impl AllHeard {
    pub(in crate::demo) fn of(world: &World) -> Self {
        let providers = &world.providers;
        let mut all = HashMap::new();
        for sent in providers.telegram.sent() {
            let heard = Heard::plain(sent.message_id.to_string(), sent.at_ms);
            all.insert((Account::Bot, sent.chat.to_string()), heard);
        }
        for sent in providers.waha.sent() {
            for session in SESSIONS.iter().filter(|one| **one == sent.session) {
                let heard = Heard::plain(sent.id.clone(), sent.at_ms);
                all.insert((Account::Phone(session), sent.chat.clone()), heard);
            }
        }
        for sent in providers.meta.sent() {
            let Some(account) = at_meta(&sent.account) else { continue };
            let heard = Heard { buttons: buttons(&sent.body), ..Heard::plain(sent.id, sent.at_ms) };
            all.insert((account, sent.to), heard);
        }
        for sent in providers.google.sent() {
            let Some(mailbox) = MAILBOXES.into_iter().find(|one| *one == sent.mailbox) else { continue };
            let mail = Some((sent.thread, sent.message_id));
            for to in sent.to {
                let heard = Heard { mail: mail.clone(), ..Heard::plain(sent.id.clone(), sent.at_ms) };
                all.insert((Account::Mailbox(mailbox), to), heard);
            }
        }
        Self(all)
    }

    pub(in crate::demo) fn get(&self, (account, address): (Account, &str)) -> Option<&Heard> {
        self.0.get(&(account, address.to_owned()))
    }
}

impl Heard {
    fn plain(message: String, at_ms: i64) -> Self {
        Self { message, at_ms, mail: None, buttons: Vec::new() }
    }
}

fn at_meta(id: &str) -> Option<Account> {
    let is = |one: &&str| **one == *id;
    let number = NUMBERS.into_iter().find(is).map(Account::Number);
    let page = PAGES.into_iter().find(is).map(Account::Page);
    number.or(page).or_else(|| INSTAGRAMS.into_iter().find(is).map(Account::Instagram))
}

/// The reply buttons of WhatsApp, the quick replies of the others.
fn buttons(body: &Value) -> Vec<Button> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let of_whatsapp = body["interactive"]["action"]["buttons"].as_array().into_iter().flatten();
    let of_whatsapp = of_whatsapp.map(|one| (&one["reply"]["id"], &one["reply"]["title"]));
    let of_pages = body["message"]["quick_replies"].as_array().into_iter().flatten();
    let of_pages = of_pages.map(|one| (&one["payload"], &one["title"]));
    of_whatsapp
        .chain(of_pages)
        .filter_map(|(payload, title)| Some(Button { payload: text(payload)?, title: text(title)? }))
        .collect()
}
