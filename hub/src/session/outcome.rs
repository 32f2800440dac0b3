//! What a command comes to.

use crate::protocol::{
    codes::{CloseCode, ErrorReply},
    reply::Reply,
};

pub(super) enum Outcome {
    Reply(Reply),
    /// Answered already, or never to be.
    Done,
    Close(CloseCode),
}

impl From<Result<Reply, ErrorReply>> for Outcome {
    fn from(result: Result<Reply, ErrorReply>) -> Self {
        Outcome::Reply(result.unwrap_or_else(Reply::Error))
    }
}
