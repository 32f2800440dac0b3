//! Checkpoints the write-ahead log on a thread of its own, so that commits do not wait for it. The writer still
//! checkpoints by itself if the log grows too far (`wal_autocheckpoint`), and then finds most of the work done.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use rusqlite::Connection;

use crate::store::StoreError;

/// The pause between two checkpoints, at a low and at a very high write rate.
const LONGEST: Duration = Duration::from_secs(1);
const SHORTEST: Duration = Duration::from_millis(20);
/// The number of pages that one checkpoint should copy, approximately. With fewer, the writer has less left to do
/// when the log restarts; but a page that is rewritten often is copied once per checkpoint.
const PAGES: u32 = 2_000;

/// Stops the thread when dropped.
pub(super) type Running = SyncSender<()>;

pub(super) fn start(conn: Connection) -> Result<Running, StoreError> {
    let (running, ended) = sync_channel(1);
    thread::Builder::new()
        .name("store-checkpoint".to_owned())
        .stack_size(256 * 1024)
        .spawn(move || work(&conn, &ended))
        .map_err(|error| StoreError::Engine(format!("cannot start the checkpoints: {error}")))?;
    Ok(running)
}

fn work(conn: &Connection, ended: &Receiver<()>) {
    let (mut pause, mut before) = (LONGEST, 0);
    while ended.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
        // A passive checkpoint neither waits for other connections nor blocks them. Pages that it could not copy are
        // left to the next one.
        match conn.query_row("pragma wal_checkpoint(passive)", [], |row| row.get(1)) {
            Ok(pages) => {
                pause = next(pause, written(before, pages));
                before = pages;
            }
            Err(error) => tracing::debug!(%error, "a checkpoint failed"),
        }
    }
}

/// Pages written since the last checkpoint, from the log's page counts then and now; -1 means unknown.
fn written(before: i64, now: i64) -> u32 {
    // A smaller count means that the log was restarted.
    let more = if now >= before { now - before } else { now };
    u32::try_from(more.max(0)).unwrap_or(u32::MAX)
}

/// The pause after which about [`PAGES`] will have been written, at the last measured rate.
fn next(pause: Duration, written: u32) -> Duration {
    (pause * PAGES / written.max(1)).clamp(SHORTEST, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_come_as_often_as_is_written() {
        assert_eq!(next(LONGEST, 10), LONGEST);
        assert_eq!(next(LONGEST, 2 * PAGES), LONGEST / 2);
        assert_eq!(next(LONGEST, 1_000 * PAGES), SHORTEST);
        assert_eq!(next(SHORTEST, PAGES / 2), 2 * SHORTEST);
        assert_eq!(next(SHORTEST, 0), LONGEST);
        assert_eq!((written(100, 150), written(100, 40), written(100, -1)), (50, 40, 0));
    }
}
