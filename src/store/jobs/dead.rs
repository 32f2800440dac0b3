//! Dead jobs: they are listed, requeued or removed by people, and removed with the rows that they are about or when their
//! retention ends.

use uuid::Uuid;

use super::{Job, Payload, queues};
use crate::args;
use crate::store::{StoreError, Tx, Wake};

const ABOUT: &str = select!("where j.tenant = $1 and j.subject = $2 and j.kind = $3 and j.state = 'dead'");
const DEAD: &str =
    select!("where j.tenant = $1 and j.state = 'dead' and j.id < $2 order by j.id desc limit $3");
const OLD_DEAD: &str =
    select!("where j.tenant = $1 and j.state = 'dead' and j.id < $2 order by j.id limit $3");
const REVIVE: &str = "update jobs set tries = 0, run_at = $3, created_at = $3, error = null, state = case when exists (select 1 from jobs k \
    where k.tenant = $1 and k.lane = jobs.lane and k.state in ('ready', 'claimed')) then 'behind' else 'ready' end \
    where tenant = $1 and id = $2 and state = 'dead'";
const DROP_DEAD: &str = "delete from jobs where tenant = $1 and id = $2 and state = 'dead'";

pub const ALL: &[&str] = &[ABOUT, DEAD, OLD_DEAD, REVIVE, DROP_DEAD];

/// The dead jobs of a tenant with an id below `before`, newest first.
pub async fn dead(tx: &mut Tx<'_>, tenant: Uuid, before: Uuid, limit: i64) -> Result<Vec<Job>, StoreError> {
    tx.all(DEAD, args![tenant, before, limit]).await
}

/// The dead jobs of a tenant with an id below `before`, oldest first.
pub async fn old_dead(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    before: Uuid,
    limit: i64,
) -> Result<Vec<Job>, StoreError> {
    tx.all(OLD_DEAD, args![tenant, before, limit]).await
}

/// Requeues a dead job as if it were new. `false`: it is not dead any more.
pub async fn revive(tx: &mut Tx<'_>, job: &Job) -> Result<bool, StoreError> {
    let (Some(key), now) = (job.key(), tx.now()) else { return Ok(false) };
    queues::dead_left(tx, key, true).await?;
    let revived = tx.exec(REVIVE, args![job.tenant, job.id, now]).await? == 1;
    tx.wake(Wake::Job { class: key.class, at: now });
    Ok(revived)
}

/// Removes a dead job.
pub async fn drop_dead(tx: &mut Tx<'_>, job: &Job) -> Result<bool, StoreError> {
    if let Some(key) = job.key() {
        queues::dead_left(tx, key, false).await?;
    }
    Ok(tx.exec(DROP_DEAD, args![job.tenant, job.id]).await? == 1)
}

/// Removes the dead jobs of a kind whose subject was settled in another way, so that nobody has to review them.
pub async fn forget_dead<P: Payload>(tx: &mut Tx<'_>, tenant: Uuid, subject: Uuid) -> Result<(), StoreError> {
    for job in tx.all::<Job>(ABOUT, args![tenant, subject, P::KIND]).await? {
        drop_dead(tx, &job).await?;
    }
    Ok(())
}
