//! Calling a WAHA server: addresses below the configured base only, the key in a header.

use reqwest::Method;
use serde_json::Value;

use super::errors::judge;
use crate::{
    Account, Client,
    call::{Answer, Failure, call},
    media::escape,
    outward::{self, RequestBuilder},
    provider::Upload,
    upload::{self, Around},
};

/// A server and one of its sessions.
pub(super) struct Api<'a> {
    http: &'a Client,
    base: String,
    key: &'a str,
    pub(super) session: &'a str,
    /// What else no answer may quote.
    pub(super) hook_secret: &'a str,
}

impl<'a> Api<'a> {
    pub(super) fn of(http: &'a Client, account: &'a Account) -> Result<Self, Failure> {
        let setting = |name| account.get(name).ok_or_else(|| Failure::setting(name, "is missing"));
        let base = outward::base(setting("base_url")?)
            .map_err(|why| Failure::setting("base_url", &why.to_string()))?;
        let base = base.as_str().trim_end_matches('/').to_owned();
        let session = setting("session")?;
        if !session.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')) {
            return Err(Failure::setting("session", "may have letters, digits, - and _ only"));
        }
        Ok(Self { http, base, key: setting("api_key")?, session, hook_secret: "" })
    }

    /// A request to a path below the base, which starts with a slash.
    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base)).header("X-Api-Key", self.key)
    }

    pub(super) async fn get(&self, path: &str) -> Result<Answer, Failure> {
        self.judge(call(self.request(Method::GET, path).header("Accept", "application/json")).await?)
    }

    /// An answer as it may be shown, and as it came: what is written back has to keep the secrets that are in it.
    pub(super) async fn get_whole(&self, path: &str) -> Result<(Value, Value), Failure> {
        let answer = call(self.request(Method::GET, path).header("Accept", "application/json")).await?;
        let whole = answer.json();
        Ok((self.judge(answer)?.json(), whole))
    }

    pub(super) async fn send(&self, method: Method, path: &str, body: &Value) -> Result<Answer, Failure> {
        self.judge(call(self.request(method, path).json(body)).await?)
    }

    pub(super) async fn delete(&self, path: &str) -> Result<Answer, Failure> {
        self.judge(call(self.request(Method::DELETE, path)).await?)
    }

    fn judge(&self, answer: Answer) -> Result<Answer, Failure> {
        judge(answer.hiding(self.key).hiding(self.hook_secret))
    }

    /// A call whose body carries a file.
    pub(super) async fn upload(&self, path: &str, around: Around, file: &Upload) -> Result<Answer, Failure> {
        self.judge(upload::send(self.request(Method::POST, path), around, file).await?)
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Answer, Failure> {
        self.send(Method::POST, path, body).await
    }
}

/// One segment of a path; WAHA wants even `@` escaped.
pub(super) fn segment(text: &str) -> String {
    escape(text.as_bytes(), b"-_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_stays_one_segment() {
        assert_eq!(segment("false_1@c.us_A"), "false_1%40c%2Eus_A");
        assert_eq!(segment("a/../b"), "a%2F%2E%2E%2Fb");
    }
}
