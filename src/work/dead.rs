//! Dead jobs: list them, retry one, delete one.

use uuid::Uuid;

use super::kinds;
use crate::accounts::Scope;
use crate::error::Error;
use crate::store::jobs::{self, DeadJob};
use crate::store::{Tx, Verb};

/// Lists the dead jobs of the scope's tenant, newest first.
pub struct ListDead {
    pub scope: Scope,
    pub before: Option<Uuid>,
    pub limit: i64,
}

impl Verb for ListDead {
    type Out = Vec<DeadJob>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<DeadJob>, Error> {
        let before = self.before.unwrap_or(Uuid::max());
        let found = jobs::dead(tx, self.scope.tenant(), before, self.limit).await?;
        Ok(found.into_iter().map(DeadJob::from).collect())
    }
}

fn not_dead() -> Error {
    Error::conflict("not_dead", "the job is not among the dead: it waits or runs")
}

/// Retries a dead job.
pub struct Revive {
    pub tenant: Uuid,
    pub job: Uuid,
}

impl Verb for Revive {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        Some(self.tenant)
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let job = jobs::load(tx, self.tenant, self.job).await?.ok_or(Error::NotFound("job"))?;
        if !job.is_dead() {
            return Err(not_dead());
        }
        if let Some(kind) = kinds::of(&job.kind) {
            (kind.revived)(tx, &job).await?;
        }
        if jobs::revive(tx, &job).await? { Ok(()) } else { Err(not_dead()) }
    }
}

/// Deletes a dead job.
pub struct Forget {
    pub tenant: Uuid,
    pub job: Uuid,
}

impl Verb for Forget {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        Some(self.tenant)
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let job = jobs::load(tx, self.tenant, self.job).await?.ok_or(Error::NotFound("job"))?;
        if jobs::drop_dead(tx, &job).await? { Ok(()) } else { Err(not_dead()) }
    }
}
