//! What an answer of the Graph API means: a pure function over status, retry time and body. Each provider knows codes of its
//! own and gives them as a [`Table`]; codes that mean the same everywhere are here.

use serde_json::Value;

use crate::{
    Words,
    call::{Answer, Failure, Verdict},
    json,
};

/// The code of a failure whose token is not accepted any more.
pub(crate) const TOKEN: &str = "token_refused";
/// The code of a failure that ends by waiting.
pub(crate) const RATE: &str = "rate";
/// The customer wrote too long ago: only what the provider allows then can be sent.
pub(crate) const WINDOW_CLOSED: &str = "window_closed";
/// This person cannot be reached, whatever is sent.
pub(crate) const UNREACHABLE: &str = "unreachable";

/// An error object of the Graph API.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fault {
    pub code: i64,
    pub subcode: Option<i64>,
    /// What it says for developers.
    pub message: String,
    /// What it says of this very call, where it does.
    pub details: String,
    /// By which Meta finds the call again.
    pub trace: Option<String>,
}

/// What a code proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// It was refused before the work began: too many calls, closed for a while.
    Later(Option<u64>),
    /// It failed, and the code does not say how far it had come. Only a refusal by status proves that nothing left.
    Failed,
    Refused,
    /// Nothing of this channel works until somebody mends it.
    Down,
}

/// A code that a provider knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    pub meaning: Meaning,
    /// The failure's code; nothing: the number.
    pub name: Option<&'static str>,
    /// For people, before what Meta says.
    pub words: Option<&'static str>,
}

impl Known {
    pub(crate) const fn new(meaning: Meaning) -> Self {
        Self { meaning, name: None, words: None }
    }

    pub(crate) const fn named(meaning: Meaning, name: &'static str, words: &'static str) -> Self {
        Self { meaning, name: Some(name), words: Some(words) }
    }
}

/// The codes of one provider. What it does not know is looked for among those of the whole Graph API.
pub(crate) type Table = fn(&Fault) -> Option<Known>;

impl Fault {
    /// From the object under `error` in an answer, or from one of `errors` in a webhook.
    pub(crate) fn of(error: &Value) -> Option<Self> {
        let code = error.get("code").filter(|code| code.is_i64() || code.is_string()).and_then(json::id)?;
        let data = error.get("error_data").unwrap_or(&Value::Null);
        let details = json::text(data, "details")
            .or_else(|| json::text(error, "error_user_msg"))
            .or_else(|| data.as_str().map(str::to_owned));
        Some(Self {
            code: code.parse().ok()?,
            subcode: json::integer(error, "error_subcode"),
            message: json::text(error, "message").or_else(|| json::text(error, "title")).unwrap_or_default(),
            details: details.unwrap_or_default(),
            trace: json::key(error, "fbtrace_id"),
        })
    }

    /// What it says, for people: the words of ours, then Meta's most exact ones, then the numbers by which Meta and its
    /// documentation find it. The numbers survive the cut.
    pub(crate) fn reason(&self, ours: Option<&str>) -> Words {
        let theirs = if self.details.trim().is_empty() { self.message.trim() } else { self.details.trim() };
        let mut end = format!(" ({}", self.code);
        if let Some(subcode) = self.subcode {
            end.push_str(&format!("/{subcode}"));
        }
        if let Some(trace) = &self.trace {
            end.push_str(&format!(", trace {}", trace.chars().take(40).collect::<String>()));
        }
        end.push(')');
        let text = match ours {
            Some(ours) if theirs.is_empty() => ours.to_owned(),
            Some(ours) => format!("{ours}: {theirs}"),
            None if theirs.is_empty() => "Meta gives no reason".to_owned(),
            None => theirs.to_owned(),
        };
        let room = Words::MOST - end.chars().count();
        let line = Words::from(text);
        if line.chars().count() <= room {
            return format!("{line}{end}").into();
        }
        let short: String = line.chars().take(room - 1).collect();
        format!("{}…{end}", short.trim_end()).into()
    }

    pub(crate) fn known(&self, table: Table) -> Option<Known> {
        table(self).or_else(|| common(self))
    }
}

/// Codes that mean the same in every call.
fn common(fault: &Fault) -> Option<Known> {
    Some(match fault.code {
        1 | 2 => Known::new(Meaning::Failed),
        4 | 17 | 32 | 613 | 80_000..=80_014 => {
            Known::named(Meaning::Later(None), RATE, "Meta asks to slow down")
        }
        0 | 102 | 190 | 463 | 467 => {
            Known::named(Meaning::Down, TOKEN, "Meta does not accept the channel's access any more")
        }
        3 | 10 | 200..=299 => Known::named(Meaning::Down, "permission", "the app lacks a permission"),
        368 => Known::named(Meaning::Down, "policy", "Meta blocks the account for what it did"),
        100 => Known::new(Meaning::Refused),
        _ => return None,
    })
}

