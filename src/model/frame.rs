//! What the room of one conversation carries beside the feed. None of it is stored.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::text_enum;

text_enum!(
    /// How far a pairing is.
    PairingState {
        Starting = "starting",
        /// The code waits to be scanned, or to be typed.
        Scan = "scan",
        /// A person confirms on the phone, with a passkey.
        Passkey = "passkey",
        Connected = "connected",
        Failed = "failed",
        /// Nobody scanned it, or nobody watches any more.
        TimedOut = "timed_out",
    }
);

/// A frame of a conversation's room.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(tag = "kind")]
pub enum RoomFrame {
    /// A piece of what the AI is writing. `index` counts from 0 in each attempt; a higher attempt begins the text anew.
    #[serde(rename = "turn.delta")]
    TurnDelta { turn: Uuid, attempt: i64, index: u64, text: String },
    /// A colleague is typing.
    #[serde(rename = "typing")]
    Typing { user: Typist, at: i64 },
    /// The customer types, or no longer: told anew every few seconds, as the provider does.
    #[serde(rename = "customer.typing")]
    CustomerTyping { on: bool, at: i64 },
    /// How the pairing of a channel goes, in the channel's room. The codes are stored nowhere.
    #[serde(rename = "pairing")]
    Pairing {
        state: PairingState,
        /// What is to be scanned, as a `data:` address of a picture.
        #[serde(skip_serializing_if = "Option::is_none")]
        qr: Option<String>,
        /// What is to be typed on the phone, if its number was given.
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<String>,
        /// Counts the codes to be scanned, from 1.
        attempt: u32,
        /// When the code is about to be replaced, Unix milliseconds.
        #[serde(skip_serializing_if = "Option::is_none")]
        expires_at: Option<i64>,
        /// The provider's word for the account's state, or why it failed.
        #[serde(skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
        /// Why there is nothing to be scanned; it is asked for again.
        #[serde(skip_serializing_if = "Option::is_none")]
        problem: Option<String>,
        /// Why there is nothing to be typed, after a number was given.
        #[serde(skip_serializing_if = "Option::is_none")]
        code_problem: Option<String>,
    },
}

/// Who types.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Typist {
    pub id: Uuid,
    pub name: String,
}
