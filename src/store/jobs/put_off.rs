//! Jobs that wait for the pace of their chat. They keep their place in the lane, and occupy no worker.

use super::{FRESH, Job, queues, release};
use crate::args;
use crate::store::{StoreError, Tx, Wake};

const NOT_BEFORE: &str = "update jobs set run_at = $3 where tenant = $1 and lane = $2 and state in ('ready', 'claimed') \
    and claim is null and run_at < $3";
pub const ALL: &[&str] = &[NOT_BEFORE];

/// Holds the lane's first job until a time.
pub async fn not_before(tx: &mut Tx<'_>, job: &Job, at: i64) -> Result<(), StoreError> {
    tx.put(NOT_BEFORE, args![job.tenant, &job.lane, at]).await?;
    if let Some(key) = job.key() {
        queues::touch(tx, key, at).await?;
        tx.wake(Wake::Job { class: key.class, at });
    }
    Ok(())
}

/// Puts a claimed job off that did not even try.
pub async fn put_off(tx: &mut Tx<'_>, job: &Job, run_at: i64) -> Result<(), StoreError> {
    if release(tx, job, run_at, job.error.as_deref()).await? {
        tx.put(FRESH, args![job.tenant, job.id]).await?;
    }
    Ok(())
}
