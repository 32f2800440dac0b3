//! One person: what is known of it, which contacts it has, and whether it is blocked.

use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::At;
use crate::error::Error;
use crate::inbox::block::Block;
use crate::people::{Card, GetCard, Merge, Split};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeBody {
    /// The contact as which both are seen from now on.
    into: Uuid,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SplitBody {
    /// One of the person's `merges`.
    merge: Uuid,
    /// For a merge that waits for a person (`asked`): whether they are one. A merge that holds is undone.
    #[serde(default)]
    same: bool,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BlockBody {
    blocked: bool,
}

pub async fn get(at: At) -> Result<Card, Error> {
    at.app.store.read(GetCard { scope: at.scope, contact: at.id }).await
}

pub async fn merge(at: At, body: MergeBody) -> Result<Card, Error> {
    let verb = Merge { scope: at.scope, contact: at.id, into: body.into };
    Ok(at.app.store.write(verb).await?.value)
}

pub async fn split(at: At, body: SplitBody) -> Result<Card, Error> {
    let verb = Split { scope: at.scope, contact: at.id, merge: body.merge, same: body.same };
    Ok(at.app.store.write(verb).await?.value)
}

pub async fn block(at: At, body: BlockBody) -> Result<Card, Error> {
    let verb = Block { scope: at.scope, contact: at.id, blocked: body.blocked };
    Ok(at.app.store.write(verb).await?.value)
}
