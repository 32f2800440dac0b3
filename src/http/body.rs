//! The JSON body of a request: bounded, and refused with the name of the field that is wrong.

use axum::extract::{FromRequest, FromRequestParts as _, Request};
use axum::http::{StatusCode, header};
use serde::de::DeserializeOwned;

use super::peer::PeerIp;
use super::problem::{Problem, quoted};
use super::receive;
use crate::app::AppState;

/// A JSON body. An empty one is read as `{}`, so that calls without arguments need none.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned> FromRequest<AppState> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &AppState) -> Result<Self, Problem> {
        read(request, app, app.config.max_body_bytes).await.map(Self)
    }
}

/// The same for calls of those who are not signed in, who have no more to say than a few KiB.
pub struct ShortBody<T>(pub T);

const SHORT_BYTES: usize = 8 * 1024;

impl<T: DeserializeOwned> FromRequest<AppState> for ShortBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &AppState) -> Result<Self, Problem> {
        read(request, app, SHORT_BYTES.min(app.config.max_body_bytes)).await.map(Self)
    }
}

async fn read<T: DeserializeOwned>(request: Request, app: &AppState, limit: usize) -> Result<T, Problem> {
    let kind =
        request.headers().get(header::CONTENT_TYPE).map(|kind| kind.to_str().unwrap_or_default().to_owned());
    let (mut parts, body) = request.into_parts();
    let Ok(peer) = PeerIp::from_request_parts(&mut parts, app).await;
    let bytes = receive::whole(body, limit, &app.admission.budget, peer.counted()).await?;
    // A form of another site can post texts and forms, but not JSON: so only JSON is taken.
    if !bytes.is_empty() && !kind.is_some_and(|kind| is_json(&kind)) {
        let detail = "send JSON, with `content-type: application/json`";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", detail));
    }
    parse(&bytes)
}

fn is_json(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let bytes = if bytes.is_empty() { b"{}" } else { bytes };
    serde_json::from_slice(bytes).map_err(|error| {
        let text = error.to_string();
        let why = text.rsplit_once(" at line ").map_or(text.as_str(), |(why, _)| why);
        if !error.is_data() {
            let detail = format!("the body is not JSON: {text}");
            return Problem::new(StatusCode::BAD_REQUEST, "not_json", detail);
        }
        let inside = field_at(bytes, error.line(), error.column());
        // A missing or unknown field is named by the message, and is inside of the one where the reading stopped.
        let named = (why.starts_with("missing field") || why.starts_with("unknown field"))
            .then(|| quoted(why))
            .flatten();
        let field = match (inside, named) {
            (Some(outer), Some(inner)) if !outer.ends_with(&inner) => Some(format!("{outer}.{inner}")),
            (Some(outer), _) => Some(outer),
            (None, inner) => inner,
        };
        match field {
            Some(field) => Problem::invalid(field, why),
            None => Problem::new(StatusCode::BAD_REQUEST, "invalid", why),
        }
    })
}

/// The path of keys (`settings.quiet_ms`) in which the reading of a JSON text stopped.
fn field_at(text: &[u8], line: usize, column: usize) -> Option<String> {
    let start: usize =
        text.split_inclusive(|byte| *byte == b'\n').take(line.saturating_sub(1)).map(<[u8]>::len).sum();
    let end = (start + column).min(text.len());
    // For each open object its newest key; arrays hold none.
    let mut open: Vec<Option<String>> = Vec::new();
    let (mut at, mut word) = (0, None);
    while at < end {
        match text[at] {
            b'"' => {
                let from = at + 1;
                at = from;
                while at < end && text[at] != b'"' {
                    at += if text[at] == b'\\' { 2 } else { 1 };
                }
                word = Some(String::from_utf8_lossy(&text[from..at.min(end)]).into_owned());
            }
            b':' => {
                if let Some(key) = open.last_mut() {
                    *key = word.take();
                }
            }
            b',' => {
                if let Some(key) = open.last_mut() {
                    *key = None;
                }
            }
            b'{' | b'[' => open.push(None),
            // The last bracket may be where it stopped, when a field is missing in what it closes.
            b'}' | b']' => drop(open.pop()),
            _ => {}
        }
        at += 1;
    }
    let path: Vec<String> = open.into_iter().flatten().collect();
    (!path.is_empty()).then(|| path.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its reading is tested")]
    struct Outer {
        name: String,
        settings: Option<Inner>,
        list: Option<Vec<Inner>>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its reading is tested")]
    struct Inner {
        quiet_ms: i64,
    }

    fn refused(text: &str) -> serde_json::Value {
        serde_json::to_value(parse::<Outer>(text.as_bytes()).expect_err("refused")).expect("json")
    }

    #[test]
    fn the_wrong_field_is_named() {
        assert_eq!(refused("")["field"], "name");
        assert_eq!(refused(r#"{"nam": 1}"#)["field"], "nam");
        assert_eq!(refused(r#"{"name": "x", "nam": 1}"#)["field"], "nam");
        assert_eq!(refused(r#"{"settings": {"quiet_ms": 1, "slow": 2}}"#)["field"], "settings.slow");
        assert_eq!(refused(r#"{"name": "x", "settings": {}}"#)["field"], "settings.quiet_ms");
        assert_eq!(refused(r#"{"name": 1}"#)["field"], "name");
        assert_eq!(
            refused("{\"name\": \"x\",\n \"settings\": {\"quiet_ms\": \"4\"}}")["field"],
            "settings.quiet_ms"
        );
        assert_eq!(
            refused(r#"{"name": "x", "list": [{"quiet_ms": 1}, {"quiet_ms": true}]}"#)["field"],
            "list.quiet_ms"
        );
        assert_eq!(refused(r#"{"name": "a\"b:c", "settings": {"slow": 1}}"#)["field"], "settings.slow");
        let broken = refused("{\"name\"");
        assert_eq!(broken["code"], "not_json");
        assert!(parse::<Outer>(br#"{"name": "x"}"#).is_ok());
    }

    #[test]
    fn any_bytes_are_survived() {
        proptest::proptest!(|(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..60), line in 0usize..4, column in 0usize..80)| {
            let _ = parse::<Outer>(&bytes);
            let _ = field_at(&bytes, line, column);
        });
    }

    #[test]
    fn only_json_is_taken() {
        assert!(is_json("application/json; charset=utf-8") && is_json("application/merge-patch+json"));
        assert!(!is_json("text/plain") && !is_json("application/x-www-form-urlencoded"));
    }
}
