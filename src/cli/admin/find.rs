//! Resolves an argument: an id, the name of exactly one thing in any case, or the email of a user. Names are not unique
//! in the store, so an ambiguous one is refused with the ids of its candidates.

use anyhow::{Context as _, bail};
use uuid::Uuid;

use super::Context;
use crate::accounts::tenants::{ListTenants, TenantView};
use crate::accounts::users::{ListUsers, UserByEmail, UserView};
use crate::accounts::{Locate, Scope, Thing};
use crate::error::Error;
use crate::store::Verb;
use crate::store::names::{ListNames, NameRow, Nameable};

/// Names that are read at a time; small in tests, so that they cover several pages.
const PAGE: i64 = if cfg!(test) { 3 } else { 500 };
/// Candidates that a refusal lists at the most.
const SHOWN: usize = 10;

/// A found thing: its id and its scope.
#[derive(Debug)]
pub(super) struct Found {
    pub scope: Scope,
    pub id: Uuid,
}

/// A thing that can be found by name.
trait Named {
    fn id(&self) -> Uuid;
    /// The key after which the next page begins: the tenant, if there is one, and the id.
    fn place(&self) -> (Uuid, Uuid) {
        (Uuid::nil(), self.id())
    }

    fn names(&self) -> Vec<&str>;
    /// The thing's line in the list of candidates.
    fn line(&self) -> String;

    fn any_name(&self, holds: impl Fn(&str) -> bool) -> bool {
        self.names().into_iter().any(|name| holds(&name.to_lowercase()))
    }
}

impl Named for TenantView {
    fn id(&self) -> Uuid {
        self.id
    }

    fn names(&self) -> Vec<&str> {
        vec![&self.name]
    }

    fn line(&self) -> String {
        format!("{}  {}", self.id, self.name)
    }
}

impl Named for NameRow {
    fn id(&self) -> Uuid {
        self.id
    }

    fn place(&self) -> (Uuid, Uuid) {
        (self.tenant, self.id)
    }

    fn names(&self) -> Vec<&str> {
        vec![&self.name]
    }

    fn line(&self) -> String {
        format!("{}  {}  (tenant {})", self.id, self.name, self.tenant)
    }
}

impl Named for UserView {
    fn id(&self) -> Uuid {
        self.id
    }

    fn names(&self) -> Vec<&str> {
        // A name that looks like an email is not compared, so that it cannot stand for another user's email.
        if self.name.contains('@') { vec![&self.email] } else { vec![&self.email, &self.name] }
    }

    fn line(&self) -> String {
        format!("{}  {}  {}", self.id, self.email, self.name)
    }
}

/// The first candidates, and the number of all.
struct Candidates {
    count: usize,
    lines: Vec<String>,
}

impl Candidates {
    const fn new() -> Self {
        Self { count: 0, lines: Vec::new() }
    }

    fn add(&mut self, one: &impl Named) {
        self.count += 1;
        if self.lines.len() < SHOWN {
            self.lines.push(one.line());
        }
    }

    /// The candidates, one per line.
    fn text(mut self) -> String {
        if self.count > self.lines.len() {
            self.lines.push(format!("and {} more", self.count - self.lines.len()));
        }
        format!("\n  {}", self.lines.join("\n  "))
    }
}

/// Searches all pages for `given`; `word` is the singular of the kind of thing, `words` its plural.
async fn look<T: Named, V: Verb<Out = Vec<T>>>(
    admin: &Context,
    (word, words): (&str, &str),
    given: &str,
    page_after: impl Fn((Uuid, Uuid)) -> V,
) -> anyhow::Result<T> {
    let id = Uuid::parse_str(given).ok();
    let wanted = given.trim().to_lowercase();
    let (mut same, mut similar, mut all) = (Candidates::new(), Candidates::new(), Candidates::new());
    let (mut found, mut after) = (None, (Uuid::nil(), Uuid::nil()));
    loop {
        let page = admin.store.read(page_after(after)).await?;
        let Some(last) = page.last() else { break };
        after = last.place();
        for one in page {
            all.add(&one);
            if id == Some(one.id()) {
                return Ok(one);
            }
            if one.any_name(|name| name == wanted) {
                same.add(&one);
                found = Some(one);
            } else if one.any_name(|name| name.contains(&wanted) || wanted.contains(name)) {
                similar.add(&one);
            }
        }
    }
    match (same.count, found) {
        (1, Some(one)) => Ok(one),
        (0, _) if all.count == 0 => bail!("there is no {word} yet"),
        (0, _) => {
            let near = if similar.count > 0 { similar } else { all };
            bail!("there is no {word} {given:?}; there are:{}", near.text())
        }
        (count, _) => bail!("{count} {words} are called {given:?}; give the id of one:{}", same.text()),
    }
}

