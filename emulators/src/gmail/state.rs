//! The state of the emulated Google: grants, keys, mailboxes, pushes and what was called.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use serde_json::Value;

use super::{keys::SigningKey, mailbox::Mailbox};
use crate::{
    script::Script,
    serving::{Fail, Recent},
};

/// A mail that was sent through the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    pub mailbox: String,
    pub id: String,
    pub thread: String,
    /// Whether `threadId`, references and subject fitted, so that the mail stayed in the thread of the call.
    pub stayed_in_thread: bool,
    /// The header, which differs from that of the call if the emulator replaces it.
    pub message_id: String,
    /// All recipients, in lower case.
    pub to: Vec<String>,
    /// Encoded words are decoded.
    pub subject: String,
    pub text: Option<String>,
    pub html: Option<String>,
    pub files: Vec<SentFile>,
    /// As they were sent, with folds undone.
    pub headers: Vec<(String, String)>,
    /// The whole mail as it was given, for other readers of mails.
    pub raw: Vec<u8>,
    pub at_ms: i64,
}

impl Sent {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// A file of a mail that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentFile {
    pub name: String,
    pub mime: String,
    pub bytes: Vec<u8>,
}

/// A call of an endpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The HTTP method.
    pub method: String,
    pub path: String,
    pub query: Vec<(String, String)>,
    /// JSON, or the members of a form, without secrets; `null` without either.
    pub body: Value,
    /// Whose access token it was.
    pub mailbox: Option<String>,
    pub at_ms: i64,
}

impl Call {
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// One attempt to push a notification. `status` is 0 without a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The `messageId`, the same over all attempts.
    pub id: String,
    pub mailbox: String,
    pub history_id: u64,
    pub attempt: u32,
    pub status: u16,
}

/// What a test switches on and off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Switch {
    /// The owner refuses the next sign-in.
    Refusal,
    Outage,
    RepeatedPushes,
    ReplacedIds,
    EmptyPages,
}

/// What is pushed.
#[derive(Debug, Clone)]
pub(super) struct Notification {
    pub(super) id: u64,
    pub(super) address: String,
    pub(super) history_id: u64,
    pub(super) at_ms: i64,
}

/// An authorization code, valid once.
#[derive(Debug, Clone)]
pub(super) struct Code {
    pub(super) mailbox: String,
    pub(super) redirect_uri: String,
    pub(super) scope: String,
    pub(super) challenge: Option<String>,
    /// Whether the exchange gives a refresh token.
    pub(super) is_offline: bool,
    pub(super) until_ms: i64,
}

/// A refresh or access token.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    pub(super) mailbox: String,
    pub(super) scope: String,
    pub(super) until_ms: i64,
}

#[derive(Default)]
pub(super) struct State {
    /// The last one signs.
    pub(super) keys: Vec<SigningKey>,
    pub(super) codes: HashMap<String, Code>,
    pub(super) refresh: HashMap<String, Grant>,
    pub(super) access: HashMap<String, Grant>,
    /// The mailboxes whose owners have consented: another sign-in gives no refresh token, unless it asks for consent.
    pub(super) consented: Vec<String>,
    /// The mailbox that signs in next.
    pub(super) signs_in: Option<String>,
    /// Scopes that owners deselect.
    pub(super) withheld: Vec<String>,
    /// By address in lower case.
    pub(super) mailboxes: BTreeMap<String, Mailbox>,
    pub(super) next_mail: u64,
    pub(super) next_notification: u64,
    /// Ids of attachments that were given out: mail, `partId`, and the time until which they are valid.
    pub(super) attachments: HashMap<String, (String, String, i64)>,
    pub(super) endpoint: Option<String>,
    on: BTreeSet<Switch>,
    /// Notifications held back, to be released in the reverse order.
    pub(super) held: Option<Vec<Notification>>,
    pub(super) under_way: usize,
    /// Notifications lost to the rate limit.
    pub(super) dropped: usize,
    /// Notifications that were not accepted within the retention.
    pub(super) lost: usize,
    pub(super) sent: Recent<Sent>,
    pub(super) calls: Recent<Call>,
    pub(super) deliveries: Recent<Delivery>,
    pub(super) failures: VecDeque<Fail>,
    pub(super) script: Script,
}

impl State {
    pub(super) fn new(mailboxes: &[String], endpoint: Option<String>, key: SigningKey) -> Self {
        let mailbox = |address: &String| (address.to_lowercase(), Mailbox::new(address));
        let mailboxes = mailboxes.iter().map(mailbox).collect();
        Self { mailboxes, endpoint, keys: vec![key], ..Self::default() }
    }

    pub(super) fn is_on(&self, switch: Switch) -> bool {
        self.on.contains(&switch)
    }

    pub(super) fn switch(&mut self, switch: Switch, is_on: bool) {
        if is_on {
            self.on.insert(switch);
        } else {
            self.on.remove(&switch);
        }
    }

    pub(super) fn mailbox(&mut self, address: &str) -> Option<&mut Mailbox> {
        self.mailboxes.get_mut(&address.to_lowercase())
    }

    /// A new id of a mail or thread.
    pub(super) fn mail_id(&mut self, now_ms: i64) -> String {
        self.next_mail += 1;
        super::ids::mail(now_ms, self.next_mail)
    }

    /// A notification about a mailbox as it is now.
    pub(super) fn notification(&mut self, address: &str, history_id: u64, at_ms: i64) -> Notification {
        self.next_notification += 1;
        let (id, address) = (self.next_notification, address.to_owned());
        Notification { id, address, history_id, at_ms }
    }

    /// Ends all grants of a mailbox, as a revocation of any of its tokens does.
    pub(super) fn revoke(&mut self, address: &str) {
        self.codes.retain(|_, code| code.mailbox != address);
        self.refresh.retain(|_, grant| grant.mailbox != address);
        self.access.retain(|_, grant| grant.mailbox != address);
        self.consented.retain(|known| known != address);
    }
}
