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

/// What becomes of a call whose failure says a thing that we know. Gateways put refusals into a 500 as well.
enum Meaning {
    /// Nothing was sent, and the same may work in a while.
    Later(u64),
    Refused,
    Down,
    /// Nothing more leaves until somebody mends it, and nobody knows of this one.
    Broken,
}

/// Words of the server (in small letters), each with the code and the reason for people. All but the `Broken` ones are
/// said before the message is handed over, or are WhatsApp's own refusal of it. Words that are said before and after it
/// (a connection that was closed or timed out) are no proof and not here.
const KNOWN: &[(&str, Meaning, &str, &str)] = &[
    (
        "error 463",
        Meaning::Refused,
        "463",
        "WhatsApp does not let this number start new chats now; sending on would get it banned",
    ),
    (
        "error 475",
        Meaning::Refused,
        "475",
        "this number has used up what WhatsApp lets it write to new chats",
    ),
    ("rate-overlimit", Meaning::Later(OVERLIMIT_RETRY_MS), "rate_overlimit", "WhatsApp asks to slow down"),
    ("error 429", Meaning::Later(OVERLIMIT_RETRY_MS), "rate_overlimit", "WhatsApp asks to slow down"),
    ("no lid for user", Meaning::Refused, "no_such_user", "WhatsApp knows nobody under this number"),
    ("no lid found for", Meaning::Refused, "no_such_user", "WhatsApp knows nobody under this number"),
    ("number does not exist", Meaning::Refused, "no_such_user", "WhatsApp knows nobody under this number"),
    (
        "not registered on whatsapp",
        Meaning::Refused,
        "no_such_user",
        "WhatsApp knows nobody under this number",
    ),
    ("invalid wid", Meaning::Refused, "bad_chat", "WhatsApp has no such chat"),
    ("invalid jid", Meaning::Refused, "bad_chat", "WhatsApp has no such chat"),
    ("unknown user server", Meaning::Refused, "bad_chat", "WhatsApp has no such chat"),
    ("chat not found", Meaning::Refused, "chat_not_found", "WhatsApp has no such chat"),
    (
        "no sessions",
        Meaning::Refused,
        "no_encryption",
        "the message could not be encrypted for this chat; linking the phone again helps",
    ),
    // The browser's, of whichever of the engine's calls met the closed page: that of the send, or one after it.
    ("session closed", Meaning::Broken, "session_closed", "the page of the WhatsApp session was closed"),
    ("target closed", Meaning::Broken, "session_closed", "the page of the WhatsApp session was closed"),
    ("page crashed", Meaning::Broken, "session_closed", "the page of the WhatsApp session crashed"),
    // Before anything else is done.
    (
        "store doesn't contain a device jid",
        Meaning::Down,
        "session_down",
        "no phone is linked to the session",
    ),
];

/// The answer, if it is a success.
///
/// Only what proves that nothing happened may be tried again. A 5xx proves nothing: the message may have left before
/// the exception, or before the proxy gave up.
pub(super) fn judge(answer: Answer) -> Result<Answer, Failure> {
    if answer.is_success() {
        return Ok(answer);
    }
    let body = answer.json();
    let words = words(&body, &answer.body);
    let after_ms = answer.retry_after_s.map(|s| s.saturating_mul(1000));
    let fail = |verdict, code: &str, reason: &str| Err(Failure::new(verdict, code, reason));
    if let Some(failure) = words.as_deref().and_then(|words| known(words, &body, after_ms)) {
        return Err(failure);
    }
    let explanation = explanation(words.as_deref(), answer.status);
    match answer.status {
        // The server looks at the session before it asks the engine.
        422 if is_session_state(&body, words.as_deref()) => match json::text(&body, "status").as_deref() {
            Some("STARTING") => {
                let after_ms = after_ms.or(Some(STARTING_RETRY_MS));
                fail(Verdict::Retry { after_ms }, "session_starting", "the WhatsApp session is starting")
            }
            state => {
                let reason = format!("the WhatsApp session is {}", state.unwrap_or("not working"));
                fail(Verdict::ChannelDown, "session_down", &reason)
            }
        },
        300..=399 => fail(
            Verdict::ChannelDown,
            "redirected",
            "the address answers with another address; the channel needs the one that it points to",
        ),
        401 | 403 => fail(Verdict::ChannelDown, "key_refused", "the WAHA server refuses the API key"),
        404 => fail(Verdict::ChannelDown, "session_unknown", "the WAHA server does not know the session"),
        // The request did not come whole, unless the server itself gave up on its own work.
        408 if body.get("exception").is_none() => fail(Verdict::Retry { after_ms }, "408", &explanation),
        429 => fail(Verdict::Retry { after_ms }, "429", "the WAHA server asks to slow down"),
        // The engine has no such call.
        501 => fail(Verdict::Rejected, "501", &explanation),
        // Said before the work: come back then.
        503 if after_ms.is_some() => fail(Verdict::Retry { after_ms }, "503", &explanation),
        status @ (408 | 500..=599) => fail(Verdict::Unknown, &status.to_string(), &explanation),
        status => fail(Verdict::Rejected, &status.to_string(), &explanation),
    }
}

