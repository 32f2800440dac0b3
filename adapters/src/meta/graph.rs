//! Calling the Graph API: addresses below the configured base only, the token in a header. Every answer is judged
//! with the caller's table of codes, and without the secrets that it quotes.

use aws_lc_rs::hmac;
use reqwest::{Method, Url};
use serde_json::Value;

use super::fault::{Fault, Known, Meaning, Table, judge};
use crate::{
    Account, Client,
    call::{Answer, Failure, call},
    json, media,
    outward::{self, RequestBuilder},
    provider::Upload,
    upload::{self, Around},
};

pub(crate) const BASE: &str = "https://graph.facebook.com";
pub(crate) const VERSION: &str = "v25.0";

/// The subcode of an id that names nothing which the app may see.
const UNKNOWN_OBJECT: i64 = 33;
/// Pages of a list that are read.
const MAX_PAGES: usize = 20;
const MAX_LIST: usize = 1_000;

/// A server of the Graph API and the right to call it.
pub(crate) struct Graph<'a> {
    http: &'a Client,
    base: String,
    token: Option<&'a str>,
    /// Shows with every call that it is the app's own, where the app's secret is known.
    proof: Option<String>,
    hidden: Vec<&'a str>,
    gives_tokens: bool,
    table: Table,
}

/// A base address of an app's or a channel's setting, without a slash at its end.
pub(crate) fn base(account: &Account, setting: &'static str, default: &str) -> Result<String, Failure> {
    let base = outward::base(account.get(setting).unwrap_or(default))
        .map_err(|why| Failure::setting(setting, &why.to_string()))?;
    Ok(base.as_str().trim_end_matches('/').to_owned())
}

/// The version of the API that the app is used with.
pub(crate) fn version(account: &Account) -> Result<&str, Failure> {
    let version = account.get("api_version").unwrap_or(VERSION);
    // It becomes part of every path.
    if version.is_empty() || !version.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.') {
        return Err(Failure::setting("api_version", "is no version, such as v25.0"));
    }
    if version.bytes().all(|b| b == b'.') {
        return Err(Failure::setting("api_version", "is no version, such as v25.0"));
    }
    Ok(version)
}

impl<'a> Graph<'a> {
    /// With the channel's `access_token`, at the app's `graph_base`.
    pub(crate) fn of(http: &'a Client, account: &'a Account, table: Table) -> Result<Self, Failure> {
        let token =
            account.get("access_token").ok_or_else(|| Failure::setting("access_token", "is missing"))?;
        Ok(Self::open(http, account, ("graph_base", BASE), table)?
            .with_token(token, account.get("app_secret")))
    }

