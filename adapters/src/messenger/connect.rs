//! Connecting a page: who signed in, which pages they have, and making one of them deliver.

use async_trait::async_trait;

use crate::{
    Account, AccountInfo, Choice, Client, ConnectFailure, Expiry, Health, HealthState, SignIn, Words,
    call::{Failure, Verdict},
    json,
    meta::{facebook, graph::Graph, messaging::PAGE, token::GRANTED_BY},
};

const SCOPES: &[&str] =
    &["pages_show_list", "pages_messaging", "pages_manage_metadata", "pages_read_engagement"];

pub(super) fn claim(page: &str) -> String {
    format!("page:{page}")
}

pub(super) async fn connect(graph: &Graph<'_>, page: &str) -> Result<AccountInfo, ConnectFailure> {
    let told = graph.get(&[page], &[("fields", "id,name")]).await?;
    let id = told.get("id").and_then(json::id);
    if id.as_deref() != Some(page) {
        return Err(Failure::new(
            Verdict::Rejected,
            "wrong_account",
            "Meta does not know a page of this number for this token",
        )
        .into());
    }
    PAGE.begin(graph, page).await?;
    Ok(AccountInfo {
        external_id: page.to_owned(),
        name: json::text(&told, "name").map(Words::from),
        claim: Some(claim(page)),
        health: Health::new(HealthState::Up, "messages are delivered".into()),
    })
}

/// The token of a page lasts as long as its owner's access; where it does not, only a person has another one.
pub(super) fn expiry(account: &Account) -> Option<Expiry> {
    const WARN_MS: i64 = 7 * 24 * 3_600_000;
    let ends_at_ms: i64 = account.get("access_expires_at_ms")?.parse().ok().filter(|end| *end > 0)?;
    Some(Expiry { renew_at_ms: ends_at_ms.saturating_sub(WARN_MS), ends_at_ms, needs_person: true })
}

pub(super) struct Login;

#[async_trait]
impl SignIn for Login {
    fn authorize_url(&self, app: &Account, redirect: &str, state: &str) -> Result<String, ConnectFailure> {
        facebook::dialog(app, SCOPES, redirect, state)
    }

    async fn exchange(
        &self,
        http: &Client,
        app: &Account,
        code: &str,
        redirect: &str,
        now_ms: i64,
    ) -> Result<Vec<Choice>, ConnectFailure> {
        let pages = facebook::pages(http, app, (code, redirect), now_ms).await?;
        let choice = |page: facebook::Page| {
            let granted_by = page.granted_by.map(|user| (GRANTED_BY.name, user));
            let settings = [("page_id", page.id.clone()), ("access_token", page.token)].into_iter();
            let credentials = settings.chain(granted_by).map(|(name, value)| (name.to_owned(), value));
            Choice { external_id: page.id, name: page.name.into(), credentials: credentials.collect() }
        };
        Ok(pages.into_iter().map(choice).collect())
    }
}
