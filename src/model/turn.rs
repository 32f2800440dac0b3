//! A turn: the consecutive customer messages that are answered together.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::text_enum;

text_enum!(TurnState {
    Collecting = "collecting",
    /// A responder holds the lease.
    Offered = "offered",
    Answered = "answered",
    HandedOff = "handed_off",
    Cancelled = "cancelled",
});

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Turn {
    pub id: Uuid,
    pub conversation: Uuid,
    pub state: TurnState,
    pub first_seq: i64,
    pub last_seq: i64,
    pub count: i64,
    pub opened_at: i64,
    /// When it is offered to a responder, if nothing more is written.
    pub due_at: i64,
    pub attempt: i64,
    /// How often a new message took it back from a responder.
    pub supersedes: i64,
    pub lease_until: Option<i64>,
    pub reason: Option<String>,
    /// The conversation's epoch when the turn was opened.
    #[serde(skip)]
    pub epoch: i64,
    #[serde(skip)]
    pub lease: Option<Uuid>,
    #[serde(skip)]
    pub window_at: i64,
}

impl Turn {
    /// The number of failed offers. An offer that a new message interrupted does not count.
    pub fn failed_offers(&self) -> i64 {
        self.attempt - self.supersedes
    }
}
