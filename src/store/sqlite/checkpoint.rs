//! Copies what was committed from the write-ahead log into the database file, beside the writer and not on its thread:
//! what waits for a commit does not wait for this as well. The writer still does it by itself if it gets too far ahead
//! (`wal_autocheckpoint`), and then finds most of it done.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use rusqlite::Connection;

use crate::store::StoreError;

const EVERY: Duration = Duration::from_secs(1);

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
    while ended.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
        // Passive: it waits for nobody and keeps nobody waiting. What it could not do is done the next time.
        if let Err(error) = conn.query_row("pragma wal_checkpoint(passive)", [], |_| Ok(())) {
            tracing::debug!(%error, "a checkpoint was not made");
        }
    }
}
