//! What the room of one conversation carries beside the feed. None of it is stored.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

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
}

/// Who types.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Typist {
    pub id: Uuid,
    pub name: String,
}
