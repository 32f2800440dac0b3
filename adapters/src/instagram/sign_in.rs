//! Signing in: at Instagram where the app has a part there, else at Facebook, whose pages lead to their linked accounts.
//! `login` among the app's settings chooses one of the two.

use async_trait::async_trait;

use super::{
    door::Kind,
    login::{self, setting},
};
use crate::{
    Account, Choice, Client, ConnectFailure, SignIn,
    call::Failure,
    json,
    meta::{
        INSTAGRAM, INSTAGRAM_DIALOG, facebook,
        graph::{self, Graph},
        messaging::table,
        token::GRANTED_BY,
    },
    outward,
};

const OWN_SCOPES: &[&str] = &["instagram_business_basic", "instagram_business_manage_messages"];
const PAGE_SCOPES: &[&str] = &[
    "instagram_basic",
    "instagram_manage_messages",
    "pages_show_list",
    "pages_manage_metadata",
    "pages_messaging",
    "pages_read_engagement",
];

pub(super) struct Login;

fn kind(app: &Account) -> Result<Kind, Failure> {
    match app.get("login") {
        None if app.get("instagram_app_id").is_none() => Ok(Kind::Page),
        _ => Kind::of(app),
    }
}

#[async_trait]
impl SignIn for Login {
    fn authorize_url(&self, app: &Account, redirect: &str, state: &str) -> Result<String, ConnectFailure> {
        match kind(app)? {
            Kind::Own => Ok(dialog(app, redirect, state)?),
            Kind::Page => facebook::dialog(app, PAGE_SCOPES, redirect, state),
        }
    }

    async fn exchange(
        &self,
        http: &Client,
        app: &Account,
        code: &str,
        redirect: &str,
        now_ms: i64,
    ) -> Result<Vec<Choice>, ConnectFailure> {
        match kind(app)? {
            Kind::Own => Ok(vec![itself(http, app, (code, redirect), now_ms).await?]),
            Kind::Page => {
                let pages = facebook::pages(http, app, (code, redirect), now_ms).await?;
                Ok(pages.into_iter().filter_map(linked).collect())
            }
        }
    }
}

fn dialog(app: &Account, redirect: &str, state: &str) -> Result<String, Failure> {
    let base = graph::base(app, "instagram_dialog_base", INSTAGRAM_DIALOG)?;
    let mut url = outward::base(&format!("{base}/oauth/authorize"))
        .map_err(|why| Failure::setting("instagram_dialog_base", &why.to_string()))?;
    url.query_pairs_mut()
        .append_pair("client_id", setting(app, "instagram_app_id")?)
        .append_pair("redirect_uri", redirect)
        .append_pair("response_type", "code")
        .append_pair("scope", &OWN_SCOPES.join(","))
        .append_pair("state", state);
    Ok(url.into())
}

/// Who signs in at Instagram is the account.
async fn itself(http: &Client, app: &Account, code: (&str, &str), now_ms: i64) -> Result<Choice, Failure> {
    let short = login::open(http, app, code, now_ms).await?;
    let long = login::lengthen(http, app, &short.text, now_ms).await?;
    let graph = Graph::open(http, app, ("instagram_base", INSTAGRAM), table)?
        .with_token(&long.text, app.get("instagram_app_secret"));
    let me = graph.get(&["me"], &[("fields", "user_id,username,name")]).await?;
    // What the code's answer calls the user is the account as this app alone knows it.
    let id = me.get("user_id").and_then(json::id).or(short.user.clone());
    let id = id.ok_or_else(|| {
        Failure::new(
            crate::call::Verdict::Rejected,
            "unreadable_answer",
            "Instagram does not name the account",
        )
    })?;
    let name = json::text(&me, "username").map(|name| format!("@{name}")).or_else(|| json::text(&me, "name"));
    let mut credentials: std::collections::BTreeMap<_, _> =
        [("account_id", id.clone()), ("login", "instagram".to_owned()), ("access_token", long.text.clone())]
            .map(|(name, value)| (name.to_owned(), value))
            .into();
    if let Some(user) = short.user {
        credentials.insert(GRANTED_BY.name.to_owned(), user);
    }
    if let Some(end) = long.ends_at_ms {
        credentials.insert("access_expires_at_ms".to_owned(), end.to_string());
    }
    Ok(Choice { name: name.unwrap_or_else(|| id.clone()).into(), external_id: id, credentials })
}

fn linked(page: facebook::Page) -> Option<Choice> {
    let linked = page.instagram?;
    let granted_by = page.granted_by.map(|user| (GRANTED_BY.name, user));
    let settings = [
        ("account_id", linked.id.clone()),
        ("login", "page".to_owned()),
        ("page_id", page.id),
        ("access_token", page.token),
    ];
    let credentials = settings.into_iter().chain(granted_by);
    Some(Choice {
        name: linked.name.unwrap_or(page.name).into(),
        external_id: linked.id,
        credentials: credentials.map(|(name, value)| (name.to_owned(), value)).collect(),
    })
}
