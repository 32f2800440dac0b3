//! Spellings of sources: `tik-tok` and `tiktok ads` are counted as `tiktok` when the tenant says so. A name that is set later
//! changes nothing of what came before.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::utm;
use crate::accounts::Scope;
use crate::error::Error;
use crate::model::Utm;
use crate::store::{Tx, Verb, source_names};

const MOST: usize = 1_000;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SourceName {
    /// What is written.
    pub alias: String,
    /// What is meant.
    pub name: String,
}

/// The name that is meant by a cleaned one.
pub(super) async fn meant(tx: &mut Tx<'_>, tenant: Uuid, name: String) -> Result<String, Error> {
    Ok(source_names::name_of(tx, tenant, &name).await?.unwrap_or(name))
}

/// The marks, cleaned, with the source that is meant.
pub(super) async fn cleaned(tx: &mut Tx<'_>, tenant: Uuid, marks: &Utm) -> Result<Utm, Error> {
    let mut marks = utm::cleaned(marks);
    if let Some(source) = marks.source.take() {
        marks.source = Some(meant(tx, tenant, source).await?);
    }
    Ok(marks)
}

pub struct ListSourceNames {
    pub scope: Scope,
}

impl Verb for ListSourceNames {
    type Out = Vec<SourceName>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let found = source_names::of_tenant(tx, self.scope.tenant()).await?;
        Ok(found.into_iter().map(|(alias, name)| SourceName { alias, name }).collect())
    }
}

/// Says what is meant by a spelling; `None`: it stands for itself.
pub struct SetSourceName {
    pub scope: Scope,
    pub alias: String,
    pub name: Option<String>,
}

impl Verb for SetSourceName {
    type Out = Vec<SourceName>;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let tenant = self.scope.tenant();
        let empty = |field: &'static str| Error::invalid(field, "is empty");
        let alias = utm::clean(&self.alias).ok_or_else(|| empty("alias"))?;
        match &self.name {
            Some(name) => {
                let name = utm::clean(name).ok_or_else(|| empty("name"))?;
                if name == alias {
                    return Err(Error::invalid("name", "is the same as `alias`"));
                }
                // One step: what is meant does not mean something else again.
                if source_names::name_of(tx, tenant, &name).await?.is_some() {
                    return Err(Error::invalid("name", "is itself a spelling of another name"));
                }
                let known = source_names::of_tenant(tx, tenant).await?;
                if known.iter().any(|(_, other)| *other == alias) {
                    return Err(Error::invalid("alias", "other spellings mean it"));
                }
                if known.len() >= MOST {
                    return Err(Error::conflict("too_many", format!("there are {MOST} spellings already")));
                }
                source_names::set(tx, tenant, &alias, &name).await?;
            }
            None => {
                if !source_names::remove(tx, tenant, &alias).await? {
                    return Err(Error::NotFound("spelling"));
                }
            }
        }
        ListSourceNames { scope: self.scope.clone() }.run(tx).await
    }
}
