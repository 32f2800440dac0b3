//! Where a customer writes: one of the shop's accounts at a provider, and what the customer does there. Each provider's own
//! ways are here and nowhere else.

use emulators::gmail::Mail;
use emulators::{meta, telegram, waha};
use serde_json::{Value, json};

use super::heard::{Button, Heard};
use crate::demo::World;
use crate::demo::providers::Account;

/// The first Telegram chat and message id of the customers: made up, and outside of the emulator's own range.
const FIRST_CHAT: i64 = 5_550_100_000;
const FIRST_MESSAGE: i64 = 3_000_000_000;

pub(in crate::demo) struct Chat {
    pub account: Account,
    /// The customer's address at the provider.
    address: String,
    name: String,
    subject: String,
    next_message: i64,
    /// Of the customer's last mail: its thread and its `Message-ID`.
    mailed: Option<(String, String)>,
}

/// A file in the forms in which providers carry it.
pub(in crate::demo) struct File {
    pub bytes: Vec<u8>,
    pub is_picture: bool,
}

impl Chat {
    pub(in crate::demo) fn new(account: Account, number: usize, name: &str, subject: &str) -> Self {
        let address = match account {
            Account::Bot => (FIRST_CHAT + number as i64).to_string(),
            // Numbers that are reserved for fiction.
            Account::Phone(_) => format!("1202555{:04}@c.us", 100 + number),
            Account::Number(_) => format!("1202555{:04}", 100 + number),
            Account::Page(_) | Account::Instagram(_) => format!("73000000000{:05}", 100 + number),
            Account::Mailbox(_) => format!("customer{number}@example.org"),
        };
        let (name, subject) = (name.to_owned(), subject.to_owned());
        Self { account, address, name, subject, next_message: 0, mailed: None }
    }

    /// Under which what the customer hears is found.
    pub(in crate::demo) fn key(&self) -> (Account, &str) {
        (self.account, &self.address)
    }

    fn number(&self) -> i64 {
        self.address.parse().unwrap_or_default()
    }

    /// Writes a text, and returns its id at the provider. `heard` is what the customer answers, if it is quoted.
    pub(in crate::demo) fn says(&mut self, world: &World, text: &str, heard: Option<&Heard>) -> String {
        self.next_message += 1;
        let now_s = world.app.store.clock().now_ms() / 1000;
        let providers = &world.providers;
        let (meta, address) = (&providers.meta, self.address.clone());
        let address = address.as_str();
        match self.account {
            Account::Bot => {
                let (chat, id) = (self.number(), FIRST_MESSAGE + self.next_message);
                if self.next_message == 1 {
                    // The emulator answers only in chats whose customer has started the bot.
                    providers.telegram.customer_blocks(chat, false);
                }
                let message = telegram_message(chat, id, &self.name, now_s, text, heard);
                providers.telegram.update(chat, "message", &message);
                id.to_string()
            }
            Account::Phone(session) => {
                let digits = address.trim_end_matches("@c.us");
                let id = format!("false_{address}_3A{digits:0>10}{:08}", self.next_message);
                let message = waha_message(address, &id, &self.name, now_s, text, heard);
                providers.waha.event(session, "message.any", &message);
                id
            }
            Account::Number(account) | Account::Page(account) | Account::Instagram(account) => {
                if self.next_message == 1 {
                    meta.has_profile(account, address, profile(self.account, &self.name));
                    if matches!(self.account, Account::Instagram(_)) {
                        return meta.customer_answers_story(account, address, text);
                    }
                }
                match heard {
                    Some(heard) => meta.customer_replies(account, address, &heard.message, text),
                    None => meta.customer_says(account, address, text),
                }
            }
            Account::Mailbox(mailbox) => self.mails(world, mailbox, Mail::new("", "", text), heard),
        }
    }

    /// A mail goes on in the thread of the one before it, whoever wrote that.
    fn mails(&mut self, world: &World, mailbox: &str, mut mail: Mail, heard: Option<&Heard>) -> String {
        let before = heard.and_then(|heard| heard.mail.clone()).or_else(|| self.mailed.take());
        let re = if before.is_some() { "Re: " } else { "" };
        mail.headers = vec![
            ("From".to_owned(), format!("{} <{}>", encoded(&self.name), self.address)),
            ("Subject".to_owned(), encoded(&format!("{re}{}", self.subject))),
        ];
        if let Some((thread, message_id)) = &before {
            mail = mail.answering(thread, message_id);
        }
        let arrived = world.providers.google.arrives(mailbox, &mail);
        self.mailed = Some((arrived.thread, arrived.message_id));
        arrived.id
    }

