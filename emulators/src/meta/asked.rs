//! What a call to `messages` asks for.

use serde_json::Value;

use super::values::{Mark, Sent};

/// What a body asks for, once it is checked.
pub(super) enum Asked {
    /// A message without its id; the error with which it fails later, if it does; whether anybody gets it.
    Message { sent: Box<Sent>, fails: Option<i64>, is_lost: bool },
    /// A mark or a reaction of the account's, and its answer.
    Mark { mark: Mark, answer: Value },
}
