//! The reading connections of a SQLite store, each on its own thread for the store's lifetime: their memory is
//! reused, and a burst of reads starts no threads.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rusqlite::Connection;
use tokio::sync::mpsc;

use crate::store::StoreError;

/// The most reads that may be queued; beyond it callers wait until there is room.
const QUEUE: usize = 1024;

pub(super) type ReadTask = Box<dyn FnOnce(&mut Connection) + Send>;

#[derive(Clone)]
pub(super) struct Readers(mpsc::Sender<ReadTask>);

impl Readers {
    pub(super) fn start(connections: Vec<Connection>) -> Result<Self, StoreError> {
        let (send, queue) = mpsc::channel(QUEUE);
        let queue = Arc::new(Mutex::new(queue));
        for (number, conn) in connections.into_iter().enumerate() {
            let queue = Arc::clone(&queue);
            thread::Builder::new()
                .name(format!("store-reader-{number}"))
                .stack_size(1024 * 1024)
                .spawn(move || serve(conn, &queue))
                .map_err(|error| StoreError::Engine(format!("cannot start a reader: {error}")))?;
        }
        Ok(Self(send))
    }

    /// Passes the task to the next free reader.
    pub(super) async fn run(&self, task: ReadTask) -> Result<(), StoreError> {
        self.0.send(task).await.map_err(|_| StoreError::Closed)
    }
}

/// One reader at a time waits on the channel, the others on its lock. Ends with the last clone of the store.
fn serve(mut conn: Connection, queue: &Mutex<mpsc::Receiver<ReadTask>>) {
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
        let Some(task) = next else { return };
        task(&mut conn);
    }
}
