//! Extracts the JSON body of a request, within a limit. A refusal names the wrong field.

use axum::extract::{FromRequest, FromRequestParts as _, Request};
use axum::http::{StatusCode, header};
use serde::de::DeserializeOwned;

use super::peer::PeerIp;
use super::problem::Problem;
use super::receive;
use crate::admission::Budget;
use crate::app::AppState;
use crate::document::{self, Refused};

/// A JSON body. An empty one is read as `{}`, so that calls without arguments need none.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned> FromRequest<AppState> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &AppState) -> Result<Self, Problem> {
        read(request, app, app.config.limits.max_body_bytes, &app.admission.budget).await.map(Self)
    }
}

/// The same for calls without authentication: at most a few KiB, charged to the strangers' budget.
pub struct ShortBody<T>(pub T);

const SHORT_BYTES: usize = 8 * 1024;

impl<T: DeserializeOwned> FromRequest<AppState> for ShortBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &AppState) -> Result<Self, Problem> {
        read(request, app, SHORT_BYTES.min(app.config.limits.max_body_bytes), &app.admission.strangers)
            .await
            .map(Self)
    }
}

async fn read<T: DeserializeOwned>(
    request: Request,
    app: &AppState,
    limit: usize,
    budget: &Budget,
) -> Result<T, Problem> {
    let kind =
        request.headers().get(header::CONTENT_TYPE).map(|kind| kind.to_str().unwrap_or_default().to_owned());
    let (mut parts, body) = request.into_parts();
    let Ok(peer) = PeerIp::from_request_parts(&mut parts, app).await;
    let bytes = receive::whole(body, limit, budget, peer.counted()).await?;
    parse(&bytes, kind.as_deref())
}

/// Parses a body of this content type.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8], kind: Option<&str>) -> Result<T, Problem> {
    // An HTML form of another site can post text and form data, but not JSON: requiring JSON prevents such requests.
    if !bytes.is_empty() && !kind.is_some_and(is_json) {
        let detail = "send JSON, with `content-type: application/json`";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", detail));
    }
    parse_json(bytes)
}

fn is_json(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    document::read(if bytes.is_empty() { b"{}" } else { bytes }).map_err(|refused| match refused {
        Refused { field: Some(field), problem, .. } => Problem::invalid(field, problem),
        Refused { problem, not_json, .. } => {
            Problem::new(StatusCode::BAD_REQUEST, if not_json { "not_json" } else { "invalid" }, problem)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_its_field() {
        #[derive(Debug, serde::Deserialize)]
        struct Named {
            #[expect(dead_code, reason = "only its reading is tested")]
            name: String,
        }
        let refused = |text: &str| {
            serde_json::to_value(parse_json::<Named>(text.as_bytes()).expect_err("refused")).expect("json")
        };
        assert_eq!(refused("")["field"], "name");
        assert_eq!(refused(r#"{"name": "\u0000"}"#)["field"], "name");
        assert_eq!(refused("{\"name\"")["code"], "not_json");
    }

    #[test]
    fn only_json_is_taken() {
        assert!(is_json("application/json; charset=utf-8") && is_json("application/merge-patch+json"));
        assert!(!is_json("text/plain") && !is_json("application/x-www-form-urlencoded"));
    }
}
