//! Where customers come from: the touches of a contact, and what sources are called.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{At, Caller};
use crate::document::{line, opt_line};
use crate::error::Error;
use crate::growth::source_name::{ListSourceNames, SetSourceName, SourceName};
use crate::growth::touch::TouchesOf;
use crate::model::Touch;

#[derive(Serialize, ToSchema)]
pub struct Touches {
    touches: Vec<Touch>,
}

pub async fn touches(at: At) -> Result<Touches, Error> {
    let verb = TouchesOf { scope: at.scope, conversation: at.id };
    Ok(Touches { touches: at.app.store.read_anywhere(verb).await? })
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceNamesQuery {
    tenant: Uuid,
}

#[derive(Serialize, ToSchema)]
pub struct SourceNames {
    names: Vec<SourceName>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSourceName {
    tenant: Uuid,
    /// A spelling, as `tik-tok`.
    #[serde(deserialize_with = "line")]
    alias: String,
    /// What is meant by it; null: itself.
    #[serde(default, deserialize_with = "opt_line")]
    name: Option<String>,
}

pub async fn names(caller: Caller, query: SourceNamesQuery) -> Result<SourceNames, Error> {
    let verb = ListSourceNames { scope: caller.tenant(query.tenant)? };
    Ok(SourceNames { names: caller.app.store.read(verb).await? })
}

pub async fn set_name(caller: Caller, new: NewSourceName) -> Result<SourceNames, Error> {
    let verb = SetSourceName { scope: caller.tenant(new.tenant)?, alias: new.alias, name: new.name };
    Ok(SourceNames { names: caller.app.store.write(verb).await?.value })
}
