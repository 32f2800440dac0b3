//! What an answer of the Bot API means: a pure function over status and body.

use serde_json::Value;

use super::wire;
use crate::call::{Failure, Verdict};

/// An answer that is not a failure.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reply {
    Done(Value),
    /// There was nothing to do any more (an expired button press, an unchanged message).
    Nothing,
    /// The group became a supergroup: ask again with this chat id.
    Moved(i64),
}

/// Refusals of the place in the chat (in small letters), with the code and the reason for people.
const PLACES: &[(&str, &str, &str)] = &[
    ("message thread not found", "thread_not_found", "the topic is not there any more"),
    ("topic_deleted", "thread_not_found", "the topic is not there any more"),
    ("topic_closed", "topic_closed", "the topic is closed"),
    (
        "direct messages topic",
        "thread_not_found",
        "the customer's conversation with the channel is not there",
    ),
    ("business connection", "connection_gone", "the account does not let the bot act for it any more"),
    ("business_connection", "connection_gone", "the account does not let the bot act for it any more"),
    ("business_peer", "connection_peer", "the account does not let the bot answer in this chat"),
];

/// Only what proves that nothing happened may be tried again.
pub(super) fn judge(status: u16, body: &[u8]) -> Result<Reply, Failure> {
    let answer = wire::Answer::read(body);
    if let Some(result) = answer.result {
        return Ok(Reply::Done(result));
    }
    // The body's code is the API's own; the status may be a proxy's.
    let code = answer.error_code.unwrap_or(status);
    let description = answer.description.unwrap_or_else(|| format!("the Bot API answered {status}"));
    let says = |words: &str| description.to_ascii_lowercase().contains(words);
    let fail = |verdict, code: &str| Err(Failure::new(verdict, code, description.clone()));
    match code {
        // Accepted, but the result did not reach us whole.
        200..=299 => fail(Verdict::Unknown, "unreadable_answer"),
        429 => fail(Verdict::Retry { after_ms: answer.retry_after_s.map(|s| s.saturating_mul(1000)) }, "429"),
        // The request did not come whole.
        408 => fail(Verdict::Retry { after_ms: None }, "408"),
        // Said before the work: come back then.
        503 if answer.retry_after_s.is_some() => {
            fail(Verdict::Retry { after_ms: answer.retry_after_s.map(|s| s.saturating_mul(1000)) }, "503")
        }
        // The message may have left before the API failed, or before a proxy gave up.
        500..=599 => fail(Verdict::Unknown, &code.to_string()),
        300..=399 => fail(Verdict::ChannelDown, "redirected"),
        401 | 404 => fail(Verdict::ChannelDown, "token_refused"),
        409 => fail(Verdict::ChannelDown, "second_consumer"),
        403 if says("blocked") => fail(Verdict::Rejected, "blocked"),
        403 if says("deactivated") => fail(Verdict::Rejected, "deactivated"),
        403 if says("kicked") => fail(Verdict::Rejected, "kicked"),
        403 if says("initiate") => fail(Verdict::Rejected, "not_started"),
        403 => fail(Verdict::Rejected, "forbidden"),
        400 => match answer.migrate_to_chat_id {
            Some(chat) => Ok(Reply::Moved(chat)),
            None if says("query is too old") || says("message is not modified") => Ok(Reply::Nothing),
            None if says("chat not found") => fail(Verdict::Rejected, "chat_not_found"),
            None if says("too long") => fail(Verdict::Rejected, "too_long"),
            None => match PLACES.iter().find(|(words, ..)| says(words)) {
                Some((_, code, reason)) => {
                    Err(Failure::new(Verdict::Rejected, *code, format!("{reason} ({description})")))
                }
                None => fail(Verdict::Rejected, "400"),
            },
        },
        _ => fail(Verdict::Rejected, &code.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(status: u16, body: &str) -> (Verdict, String) {
        let failure = judge(status, body.as_bytes()).unwrap_err();
        (failure.verdict, failure.code)
    }

    fn error(code: u16, description: &str) -> String {
        serde_json::json!({"ok": false, "error_code": code, "description": description}).to_string()
    }

    #[test]
    fn every_documented_error_has_its_verdict() {
        let flood = r#"{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 7","parameters":{"retry_after":7}}"#;
        assert_eq!(verdict(429, flood), (Verdict::Retry { after_ms: Some(7000) }, "429".into()));
        for status in [500, 502, 503, 504, 520] {
            assert_eq!(verdict(status, "<html>bad gateway"), (Verdict::Unknown, status.to_string()));
        }
        assert_eq!(verdict(408, "").0, Verdict::Retry { after_ms: None });
        let cases = [
            (403, "Forbidden: bot was blocked by the user", Verdict::Rejected, "blocked"),
            (403, "Forbidden: user is deactivated", Verdict::Rejected, "deactivated"),
            (403, "Forbidden: bot was kicked from the group chat", Verdict::Rejected, "kicked"),
            (403, "Forbidden: bot can't initiate conversation with a user", Verdict::Rejected, "not_started"),
            (400, "Bad Request: chat not found", Verdict::Rejected, "chat_not_found"),
            (400, "Bad Request: message is too long", Verdict::Rejected, "too_long"),
            (400, "Bad Request: can't parse entities", Verdict::Rejected, "400"),
            (401, "Unauthorized", Verdict::ChannelDown, "token_refused"),
            (404, "Not Found", Verdict::ChannelDown, "token_refused"),
            (
                409,
                "Conflict: terminated by other getUpdates request",
                Verdict::ChannelDown,
                "second_consumer",
            ),
            (500, "Internal Server Error", Verdict::Unknown, "500"),
            (400, "Bad Request: message thread not found", Verdict::Rejected, "thread_not_found"),
            (400, "Bad Request: TOPIC_CLOSED", Verdict::Rejected, "topic_closed"),
            (400, "Bad Request: BUSINESS_CONNECTION_INVALID", Verdict::Rejected, "connection_gone"),
            (400, "Bad Request: business connection not found", Verdict::Rejected, "connection_gone"),
        ];
        for (code, description, expected, name) in cases {
            assert_eq!(verdict(code, &error(code, description)), (expected, name.into()), "{description}");
        }
    }

    #[test]
    fn harmless_and_moved_are_no_failures() {
        let old =
            error(400, "Bad Request: query is too old and response timeout expired or query ID is invalid");
        assert_eq!(judge(400, old.as_bytes()), Ok(Reply::Nothing));
        let moved = r#"{"ok":false,"error_code":400,"description":"Bad Request: group chat was upgraded to a supergroup chat","parameters":{"migrate_to_chat_id":-1005550000001}}"#;
        assert_eq!(judge(400, moved.as_bytes()), Ok(Reply::Moved(-1_005_550_000_001)));
        assert_eq!(judge(200, br#"{"ok":true,"result":true}"#), Ok(Reply::Done(Value::Bool(true))));
    }

    #[test]
    fn an_accepted_call_with_a_broken_answer_is_unknown() {
        assert_eq!(verdict(200, r#"{"ok":true,"resu"#).0, Verdict::Unknown);
        assert_eq!(verdict(200, "").0, Verdict::Unknown);
    }
}
