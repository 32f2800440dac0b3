//! What an answer of a WAHA server means: a pure function over status, retry time and body.

use serde_json::Value;

use crate::{
    call::{Answer, Failure, Verdict},
    json,
};

/// A session that is starting is up within seconds.
const STARTING_RETRY_MS: u64 = 5_000;
/// WhatsApp asked for less.
const OVERLIMIT_RETRY_MS: u64 = 30_000;

/// The answer, if it is a success.
pub(super) fn judge(answer: Answer) -> Result<Answer, Failure> {
    if answer.is_success() {
        return Ok(answer);
    }
    let body = answer.json();
    let text = String::from_utf8_lossy(&answer.body);
    let fail = |verdict, code: &str, reason: &str| Err(Failure::new(verdict, code, reason));
    let after_ms = answer.retry_after_s.map(|s| s.saturating_mul(1000));
    if text.contains("error 463") {
        return fail(
            Verdict::Rejected,
            "463",
            "WhatsApp does not let this number start new chats now; sending on would get it banned",
        );
    }
    if text.contains("rate-overlimit") {
        let after_ms = after_ms.or(Some(OVERLIMIT_RETRY_MS));
        return fail(Verdict::Retry { after_ms }, "rate_overlimit", "WhatsApp asks to slow down");
    }
    match answer.status {
        422 if body.get("expected").is_some() => match json::text(&body, "status").as_deref() {
            Some("STARTING") => {
                let after_ms = after_ms.or(Some(STARTING_RETRY_MS));
                fail(Verdict::Retry { after_ms }, "session_starting", "the WhatsApp session is starting")
            }
            state => {
                let reason = format!("the WhatsApp session is {}", state.unwrap_or("not working"));
                fail(Verdict::ChannelDown, "session_down", &reason)
            }
        },
        401 | 403 => fail(Verdict::ChannelDown, "key_refused", "the WAHA server refuses the API key"),
        404 => fail(Verdict::ChannelDown, "session_unknown", "the WAHA server does not know the session"),
        429 => fail(Verdict::Retry { after_ms }, "429", "the WAHA server asks to slow down"),
        // A gateway gave up on a request that may have gone through.
        status @ (502 | 504) => fail(Verdict::Unknown, &status.to_string(), &explanation(&body, status)),
        status @ 500..=599 => {
            fail(Verdict::Retry { after_ms }, &status.to_string(), &explanation(&body, status))
        }
        status => fail(Verdict::Rejected, &status.to_string(), &explanation(&body, status)),
    }
}

/// The server's own words: they may quote what was sent.
fn explanation(body: &Value, status: u16) -> String {
    let words = json::text(body, "message").or_else(|| json::text(body, "error"));
    let words =
        words.or_else(|| json::list(body, "message").iter().find_map(Value::as_str).map(str::to_owned));
    match words {
        Some(words) => format!("WAHA: {words}"),
        None => format!("the WAHA server answered {status}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(status: u16, body: &str) -> (Verdict, String) {
        let answer = Answer { status, retry_after_s: None, body: body.as_bytes().to_vec() };
        let failure = judge(answer).err().unwrap();
        (failure.verdict, failure.code)
    }

    #[test]
    fn every_documented_error_has_its_verdict() {
        let session = |status: &str| {
            serde_json::json!({"error": "Session status is not as expected.", "session": "s", "status": status,
                "expected": ["WORKING"]})
            .to_string()
        };
        let starting = Verdict::Retry { after_ms: Some(STARTING_RETRY_MS) };
        assert_eq!(verdict(422, &session("STARTING")), (starting, "session_starting".into()));
        for state in ["SCAN_QR_CODE", "STOPPED", "FAILED", "A_NEW_ONE"] {
            assert_eq!(
                verdict(422, &session(state)),
                (Verdict::ChannelDown, "session_down".into()),
                "{state}"
            );
        }
        assert_eq!(
            verdict(422, r#"{"message":["chatId must be a string"]}"#),
            (Verdict::Rejected, "422".into())
        );
        let reputation = r#"{"statusCode":500,"exception":{"message":"server returned error 463"}}"#;
        assert_eq!(verdict(500, reputation), (Verdict::Rejected, "463".into()));
        let overlimit = Verdict::Retry { after_ms: Some(OVERLIMIT_RETRY_MS) };
        assert_eq!(verdict(500, "rate-overlimit"), (overlimit, "rate_overlimit".into()));
        assert_eq!(verdict(401, ""), (Verdict::ChannelDown, "key_refused".into()));
        assert_eq!(verdict(404, ""), (Verdict::ChannelDown, "session_unknown".into()));
        assert_eq!(verdict(503, "<html>"), (Verdict::Retry { after_ms: None }, "503".into()));
        assert_eq!(verdict(400, "{}"), (Verdict::Rejected, "400".into()));
    }

    #[test]
    fn the_servers_wish_to_wait_is_kept() {
        let answer = Answer { status: 429, retry_after_s: Some(3), body: Vec::new() };
        assert_eq!(judge(answer).err().unwrap().verdict, Verdict::Retry { after_ms: Some(3000) });
    }
}
