//! Maps the domain's errors to answers: a problem document over HTTP, a code and a sentence over the socket, where the
//! code is the HTTP status if there is one. Internal errors are logged, and their cause is never sent to the caller.
//! `temporary`, which makes the socket's clients retry, is only used when the database is unavailable: a call that
//! fails by itself would fail again, and delay the calls behind it.

use axum::http::StatusCode;
use hub::ErrorReply;

use crate::accounts::{RefreshError, SignInError};
use crate::error::Error;
use crate::http::problem::Problem;
use crate::store::StoreError;

const TAKEN: &str = "there is one like it already";
const UNSTORABLE: &str = "holds something that cannot be stored";

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::Invalid { field, problem } => Self::invalid(field, problem),
            Error::Unauthenticated(why) => Self::unauthenticated(why),
            Error::Forbidden(why) => Self::new(StatusCode::FORBIDDEN, "forbidden", why),
            Error::NotFound(what) => Self::not_found(what),
            Error::Conflict { code, .. } => Self::new(StatusCode::CONFLICT, code, detail),
            Error::Gone { code, .. } => Self::new(StatusCode::GONE, code, detail),
            Error::TooMany { seconds, .. } => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many", detail).retry_after(seconds)
            }
            Error::Away { code, detail, why } => {
                tracing::warn!(why, code, "a request needs what is away");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).retry_after(5)
            }
            Error::Store(error) => error.into(),
            Error::Internal(error) => {
                tracing::error!(error = format!("{error:#}"), "a request failed");
                Self::internal()
            }
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy | StoreError::Retry(_) | StoreError::Closed => {
                let detail = "the server is busy: try again";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).retry_after(1)
            }
            StoreError::Unavailable(why) | StoreError::ReadOnly(why) => {
                tracing::error!(error = why, "the database is unavailable");
                let detail = "the database is not there for the moment: try again";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail).retry_after(2)
            }
            StoreError::Unique(_) => Self::new(StatusCode::CONFLICT, "exists", TAKEN),
            StoreError::Unstorable(why) => {
                tracing::warn!(why, "a request holds text that cannot be stored");
                Self::new(StatusCode::BAD_REQUEST, "invalid", UNSTORABLE)
            }
            StoreError::Engine(_) | StoreError::Unfit { .. } => {
                tracing::error!(%error, "the store failed");
                Self::internal()
            }
        }
    }
}

impl From<SignInError> for Problem {
    fn from(error: SignInError) -> Self {
        let detail = error.to_string();
        match error {
            SignInError::BadCredentials => Self::new(StatusCode::UNAUTHORIZED, "bad_credentials", detail),
            SignInError::TooMany { seconds } => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many", detail).retry_after(seconds)
            }
            SignInError::Other(error) => error.into(),
        }
    }
}

impl From<RefreshError> for Problem {
    fn from(error: RefreshError) -> Self {
        let detail = error.to_string();
        match error {
            RefreshError::Unknown | RefreshError::Over => {
                Self::new(StatusCode::UNAUTHORIZED, "session_over", detail)
            }
            RefreshError::Reused => Self::new(StatusCode::UNAUTHORIZED, "refresh_reused", detail),
            RefreshError::Other(error) => error.into(),
        }
    }
}

/// The refusal of a call over the socket.
pub fn reply(error: &Error) -> ErrorReply {
    let code = match error {
        Error::Invalid { .. } => 400,
        Error::Unauthenticated(_) => return ErrorReply::UNAUTHORIZED,
        Error::Forbidden(_) => 403,
        Error::NotFound(_) => 404,
        Error::Conflict { .. } => 409,
        Error::Gone { .. } => 410,
        Error::TooMany { .. } => 429,
        Error::Away { code, detail, why } => {
            tracing::warn!(why, code, "a call over the socket needs what is away");
            return ErrorReply::new(503, *detail);
        }
        Error::Store(StoreError::Busy | StoreError::Retry(_) | StoreError::Closed) => {
            return ErrorReply::temporary(100, "the server is busy, try again");
        }
        Error::Store(StoreError::Unavailable(_) | StoreError::ReadOnly(_)) => {
            tracing::error!(error = format!("{error:#}"), "the database is unavailable");
            return ErrorReply::temporary(100, "the database is not there for the moment, try again");
        }
        Error::Store(StoreError::Unique(_)) => return ErrorReply::new(409, TAKEN),
        Error::Store(StoreError::Unstorable(why)) => {
            tracing::warn!(why, "a request holds text that cannot be stored");
            return ErrorReply::new(400, UNSTORABLE);
        }
        Error::Store(StoreError::Engine(_) | StoreError::Unfit { .. }) | Error::Internal(_) => {
            tracing::error!(error = format!("{error:#}"), "a call over the socket failed");
            return ErrorReply::new(500, "something went wrong on our side; it has been logged");
        }
    };
    ErrorReply::new(code, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_wrong_inside_is_not_told() {
        let inside = || Error::Internal(anyhow::anyhow!("password=hush"));
        let engine = || Error::Store(StoreError::Engine("select hush".into()));
        for error in [inside(), engine()] {
            assert!(!reply(&error).message.contains("hush"));
            let problem = Problem::from(error);
            assert_eq!(problem.status(), StatusCode::INTERNAL_SERVER_ERROR);
            assert!(!serde_json::to_string(&problem).expect("json").contains("hush"));
        }
    }

    #[test]
    fn each_error_has_its_status_and_code() {
        let table = [
            (Error::invalid("text", "is empty"), 400, "invalid", 400),
            (Error::Unauthenticated("no token"), 401, "unauthenticated", 101),
            (Error::Forbidden("no"), 403, "forbidden", 403),
            (Error::NotFound("conversation"), 404, "not_found", 404),
            (Error::conflict("closed", "it is closed"), 409, "closed", 409),
            (Error::gone("turn_over", "it is over"), 410, "turn_over", 410),
            (Error::TooMany { why: "sends", seconds: 1 }, 429, "too_many", 429),
            (
                Error::Away { code: "history_away", detail: "it is away", why: "hush".into() },
                503,
                "history_away",
                503,
            ),
            (Error::Store(StoreError::Busy), 503, "busy", 100),
            (Error::Store(StoreError::Unavailable("it is away".into())), 503, "unavailable", 100),
        ];
        for (error, status, code, over_the_socket) in table {
            assert_eq!(reply(&error).code, over_the_socket, "{error}");
            let problem = Problem::from(error);
            assert_eq!((problem.status().as_u16(), problem.code()), (status, code));
        }
        let problem = serde_json::to_value(Problem::from(Error::invalid("text", "is empty"))).expect("json");
        assert_eq!(problem["field"], "text");
        assert_eq!(problem["type"], "about:blank");
    }
}
