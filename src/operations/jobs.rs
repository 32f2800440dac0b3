//! Dead jobs: the list with their reasons, retrying and forgetting one.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::answer::Done;
use super::{At, Caller, page_size};
use crate::error::Error;
use crate::store::jobs::DeadJob;
use crate::work::{Forget, ListDead, Revive};

const MAX_PAGE: i64 = 200;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeadQuery {
    tenant: Uuid,
    /// The last id of the page before.
    before: Option<Uuid>,
    /// 1 to 200, default 50.
    limit: Option<i64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct DeadAnswer {
    /// Newest first.
    jobs: Vec<DeadJob>,
}

pub async fn dead(caller: Caller, query: DeadQuery) -> Result<DeadAnswer, Error> {
    let scope = caller.tenant(query.tenant)?;
    let limit = page_size(query.limit, 50, MAX_PAGE);
    let verb = ListDead { scope, before: query.before, limit };
    Ok(DeadAnswer { jobs: caller.app.store.read_anywhere(verb).await? })
}

pub async fn retry(at: At) -> Result<Done, Error> {
    at.app.store.write(Revive { tenant: at.scope.tenant(), job: at.id }).await?;
    Ok(Done)
}

pub async fn forget(at: At) -> Result<Done, Error> {
    at.app.store.write(Forget { tenant: at.scope.tenant(), job: at.id }).await?;
    Ok(Done)
}
