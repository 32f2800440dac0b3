//! The payload types of jobs, one for each kind. `work/kinds.rs` holds what a job of the kind does.
//!
//! To add a kind: a type here with its class, and its arm in `work/kinds.rs`.

use aws_lc_rs::digest;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Classes of work, most urgent first. Each class has its own workers, so that none starves another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Send = 1,
    News = 2,
    Media = 4,
    Upkeep = 9,
}

impl Class {
    pub const ALL: &'static [Self] = &[Self::Send, Self::News, Self::Media, Self::Upkeep];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::News => "news",
            Self::Media => "media",
            Self::Upkeep => "upkeep",
        }
    }

    pub fn of(number: i64) -> Option<Self> {
        Self::ALL.iter().copied().find(|class| *class as i64 == number)
    }

    /// The most jobs of one queue that run at a time: a provider that hangs must not occupy every worker.
    pub const fn per_queue(self) -> i64 {
        match self {
            Self::Send => 8,
            // One reading of an account at a time.
            Self::News => 1,
            // Of upkeep one of each recurring kind.
            Self::Media | Self::Upkeep => 4,
        }
    }

    /// The most jobs of all queues that run at a time in one process.
    pub const fn workers(self) -> usize {
        match self {
            Self::Send => 64,
            Self::News | Self::Media => 8,
            Self::Upkeep => 4,
        }
    }
}

/// The payload of a kind of job.
pub trait Payload: Serialize + DeserializeOwned + Send + Sync {
    const KIND: &'static str;
    const CLASS: Class;

    /// The payload of a job that was stored without one.
    fn bare(subject: Uuid) -> Option<Self>;

    /// The id of the row that the job works on. Jobs are looked up by it, and the failure of a dead job is recorded
    /// there.
    fn subject(&self) -> Uuid;
}

macro_rules! payloads {
    ($($(#[$meta:meta])* $name:ident { $subject:ident } = $kind:literal in $class:ident;)*) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub struct $name {
            pub $subject: Uuid,
        }

        impl Payload for $name {
            const KIND: &'static str = $kind;
            const CLASS: Class = Class::$class;

            fn bare($subject: Uuid) -> Option<Self> {
                Some(Self { $subject })
            }

            fn subject(&self) -> Uuid {
                self.$subject
            }
        }
    )*};
}

payloads! {
    /// Sends one part of a message; its lane is the conversation.
    Deliver { delivery } = "deliver" in Send;
    /// Answers a button press, so that the customer's client stops waiting.
    Acknowledge { message } = "acknowledge" in Send;
    /// Reads what the channel's provider holds and did not deliver.
    ReadNews { channel } = "read_news" in News;
    /// Tells the provider which reaction the business has to a message.
    React { message } = "react" in Send;
    /// Fetches the file of an attachment.
    FetchMedia { attachment } = "fetch_media" in Media;
    /// Deletes a file's object in the library.
    DeleteFile { file } = "delete_file" in Media;
    /// Fetches the title of a conversation's group chat.
    FetchTitle { conversation } = "fetch_title" in Media;
    /// Fetches the name of a conversation's customer.
    FetchProfile { conversation } = "fetch_profile" in Media;
    /// Takes a disconnected channel's webhook off at its provider.
    DisconnectChannel { channel } = "disconnect_channel" in Media;
    /// Renews the sessions of those who see some companies only, after a channel moved to another one.
    RenewSessions { channel } = "renew_sessions" in Media;
    /// Fails deliveries that have waited longer than a message is worth sending.
    EndOverdue { installation } = "end_overdue" in Upkeep;
    /// Removes rows that are older than their tenant's retention.
    Retain { installation } = "retain" in Upkeep;
    /// Looks at the channels that are due.
    WatchChannels { installation } = "watch_channels" in Upkeep;
    /// Removes files that belong to no message.
    SweepFiles { installation } = "sweep_files" in Upkeep;
}

/// Reads one of a channel's news that could not be had when the others were read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadItem {
    pub channel: Uuid,
    /// Of the message, as its provider names it.
    pub key: String,
}

impl Payload for ReadItem {
    const KIND: &'static str = "read_item";
    const CLASS: Class = Class::News;

    fn bare(_: Uuid) -> Option<Self> {
        None
    }

    /// There is no row of it: a digest stands for channel and key.
    fn subject(&self) -> Uuid {
        let digest = digest::digest(&digest::SHA256, format!("{} {}", self.channel, self.key).as_bytes());
        let mut id = [0; 16];
        id.copy_from_slice(&digest.as_ref()[..16]);
        Uuid::from_bytes(id)
    }
}
