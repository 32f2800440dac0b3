//! The reading connections of a SQLite store, each on a thread of its own that lives as long as the store:
//! their memory is used again and again, and a burst of reads makes no new threads.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rusqlite::Connection;
use tokio::sync::mpsc;

use crate::store::StoreError;

/// Reads that may wait; over it callers wait for a place.
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

    /// Hands the work to the next free reader.
    pub(super) async fn run(&self, task: ReadTask) -> Result<(), StoreError> {
        self.0.send(task).await.map_err(|_| StoreError::Closed)
    }
}

/// One reader waits at the queue at a time, the others at its lock. Ends with the last clone of the store.
fn serve(mut conn: Connection, queue: &Mutex<mpsc::Receiver<ReadTask>>) {
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
        let Some(task) = next else { return };
        task(&mut conn);
    }
}
