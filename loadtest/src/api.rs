//! The few HTTP resources that the generator reads: session, tenants, the feed, messages of a conversation.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::{Client, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::event::EventPage;
use crate::target::Target;

const PAGE: usize = 200;

pub(crate) struct Api {
    http: Client,
    base: String,
    login: Option<(String, String)>,
    token: Mutex<String>,
}

#[derive(Deserialize)]
struct Session {
    access_token: String,
}

#[derive(Deserialize)]
struct Me {
    tenants: Vec<Tenant>,
}

#[derive(Deserialize)]
struct Tenant {
    id: String,
    name: String,
}

impl Api {
    /// Signed in, unless a ready token was given.
    pub(crate) async fn open(target: &Target) -> Result<Self> {
        let login = target.email.clone().zip(target.password.clone());
        Self::sign_in_at(target.url.as_str(), login, target.token.clone()).await
    }

    /// Like [`Api::open`], for commands without a channel.
    pub(crate) async fn sign_in_at(
        base: &str,
        login: Option<(String, String)>,
        token: Option<String>,
    ) -> Result<Self> {
        let has_token = token.is_some();
        let api = Self {
            http: Client::builder().no_proxy().timeout(Duration::from_secs(30)).build()?,
            base: base.trim_end_matches('/').to_owned(),
            login,
            token: Mutex::new(token.unwrap_or_default()),
        };
        if !has_token {
            api.sign_in().await?;
        }
        Ok(api)
    }

    /// Renews the access token; without email and password the given one stays.
    pub(crate) async fn sign_in(&self) -> Result<()> {
        let Some((email, password)) = &self.login else { return Ok(()) };
        let body = json!({"email": email, "password": password});
        let answer = self.http.post(format!("{}/api/v1/session", self.base)).json(&body).send().await?;
        let status = answer.status();
        if !status.is_success() {
            bail!("sign-in was refused with {status}: {}", answer.text().await.unwrap_or_default());
        }
        let session: Session = answer.json().await.context("unreadable session")?;
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = session.access_token;
        Ok(())
    }

    pub(crate) fn token(&self) -> String {
        self.token.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Body of a resource. An expired token is renewed once.
    pub(crate) async fn get(&self, path: &str) -> Result<String> {
        self.call(path, None).await
    }

    /// Like [`Api::get`], for a request with a JSON body.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<String> {
        self.call(path, Some(body)).await
    }

    async fn call(&self, path: &str, body: Option<&Value>) -> Result<String> {
        let mut renewed = false;
        loop {
            let url = format!("{}{path}", self.base);
            let request = match body {
                Some(body) => self.http.post(url).json(body),
                None => self.http.get(url),
            };
            let answer = request.bearer_auth(self.token()).send().await.with_context(|| path.to_owned())?;
            match answer.status() {
                status if status.is_success() => return Ok(answer.text().await?),
                StatusCode::UNAUTHORIZED if !renewed && self.login.is_some() => {
                    renewed = true;
                    self.sign_in().await?;
                }
                status => bail!("{path}: {status} {}", answer.text().await.unwrap_or_default()),
            }
        }
    }

    /// Id of the tenant named on the command line, or of the only one that the manager sees.
    pub(crate) async fn tenant(&self, wanted: Option<&str>) -> Result<String> {
        let me: Me = serde_json::from_str(&self.get("/api/v1/me").await?).context("unreadable /api/v1/me")?;
        let mut fitting = me.tenants.into_iter().filter(|t| wanted.is_none_or(|w| t.id == w || t.name == w));
        match (fitting.next(), fitting.next()) {
            (Some(tenant), None) => Ok(tenant.id),
            (None, _) => bail!("the manager sees no such tenant"),
            (Some(_), Some(_)) => bail!("the manager sees several tenants, choose one with --tenant"),
        }
    }

    /// A page of the feed as text, for `EventPage` to borrow from.
    pub(crate) async fn events(&self, tenant: &str, after: u64) -> Result<String> {
        self.get(&format!("/api/v1/events?tenant={tenant}&after={after}&limit={PAGE}")).await
    }

    /// The newest cursor of the tenant.
    pub(crate) async fn top(&self, tenant: &str) -> Result<u64> {
        let page = self.get(&format!("/api/v1/events?tenant={tenant}&after=0&limit=1")).await?;
        Ok(serde_json::from_str::<EventPage<'_>>(&page).context("unreadable events page")?.top)
    }

    /// A page of a conversation as text, for `MessagePage` to borrow from.
    pub(crate) async fn messages(&self, conversation: &str, after_seq: u64) -> Result<String> {
        self.get(&format!("/api/v1/conversations/{conversation}/messages?after_seq={after_seq}&limit={PAGE}"))
            .await
    }

    /// True when the server reports that it is ready.
    pub(crate) async fn ready(http: &Client, base: &str) -> bool {
        let url = format!("{}/health/ready", base.trim_end_matches('/'));
        http.get(url).send().await.is_ok_and(|answer| answer.status().is_success())
    }
}
