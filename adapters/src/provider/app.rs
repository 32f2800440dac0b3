//! The port of apps, through which accounts of several tenants are connected, and of signing in.

use std::{collections::BTreeMap, fmt};

use async_trait::async_trait;
use bytes::Bytes;

use super::account::{Account, ConnectFailure, CredentialField};
use crate::{Client, Headers, Invalid, NotJson, Words};

/// An account that somebody who signed in at the provider may connect.
#[derive(Clone, PartialEq, Eq)]
pub struct Choice {
    pub external_id: String,
    pub name: Words,
    /// By the names of the provider's [credential fields](crate::Provider::credentials).
    pub credentials: BTreeMap<String, String>,
}

impl fmt::Debug for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Choice").field("external_id", &self.external_id).finish_non_exhaustive()
    }
}

/// Signing in at a provider (OAuth 2.0, authorization code). `app` holds the settings of the installation's
/// [app](crate::Provider::app).
#[async_trait]
pub trait SignIn: Send + Sync {
    /// Where the browser goes. `redirect` and `state` come back from there.
    fn authorize_url(&self, app: &Account, redirect: &str, state: &str) -> Result<String, ConnectFailure>;

    /// The accounts that the code opens.
    async fn exchange(
        &self,
        http: &Client,
        app: &Account,
        code: &str,
        redirect: &str,
        now_ms: i64,
    ) -> Result<Vec<Choice>, ConnectFailure>;
}

/// A kind of app of a provider (a Meta app, a Google client), through which the channels of several tenants are connected.
/// Its settings stand beside those of the channel in every [`Account`] that a [`Provider`](crate::Provider) with such an
/// [app](crate::Provider::app) is given, and its deliveries come to one address.
#[async_trait]
pub trait App: Send + Sync {
    /// `meta`, `google` or `waha`.
    fn name(&self) -> &'static str;

    fn fields(&self) -> &'static [CredentialField];

    /// Each tenant has an app of its own, out of a pool; otherwise one app serves all.
    fn is_for_one_tenant(&self) -> bool {
        false
    }

    /// The credentials of a channel that this app has instead: a channel is connected through it unless it was given one of
    /// them. Empty: every channel of the provider has an app, and its own credentials beside.
    fn gives(&self) -> &'static [&'static str] {
        &[]
    }

    /// What a channel is called at the app, of the credentials that the app [gives](Self::gives). `channel` is unique in
    /// the installation.
    fn named(&self, channel: &str) -> BTreeMap<String, String> {
        let _ = channel;
        BTreeMap::new()
    }

    /// How many channels may be connected through it; nothing: any number.
    fn capacity(&self, app: &Account) -> Option<i64> {
        let _ = app;
        None
    }

    /// Whether it has an address of its own, to which the provider delivers for all of its channels.
    fn has_hook(&self) -> bool {
        true
    }

    /// The app's own id, which no two apps of the installation share.
    fn external_id(&self, app: &Account) -> Option<String>;

    /// The answer to a request that proves the address, by its query; nothing: it is not ours.
    fn challenge(&self, app: &Account, query: &[(String, String)]) -> Option<String> {
        let _ = (app, query);
        None
    }

    /// Under which name deliveries find the app at an address that several apps share.
    fn addressee(&self, app: &Account) -> Option<String> {
        let _ = app;
        None
    }

    /// The [names](Self::addressee) of the apps that a delivery to such an address says to be for. Nothing of it is proved by
    /// then.
    fn addressees(&self, headers: &Headers, body: &[u8]) -> Vec<String> {
        let _ = (headers, body);
        Vec::new()
    }

    /// Whether a delivery comes from the provider. An empty secret never passes. Keys of the provider are fetched, and kept as
    /// long as it allows: [`AppInvalid::Unavailable`] when they cannot be had now.
    async fn verify(
        &self,
        http: &Client,
        app: &Account,
        headers: &Headers,
        body: &[u8],
        now_s: i64,
    ) -> Result<(), AppInvalid>;

    /// The accounts that a delivery concerns, each with its own part of the body, in the body's order.
    fn route(&self, body: &[u8]) -> Result<Vec<Routed>, NotJson>;

    /// What a person asked the provider to tell the app: that it loses its rights, or that data have to be deleted. Nothing:
    /// it does not verify, it is too old, or it is nothing of the kind. `form` is the body's decoded form.
    fn notice(&self, app: &Account, form: &[(String, String)], now_s: i64) -> Option<Notice> {
        let _ = (app, form, now_s);
        None
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppInvalid {
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error("the provider's keys cannot be had now: {0}")]
    Unavailable(Words),
}

/// A signed request of a person of the provider's, about the app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The person's id, as this app knows it.
    pub user: String,
    /// When the provider signed it.
    pub issued_at_s: i64,
}

/// One account's part of a body that came to an app's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routed {
    /// The [provider](crate::Provider::name).
    pub provider: &'static str,
    /// As [`Provider::claims`](crate::Provider::claims) or [`Provider::shared`](crate::Provider::shared) names the account; nothing: the body does not say.
    pub claim: Option<String>,
    /// What concerns this account only, for [`Provider::parse`](crate::Provider::parse).
    pub body: Bytes,
}
