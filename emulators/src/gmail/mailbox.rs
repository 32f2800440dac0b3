//! One mailbox: its mails, its history and its watch.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::part::{Part, addresses};

/// The history id of a new mailbox.
const FIRST_HISTORY_ID: u64 = 9_000_100;

pub(super) struct Stored {
    pub(super) id: String,
    pub(super) thread: String,
    pub(super) labels: Vec<String>,
    pub(super) history_id: u64,
    pub(super) at_ms: i64,
    pub(super) root: Part,
    pub(super) size: usize,
    pub(super) is_vanished: bool,
}

impl Stored {
    pub(super) fn has(&self, label: &str) -> bool {
        self.labels.iter().any(|known| known == label)
    }

    pub(super) fn is_from(&self, address: &str) -> bool {
        self.root.header("From").is_some_and(|from| addresses(from).iter().any(|known| known == address))
    }

    pub(super) fn snippet(&self) -> String {
        let text = self.root.text("text/plain").unwrap_or_default();
        text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(100).collect()
    }

    /// `id`, `threadId` and `labelIds`.
    pub(super) fn short(&self) -> Value {
        json!({ "id": self.id, "threadId": self.thread, "labelIds": self.labels })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Added,
    Deleted,
    LabelsAdded,
    LabelsRemoved,
}

impl Change {
    /// The word in `historyTypes`, and the member of a record.
    pub(super) fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Added => ("messageAdded", "messagesAdded"),
            Self::Deleted => ("messageDeleted", "messagesDeleted"),
            Self::LabelsAdded => ("labelAdded", "labelsAdded"),
            Self::LabelsRemoved => ("labelRemoved", "labelsRemoved"),
        }
    }
}

pub(super) struct Record {
    pub(super) id: u64,
    pub(super) change: Change,
    /// The mail as it was then.
    pub(super) message: Value,
    pub(super) labels: Vec<String>,
}

#[derive(Debug, Clone)]
pub(super) struct Watch {
    pub(super) labels: Vec<String>,
    pub(super) excludes: bool,
    pub(super) until_ms: i64,
}

pub(super) struct Mailbox {
    /// As it is written.
    pub(super) address: String,
    pub(super) history_id: u64,
    /// Older ids are answered with 404.
    pub(super) oldest: u64,
    pub(super) mails: BTreeMap<String, Stored>,
    pub(super) records: Vec<Record>,
    pub(super) watch: Option<Watch>,
    pub(super) notified_ms: Option<i64>,
    /// The minute of the quota, and the units used in it.
    pub(super) used: (i64, u64),
}

impl Mailbox {
    pub(super) fn new(address: &str) -> Self {
        Self {
            address: address.to_owned(),
            history_id: FIRST_HISTORY_ID,
            oldest: 0,
            mails: BTreeMap::new(),
            records: Vec::new(),
            watch: None,
            notified_ms: None,
            used: (0, 0),
        }
    }

    pub(super) fn has_thread(&self, thread: &str) -> bool {
        self.mails.values().any(|mail| mail.thread == thread)
    }

    /// The mails of a thread, oldest first.
    pub(super) fn thread<'a>(&'a self, thread: &'a str) -> impl Iterator<Item = &'a Stored> {
        let mut mails: Vec<_> = self.mails.values().filter(|mail| mail.thread == thread).collect();
        mails.sort_by_key(|mail| (mail.at_ms, mail.history_id));
        mails.into_iter()
    }

    /// Stores a mail and records it in the history.
    pub(super) fn store(&mut self, mut mail: Stored) {
        mail.history_id = self.record(Change::Added, mail.short(), Vec::new());
        self.mails.insert(mail.id.clone(), mail);
    }

    /// Changes labels; returns the mail, or `None` if there is none. A change of nothing is no history.
    pub(super) fn relabel(&mut self, id: &str, add: &[String], remove: &[String]) -> Option<Value> {
        let mail = self.mails.get_mut(id)?;
        let added: Vec<_> = add.iter().filter(|label| !mail.has(label)).cloned().collect();
        let removed: Vec<_> = remove.iter().filter(|label| mail.has(label)).cloned().collect();
        mail.labels.retain(|label| !removed.contains(label));
        mail.labels.extend(added.iter().cloned());
        let short = mail.short();
        if !added.is_empty() {
            self.record(Change::LabelsAdded, short.clone(), added);
        }
        if !removed.is_empty() {
            self.record(Change::LabelsRemoved, short.clone(), removed);
        }
        Some(short)
    }

    pub(super) fn delete(&mut self, id: &str) -> bool {
        let Some(mail) = self.mails.remove(id) else { return false };
        self.record(Change::Deleted, mail.short(), Vec::new());
        true
    }

    fn record(&mut self, change: Change, message: Value, labels: Vec<String>) -> u64 {
        // Ids grow, but not by one.
        self.history_id += 5;
        let id = self.history_id;
        self.records.push(Record { id, change, message, labels });
        id
    }

    /// Whether the watch asks for a notification of a change of mails with these labels; counts it as sent.
    pub(super) fn notifies(&mut self, labels: &[String], now_ms: i64, drops_surplus: bool) -> Due {
        let Some(watch) = self.watch.as_ref().filter(|watch| watch.until_ms > now_ms) else { return Due::No };
        let is_named = labels.iter().any(|label| watch.labels.contains(label));
        if !watch.labels.is_empty() && is_named == watch.excludes {
            return Due::No;
        }
        if drops_surplus && self.notified_ms.is_some_and(|last_ms| now_ms - last_ms < 1000) {
            return Due::Dropped;
        }
        self.notified_ms = Some(now_ms);
        Due::Yes
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    No,
    Dropped,
    Yes,
}
