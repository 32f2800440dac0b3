//! Lets old messages leave the store once the history beside it has them, and tells the history how long each tenant's are
//! kept. A part of `retain.rs`.

use std::sync::atomic::Ordering;

use tokio::time::Instant;
use uuid::Uuid;

use super::expiring::DAY_MS;
use super::retain::{Run, TURN};
use super::retained::pause;
use crate::error::Error;
use crate::store::history::LetLeave;

/// Those that had to stay are looked at again this long after the last look began.
const AGAIN_MS: i64 = DAY_MS;
const NAME: &str = "messages";

/// A turn of one tenant, whose own days in the history are `own`. `true`: there is more to look at.
pub(super) async fn turn(run: &Run<'_>, tenant: Uuid, own: Option<i64>) -> Result<bool, Error> {
    let env = run.env;
    if !env.history.is_beside() {
        return Ok(false);
    }
    keep(run, tenant, own).await;
    let days = env.config.history.store_days;
    if days == 0 {
        return Ok(false);
    }
    for _ in 0..TURN {
        // What another one has by now is not what it acknowledged.
        if let Err(error) = env.history.hold().await {
            if !run.history_is_away.swap(true, Ordering::Relaxed) {
                tracing::warn!(%error, %tenant, "no message leaves the store");
            }
            return Ok(false);
        }
        let (begun, rows) = (Instant::now(), env.retained.rows(NAME));
        let before = env.store.clock().now_ms() - days.saturating_mul(DAY_MS);
        let batch = LetLeave { tenant, before, again_ms: AGAIN_MS, batch: rows };
        let written = env.store.write(batch).await;
        let left = written.inspect_err(|_| env.retained.too_many(NAME, rows))?.value;
        metrics::counter!("hubbub_retention_removed_total", "what" => NAME).increment(left.removed);
        let took = begun.elapsed();
        env.retained.took(NAME, rows, took, left.more);
        if !left.more {
            return Ok(false);
        }
        if run.is_over() {
            break;
        }
        tokio::time::sleep(pause(took)).await;
    }
    Ok(true)
}

/// Tells the history how long this tenant's messages are kept there. The first tenant for which it is away is the last one of
/// this run: each would wait for an answer until its time is over.
async fn keep(run: &Run<'_>, tenant: Uuid, own: Option<i64>) {
    if run.history_is_away.load(Ordering::Relaxed) {
        return;
    }
    match run.env.history.keep_for(tenant, own).await {
        Ok(()) => {}
        Err(error @ Error::Away { .. }) => {
            if !run.history_is_away.swap(true, Ordering::Relaxed) {
                tracing::warn!(%error, "how long messages are kept cannot be told to the history; the next run does");
            }
        }
        Err(error) => {
            tracing::warn!(%error, %tenant, "how long messages are kept cannot be told to the history");
        }
    }
}
