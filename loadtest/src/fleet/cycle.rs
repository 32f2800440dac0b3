//! Resumptions at a steady pace: each connection is dropped and resumed in turn, over and over.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

use super::connections::Connections;
use super::subscriber::lock;
use crate::clock::unix_us;

/// A resumption that takes longer is tried again.
const RESUME_WITHIN: Duration = Duration::from_secs(5);
const TRY_AGAIN: Duration = Duration::from_millis(200);

/// Begins without a connection; afterwards it stays and reads.
pub(super) async fn cycle(connections: Arc<Connections>, index: usize, until: Instant, per_second: f64) {
    let all = connections.subscribers.len() as f64;
    let every = Duration::from_secs_f64(all / per_second.max(1e-3));
    let mut due = Instant::now() + every.mul_f64(index as f64 / all);
    loop {
        sleep_until(due).await;
        let begin_us = unix_us();
        let Ok(Ok(wire)) = timeout(RESUME_WITHIN, connections.join(index, true, 2)).await else {
            sleep(TRY_AGAIN).await;
            continue;
        };
        {
            let mut tally = lock(connections.tally());
            tally.seen.resumed += 1;
            tally.resume.record_us(unix_us().saturating_sub(begin_us));
        }
        due += every;
        let listening = Arc::clone(&connections).listen(index, wire);
        if due > until {
            return listening.await;
        }
        // What is cancelled here drops the socket, which closes it.
        if timeout_at(due, listening).await.is_err() {
            lock(connections.subscriber(index)).open = false;
        }
    }
}
