//! Scripted answers of an emulated provider: a gateway's error after the message was sent, a proxy's page, a file
//! under an unusual path. Everything else is answered as by the provider.

mod http;

use std::{collections::BTreeMap, time::Duration};

use axum::{
    body::Body,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::Value;

pub(crate) use self::http::HttpCall;

/// The answer to calls of one method or path. Its JSON is that of an `answer` step in `tests/cases`.
///
/// ```
/// # use emulators::Answer;
/// let step = r#"{"provider": "waha", "path": "/api/sendText", "status": 500,
///     "body": {"exception": {"message": "too late"}}, "leaves": true, "echo_after_ms": 600}"#;
/// let answer: Answer = serde_json::from_str(step).unwrap();
/// assert!(answer.leaves == Some(true) && answer.times.is_none());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Answer {
    /// The provider's name: selects the emulator.
    pub provider: Option<String>,
    /// WAHA: the call's path, such as `/api/sendText`. Meta and Gmail: a part of it, such as `/messages`.
    pub path: Option<String>,
    /// Telegram: the method, such as `sendMessage`. Meta and Gmail: the HTTP method; `POST` without it.
    pub method: Option<String>,
    /// Only calls with these members in the query.
    pub if_query: BTreeMap<String, String>,
    /// Only sends with a file, or only those without.
    pub if_attachment: Option<bool>,
    /// Only sends whose text contains this.
    pub if_text: Option<String>,
    /// Only sends to this recipient.
    pub if_to: Option<String>,
    /// Delay of the answer.
    pub hang_ms: Option<u64>,
    /// `None`: the provider's own answer (the members for files still apply).
    pub status: Option<u16>,
    /// A string is sent unchanged, everything else as JSON.
    pub body: Value,
    pub headers: BTreeMap<String, String>,
    /// Whether the message is sent to the customer, whatever the answer. `None`: only Meta and Gmail send it, after a status of
    /// 2xx.
    pub leaves: Option<bool>,
    /// Delay of a sent message's events after the answer; 0 without it.
    pub echo_after_ms: Option<u64>,
    /// Number of calls that get this answer; `None`: all.
    pub times: Option<u64>,
    /// Telegram's `getFile`: file id → `file_path`.
    pub file_paths: BTreeMap<String, String>,
    /// `"file_id"`: the path of every file is its id.
    pub file_path_from: Option<String>,
    /// The content of every file.
    pub bytes: Option<String>,
    /// `"path"`: the content of a file is its path.
    pub bytes_from: Option<String>,
    /// Meta: only calls whose body has these members; objects are compared member by member.
    pub if_body: Value,
    /// Meta: only calls without this header.
    pub if_header_missing: Option<String>,
    /// Meta: only sends whose text is longer than this many bytes of UTF-8.
    pub if_text_bytes_over: Option<usize>,
    /// Meta: the id of a message that leaves, if the body of the answer gives none.
    pub message_id: Option<String>,
    /// Meta: deliver the echo before the answer.
    pub echo_first: bool,
    /// Meta: members of the echo's message, in place of its own.
    pub echo: Value,
}

impl Answer {
    /// An answer of `status` and `body` to a method or path.
    pub fn of(call: &str, status: u16, body: Value) -> Self {
        let (path, method) = if call.starts_with('/') { (Some(call), None) } else { (None, Some(call)) };
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Self { path: owned(path), method: owned(method), status: Some(status), body, ..Self::default() }
    }

    /// Also sends the message to the customer; its echo comes this long after the answer.
    pub fn after_leaving(mut self, echo_after: Duration) -> Self {
        self.leaves = Some(true);
        self.echo_after_ms = u64::try_from(echo_after.as_millis()).ok();
        self
    }

    /// Limits the answer to this many calls.
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    fn call(&self) -> &str {
        self.path.as_deref().or(self.method.as_deref()).unwrap_or_default()
    }

    pub(crate) fn echo_after(&self) -> Option<Duration> {
        self.echo_after_ms.map(Duration::from_millis)
    }

    /// The path that `getFile` gives for a file.
    fn path_of(&self, file_id: &str) -> Option<String> {
        match self.file_path_from.as_deref() {
            Some("file_id") => Some(file_id.to_owned()),
            _ => self.file_paths.get(file_id).cloned(),
        }
    }

    fn bytes_at(&self, path: &str) -> Option<Vec<u8>> {
        match self.bytes_from.as_deref() {
            Some("path") => Some(path.as_bytes().to_vec()),
            _ => self.bytes.as_ref().map(|bytes| bytes.as_bytes().to_vec()),
        }
    }

    /// The response, if its status is scripted.
    pub(crate) fn response(&self) -> Option<Response> {
        let status = StatusCode::from_u16(self.status?).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut builder = Response::builder().status(status);
        let content_type = if self.body.is_string() { "text/html" } else { "application/json" };
        if !self.headers.keys().any(|name| name.eq_ignore_ascii_case("content-type")) {
            builder = builder.header("content-type", content_type);
        }
        for (name, value) in &self.headers {
            builder = builder.header(name, value);
        }
        let body = match &self.body {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        // Invalid headers are an error in the test's script.
        Some(builder.body(Body::from(body)).unwrap_or_else(|_| StatusCode::NOT_IMPLEMENTED.into_response()))
    }
}

/// The scripts of one emulator.
#[derive(Default)]
pub(crate) struct Script {
    answers: Vec<Answer>,
    /// Paths from scripted `getFile` answers, with their content.
    files: BTreeMap<String, Vec<u8>>,
}

impl Script {
    /// Adds an answer; replaces an earlier one for the same call.
    pub(crate) fn set(&mut self, answer: Answer) {
        self.answers.retain(|known| known.call() != answer.call());
        self.answers.push(answer);
    }

    pub(crate) fn forget(&mut self, call: &str) {
        self.answers.retain(|known| known.call() != call);
    }

    /// The answer for this call; counts it as used.
    pub(crate) fn take(&mut self, call: &str) -> Option<Answer> {
        let at = self.answers.iter().position(|answer| answer.call() == call && answer.status.is_some())?;
        let answer = &mut self.answers[at];
        match answer.times.as_mut() {
            None => Some(answer.clone()),
            Some(times) if *times > 1 => {
                *times -= 1;
                Some(answer.clone())
            }
            Some(_) => Some(self.answers.remove(at)),
        }
    }

    /// The scripted path of a file; stores the content under it.
    pub(crate) fn file_path(&mut self, file_id: &str) -> Option<String> {
        let answer = self.answers.iter().find(|answer| answer.path_of(file_id).is_some())?;
        let path = answer.path_of(file_id)?;
        if let Some(bytes) = answer.bytes_at(&path) {
            self.files.insert(path.clone(), bytes);
        }
        Some(path)
    }

    pub(crate) fn file(&self, path: &str) -> Option<Vec<u8>> {
        self.files.get(path).cloned()
    }
}
