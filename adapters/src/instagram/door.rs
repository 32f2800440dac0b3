//! By which of its two doors an account is called: Instagram's own API with the account's token, or Facebook's with that of
//! the linked page.

use crate::{
    Account, Client,
    call::Failure,
    meta::{INSTAGRAM, graph::Graph, messaging::table},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Instagram Login.
    Own,
    /// Facebook Login.
    Page,
}

impl Kind {
    pub(super) fn of(account: &Account) -> Result<Self, Failure> {
        match account.get("login") {
            None | Some("instagram") => Ok(Self::Own),
            Some("page") => Ok(Self::Page),
            Some(_) => Err(Failure::setting("login", "has to be instagram or page")),
        }
    }
}

/// An account and the right to call it.
pub(super) struct Door<'a> {
    pub(super) graph: Graph<'a>,
    pub(super) kind: Kind,
    pub(super) account: &'a str,
    /// As whom it sends and subscribes: itself, or its page.
    pub(super) sender: &'a str,
}

impl<'a> Door<'a> {
    pub(super) fn of(http: &'a Client, settings: &'a Account) -> Result<Self, Failure> {
        let setting = |name| settings.get(name).ok_or_else(|| Failure::setting(name, "is missing"));
        let account = setting("account_id")?;
        let kind = Kind::of(settings)?;
        let (graph, sender) = match kind {
            Kind::Own => {
                let graph = Graph::open(http, settings, ("instagram_base", INSTAGRAM), table)?;
                let token = setting("access_token")?;
                (graph.with_token(token, settings.get("instagram_app_secret")), account)
            }
            Kind::Page => (Graph::of(http, settings, table)?, setting("page_id")?),
        };
        Ok(Self { graph, kind, account, sender })
    }
}
