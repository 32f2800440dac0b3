//! One HTTP call to a provider, and what its failure means: was nothing sent, or do we not know? Answers are read
//! with a limit; errors carry neither addresses nor keys.

use std::error::Error as _;

use serde_json::Value;

use crate::outward::{NotPublic, RequestBuilder};
use crate::{ConnectFailure, FetchError, SendError, SendOutcome, Words, json, words};

/// No answer that we use is longer.
const MAX_ANSWER_BYTES: usize = 1 << 20;

/// Longer than any code of ours and of a provider's.
const MAX_CODE_BYTES: usize = 64;

/// The code of [`Failure::not_public`].
pub(crate) const NOT_PUBLIC: &str = "not_public";

/// A provider's answer. A body that broke off is kept as far as it came.
pub(crate) struct Answer {
    pub status: u16,
    pub retry_after_s: Option<u64>,
    pub body: Vec<u8>,
}

/// Why a call did not do what it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub code: String,
    /// For people.
    pub reason: Words,
    pub verdict: Verdict,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing happened; try again.
    Retry { after_ms: Option<u64> },
    /// The provider will not do this.
    Rejected,
    /// The provider will not do anything for this channel.
    ChannelDown,
    /// The request left and no answer came.
    Unknown,
    /// The same, and the provider will not do anything more for this channel.
    UnknownAndDown,
}

impl Failure {
    pub(crate) fn new(verdict: Verdict, code: impl Into<String>, reason: impl Into<Words>) -> Self {
        // Some are the provider's own words, which end in the log and in the channel's state.
        let mut code = code.into();
        code.truncate(code.floor_char_boundary(MAX_CODE_BYTES));
        Self { code, reason: reason.into(), verdict }
    }

    /// The address is one that may not be called. Whatever is there was not asked.
    pub(crate) fn not_public() -> Self {
        Self::new(Verdict::ChannelDown, NOT_PUBLIC, NotPublic.to_string())
    }

    /// A setting of the channel is missing or cannot be used.
    pub(crate) fn setting(name: &str, why: &str) -> Self {
        Self::new(Verdict::ChannelDown, ConnectFailure::BAD_SETTINGS, format!("the channel's {name} {why}"))
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        json::document(&self.body).unwrap_or(Value::Null)
    }

    /// Without what the provider quotes of it.
    pub(crate) fn hiding(mut self, secret: &str) -> Self {
        words::hide(&mut self.body, secret);
        self
    }

    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

pub(crate) async fn call(request: RequestBuilder) -> Result<Answer, Failure> {
    call_up_to(request, MAX_ANSWER_BYTES).await
}

/// An answer that has so many bytes may have had more.
pub(crate) async fn call_up_to(request: RequestBuilder, most_bytes: usize) -> Result<Answer, Failure> {
    let mut response = request.send().await?;
    let status = response.status().as_u16();
    let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
    let retry_after_s = retry_after.and_then(|value| value.trim().parse().ok());
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        let room = most_bytes - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if body.len() == most_bytes {
            break;
        }
    }
    Ok(Answer { status, retry_after_s, body })
}

/// Whether anything can have reached the provider decides between trying again and not knowing.
pub(crate) fn lost(error: reqwest::Error) -> Failure {
    let error = error.without_url();
    if is_not_public(&error) {
        return Failure::not_public();
    }
    let reason = innermost(&error);
    if error.is_builder() {
        Failure::new(
            Verdict::ChannelDown,
            ConnectFailure::BAD_SETTINGS,
            format!("the address or the key cannot be used: {reason}"),
        )
    } else if error.is_connect() {
        Failure::new(
            Verdict::Retry { after_ms: None },
            ConnectFailure::UNREACHABLE,
            format!("could not connect: {reason}"),
        )
    } else if error.is_timeout() {
        Failure::new(Verdict::Unknown, ConnectFailure::NO_ANSWER, "no answer came in time")
    } else {
        Failure::new(
            Verdict::Unknown,
            ConnectFailure::NO_ANSWER,
            format!("the connection broke before the answer: {reason}"),
        )
    }
}

/// Whether it is our own resolver that let nothing of the name's addresses through.
fn is_not_public(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.is::<NotPublic>() {
            return true;
        }
        cause = inner.source();
    }
    false
}

/// The innermost cause, which is the one that says something, without the number that the operating system gives it.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    let mut text = error.to_string();
    while let Some(inner) = cause {
        text = inner.to_string();
        cause = inner.source();
    }
    if let Some(at) = text.find(" (os error ") {
        text.truncate(at);
    }
    text
}

impl From<Failure> for SendOutcome {
    fn from(failure: Failure) -> Self {
        let Failure { code, reason, verdict } = failure;
        match verdict {
            Verdict::Retry { after_ms } => Self::Retry { after_ms, code, reason },
            Verdict::Rejected => Self::Rejected { code, reason, channel_down: false },
            Verdict::ChannelDown => Self::Rejected { code, reason, channel_down: true },
            Verdict::Unknown => Self::Unknown { reason, channel_down: false },
            Verdict::UnknownAndDown => Self::Unknown { reason, channel_down: true },
        }
    }
}

impl From<Failure> for SendError {
    fn from(failure: Failure) -> Self {
        let Failure { code, reason, verdict } = failure;
        // Everything but sending may be done twice.
        let retryable = matches!(verdict, Verdict::Retry { .. } | Verdict::Unknown);
        let channel_down = matches!(verdict, Verdict::ChannelDown | Verdict::UnknownAndDown);
        Self { code, reason, retryable, channel_down }
    }
}

impl From<Failure> for ConnectFailure {
    fn from(failure: Failure) -> Self {
        let SendError { code, reason, retryable, .. } = failure.into();
        Self { code, reason, retryable }
    }
}

impl From<Failure> for FetchError {
    fn from(failure: Failure) -> Self {
        match failure.verdict {
            _ if failure.code == NOT_PUBLIC => Self::NotPublic(NotPublic),
            Verdict::Retry { .. } | Verdict::Unknown | Verdict::UnknownAndDown => {
                Self::Unavailable(failure.reason)
            }
            Verdict::Rejected | Verdict::ChannelDown => Self::Refused(failure.reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_provider_says_of_a_failure_is_short() {
        let long = "é".repeat(100_000);
        let failure = Failure::new(Verdict::Rejected, format!("e{long}"), long.as_str());
        assert_eq!(failure.code, format!("e{}", "é".repeat(31)));
        assert!(failure.reason.as_str().chars().count() <= Words::MOST);
    }
}
