//! Lets old messages leave the store once the history beside it has them, and tells the history how long each tenant's are
//! kept. A part of `retain.rs`.

use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use super::Env;
use crate::error::Error;
use crate::store::history::LetLeave;
use crate::store::retention::BATCH;

const DAY_MS: i64 = 24 * 3_600_000;
/// Those that had to stay are looked at again this long after the last look began.
const AGAIN_MS: i64 = DAY_MS;
/// As in `retain.rs`: others write in between.
const LEAST_PAUSE: Duration = Duration::from_millis(40);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
const SHARE: u32 = 20;

/// Of one tenant, whose own days in the history are `own`.
pub(super) async fn run(env: &Env, tenant: Uuid, own: Option<i64>) -> Result<(), Error> {
    if !env.history.is_beside() {
        return Ok(());
    }
    if let Err(error) = env.history.keep_for(tenant, own).await {
        // The next run finds it.
        tracing::warn!(%error, %tenant, "how long messages are kept cannot be told to the history");
    }
    let days = env.config.history.store_days;
    if days == 0 {
        return Ok(());
    }
    loop {
        // What another one has by now is not what it acknowledged.
        if let Err(error) = env.history.hold().await {
            tracing::warn!(%error, %tenant, "no message leaves the store");
            return Ok(());
        }
        let begun = Instant::now();
        let before = env.store.clock().now_ms() - days.saturating_mul(DAY_MS);
        let batch = LetLeave { tenant, before, again_ms: AGAIN_MS, batch: BATCH };
        let left = env.store.write(batch).await?.value;
        metrics::counter!("hubbub_retention_removed_total", "what" => "messages").increment(left.removed);
        if !left.more || env.soft.is_cancelled() {
            return Ok(());
        }
        tokio::time::sleep((begun.elapsed() * SHARE).clamp(LEAST_PAUSE, LONGEST_PAUSE)).await;
    }
}
