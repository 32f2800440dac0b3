//! A Meta app: its settings, and what comes to its one address. All channels of WhatsApp, Messenger and Instagram that
//! are connected through it share its secret.

use async_trait::async_trait;
use serde::Deserialize;

use super::{graph, notice, route};
use crate::{
    Account, App, AppInvalid, Binds, Client, CredentialField, Headers, Invalid, NotJson, Notice, Routed,
    Scheme, verify,
};

pub(crate) const DIALOG: &str = "https://www.facebook.com";
pub(crate) const INSTAGRAM: &str = "https://graph.instagram.com";
pub(crate) const INSTAGRAM_DIALOG: &str = "https://www.instagram.com";
pub(crate) const INSTAGRAM_TOKEN: &str = "https://api.instagram.com";

const fn field(name: &'static str, binds: Binds, help: &'static str) -> CredentialField {
    CredentialField { name, secret: false, required: false, binds, default: None, help }
}

const fn secret(name: &'static str, required: bool, help: &'static str) -> CredentialField {
    CredentialField { secret: true, required, ..field(name, Binds::Nothing, help) }
}

const fn address(name: &'static str, default: &'static str, help: &'static str) -> CredentialField {
    CredentialField { default: Some(default), ..field(name, Binds::Address, help) }
}

const FIELDS: &[CredentialField] = &[
    CredentialField {
        required: true,
        ..field("app_id", Binds::Account, "The app's number, from its page in Meta's developer area.")
    },
    secret("app_secret", true, "The app's secret, from its basic settings. Deliveries are signed with it."),
    secret(
        "verify_token",
        true,
        "Any text that is hard to guess; the same is given to Meta with the webhook's address.",
    ),
    field(
        "instagram_app_id",
        Binds::Account,
        "The number of the app's Instagram part, if Instagram accounts sign in there themselves.",
    ),
    secret("instagram_app_secret", false, "The secret of the app's Instagram part."),
    field(
        "config_id",
        Binds::Nothing,
        "The configuration of Facebook Login for Business with which people sign in.",
    ),
    address("graph_base", graph::BASE, "Address of the Graph API."),
    address("instagram_base", INSTAGRAM, "Address of Instagram's Graph API."),
    address("dialog_base", DIALOG, "Address under which people sign in at Facebook."),
    address("instagram_dialog_base", INSTAGRAM_DIALOG, "Address under which people sign in at Instagram."),
    address("instagram_token_base", INSTAGRAM_TOKEN, "Address at which Instagram gives tokens out."),
    // A file's host is given the token.
    field(
        "media_hosts",
        Binds::Account,
        "Further hosts from which files may be fetched, separated by commas. Only for a proxy of your own.",
    ),
    CredentialField {
        default: Some(graph::VERSION),
        ..field("api_version", Binds::Nothing, "Version of the Graph API.")
    },
];

pub(crate) struct MetaApp;

#[async_trait]
impl App for MetaApp {
    fn name(&self) -> &'static str {
        "meta"
    }

    /// Each company has an app of its own, so that what Meta takes from one costs no other its channels.
    fn is_for_one_tenant(&self) -> bool {
        true
    }

    fn fields(&self) -> &'static [CredentialField] {
        FIELDS
    }

    fn external_id(&self, app: &Account) -> Option<String> {
        app.get("app_id").map(str::to_owned)
    }

    fn challenge(&self, app: &Account, query: &[(String, String)]) -> Option<String> {
        verify::challenge_answer(app.get("verify_token")?, query).ok()
    }

    async fn verify(
        &self,
        _http: &Client,
        app: &Account,
        headers: &Headers,
        body: &[u8],
        _now_s: i64,
    ) -> Result<(), AppInvalid> {
        let signed =
            |name| verify::verify(Scheme::MetaSha256, app.get(name).unwrap_or_default(), headers, body, None);
        match signed("app_secret") {
            // Instagram signs with the secret of its own part of the app, and nothing else may.
            Err(Invalid::Mismatch | Invalid::NoSecret)
                if signed("instagram_app_secret").is_ok() && is_of_instagram(body) =>
            {
                Ok(())
            }
            judged => Ok(judged?),
        }
    }

    fn route(&self, body: &[u8]) -> Result<Vec<Routed>, NotJson> {
        route::route(body)
    }

    fn notice(&self, app: &Account, form: &[(String, String)], now_s: i64) -> Option<Notice> {
        notice::read(app, form, now_s)
    }
}

/// Looks at one member of the body and builds nothing of the rest.
fn is_of_instagram(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Head {
        object: String,
    }
    serde_json::from_slice(body).is_ok_and(|head: Head| head.object == "instagram")
}
