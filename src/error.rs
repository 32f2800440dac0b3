//! The domain's errors, as far as a caller branches on them. `refusal.rs` turns them into problem documents and
//! socket error codes.

mod store;

use std::borrow::Cow;

pub use store::StoreError;
pub(crate) use store::told;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A field of the request is invalid: which one, and what to do.
    #[error("{field}: {problem}")]
    Invalid { field: Cow<'static, str>, problem: String },
    #[error("sign in first: {0}")]
    Unauthenticated(&'static str),
    #[error("not allowed: {0}")]
    Forbidden(&'static str),
    /// The object does not exist, or not for this caller: the two are not distinguished.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The object's state does not allow the operation. `code` is stable, for programs.
    #[error("{detail}")]
    Conflict { code: &'static str, detail: String },
    /// The turn, lease or message has ended.
    #[error("{detail}")]
    Gone { code: &'static str, detail: String },
    #[error("too many requests: {why}")]
    TooMany { why: &'static str, seconds: i64 },
    /// Something beside the database is not there for the moment. `code` is stable; `detail` is for people, `why` for the log.
    #[error("{detail}: {why}")]
    Away { code: &'static str, detail: &'static str, why: String },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}

impl Error {
    /// Whether the database, or what is beside it, failed temporarily, so that the same request may succeed later.
    pub fn may_pass(&self) -> bool {
        use StoreError::{Busy, Closed, ReadOnly, Retry, Unavailable};
        matches!(
            self,
            Self::Store(Busy | Closed | ReadOnly(_) | Retry(_) | Unavailable(_)) | Self::Away { .. }
        )
    }

    pub fn invalid(field: impl Into<Cow<'static, str>>, problem: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), problem: problem.into() }
    }

    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::Conflict { code, detail: detail.into() }
    }

    pub fn gone(code: &'static str, detail: impl Into<String>) -> Self {
        Self::Gone { code, detail: detail.into() }
    }
}
