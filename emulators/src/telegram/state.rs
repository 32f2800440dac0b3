//! The state of the emulated Bot API: chats, files, the webhook, sent messages and pending deliveries.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::Arc,
};

use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::{place::Place, updates::File};
use crate::{
    script::Script,
    serving::{Fail, Recent},
};

/// Concurrent deliveries of a webhook that sets no `max_connections`.
pub(super) const DEFAULT_CONNECTIONS: usize = 40;

/// Kinds delivered to a webhook that never set `allowed_updates`.
const DEFAULT_UPDATES: [&str; 9] = [
    "message",
    "edited_message",
    "callback_query",
    "my_chat_member",
    "business_connection",
    "business_message",
    "edited_business_message",
    "deleted_business_messages",
    "channel_post",
];

/// A message that the bot sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    pub method: String,
    pub chat: i64,
    pub message_id: i64,
    /// Text or caption.
    pub text: Option<String>,
    /// The address or id of the file.
    pub media: Option<String>,
    pub reply_to: Option<i64>,
    /// The place in the chat, if the call named one.
    pub place: Option<Place>,
    pub at_ms: i64,
}

/// A call of a method.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    pub method: String,
    pub parameters: Value,
    pub at_ms: i64,
}

/// One attempt to deliver an update. `status` is 0 without a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivery {
    pub update_id: i64,
    pub attempt: u32,
    pub status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    pub url: String,
    pub secret: Option<String>,
    pub max_connections: usize,
}

pub(super) struct Chat {
    last_message: i64,
    first_message: i64,
    /// Messages of updates that a test delivered as a body.
    pub(super) others: BTreeSet<i64>,
    pub(super) blocked: bool,
    /// The known places. A chat known only through a business connection is not the bot's own.
    pub(super) places: BTreeSet<Place>,
    pub(super) is_own: bool,
}

impl Chat {
    pub(super) fn next_message(&mut self) -> i64 {
        self.last_message += 1;
        self.last_message
    }

    pub(super) fn has(&self, message: i64) -> bool {
        (self.first_message + 1..=self.last_message).contains(&message) || self.others.contains(&message)
    }
}

pub(super) struct Stored {
    pub(super) path: String,
    pub(super) bytes: Vec<u8>,
}

pub(super) struct Queued {
    pub(super) update_id: i64,
    pub(super) body: Vec<u8>,
    pub(super) expires_ms: i64,
}

/// The pending updates of one chat. The head is retried until it is delivered; the rest waits behind it.
#[derive(Default)]
pub(super) struct Queue {
    pub(super) updates: VecDeque<Queued>,
    pub(super) is_running: bool,
}

pub(super) struct State {
    pub(super) webhook: Option<Webhook>,
    /// Limits concurrent deliveries to the webhook's `max_connections`.
    pub(super) slots: Arc<Semaphore>,
    pub(super) allowed: Vec<String>,
    pub(super) chats: BTreeMap<i64, Chat>,
    pub(super) files: HashMap<String, Stored>,
    /// Button presses that may still be answered: id → time in seconds.
    pub(super) presses: HashMap<String, i64>,
    pub(super) queues: BTreeMap<i64, Queue>,
    pub(super) sent: Recent<Sent>,
    pub(super) calls: Recent<Call>,
    pub(super) deliveries: Recent<Delivery>,
    pub(super) failures: VecDeque<Fail>,
    pub(super) script: Script,
    /// Enabled business connections, and their owners.
    pub(super) connections: BTreeMap<String, i64>,
    pub(super) last_error: Option<(i64, String)>,
    /// Ids begin at the start time, so that a second run with the same database gets new ones.
    first_id: i64,
    next_update: i64,
    next_other: i64,
}

impl State {
    pub(super) fn new(now_ms: i64) -> Self {
        const SOME_PAST_S: i64 = 1_700_000_000;
        let first_id = (now_ms / 1000 - SOME_PAST_S).max(1);
        Self {
            webhook: None,
            slots: Arc::new(Semaphore::new(DEFAULT_CONNECTIONS)),
            allowed: DEFAULT_UPDATES.map(str::to_owned).to_vec(),
            chats: BTreeMap::new(),
            files: HashMap::new(),
            presses: HashMap::new(),
            queues: BTreeMap::new(),
            sent: Recent::default(),
            calls: Recent::default(),
            deliveries: Recent::default(),
            failures: VecDeque::new(),
            script: Script::default(),
            connections: BTreeMap::new(),
            last_error: None,
            first_id,
            next_update: first_id,
            next_other: first_id,
        }
    }

    pub(super) fn chat(&mut self, id: i64) -> &mut Chat {
        let first_message = self.first_id;
        self.chats.entry(id).or_insert_with(|| Chat {
            last_message: first_message,
            first_message,
            others: BTreeSet::new(),
            blocked: false,
            places: BTreeSet::new(),
            is_own: false,
        })
    }

    pub(super) fn next_update(&mut self) -> i64 {
        self.next_update += 1;
        self.next_update
    }

    fn next_other(&mut self) -> i64 {
        self.next_other += 1;
        self.next_other
    }

    pub(super) fn press(&mut self, now_s: i64) -> String {
        let id = format!("2384{}", self.next_other());
        self.presses.insert(id.clone(), now_s);
        id
    }

    /// Stores a file and returns its part of the message.
    pub(super) fn store(&mut self, file: File) -> Value {
        let number = self.next_other();
        let id = format!("file-{number}");
        let size = file.bytes.len();
        let mut one = json!({ "file_id": id, "file_unique_id": format!("u{number}"), "file_size": size });
        if let Some(name) = &file.name {
            one["file_name"] = name.as_str().into();
        }
        if let Some(mime) = &file.mime {
            one["mime_type"] = mime.as_str().into();
        }
        let member = file.kind.member();
        let path = format!("{member}s/file_{number}.{}", file.kind.extension());
        self.files.insert(id, Stored { path, bytes: file.bytes });
        if member == "photo" {
            // Telegram also lists smaller sizes; here they refer to no file.
            let small = json!({ "file_id": "small", "file_unique_id": "s", "width": 90, "height": 90 });
            one["width"] = 1280.into();
            one["height"] = 1280.into();
            return json!({ "photo": [small, one] });
        }
        json!({ member: one })
    }

    /// Undelivered updates.
    pub(super) fn pending(&self) -> usize {
        self.queues.values().map(|queue| queue.updates.len()).sum()
    }
}
