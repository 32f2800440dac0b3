//! Signing in with Google: a person allows the app to read and send the mails of one mailbox, also while away.

use async_trait::async_trait;
use url::Url;

use super::{
    api::Api,
    connect::{access, mailbox},
};
use crate::{
    Account, Choice, Client, ConnectFailure, SignIn, Words,
    call::{Failure, Verdict},
    google::{base, token},
};

pub(super) const AUTH_BASE: &str = "https://accounts.google.com";

/// Reading, labels and the watch; sending.
const SCOPES: [&str; 2] =
    ["https://www.googleapis.com/auth/gmail.modify", "https://www.googleapis.com/auth/gmail.send"];

pub(super) struct Google;

#[async_trait]
impl SignIn for Google {
    fn authorize_url(&self, app: &Account, redirect: &str, state: &str) -> Result<String, ConnectFailure> {
        let client = app.get("client_id").ok_or_else(|| Failure::setting("client_id", "is missing"))?;
        let base = base(app, "auth_base", AUTH_BASE)?;
        let mut url = Url::parse(&format!("{base}/o/oauth2/v2/auth"))
            .map_err(|_| Failure::setting("auth_base", "is not an address"))?;
        url.query_pairs_mut()
            .append_pair("client_id", client)
            .append_pair("redirect_uri", redirect)
            .append_pair("response_type", "code")
            .append_pair("scope", &SCOPES.join(" "))
            // A refresh token is given only to who asks for both.
            .append_pair("access_type", "offline")
            .append_pair("prompt", "consent")
            .append_pair("state", state);
        Ok(url.into())
    }

    async fn exchange(
        &self,
        http: &Client,
        app: &Account,
        code: &str,
        redirect: &str,
        now_ms: i64,
    ) -> Result<Vec<Choice>, ConnectFailure> {
        let refused = |code: &str, reason: &str| Failure::new(Verdict::Rejected, code, reason);
        let tokens = token::of_code(http, app, code, redirect).await?;
        // Each box of the consent can be left out.
        if let Some(scope) = &tokens.scope
            && !SCOPES[..1].iter().all(|wanted| scope.split(' ').any(|given| given == *wanted))
        {
            let reason =
                "the permission to read and send mails was not given: sign in again and leave its box ticked";
            return Err(refused("scope_missing", reason).into());
        }
        let refresh = tokens.refresh.clone().ok_or_else(|| {
            refused("no_refresh_token", "Google gave no lasting permission: remove the app from the account's permissions and sign in again")
        })?;
        let mut api = Api::of(http, app)?.with_token(tokens.access.clone());
        let mailbox = mailbox(&mut api).await?;
        let mut credentials: std::collections::BTreeMap<_, _> = access(&tokens, now_ms).into();
        credentials.insert("mailbox".to_owned(), mailbox.clone());
        credentials.insert("refresh_token".to_owned(), refresh);
        Ok(vec![Choice { name: Words::from(&mailbox), external_id: mailbox, credentials }])
    }
}
