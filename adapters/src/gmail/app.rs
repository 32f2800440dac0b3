//! A Google client as an app: its pushes come to one address, prove themselves by a token of Google's, and each is about
//! one mailbox.

use async_trait::async_trait;
use bytes::Bytes;

use super::{NAME, api, connect::claim, parse::mailbox_of_push, sign_in};
use crate::{
    Account, App, AppInvalid, Binds, Client, CredentialField, Headers, NotJson, Routed, Scheme,
    google::{keys, token},
    verify::{self, OidcConfig},
};

const CERTS: &str = "https://www.googleapis.com/oauth2/v3/certs";

const fn field(name: &'static str, binds: Binds, help: &'static str) -> CredentialField {
    CredentialField { name, secret: false, required: true, binds, default: None, help }
}

const fn address(name: &'static str, default: &'static str, help: &'static str) -> CredentialField {
    CredentialField { required: false, default: Some(default), ..field(name, Binds::Address, help) }
}

const FIELDS: &[CredentialField] = &[
    field("client_id", Binds::Account, "The OAuth client's id, which ends with .apps.googleusercontent.com."),
    CredentialField { secret: true, ..field("client_secret", Binds::Nothing, "The OAuth client's secret.") },
    field(
        "topic",
        Binds::Nothing,
        "The Pub/Sub topic that Gmail publishes to: projects/P/topics/T. gmail-api-push@system.gserviceaccount.com has to \
         be allowed to publish to it.",
    ),
    field(
        "subscription",
        Binds::Nothing,
        "The push subscription of that topic, projects/P/subscriptions/S. Its address is that of this app's webhook.",
    ),
    field("audience", Binds::Nothing, "The audience that the subscription's token is made for."),
    field(
        "push_service_account",
        Binds::Nothing,
        "The service account by which the subscription authenticates. Pushes of others are refused.",
    ),
    address("auth_base", sign_in::AUTH_BASE, "Where people sign in."),
    address("token_base", token::TOKEN_BASE, "Where tokens are made."),
    address("api_base", api::DEFAULT_BASE, "Address of the Gmail API."),
    address("certs_url", CERTS, "Google's published keys."),
];

pub(crate) struct Google;

fn addressee(audience: &str, account: &str, subscription: Option<&str>) -> String {
    format!("{audience}\n{account}\n{}", subscription.unwrap_or_default())
}

#[async_trait]
impl App for Google {
    fn name(&self) -> &'static str {
        "google"
    }

    fn fields(&self) -> &'static [CredentialField] {
        FIELDS
    }

    fn external_id(&self, app: &Account) -> Option<String> {
        app.get("client_id").map(str::to_owned)
    }

    fn addressee(&self, app: &Account) -> Option<String> {
        let (audience, account) = (app.get("audience")?, app.get("push_service_account")?);
        Some(addressee(audience, account, app.get("subscription")))
    }

    fn addressees(&self, headers: &Headers, body: &[u8]) -> Vec<String> {
        let Some((audiences, account)) = verify::parties_of_token(headers) else { return Vec::new() };
        let subscription = verify::subscription(body);
        let named = |audience: &String| {
            // A client that names no subscription takes those of all.
            [subscription.as_deref(), None].map(|subscription| addressee(audience, &account, subscription))
        };
        let mut all: Vec<_> = audiences.iter().flat_map(named).collect();
        all.dedup();
        all
    }

    async fn verify(
        &self,
        http: &Client,
        app: &Account,
        headers: &Headers,
        body: &[u8],
        now_s: i64,
    ) -> Result<(), AppInvalid> {
        let setting = |name| app.get(name).map(str::to_owned).ok_or(verify::Invalid::NoSecret);
        let (audience, service_account) = (setting("audience")?, setting("push_service_account")?);
        let subscription = app.get("subscription").map(str::to_owned);
        // Whoever has no token that could be genuine makes us ask nobody.
        let kid = verify::key_of_token(headers)?;
        let address = app.get("certs_url").unwrap_or(CERTS);
        let jwks = keys::keys(http, address, &kid, now_s).await.map_err(AppInvalid::Unavailable)?;
        let config = OidcConfig { jwks, audience, service_account, subscription };
        Ok(verify::verify(Scheme::PubsubOidc, &config, headers, body, Some(now_s))?)
    }

    fn route(&self, body: &[u8]) -> Result<Vec<Routed>, NotJson> {
        let claim = mailbox_of_push(body)?.as_deref().map(claim);
        Ok(vec![Routed { provider: NAME, claim, body: Bytes::copy_from_slice(body) }])
    }
}
