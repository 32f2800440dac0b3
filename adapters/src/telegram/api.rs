//! Calling a method of the Bot API. The token is part of every address, so no address leaves this module.

use reqwest::Client;
use serde_json::Value;

use super::errors::{Reply, judge};
use crate::{
    Account,
    call::{Failure, call},
};

pub(super) const DEFAULT_BASE: &str = "https://api.telegram.org";

/// Where a bot's methods and files are.
pub(super) struct Api<'a> {
    http: &'a Client,
    base: &'a str,
    token: &'a str,
    /// What else no answer may quote.
    pub(super) hook_secret: &'a str,
}

impl<'a> Api<'a> {
    pub(super) fn of(http: &'a Client, account: &'a Account) -> Result<Self, Failure> {
        let token = account.get("token").ok_or_else(|| Failure::setting("token", "is missing"))?;
        // Anything else would change the address that is built from it.
        if !token.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b':' | b'_' | b'-')) {
            return Err(Failure::setting("token", "is not a bot token"));
        }
        let base = account.get("api_base").unwrap_or(DEFAULT_BASE).trim_end_matches('/');
        if !base.starts_with("https://") && !base.starts_with("http://") {
            return Err(Failure::setting("api_base", "is not an http address"));
        }
        Ok(Self { http, base, token, hook_secret: "" })
    }

    pub(super) async fn call(&self, method: &str, parameters: &Value) -> Result<Reply, Failure> {
        let address = format!("{}/bot{}/{method}", self.base, self.token);
        let answer = call(self.http.post(address).json(parameters)).await?;
        let answer = answer.hiding(self.token).hiding(self.hook_secret);
        judge(answer.status, &answer.body)
    }

    /// A request for a file. `None` for a path that would lead elsewhere.
    pub(super) fn file(&self, path: &str) -> Option<reqwest::RequestBuilder> {
        let plain = |segment: &str| {
            let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
            !segment.is_empty() && segment != "." && segment != ".." && segment.bytes().all(allowed)
        };
        let safe = path.split('/').all(plain);
        safe.then(|| self.http.get(format!("{}/file/bot{}/{path}", self.base, self.token)))
    }
}