fn known(words: &str, body: &Value, after_ms: Option<u64>) -> Option<Failure> {
    let small = words.to_lowercase();
    if let Some((_, meaning, code, reason)) = KNOWN.iter().find(|(known, ..)| says(&small, known)) {
        let verdict = match meaning {
            Meaning::Later(pause_ms) => Verdict::Retry { after_ms: after_ms.or(Some(*pause_ms)) },
            Meaning::Refused => Verdict::Rejected,
            Meaning::Down => Verdict::ChannelDown,
            Meaning::Broken => Verdict::UnknownAndDown,
        };
        return Some(Failure::new(verdict, *code, *reason));
    }
    if is_not_connected(&small) {
        let verdict = Verdict::Retry { after_ms: after_ms.or(Some(STARTING_RETRY_MS)) };
        return Some(Failure::new(verdict, "not_connected", "WhatsApp is not connected"));
    }
    // WhatsApp's own answer to the message, which an engine hands on.
    if let Some(code) = server_error(&small).filter(|code| (400..500).contains(code)) {
        let reason = format!("WhatsApp refused the message (error {code})");
        return Some(Failure::new(Verdict::Rejected, code.to_string(), reason));
    }
    // The engine fetches a file before it sends it.
    let exception = body.get("exception")?;
    let stack = json::text(exception, "stack").unwrap_or_default();
    if json::text(exception, "name").as_deref() == Some("AxiosError") && stack.contains("fileToMedia") {
        let reason = format!("the WAHA server could not fetch the file: {words}");
        return Some(Failure::new(Verdict::Rejected, "file_not_fetched", reason));
    }
    None
}

/// GOWS found no connection at a step that it names (`failed to send message node: websocket not connected`), so the
/// message was not written. Without a step it may be the repetition of a frame that was written to the connection before.
fn is_not_connected(text: &str) -> bool {
    text.split_once("failed to ").is_some_and(|(_, step)| step.contains(": websocket not connected"))
}

/// Does a 422 speak of the state of the session, and not of a field of the request?
fn is_session_state(body: &Value, words: Option<&str>) -> bool {
    let said = |words: &str| words.to_lowercase().contains("session status is not as expected");
    body.get("expected").is_some() || words.is_some_and(said)
}

/// Whether the words are there, and a number at their end is not the beginning of a longer one.
fn says(text: &str, known: &str) -> bool {
    text.match_indices(known).any(|(at, _)| {
        let ends_in_digit = known.ends_with(|c: char| c.is_ascii_digit());
        !ends_in_digit || !text[at + known.len()..].starts_with(|c: char| c.is_ascii_digit())
    })
}

/// The number in `server returned error 400`.
fn server_error(text: &str) -> Option<u16> {
    let rest = text.split_once("server returned error ")?.1;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// The server's own words. The body of an exception also quotes the request, whose words are the message's and must
/// not be taken for the server's.
fn words(body: &Value, bytes: &[u8]) -> Option<String> {
    if body.is_null() {
        // No JSON: a proxy's page, or a bare word.
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4096)]);
        let plain = text.trim();
        let is_page = plain.starts_with('<');
        return Some(plain.to_owned()).filter(|plain| !plain.is_empty() && !is_page);
    }
    let named = |value: &Value| {
        let names = ["message", "details", "error", "description"];
        let texts = names.iter().find_map(|name| json::text(value, name));
        texts.or_else(|| json::list(value, "message").iter().find_map(Value::as_str).map(str::to_owned))
    };
    body.get("exception").and_then(named).or_else(|| named(body))
}