    pub(in crate::demo) fn sends(
        &mut self,
        world: &World,
        file: File,
        caption: Option<&str>,
        heard: Option<&Heard>,
    ) {
        let (providers, address) = (&world.providers, self.address.clone());
        let address = address.as_str();
        let File { bytes, is_picture } = file;
        match self.account {
            Account::Bot => {
                let file =
                    if is_picture { telegram::File::photo(bytes) } else { telegram::File::voice(bytes) };
                providers.telegram.customer_sends(self.number(), file, caption);
            }
            Account::Phone(session) => {
                let file = if is_picture { waha::File::image(bytes) } else { waha::File::voice(bytes) };
                providers.waha.customer_sends(session, address, file, caption);
            }
            Account::Number(account) | Account::Page(account) | Account::Instagram(account) => {
                let file = if is_picture { meta::File::image(bytes) } else { meta::File::voice(bytes) };
                providers.meta.customer_sends(account, address, &file, caption);
            }
            Account::Mailbox(mailbox) => {
                let name = if is_picture { "photo.png" } else { "memo.wav" };
                let mail = Mail::new("", "", caption.unwrap_or_default()).file(name, bytes);
                self.mails(world, mailbox, mail, heard);
            }
        }
    }

    /// Edits an own message, where the provider has that.
    pub(super) fn edits(&self, world: &World, id: &str, text: &str) {
        let (providers, address) = (&world.providers, self.address.as_str());
        match self.account {
            Account::Bot => {
                if let Ok(id) = id.parse() {
                    providers.telegram.customer_edits(self.number(), id, text);
                }
            }
            Account::Phone(session) => providers.waha.customer_edits(session, address, id, text),
            Account::Number(account) | Account::Page(account) | Account::Instagram(account) => {
                providers.meta.customer_edits(account, address, id, text, 1);
            }
            Account::Mailbox(_) => {}
        }
    }

    pub(super) fn reacts(&self, world: &World, heard: &Heard) {
        let (providers, address, message) = (&world.providers, self.address.as_str(), heard.message.as_str());
        match self.account {
            Account::Bot => {
                if let Ok(message) = message.parse() {
                    providers.telegram.customer_reacts(self.number(), message, Some("👍"));
                }
            }
            Account::Phone(session) => providers.waha.customer_reacts(session, address, message, "👍"),
            Account::Number(account) | Account::Page(account) | Account::Instagram(account) => {
                providers.meta.customer_reacts(account, address, message, Some("👍"));
            }
            Account::Mailbox(_) => {}
        }
    }

    /// Presses a button under what was heard.
    pub(super) fn presses(&self, world: &World, heard: &Heard, button: &Button) {
        let (providers, address) = (&world.providers, self.address.as_str());
        let Button { payload, title } = button.clone();
        match self.account {
            Account::Bot => {
                if let Ok(message) = heard.message.parse() {
                    providers.telegram.customer_presses(self.number(), message, &payload);
                }
            }
            Account::Number(account) | Account::Page(account) | Account::Instagram(account) => {
                let press = meta::Press::Button { payload, title };
                providers.meta.customer_presses(account, address, &heard.message, &press);
            }
            Account::Phone(_) | Account::Mailbox(_) => {}
        }
    }
}

fn profile(account: Account, name: &str) -> Value {
    match account {
        Account::Page(_) => json!({ "name": name, "first_name": name, "last_name": "" }),
        _ => json!({ "name": name }),
    }
}

/// A header's text, in an encoded word if it is not ASCII (RFC 2047).
fn encoded(text: &str) -> String {
    use base64::Engine as _;
    if text.is_ascii() {
        return text.to_owned();
    }
    format!("=?UTF-8?B?{}?=", base64::engine::general_purpose::STANDARD.encode(text))
}

/// A text as the Bot API delivers it; messages made by the emulator have no chosen name.
fn telegram_message(
    chat: i64,
    message_id: i64,
    name: &str,
    now_s: i64,
    text: &str,
    heard: Option<&Heard>,
) -> Value {
    let mut message = json!({ "message_id": message_id, "date": now_s, "text": text,
        "from": { "id": chat, "is_bot": false, "first_name": name },
        "chat": { "id": chat, "type": "private", "first_name": name } });
    if let Some(quoted) = heard.and_then(|heard| heard.message.parse::<i64>().ok()) {
        message["reply_to_message"] = json!({ "message_id": quoted, "date": now_s,
            "chat": { "id": chat, "type": "private", "first_name": name } });
    }
    message
}

/// A text as WAHA delivers it.
fn waha_message(chat: &str, id: &str, name: &str, now_s: i64, text: &str, heard: Option<&Heard>) -> Value {
    let quoted = heard.map(|heard| json!({ "id": heard.message.rsplit('_').next(), "participant": null }));
    json!({ "id": id, "timestamp": now_s, "from": chat, "fromMe": false, "source": "app", "body": text,
        "hasMedia": false, "replyTo": quoted, "_data": { "Info": { "PushName": name } } })
}
