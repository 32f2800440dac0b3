//! A visit of a link: where the visitor goes, with a reference that nobody else has. Nothing of the visitor is stored, and
//! whatever happens to the store, the visitor gets to the chat.

use uuid::Uuid;

use super::link::DAY_MS;
use super::reference::{self, TRIES};
use super::target::Opens;
use super::{source_name, utm};
use crate::error::Error;
use crate::model::{Link, Utm};
use crate::store::{Store, Tx, Verb, links};
use crate::vault;

/// Who visits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visitor {
    /// Gets a reference and is counted.
    New,
    /// Has visited the link just now: gets a reference, as the former may have been lost.
    Again,
    /// A preview, a crawler, or one of more visitors than can be recorded: is sent on, and that is all.
    Uncounted,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Went {
    To(String),
    /// There was such a link, or it waits for its owner to turn it on.
    Over,
    Unknown,
}

/// Where a visitor of `/l/{code}` goes. `query` is that of the visited address: marks in it complete the link's own.
/// `who`: of whom it is, by the link's tenant.
pub async fn visit(
    store: &Store,
    code: &str,
    query: &str,
    who: impl FnOnce(Uuid) -> Visitor + Send,
) -> Result<Went, Error> {
    let Some(link) = store.read(Find(code.to_owned())).await? else { return Ok(Went::Unknown) };
    if !link.active || link.expires_at.is_some_and(|end| end <= store.clock().now_ms()) {
        return Ok(Went::Over);
    }
    let opens = Opens::of(&link.channel_kind).ok_or(Error::NotFound("link"))?;
    let (target, text) = (link.target.clone(), link.text.clone());
    let visitor = who(link.tenant);
    let reference = if visitor == Visitor::Uncounted {
        None
    } else {
        let references = (0..TRIES).map(|_| Ok(reference::make(vault::random()?)));
        let references = references.collect::<anyhow::Result<_>>()?;
        let verb = Visit { link, query: utm::of_query(query), references, counts: visitor == Visitor::New };
        match store.write(verb).await {
            Ok(done) => done.value,
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "a visit of a link was not recorded");
                None
            }
        }
    };
    Ok(Went::To(opens.url(&target, text.as_deref(), reference.as_deref())?.to_string()))
}

struct Find(String);

impl Verb for Find {
    type Out = Option<Link>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        Ok(links::by_code(tx, &self.0).await?)
    }
}

struct Visit {
    link: Link,
    query: Utm,
    /// To try.
    references: Vec<String>,
    counts: bool,
}

impl Verb for Visit {
    type Out = Option<String>;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.link.tenant)
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let link = &self.link;
        if self.counts {
            let day = tx.now() / DAY_MS;
            links::count_visit(tx, (link.tenant, link.id), day).await?;
        }
        let marks = source_name::cleaned(tx, link.tenant, &self.query).await?;
        let marks = utm::completed(link.utm.clone(), marks);
        for reference in &self.references {
            if links::add_click(tx, link, reference, &marks).await? {
                return Ok(Some(reference.clone()));
            }
        }
        Ok(None)
    }
}
