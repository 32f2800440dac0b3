//! Mails that come into a mailbox other than through the API: from outside, or written by the owner in Gmail itself.

use std::sync::Arc;

use super::{dates, ids, mail::Mail, mailbox::Stored, part::addresses, push, shared::Shared};

/// A mail in a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    pub id: String,
    pub thread: String,
    /// The header.
    pub message_id: String,
}

/// Stores a mail, and notifies of it. Headers that every mail has are added. An unknown mailbox is made.
pub(super) fn arrive(shared: &Arc<Shared>, address: &str, mail: &Mail) -> Arrived {
    let now_ms = shared.now_ms();
    let mut root = mail.tree();
    let labels = if mail.label_ids.is_empty() {
        vec!["INBOX".to_owned(), "UNREAD".to_owned()]
    } else {
        mail.label_ids.clone()
    };
    let from = mail.header_value("From").unwrap_or("nobody@example.org").to_owned();
    let domain =
        addresses(&from).first().and_then(|from| from.split_once('@')).map(|(_, domain)| domain.to_owned());
    let arrived = shared.state.change(|state| {
        let id = mail.id.clone().unwrap_or_else(|| state.mail_id(now_ms));
        let thread = mail.thread_id.clone().unwrap_or_else(|| id.clone());
        let domain = domain.unwrap_or_else(|| "example.org".into());
        let message_id = mail.header_value("Message-ID").map(str::to_owned);
        let message_id = message_id.unwrap_or_else(|| format!("<{}@{domain}>", ids::token("m")));
        let mut defaults = vec![
            ("From", from.clone()),
            ("To", address.to_owned()),
            ("Message-ID", message_id.clone()),
            ("Date", dates::rfc5322(now_ms)),
            ("MIME-Version", "1.0".to_owned()),
        ];
        if !labels.iter().any(|label| label == "SENT") {
            defaults.push(("Delivered-To", address.to_owned()));
            defaults.push(("Return-Path", format!("<{}>", addresses(&from).concat())));
        }
        for (name, value) in defaults {
            if root.header(name).is_none() {
                root.headers.push((name.to_owned(), value));
            }
        }
        let size = root.walk().iter().map(|(_, part)| part.body.len() + 200).sum();
        let is_vanished = mail.vanished;
        let (labels, arrived) =
            (labels.clone(), Arrived { id: id.clone(), thread: thread.clone(), message_id });
        let stored = Stored { id, thread, labels, history_id: 0, at_ms: now_ms, root, size, is_vanished };
        let mailbox = state
            .mailboxes
            .entry(address.to_lowercase())
            .or_insert_with(|| super::mailbox::Mailbox::new(address));
        mailbox.store(stored);
        arrived
    });
    if mail.push != Some(false) {
        push::changed(shared, address, &labels);
    }
    arrived
}

/// The owner answers the last mail of a thread in Gmail itself. `None`: there is no such thread with a mail of
/// somebody else.
pub(super) fn answer(shared: &Arc<Shared>, address: &str, thread: &str, text: &str) -> Option<Arrived> {
    let mail = shared.state.change(|state| {
        let mailbox = state.mailbox(address)?;
        let mails: Vec<_> = mailbox.thread(thread).collect();
        let last = mails.iter().rev().find(|mail| !mail.is_from(&address.to_lowercase()))?;
        let header = |name: &str| last.root.header(name);
        let to = header("Reply-To").or_else(|| header("From"))?;
        let subject = header("Subject").unwrap_or_default();
        let subject = if subject.starts_with("Re:") { subject.to_owned() } else { format!("Re: {subject}") };
        let mail = Mail::new(address, &subject, text).header("To", to);
        let mut mail = mail.answering(thread, header("Message-ID").unwrap_or_default());
        mail.label_ids = vec!["SENT".to_owned()];
        Some(mail)
    })?;
    Some(arrive(shared, address, &mail))
}
