//! Tokens, codes and what a person grants, as values.

use std::collections::BTreeSet;

pub(super) const HOUR_MS: i64 = 3_600_000;
pub(super) const LONG_MS: i64 = 60 * 24 * HOUR_MS;

/// Whose token it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Holder {
    /// A person or a system user.
    User,
    Page(String),
    Instagram(String),
}

#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) holder: Holder,
    pub(super) user: String,
    pub(super) scopes: Vec<String>,
    /// WABAs, pages and Instagram accounts.
    pub(super) granted: BTreeSet<String>,
    pub(super) expires_ms: Option<i64>,
    pub(super) is_long: bool,
    pub(super) is_revoked: bool,
}

impl Token {
    /// The account that a path names: `me` and the id of an app's own are the token's account.
    pub(super) fn names(&self, named: &str) -> String {
        match &self.holder {
            Holder::Page(own) if named == "me" => own.clone(),
            Holder::Instagram(own) if named == "me" || named == app_scoped(own) => own.clone(),
            _ => named.to_owned(),
        }
    }
}

/// What a sign-in leads back with.
#[derive(Debug, Clone)]
pub(super) struct Code {
    pub(super) client_id: String,
    pub(super) redirect_uri: String,
    pub(super) token: Token,
    pub(super) is_used: bool,
    pub(super) expires_ms: i64,
}

/// What the person does at the next sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// The person's id at this app.
    pub user: String,
    /// WABAs, pages, and for Instagram Login one account.
    pub granted: Vec<String>,
    /// The person presses "cancel".
    pub declines: bool,
}

impl Default for SignIn {
    fn default() -> Self {
        let granted = ["102200000000001", "1020000000000001", "17841400000000001"];
        Self { user: "7000000000000001".into(), granted: granted.map(str::to_owned).into(), declines: false }
    }
}

/// The id of an account as one app knows it, which is not the one that webhooks name.
pub(super) fn app_scoped(account: &str) -> String {
    format!("26{}", account.get(2..).unwrap_or(account))
}
