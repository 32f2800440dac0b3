//! Copies what was committed from the write-ahead log into the database file, beside the writer and not on its thread:
//! what waits for a commit does not wait for this as well. The writer still does it by itself if it gets too far ahead
//! (`wal_autocheckpoint`), and then finds most of it done.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use rusqlite::Connection;

use crate::store::StoreError;

/// Between two rounds, when little is written, and when very much is.
const LONGEST: Duration = Duration::from_secs(1);
const SHORTEST: Duration = Duration::from_millis(20);
/// Pages that a round is to find, about. The fewer, the less the writer has left to do by itself when the log begins
/// anew; but a page that is written again and again is copied once for each round.
const PAGES: u32 = 2_000;

/// The thread ends when this is dropped.
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
        // Passive: it waits for nobody and keeps nobody waiting. What it could not do is done the next time.
        match conn.query_row("pragma wal_checkpoint(passive)", [], |row| row.get(1)) {
            Ok(pages) => {
                pause = next(pause, written(before, pages));
                before = pages;
            }
            Err(error) => tracing::debug!(%error, "a checkpoint was not made"),
        }
    }
}

/// Pages that came since the last round, by what the log held then and holds now; -1 is not known.
fn written(before: i64, now: i64) -> u32 {
    // Less than before: it began anew.
    let more = if now >= before { now - before } else { now };
    u32::try_from(more.max(0)).unwrap_or(u32::MAX)
}

/// So long that about [`PAGES`] come meanwhile, if it goes on as in the last round.
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