/// The answer's JSON, if it is a success.
///
/// Only what proves that nothing happened may be tried again. A 5xx proves nothing: the message may have left before the
/// exception, or before the proxy gave up.
pub(crate) fn judge(answer: &Answer, table: Table) -> Result<Value, Failure> {
    let body = answer.json();
    let fault = json::object(&body, "error").and_then(Fault::of);
    let after_ms = answer.retry_after_s.map(|s| s.saturating_mul(1000));
    if let Some(fault) = fault {
        return Err(fault.failure(answer.status, after_ms, table));
    }
    let reason = format!("the Graph API answered {}", answer.status);
    let fail = |verdict, code: &str| Err(Failure::new(verdict, code, reason.as_str()));
    match answer.status {
        200..=299 if body.is_object() || body.is_array() => Ok(body),
        // Accepted, but the result did not reach us whole.
        200..=299 => fail(Verdict::Unknown, "unreadable_answer"),
        300..=399 => fail(Verdict::ChannelDown, "redirected"),
        401 => fail(Verdict::ChannelDown, TOKEN),
        // The request did not come whole.
        408 => fail(Verdict::Retry { after_ms }, "408"),
        429 => fail(Verdict::Retry { after_ms }, RATE),
        // Said before the work: come back then.
        503 if after_ms.is_some() => fail(Verdict::Retry { after_ms }, "503"),
        status @ 500..=599 => fail(Verdict::Unknown, &status.to_string()),
        status => fail(Verdict::Rejected, &status.to_string()),
    }
}

impl Fault {
    pub(crate) fn failure(&self, status: u16, asked_ms: Option<u64>, table: Table) -> Failure {
        let known = self.known(table);
        let is_refusal = status < 500;
        let verdict = match known.map(|known| known.meaning) {
            Some(Meaning::Later(after_ms)) => Verdict::Retry { after_ms: asked_ms.or(after_ms) },
            Some(Meaning::Failed) if is_refusal => Verdict::Retry { after_ms: asked_ms },
            Some(Meaning::Failed) if status == 503 && asked_ms.is_some() => {
                Verdict::Retry { after_ms: asked_ms }
            }
            Some(Meaning::Refused) => Verdict::Rejected,
            Some(Meaning::Down) => Verdict::ChannelDown,
            None if status == 429 => Verdict::Retry { after_ms: asked_ms },
            None if is_refusal => Verdict::Rejected,
            Some(Meaning::Failed) | None => Verdict::Unknown,
        };
        let name = known.and_then(|known| known.name);
        let code = name.map_or_else(|| self.code.to_string(), str::to_owned);
        Failure::new(verdict, code, self.reason(known.and_then(|known| known.words)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn table(fault: &Fault) -> Option<Known> {
        (fault.code == 10).then(|| Known::named(Meaning::Refused, WINDOW_CLOSED, "the window is closed"))
    }

    fn verdict(status: u16, body: &Value) -> (Verdict, String) {
        let answer = Answer { status, retry_after_s: None, body: body.to_string().into_bytes() };
        let failure = judge(&answer, table).unwrap_err();
        (failure.verdict, failure.code)
    }

    fn error(code: i64) -> Value {
        json!({"error": {"message": "(#1) No", "type": "OAuthException", "code": code, "fbtrace_id": "Abc"}})
    }

    #[test]
    fn a_code_says_more_than_a_status() {
        let cases = [
            (400, 190, Verdict::ChannelDown, TOKEN),
            (400, 10, Verdict::Rejected, WINDOW_CLOSED),
            (403, 200, Verdict::ChannelDown, "permission"),
            (400, 4, Verdict::Retry { after_ms: None }, RATE),
            (500, 4, Verdict::Retry { after_ms: None }, RATE),
            (400, 100, Verdict::Rejected, "100"),
            (500, 100, Verdict::Rejected, "100"),
            (400, 987, Verdict::Rejected, "987"),
            (200, 100, Verdict::Rejected, "100"),
        ];
        for (status, code, expected, name) in cases {
            assert_eq!(verdict(status, &error(code)), (expected, name.to_owned()), "{status} {code}");
        }
    }

    #[test]
    fn what_is_ambiguous_is_never_tried_again() {
        for status in [500, 502, 503, 504, 599] {
            for code in [1, 2, 987] {
                assert_eq!(verdict(status, &error(code)).0, Verdict::Unknown, "{status} {code}");
            }
            assert_eq!(verdict(status, &json!("<html>")).0, Verdict::Unknown);
        }
        assert_eq!(verdict(200, &json!("cut")).0, Verdict::Unknown);
        assert_eq!(verdict(400, &error(2)).0, Verdict::Retry { after_ms: None });
        let asked = Answer { status: 503, retry_after_s: Some(7), body: error(2).to_string().into_bytes() };
        assert_eq!(judge(&asked, table).unwrap_err().verdict, Verdict::Retry { after_ms: Some(7_000) });
    }

    #[test]
    fn a_reason_keeps_its_numbers_whatever_is_said() {
        let fault = Fault {
            code: 131_047,
            subcode: Some(2_494_055),
            message: "Re-engagement message".into(),
            details: "d".repeat(500),
            trace: Some("Atrace".into()),
        };
        let reason = fault.reason(Some("the window is closed"));
        assert!(reason.starts_with("the window is closed: dd"), "{reason}");
        assert!(reason.ends_with("… (131047/2494055, trace Atrace)"), "{reason}");
        assert_eq!(Fault { code: 1, ..Fault::default() }.reason(None), "Meta gives no reason (1)");
    }

    #[test]
    fn an_error_is_read_however_it_is_spelled() {
        let error = json!({"code": "131047", "title": "T", "error_data": "why", "error_subcode": "x"});
        let fault = Fault::of(&error).unwrap();
        assert_eq!((fault.code, fault.message.as_str(), fault.details.as_str()), (131_047, "T", "why"));
        for none in [json!({}), json!({"code": 1.5}), json!({"code": "x"}), json!(7), json!({"code": {}})] {
            assert_eq!(Fault::of(&none), None);
        }
    }
}
