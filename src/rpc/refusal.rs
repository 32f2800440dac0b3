//! The domain's errors as the socket's: the code is the HTTP status where there is one, the message is for
//! people. What went wrong inside is logged and not told. `temporary`, at which clients come again by themselves, is
//! only what the database cannot do now: a call that fails by itself would fail again, and hold up what is behind it.

use hub::ErrorReply;

use crate::error::Error;
use crate::store::StoreError;

pub(super) fn reply(error: &Error) -> ErrorReply {
    let code = match error {
        Error::Invalid { .. } => 400,
        Error::Unauthenticated(_) => return ErrorReply::UNAUTHORIZED,
        Error::Forbidden(_) => 403,
        Error::NotFound(_) => 404,
        Error::Conflict { .. } => 409,
        Error::Gone { .. } => 410,
        Error::TooMany(_) => 429,
        Error::Store(StoreError::Busy | StoreError::Retry(_) | StoreError::Closed) => {
            return ErrorReply::temporary(100, "the server is busy, try again");
        }
        Error::Store(StoreError::Unavailable(_)) => {
            tracing::error!(error = format!("{error:#}"), "the database is not there");
            return ErrorReply::temporary(100, "the database is not there for the moment, try again");
        }
        Error::Store(StoreError::Unique(_)) => {
            return ErrorReply::new(409, "there is one like it already");
        }
        Error::Store(StoreError::Unstorable(why)) => {
            tracing::warn!(why, "something came in that cannot be stored");
            return ErrorReply::new(400, "holds something that cannot be stored");
        }
        Error::Store(StoreError::Engine(_)) | Error::Internal(_) => {
            tracing::error!(error = format!("{error:#}"), "a call over the socket failed");
            return ErrorReply::new(500, "something went wrong on our side; it has been logged");
        }
    };
    ErrorReply::new(code, error.to_string())
}
