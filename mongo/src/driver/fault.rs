//! What can go wrong, as far as a caller branches on it.

use std::fmt;

use mongodb::bson::Document;
use mongodb::error::{Error, ErrorKind};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is not there, or not able to take writes now: the same may work later.
    Away(String),
    /// It said no, and will say so again.
    Refused(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Away(why) => write!(f, "MongoDB is away: {why}"),
            Self::Refused(why) => write!(f, "MongoDB refused: {why}"),
        }
    }
}

impl std::error::Error for Fault {}

/// Codes of a server that is about to stop, has lost its place, or waits for others.
const PASSING: &[i32] = &[6, 7, 50, 64, 89, 91, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436];

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let why = error.to_string();
        let passes = match &*error.kind {
            ErrorKind::Io(_)
            | ErrorKind::ServerSelection { .. }
            | ErrorKind::ConnectionPoolCleared { .. }
            | ErrorKind::DnsResolve { .. }
            | ErrorKind::Authentication { .. } => true,
            ErrorKind::Command(said) => PASSING.contains(&said.code),
            _ => error.contains_label("RetryableWriteError"),
        };
        if passes { Self::Away(why) } else { Self::Refused(why) }
    }
}

impl Fault {
    /// What an answer of the server says of a write concern that was not met.
    pub(super) fn of_concern(said: &Document) -> Option<Self> {
        let failed = said.get_document("writeConcernError").ok()?;
        let why = failed.get_str("errmsg").unwrap_or("a majority did not acknowledge it");
        Some(Self::Away(why.to_owned()))
    }
}
