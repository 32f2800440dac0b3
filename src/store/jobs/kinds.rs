//! What jobs are about: one type for each kind, which is its payload. What a job of the kind does is
//! `work/kinds.rs`'s.
//!
//! To add a kind: a type here with its class, its arm in `work/kinds.rs`.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Classes of work, most urgent first. Each has its own workers, so that none starves another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Send = 1,
    Media = 4,
    Upkeep = 9,
}

impl Class {
    pub const ALL: &'static [Self] = &[Self::Send, Self::Media, Self::Upkeep];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Media => "media",
            Self::Upkeep => "upkeep",
        }
    }

    pub fn of(number: i64) -> Option<Self> {
        Self::ALL.iter().copied().find(|class| *class as i64 == number)
    }

    /// Jobs of one queue that run at a time: a channel that hangs must not hold every worker.
    pub const fn per_queue(self) -> i64 {
        match self {
            Self::Send => 8,
            Self::Media => 4,
            Self::Upkeep => 2,
        }
    }

    /// Jobs of all queues that run at a time, in one process.
    pub const fn workers(self) -> usize {
        match self {
            Self::Send => 64,
            Self::Media => 8,
            Self::Upkeep => 2,
        }
    }
}

/// The payload of a kind of job.
pub trait Payload: Serialize + DeserializeOwned + Send + Sync {
    const KIND: &'static str;
    const CLASS: Class;

    /// The payload of a job that has none written down.
    fn bare(subject: Uuid) -> Option<Self>;

    /// The row that it is about: jobs are hurried by it, and a given-up one says there what became of it.
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
    /// Sends one part of a message; the lane is its conversation.
    Deliver { delivery } = "deliver" in Send;
    /// Answers a button press of the message, so that the customer's client stops waiting.
    Acknowledge { message } = "acknowledge" in Send;
    /// Fetches the file of an attachment.
    FetchMedia { attachment } = "fetch_media" in Media;
    /// Asks what the group of a conversation is called.
    FetchTitle { conversation } = "fetch_title" in Media;
    /// Ends sends that wait for longer than a message is worth sending.
    EndOverdue { installation } = "end_overdue" in Upkeep;
    /// Removes what is older than its tenant keeps it.
    Retain { installation } = "retain" in Upkeep;
    /// Removes files that no message has.
    SweepFiles { installation } = "sweep_files" in Upkeep;
}
