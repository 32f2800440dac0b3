//! Problem documents (RFC 9457) with a stable `code` for programs and a sentence for people, and the refusals of the
//! HTTP layer itself. `refusal.rs` maps domain errors to problems.

use adapters::Words;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Serialize;
use utoipa::ToSchema;

use crate::admission::rates::Wait;

pub type Result<T, E = Problem> = std::result::Result<T, E>;

/// A refusal: the problem document of RFC 9457.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`: `code` tells problems apart.
    #[serde(rename = "type")]
    #[schema(rename = "type")]
    kind: &'static str,
    /// The status in words.
    title: &'static str,
    status: u16,
    /// What was wrong and what to do, for people.
    detail: String,
    /// The field of the request that was wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// Stable, for programs: `not_found`, `bad_credentials`, …
    code: &'static str,
    #[serde(skip)]
    retry_after_s: Option<i64>,
}

impl Problem {
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        let (status, detail) = (status.as_u16(), detail.into());
        Self { kind: "about:blank", title, status, detail, field: None, code, retry_after_s: None }
    }

    pub fn invalid(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..Self::new(StatusCode::BAD_REQUEST, "invalid", detail) }
    }

    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("there is no such {what}"))
    }

    pub fn unauthenticated(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
    }

    pub fn internal() -> Self {
        let detail = "something went wrong on our side; it has been logged";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    #[must_use]
    pub fn retry_after(mut self, seconds: i64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The whole answer with its head, for a connection that is closed after it.
    pub fn whole_answer(&self) -> Bytes {
        // A struct of strings and numbers always serialises.
        let body = serde_json::to_string(self).unwrap_or_default();
        let wait =
            self.retry_after_s.map_or_else(String::new, |seconds| format!("retry-after: {seconds}\r\n"));
        format!(
            "HTTP/1.1 {} {}\r\ncontent-type: application/problem+json\r\ncache-control: no-store\r\n\
             connection: close\r\n{wait}content-length: {}\r\n\r\n{body}",
            self.status,
            self.title,
            body.len()
        )
        .into()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        // A struct of strings and numbers always serialises.
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (self.status(), body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        if self.status == 401 {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<Wait> for Problem {
    fn from(Wait { seconds }: Wait) -> Self {
        let detail = format!("too many calls at once: the next is heard in {seconds} s");
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many", detail).retry_after(seconds)
    }
}

impl From<PathRejection> for Problem {
    /// A path whose id is not an id does not exist.
    fn from(_: PathRejection) -> Self {
        Self::not_found("thing: the address holds no valid id")
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        let text = rejection.body_text();
        let why = text.split_once(": ").map_or(text.as_str(), |(_, why)| why);
        match why.split_once(": ") {
            Some((field, why)) if !field.contains(' ') => Self::invalid(field, why),
            _ => Self { field: quoted(why), ..Self::new(StatusCode::BAD_REQUEST, "invalid", why) },
        }
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        Self::new(rejection.status(), "invalid", rejection.body_text())
    }
}

/// The first word in backticks: how serde names a missing or unknown field.
pub(super) fn quoted(text: &str) -> Option<String> {
    let (_, rest) = text.split_once('`')?;
    rest.split_once('`').map(|(word, _)| word.to_owned())
}

/// The answer while there are no file descriptors for another socket; `/health/ready` gives it too.
pub fn no_descriptors() -> Problem {
    let detail = "the server has too many open connections: it keeps those, and takes no new ones for now";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no_descriptors", detail).retry_after(NO_DESCRIPTORS_WAIT_S)
}

/// The same as a whole answer, for connections that are closed before a request is read.
pub fn no_descriptors_answer() -> Bytes {
    no_descriptors().whole_answer()
}

/// The memory budget is exhausted, for this address or for all.
pub fn no_room() -> Problem {
    let detail = "too much is being received at this moment: come again in some seconds";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no_room", detail).retry_after(NO_ROOM_WAIT_S)
}

pub fn no_room_answer() -> Bytes {
    no_room().whole_answer()
}

/// The address has its maximum of unfinished requests.
pub fn too_many_unfinished() -> Problem {
    let detail = "too many connections or unfinished requests from this address: finish some of them first";
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_unfinished", detail).retry_after(NO_ROOM_WAIT_S)
}

/// The head of a request is over its limit. The HTTP library refuses it with a bare status, which this replaces.
pub fn long_head_answer(most: usize) -> Bytes {
    let detail = format!("the head of a request has at most {most} bytes and 100 lines here");
    Problem::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "head_too_large", detail).whole_answer()
}

pub fn long_address_answer(most: usize) -> Bytes {
    let detail = format!("the address of a request has less than {most} bytes here");
    Problem::new(StatusCode::URI_TOO_LONG, "address_too_long", detail).whole_answer()
}

pub fn unreadable_answer() -> Bytes {
    let detail = "this is not a request of HTTP/1.1";
    Problem::new(StatusCode::BAD_REQUEST, "unreadable", detail).whole_answer()
}

const NO_ROOM_WAIT_S: i64 = 5;
const NO_DESCRIPTORS_WAIT_S: i64 = 5;

/// The answer for unknown paths below the API.
pub async fn no_such_path() -> Problem {
    Problem::not_found("address")
}

pub async fn wrong_method() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "this address does not take this method",
    )
}

/// The answer of a handler that panicked. The panic itself is in the log.
#[expect(clippy::needless_pass_by_value, reason = "the layer that calls it hands the value over")]
pub fn panicked(what: Box<dyn std::any::Any + Send + 'static>) -> Response {
    let text = what.downcast_ref::<String>().map(String::as_str).or(what.downcast_ref::<&str>().copied());
    // It may quote what was sent, at any length.
    let text = Words::from(text.unwrap_or("not a text"));
    tracing::error!(panic = text.as_str(), "a handler panicked");
    metrics::counter!("hubbub_http_panics_total").increment(1);
    Problem::internal().into_response()
}
