//! What an answer of the Gmail API means: a pure function over status and body.

use serde_json::Value;

use super::wire::ApiError;
use crate::call::{Answer, Failure, Verdict};

/// A limit of a day ends at midnight in California, which may be long from now.
const DAY_LIMIT_MS: u64 = 4 * 60 * 60 * 1000;

pub(super) const NOT_FOUND: &str = "not_found";
pub(super) const SIGNED_OUT: &str = "invalid_grant";

/// Kinds of trouble, each with one way to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    /// Too fast.
    Rate,
    /// Too much for today.
    DayLimit,
    /// The access token ran out.
    Token,
    /// The grant is gone: a person has to sign in again.
    SignedOut,
    NotFound,
    /// Nothing of this channel will be done.
    Forbidden,
    TooLarge,
    /// This request will not be done.
    Refused,
    /// The request did not come whole.
    Incomplete,
    /// It may have been done.
    Server,
    Unreadable,
}

impl Trouble {
    fn of(status: u16, error: &ApiError) -> Self {
        let reason = error.reason.as_deref().unwrap_or_default();
        match reason {
            "rateLimitExceeded"
            | "userRateLimitExceeded"
            | "RATE_LIMIT_EXCEEDED"
            | "RESOURCE_EXHAUSTED"
            | "quotaExceeded" => return Self::Rate,
            "dailyLimitExceeded" | "dailyLimitExceededUnreg" => return Self::DayLimit,
            "invalid_grant" => return Self::SignedOut,
            // The mailbox has no mail service any more.
            "failedPrecondition" | "FAILED_PRECONDITION" if status == 400 => return Self::Forbidden,
            _ => {}
        }
        match status {
            200..=299 => Self::Unreadable,
            401 => Self::Token,
            403 | 300..=399 => Self::Forbidden,
            404 | 410 => Self::NotFound,
            408 => Self::Incomplete,
            413 => Self::TooLarge,
            429 => Self::Rate,
            500..=599 => Self::Server,
            _ => Self::Refused,
        }
    }
}

/// The answer, if it is none of a failure. Only what proves that nothing happened may be tried again.
pub(super) fn judge(answer: Answer) -> Result<Answer, Failure> {
    if answer.is_success() {
        return Ok(answer);
    }
    let error = answer.json().get("error").map(ApiError::read).unwrap_or_default();
    let trouble = Trouble::of(answer.status, &error);
    let after_ms = answer.retry_after_s.map(|seconds| seconds.saturating_mul(1000));
    let (verdict, code) = match trouble {
        Trouble::Rate => (Verdict::Retry { after_ms }, "rate"),
        Trouble::DayLimit => (Verdict::Retry { after_ms: after_ms.or(Some(DAY_LIMIT_MS)) }, "day_limit"),
        Trouble::Token => (Verdict::Retry { after_ms }, "token_expired"),
        Trouble::SignedOut => (Verdict::ChannelDown, SIGNED_OUT),
        Trouble::NotFound => (Verdict::Rejected, NOT_FOUND),
        Trouble::Forbidden => (Verdict::ChannelDown, "forbidden"),
        Trouble::TooLarge => (Verdict::Rejected, "too_large"),
        Trouble::Refused => (Verdict::Rejected, "refused"),
        Trouble::Incomplete => (Verdict::Retry { after_ms }, "incomplete"),
        // Said before the work: come back then.
        Trouble::Server if answer.status == 503 && after_ms.is_some() => {
            (Verdict::Retry { after_ms }, "server")
        }
        Trouble::Server | Trouble::Unreadable => (Verdict::Unknown, "server"),
    };
    let words = error.message.or(error.reason).unwrap_or_else(|| format!("Gmail answered {}", answer.status));
    Err(Failure::new(verdict, code, words))
}

/// The same for a captured body: what has to be done about it.
pub(super) fn action(error: &ApiError) -> Value {
    let word = match Trouble::of(error.code.unwrap_or(400), error) {
        Trouble::Rate | Trouble::DayLimit | Trouble::Incomplete | Trouble::Server => "retry",
        Trouble::Token => "refresh_token",
        Trouble::SignedOut => "reconnect",
        Trouble::NotFound => "full_sync",
        Trouble::Forbidden | Trouble::TooLarge | Trouble::Refused | Trouble::Unreadable => "give_up",
    };
    word.into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn verdict(status: u16, body: &Value, retry_after_s: Option<u64>) -> (Verdict, String) {
        let answer = Answer { status, retry_after_s, body: body.to_string().into_bytes() };
        let failure = judge(answer).err().unwrap();
        (failure.verdict, failure.code)
    }

    fn error(code: u16, reason: &str) -> Value {
        json!({"error": {"code": code, "message": "words", "errors": [{"reason": reason, "domain": "x"}]}})
    }

    #[test]
    fn every_documented_error_has_its_verdict() {
        let retry = |after_ms| Verdict::Retry { after_ms };
        for (status, reason, expected, action) in [
            (403, "rateLimitExceeded", retry(None), "retry"),
            (403, "userRateLimitExceeded", retry(None), "retry"),
            (429, "rateLimitExceeded", retry(None), "retry"),
            (403, "dailyLimitExceeded", retry(Some(DAY_LIMIT_MS)), "retry"),
            (401, "authError", retry(None), "refresh_token"),
            (403, "insufficientPermissions", Verdict::ChannelDown, "give_up"),
            (403, "domainPolicy", Verdict::ChannelDown, "give_up"),
            (404, "notFound", Verdict::Rejected, "full_sync"),
            (400, "invalidArgument", Verdict::Rejected, "give_up"),
            (400, "failedPrecondition", Verdict::ChannelDown, "give_up"),
            (500, "backendError", Verdict::Unknown, "retry"),
            (503, "backendError", Verdict::Unknown, "retry"),
        ] {
            assert_eq!(verdict(status, &error(status, reason), None).0, expected, "{status} {reason}");
            let read = ApiError::read(&error(status, reason)["error"]);
            assert_eq!(super::action(&read), action, "{status} {reason}");
        }
        assert_eq!(verdict(429, &Value::Null, Some(7)).0, retry(Some(7000)));
        assert_eq!(verdict(503, &Value::Null, Some(7)).0, retry(Some(7000)));
        assert_eq!(verdict(400, &json!({"error": "invalid_grant"}), None).1, SIGNED_OUT);
        let quota = json!({"error": {"code": 403, "status": "PERMISSION_DENIED",
            "details": [{"reason": "RATE_LIMIT_EXCEEDED"}]}});
        assert_eq!(verdict(403, &quota, None).0, retry(None));
    }
}