/// For people, shortened.
fn explanation(words: Option<&str>, status: u16) -> String {
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
        assert_eq!(verdict(400, "{}"), (Verdict::Rejected, "400".into()));
    }

    #[test]
    fn a_server_error_does_not_say_whether_the_message_left() {
        let exception =
            r#"{"statusCode":500,"exception":{"message":"an inner step failed","name":"TypeError"}}"#;
        let answer = Answer { status: 500, retry_after_s: None, body: exception.as_bytes().to_vec() };
        let failure = judge(answer).err().unwrap();
        assert_eq!(
            (failure.verdict, failure.reason.as_str()),
            (Verdict::Unknown, "WAHA: an inner step failed")
        );
        for (status, body) in [
            (500, ""),
            (500, r#"{"exception":{"message":"2 UNKNOWN: websocket not connected"}}"#),
            (500, r#"{"exception":{"message":"Connection Closed"}}"#),
            (500, r#"{"message":"Internal server error"}"#),
            (502, "<html>Bad Gateway"),
            (503, "<html>Service Unavailable"),
            (504, "<html>Gateway Time-out"),
            (408, r#"{"exception":{"message":"timed out after the send"}}"#),
            (520, ""),
        ] {
            assert_eq!(verdict(status, body), (Verdict::Unknown, status.to_string()), "{status} {body}");
        }
        let busy = Answer { status: 503, retry_after_s: Some(2), body: Vec::new() };
        assert_eq!(judge(busy).err().unwrap().verdict, Verdict::Retry { after_ms: Some(2000) });
        assert_eq!(verdict(408, "").0, Verdict::Retry { after_ms: None });
    }

    #[test]
    fn refusals_inside_an_exception_are_known_by_their_words() {
        let of = |message: &str| {
            serde_json::json!({"statusCode": 500, "exception": {"message": message}}).to_string()
        };
        for (message, expected, code) in [
            ("2 UNKNOWN: server returned error 475", Verdict::Rejected, "475"),
            ("2 UNKNOWN: server returned error 400", Verdict::Rejected, "400"),
            ("Evaluation failed: Error: No LID for user", Verdict::Rejected, "no_such_user"),
            (
                "2 UNKNOWN: no LID found for 12025550143@s.whatsapp.net from server",
                Verdict::Rejected,
                "no_such_user",
            ),
            ("wid error: invalid wid", Verdict::Rejected, "bad_chat"),
            ("No sessions", Verdict::Rejected, "no_encryption"),
            ("2 UNKNOWN: the store doesn't contain a device JID", Verdict::ChannelDown, "session_down"),
            (
                "2 UNKNOWN: failed to send message node: websocket not connected",
                Verdict::Retry { after_ms: Some(STARTING_RETRY_MS) },
                "not_connected",
            ),
        ] {
            assert_eq!(verdict(500, &of(message)), (expected, code.into()), "{message}");
        }
        assert_eq!(verdict(500, &of("server returned error 4631")).1, "500");
        let file = serde_json::json!({"exception": {"message": "Request failed with status code 404",
            "name": "AxiosError", "stack": "at async WhatsappSessionGoWSPlus.fileToMedia (session.js:44:23)"}});
        assert_eq!(verdict(500, &file.to_string()), (Verdict::Rejected, "file_not_fetched".into()));
    }

    #[test]
    fn a_page_that_is_gone_says_nothing_of_the_message_and_all_of_the_channel() {
        for words in [
            "Protocol error (Runtime.callFunctionOn): Session closed. Most likely the page has been closed.",
            "Protocol error (Runtime.callFunctionOn): Target closed",
            "Page crashed!",
        ] {
            let body = serde_json::json!({"statusCode": 500, "exception": {"message": words}}).to_string();
            assert_eq!(verdict(500, &body), (Verdict::UnknownAndDown, "session_closed".into()), "{words}");
        }
        // What the server says before it asks its engine is a refusal.
        let refused =
            r#"{"message":"Session status is not as expected. Try again later or restart the session"}"#;
        assert_eq!(verdict(422, refused), (Verdict::ChannelDown, "session_down".into()));
    }

    #[test]
    fn the_messages_own_words_are_not_the_servers() {
        let body = serde_json::json!({"exception": {"message": "boom"},
            "request": {"body": {"text": "what does error 463 mean? rate-overlimit, invalid wid"}}});
        assert_eq!(verdict(500, &body.to_string()), (Verdict::Unknown, "500".into()));
    }

    #[test]
    fn the_servers_wish_to_wait_is_kept() {
        let answer = Answer { status: 429, retry_after_s: Some(3), body: Vec::new() };
        assert_eq!(judge(answer).err().unwrap().verdict, Verdict::Retry { after_ms: Some(3000) });
    }
}
