//! A call as the API sees it: host, path, parameters from query, form or JSON, and the token.

use std::collections::BTreeMap;

use axum::{
    body::Bytes,
    http::{HeaderMap, request::Parts},
};
use serde_json::{Map, Value};

use super::refusal::Refusal;

/// The hosts that may be named in the first part of a path. Without one, a call is for whichever host serves it.
pub(super) const HOSTS: [&str; 6] = [
    "graph.facebook.com",
    "graph.instagram.com",
    "www.facebook.com",
    "www.instagram.com",
    "api.instagram.com",
    "lookaside.fbsbx.com",
];

pub(super) struct Request {
    pub(super) method: String,
    pub(super) host: Option<&'static str>,
    /// Without the host.
    pub(super) path: String,
    pub(super) segments: Vec<String>,
    pub(super) query: BTreeMap<String, String>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

fn pairs(bytes: &[u8]) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(bytes).into_owned().collect()
}

impl Request {
    pub(super) fn new(parts: &Parts, body: Bytes) -> Self {
        let whole = parts.uri.path();
        let first = whole.split('/').nth(1).unwrap_or_default();
        let host = HOSTS.into_iter().find(|host| *host == first);
        let path = host.map_or(whole, |host| &whole[host.len() + 1..]).to_owned();
        let segments = path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        Self {
            method: parts.method.to_string(),
            host,
            segments,
            path,
            query: pairs(parts.uri.query().unwrap_or_default().as_bytes()),
            headers: parts.headers.clone(),
            body,
        }
    }

    pub(super) fn is_at(&self, host: &str) -> bool {
        self.host.is_none_or(|known| known == host)
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(super) fn content_type(&self) -> &str {
        self.header("content-type").and_then(|value| value.split(';').next()).unwrap_or_default().trim()
    }

    /// The body's JSON object, if it is sent as such.
    pub(super) fn json(&self) -> Result<Map<String, Value>, Refusal> {
        if !self.content_type().eq_ignore_ascii_case("application/json") {
            let words = format!("Content-Type must be application/json, not '{}'", self.content_type());
            return Err(Refusal::parameter(&words));
        }
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(body)) => Ok(body),
            _ => Err(Refusal::parameter("The body is not a JSON object")),
        }
    }

    pub(super) fn form(&self) -> BTreeMap<String, String> {
        if self.content_type().eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            pairs(&self.body)
        } else {
            BTreeMap::new()
        }
    }

    /// A parameter, wherever it is: Graph looks into the query, the form and the JSON.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        let from_body = || match serde_json::from_slice::<Value>(&self.body).ok()?.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Array(list) => {
                let words: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
                Some(words.join(","))
            }
            Value::Null => None,
            other => Some(other.to_string()),
        };
        self.query.get(name).cloned().or_else(|| self.form().remove(name)).or_else(from_body)
    }

    pub(super) fn needed(&self, name: &str) -> Result<String, Refusal> {
        self.parameter(name).filter(|text| !text.is_empty()).ok_or_else(|| {
            Refusal::new(100, &format!("The parameter {name} is required"))
                .details(&format!("Missing {name}"))
        })
    }

    pub(super) fn bearer(&self) -> Option<String> {
        let value = self.header("authorization")?;
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
    }

    /// The token of a call that may also carry it as a parameter.
    pub(super) fn token(&self) -> Option<String> {
        self.bearer().or_else(|| self.parameter("access_token"))
    }

    /// The call's body for the log, without tokens and secrets.
    pub(super) fn logged(&self) -> Value {
        let mut body = match serde_json::from_slice(&self.body) {
            Ok(Value::Object(body)) => body,
            _ => self.form().into_iter().map(|(name, text)| (name, text.into())).collect(),
        };
        body.retain(|name, _| !is_secret(name));
        Value::Object(body)
    }

    pub(super) fn logged_query(&self) -> BTreeMap<String, String> {
        let mut query = self.query.clone();
        query.retain(|name, _| !is_secret(name));
        query
    }
}

fn is_secret(name: &str) -> bool {
    ["access_token", "input_token", "client_secret", "fb_exchange_token", "code", "appsecret_proof"]
        .contains(&name)
}