    /// Without a token, at the address of that setting (with its default), for what is asked in the app's own name.
    pub(crate) fn open(
        http: &'a Client,
        account: &'a Account,
        (setting, default): (&'static str, &str),
        table: Table,
    ) -> Result<Self, Failure> {
        let base = format!("{}/{}", base(account, setting, default)?, version(account)?);
        let secrets = ["access_token", "app_secret", "instagram_app_secret", "verify_token"];
        let hidden = secrets.iter().filter_map(|name| account.get(name)).collect();
        Ok(Self { http, base, token: None, proof: None, hidden, gives_tokens: false, table })
    }

    /// `app_secret`: of the app that the token belongs to.
    pub(crate) fn with_token(mut self, token: &'a str, app_secret: Option<&str>) -> Self {
        self.token = Some(token);
        self.hidden.push(token);
        self.proof = app_secret.map(|secret| proof(secret, token));
        self
    }

    /// What else no answer may quote.
    pub(crate) fn hiding(mut self, secret: &'a str) -> Self {
        self.hidden.push(secret);
        self
    }

    /// For calls that answer with a token, which may be the one that was asked with.
    pub(crate) fn giving_tokens(mut self) -> Self {
        self.gives_tokens = true;
        self
    }

    pub(crate) async fn get(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Value, Failure> {
        self.judge(self.request(Method::GET, path, query)?).await
    }

    pub(crate) async fn post(&self, path: &[&str], body: &Value) -> Result<Value, Failure> {
        self.judge(self.request(Method::POST, path, &[])?.json(body)).await
    }

    /// A message, or a mark, at the address of the account itself. What Meta does not know there is the account: it was
    /// disconnected at Meta, and nothing else would tell.
    pub(crate) async fn write(&self, account: &str, body: &Value) -> Result<Value, Failure> {
        let answer = call(self.request(Method::POST, &[account, "messages"], &[])?.json(body)).await?;
        let fault = json::object(&answer.json(), "error").and_then(Fault::of);
        let is_gone = fault.is_some_and(|fault| fault.code == 100 && fault.subcode == Some(UNKNOWN_OBJECT));
        self.judged_by(answer, if is_gone { gone } else { self.table })
    }

    /// A call that carries a file.
    pub(crate) async fn upload(
        &self,
        path: &[&str],
        around: Around,
        file: &Upload,
    ) -> Result<Value, Failure> {
        let answer = upload::send(self.request(Method::POST, path, &[])?, around, file).await?;
        self.judged(answer)
    }

    pub(crate) async fn delete(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Value, Failure> {
        self.judge(self.request(Method::DELETE, path, query)?).await
    }

    /// The elements of a list over its pages, as far as anybody could choose among them.
    pub(crate) async fn list(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Vec<Value>, Failure> {
        let (mut found, mut after) = (Vec::new(), None::<String>);
        for _ in 0..MAX_PAGES {
            let mut query = query.to_vec();
            if let Some(after) = &after {
                query.push(("after", after));
            }
            let page = self.get(path, &query).await?;
            found.extend_from_slice(json::list(&page, "data"));
            // The address of the next page is the server's word and carries the token: only its cursor is taken.
            let paging = page.get("paging").filter(|paging| paging.get("next").is_some());
            let cursor = paging.and_then(|paging| json::text(paging.get("cursors")?, "after"));
            if cursor.is_none() || cursor == after || found.len() >= MAX_LIST {
                break;
            }
            after = cursor;
        }
        found.truncate(MAX_LIST);
        Ok(found)
    }

    /// A request for an address that an answer named: of a file, which wants the token as well.
    pub(crate) fn file(&self, url: Url) -> RequestBuilder {
        self.authorised(self.http.get(url))
    }

    /// The segments of the path are escaped here.
    fn request(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<RequestBuilder, Failure> {
        let mut address = self.base.clone();
        for segment in path {
            if matches!(*segment, "" | "." | "..") {
                return Err(Failure::new(
                    crate::call::Verdict::Rejected,
                    "bad_id",
                    "there is no such thing at Meta",
                ));
            }
            address.push('/');
            address.push_str(&media::segment(segment.as_bytes()));
        }
        let mut url =
            Url::parse(&address).map_err(|_| Failure::setting("graph_base", "is not an address"))?;
        let proof = self.proof.as_deref().map(|proof| ("appsecret_proof", proof));
        for (name, value) in query.iter().copied().chain(proof) {
            url.query_pairs_mut().append_pair(name, value);
        }
        Ok(self.authorised(self.http.request(method, url)))
    }

    fn authorised(&self, request: RequestBuilder) -> RequestBuilder {
        match self.token {
            Some(token) => request.header("Authorization", &format!("Bearer {token}")),
            None => request,
        }
    }

    async fn judge(&self, request: RequestBuilder) -> Result<Value, Failure> {
        self.judged(call(request).await?)
    }

    fn judged(&self, answer: Answer) -> Result<Value, Failure> {
        self.judged_by(answer, self.table)
    }

    fn judged_by(&self, mut answer: Answer, table: Table) -> Result<Value, Failure> {
        if self.gives_tokens
            && let Ok(given) = judge(&answer, table)
        {
            return Ok(given);
        }
        for secret in self.hidden.iter().copied().chain(self.proof.as_deref()) {
            answer = answer.hiding(secret);
        }
        judge(&answer, table)
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it is a table")]
fn gone(_: &Fault) -> Option<Known> {
    let words = "Meta does not show this account to the app any more: it was disconnected there, or the app lost the right";
    Some(Known::named(Meaning::Down, "account_gone", words))
}

/// What proves to Meta that the holder of the token knows the app's secret.
fn proof(app_secret: &str, token: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, app_secret.as_bytes());
    hex::encode(hmac::sign(&key, token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proof_is_meta_s() {
        let proof = proof("appsecret_eee65f53e9421ce5021167", "EAAexample27e9589c6948f6d30c01");
        assert_eq!(proof, "70710b1e6d0388447229b6d481142bf0a881fa5a56dc55edefe9145f33d9ac10");
    }

    #[test]
    fn a_version_is_one_segment() {
        let with = |version: &str| Account {
            external_id: None,
            settings: [("api_version".to_owned(), version.to_owned())].into(),
            ..Account::default()
        };
        assert_eq!(version(&with("v26.0")).unwrap(), "v26.0");
        assert_eq!(version(&Account::default()).unwrap(), VERSION);
        for bad in ["v1/../x", "..", "v1?x", "a b"] {
            assert!(version(&with(bad)).is_err(), "{bad}");
        }
    }
}
