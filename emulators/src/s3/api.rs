//! The calls of a bucket that a program with objects makes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{DefaultBodyLimit, Request, State as Extracted};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};

use super::sign;
use super::state::{ACCESS_KEY, BUCKET, S3Fail, SECRET_KEY, Shared, State};

const MAX_BODY_BYTES: usize = 64 << 20;
/// Of all parts but the last one.
const MIN_PART: usize = 5 << 20;

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new().fallback(call).layer(DefaultBodyLimit::disable()).with_state(shared)
}

async fn call(Extracted(shared): Extracted<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY_BYTES).await else {
        return error(StatusCode::BAD_REQUEST, "EntityTooLarge");
    };
    if !sign::is_signed(&parts.method, &parts.uri, &parts.headers, &body, (ACCESS_KEY, SECRET_KEY)) {
        return error(StatusCode::FORBIDDEN, "SignatureDoesNotMatch");
    }
    let path = parts.uri.path().trim_start_matches('/');
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    if bucket != BUCKET {
        return error(StatusCode::NOT_FOUND, "NoSuchBucket");
    }
    let query: BTreeMap<String, String> =
        url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let is_new = parts.headers.get("if-none-match").is_some_and(|tags| tags == "*");
    if is_new && shared.state.read(|state| state.objects.contains_key(key)) {
        return error(StatusCode::PRECONDITION_FAILED, "PreconditionFailed");
    }
    let failure = shared.state.change(|state| {
        state.calls += 1;
        let every = state.every?;
        let turn = if (state.calls / every) % 2 == 0 { S3Fail::Refused } else { S3Fail::DoneAnd500 };
        (state.calls % every == 0).then_some(turn)
    });
    if failure == Some(S3Fail::Refused) {
        return error(StatusCode::FORBIDDEN, "AccessDenied");
    }
    let answer = shared.state.change(|state| answer(state, &parts.method, key, &query, &body));
    // One that is not tried again by the client's own library.
    if failure == Some(S3Fail::DoneAnd500) { error(StatusCode::FORBIDDEN, "AccessDenied") } else { answer }
}

fn error(status: StatusCode, code: &str) -> Response {
    (status, format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{code}</Message></Error>"))
        .into_response()
}

fn etag(bytes: &[u8]) -> String {
    format!("\"{}\"", &crate::form::sha256(bytes)[..32])
}

fn answer(
    state: &mut State,
    method: &Method,
    key: &str,
    query: &BTreeMap<String, String>,
    body: &[u8],
) -> Response {
    let upload = query.get("uploadId");
    match (method.as_str(), upload) {
        ("GET", None) if key.is_empty() => list(state, query),
        ("POST", None) if key.is_empty() && query.contains_key("delete") => delete_many(state, body),
        ("POST", None) if query.contains_key("uploads") => {
            state.made += 1;
            let id = format!("upload-{}", state.made);
            state.uploads.insert(id.clone(), BTreeMap::new());
            xml(&format!(
                "<InitiateMultipartUploadResult><Bucket>{BUCKET}</Bucket><Key>{key}</Key><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
            ))
        }
        ("PUT", Some(upload)) => {
            let number = query.get("partNumber").and_then(|number| number.parse().ok());
            let (Some(parts), Some(number)) = (state.uploads.get_mut(upload), number) else {
                return error(StatusCode::NOT_FOUND, "NoSuchUpload");
            };
            parts.insert(number, body.to_vec());
            (StatusCode::OK, [("etag", etag(body))]).into_response()
        }
        ("POST", Some(upload)) => {
            let Some(parts) = state.uploads.get(upload) else {
                return error(StatusCode::NOT_FOUND, "NoSuchUpload");
            };
            let last = parts.keys().max().copied().unwrap_or(0);
            if parts.iter().any(|(number, part)| *number != last && part.len() < MIN_PART) {
                return error(StatusCode::BAD_REQUEST, "EntityTooSmall");
            }
            let whole: Vec<u8> = parts.values().flatten().copied().collect();
            state.uploads.remove(upload);
            let tag = etag(&whole);
            state.objects.insert(key.to_owned(), whole);
            xml(&format!(
                "<CompleteMultipartUploadResult><Location>x</Location><Bucket>{BUCKET}</Bucket><Key>{key}</Key><ETag>{tag}</ETag></CompleteMultipartUploadResult>"
            ))
        }
        ("DELETE", Some(upload)) => {
            state.uploads.remove(upload);
            StatusCode::NO_CONTENT.into_response()
        }
        ("PUT", None) => {
            state.objects.insert(key.to_owned(), body.to_vec());
            (StatusCode::OK, [("etag", etag(body))]).into_response()
        }
        ("GET" | "HEAD", None) => match state.objects.get(key) {
            Some(bytes) => {
                let headers =
                    [("etag", etag(bytes)), ("last-modified", "Sun, 29 Nov 2026 08:00:00 GMT".to_owned())];
                (StatusCode::OK, headers, bytes.clone()).into_response()
            }
            None => error(StatusCode::NOT_FOUND, "NoSuchKey"),
        },
        ("DELETE", None) => {
            state.objects.remove(key);
            StatusCode::NO_CONTENT.into_response()
        }
        _ => error(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed"),
    }
}

fn xml(text: &str) -> Response {
    ([("content-type", "application/xml")], format!("<?xml version=\"1.0\"?>{text}")).into_response()
}

fn list(state: &State, query: &BTreeMap<String, String>) -> Response {
    let prefix = query.get("prefix").map_or("", String::as_str);
    let mut text = format!(
        "<ListBucketResult><Name>{BUCKET}</Name><Prefix>{prefix}</Prefix><IsTruncated>false</IsTruncated>"
    );
    let after = query.get("start-after").map_or("", String::as_str);
    let is_listed = |key: &String| key.starts_with(prefix) && (after.is_empty() || key.as_str() > after);
    for (key, bytes) in state.objects.iter().filter(|(key, _)| is_listed(key)) {
        let date = state.dates.get(key).map_or("2026-11-29T08:00:00.000Z", String::as_str);
        let _ = write!(
            text,
            "<Contents><Key>{key}</Key><LastModified>{date}</LastModified><ETag>{}</ETag><Size>{}</Size></Contents>",
            etag(bytes).replace('"', "&quot;"),
            bytes.len()
        );
    }
    text.push_str("</ListBucketResult>");
    xml(&text)
}

fn delete_many(state: &mut State, body: &[u8]) -> Response {
    let body = String::from_utf8_lossy(body);
    let mut text = "<DeleteResult>".to_owned();
    for key in body.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next()) {
        state.objects.remove(key);
        let _ = write!(text, "<Deleted><Key>{key}</Key></Deleted>");
    }
    text.push_str("</DeleteResult>");
    xml(&text)
}
