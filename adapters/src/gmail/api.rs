//! Calling the Gmail API for one mailbox. The access token goes into a header; one that ran out is renewed within the call,
//! for nothing was done by then, and is given to the account's keeper.

use std::time::Duration;

use bytes::Bytes;
use reqwest::Method;
use serde_json::Value;

use super::{connect::access, errors::judge};
use crate::{
    Account, Client, Renewed,
    call::{Answer, Failure, Verdict, call_up_to},
    google::{
        base,
        token::{self, Tokens},
    },
};

pub(super) const DEFAULT_BASE: &str = "https://gmail.googleapis.com";

/// No list and no profile is longer.
const MAX_ANSWER_BYTES: usize = 4 << 20;
/// From here on a transfer may take its time.
const LARGE: usize = 1 << 20;
const LARGE_TIME: Duration = Duration::from_mins(2);

pub(super) struct Api<'a> {
    http: &'a Client,
    account: &'a Account,
    base: String,
    token: Option<String>,
    renewed: Option<Tokens>,
}

impl<'a> Api<'a> {
    pub(super) fn of(http: &'a Client, account: &'a Account) -> Result<Self, Failure> {
        let base = base(account, "api_base", DEFAULT_BASE)?;
        let token = account.get("access_token").map(str::to_owned);
        Ok(Self { http, account, base, token, renewed: None })
    }

    /// With a token that is not the account's.
    pub(super) fn with_token(mut self, token: String) -> Self {
        self.token = Some(token);
        self
    }

    /// What had to be renewed on the way.
    pub(super) fn into_renewed(self) -> Option<Tokens> {
        self.renewed
    }

    pub(super) async fn get(&mut self, path: &str) -> Result<Answer, Failure> {
        self.get_up_to(path, MAX_ANSWER_BYTES).await
    }

    pub(super) async fn get_up_to(&mut self, path: &str, most_bytes: usize) -> Result<Answer, Failure> {
        self.call(Method::GET, path, None, most_bytes).await
    }

    pub(super) async fn post(&mut self, path: &str, body: &Value) -> Result<Answer, Failure> {
        self.post_bytes(path, body.to_string().into()).await
    }

    pub(super) async fn post_bytes(&mut self, path: &str, body: Bytes) -> Result<Answer, Failure> {
        self.call(Method::POST, path, Some(body), MAX_ANSWER_BYTES).await
    }

    async fn call(
        &mut self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
        most_bytes: usize,
    ) -> Result<Answer, Failure> {
        if let Some(token) = self.token.clone() {
            let answer = self.once(&token, method.clone(), path, body.clone(), most_bytes).await?;
            if answer.status != 401 || self.account.get("refresh_token").is_none() {
                return judge(answer);
            }
        }
        let tokens = token::refreshed(self.http, self.account).await.map_err(nothing_done)?;
        let token = tokens.access.clone();
        if let Some(keeper) = &self.account.keeper {
            keeper.keep(Renewed { settings: access(&tokens, keeper.now_ms()).into() });
        }
        self.token = Some(token.clone());
        self.renewed = Some(tokens);
        judge(self.once(&token, method, path, body, most_bytes).await?)
    }

    async fn once(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Option<Bytes>,
        most_bytes: usize,
    ) -> Result<Answer, Failure> {
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Failure::setting("access_token", "is no token"));
        }
        let address = format!("{}/gmail/v1/users/me/{path}", self.base);
        let mut request =
            self.http.request(method, address).header("authorization", &format!("Bearer {token}"));
        let is_large = most_bytes > MAX_ANSWER_BYTES || body.as_ref().is_some_and(|body| body.len() > LARGE);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body);
        }
        if is_large {
            request = request.timeout(LARGE_TIME);
        }
        Ok(call_up_to(request, most_bytes).await?.hiding(token))
    }
}

/// Whatever became of the renewal, the call itself was not made.
fn nothing_done(failure: Failure) -> Failure {
    match failure.verdict {
        Verdict::Unknown | Verdict::UnknownAndDown => {
            Failure { verdict: Verdict::Retry { after_ms: None }, ..failure }
        }
        _ => failure,
    }
}