impl Context {
    /// `option` is how the argument is called, for the refusal; so it is below.
    pub(super) async fn tenant(&self, option: &str, given: &str) -> anyhow::Result<Uuid> {
        if let Ok(id) = Uuid::parse_str(given) {
            return Ok(id);
        }
        let page = |(_, after)| ListTenants { after: Some(after), limit: PAGE };
        let tenant = look(self, ("tenant", "tenants"), given, page).await;
        Ok(tenant.with_context(|| option.to_owned())?.id)
    }

    pub(super) async fn maybe_tenant(
        &self,
        option: &str,
        given: Option<&str>,
    ) -> anyhow::Result<Option<Uuid>> {
        match given {
            Some(given) => self.tenant(option, given).await.map(Some),
            None => Ok(None),
        }
    }

    pub(super) async fn company(
        &self,
        option: &str,
        tenant: Option<Uuid>,
        given: &str,
    ) -> anyhow::Result<Found> {
        let words = ("company", "companies");
        let found = self.of_tenant((Nameable::Company, Thing::Company), words, tenant, given);
        found.await.with_context(|| option.to_owned())
    }

    pub(super) async fn channel(
        &self,
        option: &str,
        tenant: Option<Uuid>,
        given: &str,
    ) -> anyhow::Result<Found> {
        let words = ("channel", "channels");
        let found = self.of_tenant((Nameable::Channel, Thing::Channel), words, tenant, given);
        found.await.with_context(|| option.to_owned())
    }

    /// Among keys that are not revoked, if it is a name.
    pub(super) async fn api_key(
        &self,
        option: &str,
        tenant: Option<Uuid>,
        given: &str,
    ) -> anyhow::Result<Found> {
        let words = ("API key", "API keys");
        let found = self.of_tenant((Nameable::ApiKey, Thing::ApiKey), words, tenant, given);
        found.await.with_context(|| option.to_owned())
    }

    /// By email, name or id.
    pub(super) async fn user(&self, option: &str, given: &str) -> anyhow::Result<UserView> {
        if given.contains('@') {
            match self.store.read(UserByEmail(given.to_owned())).await {
                Err(Error::NotFound(_)) => {}
                found => return Ok(found?),
            }
        }
        let page = |(_, after)| ListUsers { after: Some(after), limit: PAGE };
        look(self, ("user", "users"), given, page).await.with_context(|| option.to_owned())
    }

    /// Inside of the tenant if one is given, or anywhere.
    async fn of_tenant(
        &self,
        (of, thing): (Nameable, Thing),
        words: (&str, &str),
        tenant: Option<Uuid>,
        given: &str,
    ) -> anyhow::Result<Found> {
        let (id, home) = if let Ok(id) = Uuid::parse_str(given) {
            let place = self.store.read(Locate { thing, id, within: None }).await?;
            let (home, _) = place.with_context(|| format!("there is no {} with the id {id}", words.0))?;
            (id, home)
        } else {
            let page = |after| ListNames { of, tenant, after, limit: PAGE };
            let named = look(self, words, given, page).await?;
            (named.id, named.tenant)
        };
        if tenant.is_some_and(|tenant| tenant != home) {
            bail!("the {} {id} is of another tenant, {home}", words.0);
        }
        Ok(Found { scope: Scope::operator(home), id })
    }
}
