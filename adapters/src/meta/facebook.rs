//! The pages of a person who signed in at Facebook. Their tokens last: they are asked for with a token that lasts itself.

use serde_json::Value;

use super::token;
use crate::{
    Account, Client, ConnectFailure,
    call::Failure,
    json,
    meta::{
        graph::{BASE, Graph},
        messaging::table,
    },
};

pub(crate) use token::dialog;

/// A page, and the Instagram account that is linked to it.
pub(crate) struct Page {
    pub id: String,
    pub name: String,
    pub token: String,
    pub instagram: Option<Linked>,
    /// Who signed in.
    pub granted_by: Option<String>,
}

pub(crate) struct Linked {
    pub id: String,
    pub name: Option<String>,
}

impl Page {
    fn of(page: &Value, granted_by: Option<&str>) -> Option<Self> {
        let id = page.get("id").and_then(json::id)?;
        let linked = json::object(page, "instagram_business_account");
        Some(Self {
            name: json::text(page, "name").unwrap_or_else(|| id.clone()),
            // A page without one is not this person's to act for.
            token: json::text(page, "access_token")?,
            instagram: linked.and_then(|linked| {
                Some(Linked {
                    id: linked.get("id").and_then(json::id)?,
                    name: json::text(linked, "username")
                        .map(|name| format!("@{name}"))
                        .or_else(|| json::text(linked, "name")),
                })
            }),
            id,
            granted_by: granted_by.map(str::to_owned),
        })
    }
}

/// The pages that the code opens.
pub(crate) async fn pages(
    http: &Client,
    app: &Account,
    (code, redirect): (&str, &str),
    now_ms: i64,
) -> Result<Vec<Page>, ConnectFailure> {
    let token = token::exchange(http, app, code, redirect, now_ms).await?;
    let graph = Graph::open(http, app, ("graph_base", BASE), table)?
        .with_token(&token.text, app.get("app_secret"))
        .giving_tokens();
    let fields = "id,name,access_token,instagram_business_account{id,username,name}";
    let listed: Result<_, Failure> =
        graph.list(&["me", "accounts"], &[("fields", fields), ("limit", "100")]).await;
    let listed = listed?;
    let user = token::granted_by(http, app, &token.text).await;
    Ok(listed.iter().filter_map(|page| Page::of(page, user.as_deref())).collect())
}
