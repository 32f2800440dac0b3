//! Statistics of tables that have just begun to fill. Without them PostgreSQL takes a table for nearly empty and every way into it
//! for as good as any other: of each message it then joins all contacts of the tenant with all their ids. Autovacuum comes
//! after a minute, in which a new installation may have got thousands.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::connect::Connections;
use crate::clock::Ids;
use crate::store::StoreError;
use crate::store::dialect::POSTGRES_YOUNG;

/// And as much again at most, by chance: the second of two nodes then finds it done.
const LOOK_EVERY: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(30);

/// Looks after what this process has written.
#[derive(Clone)]
pub(super) struct Young(Arc<AtomicBool>);

impl Young {
    /// Ends when the last copy is dropped.
    pub(super) fn watch(writers: Connections, ids: Ids) -> Self {
        let written = Arc::new(AtomicBool::new(true));
        tokio::spawn(watch(Arc::downgrade(&written), writers, ids));
        Self(written)
    }

    /// Something was written.
    pub(super) fn written(&self) {
        self.0.store(true, Relaxed);
    }
}

async fn watch(written: Weak<AtomicBool>, writers: Connections, ids: Ids) {
    loop {
        let more = Duration::from_millis(u64::from(ids.next().as_bytes()[15]) * 8);
        tokio::time::sleep(LOOK_EVERY + more).await;
        let Some(was_written) = written.upgrade().map(|written| written.swap(false, Relaxed)) else { return };
        if !was_written {
            continue;
        }
        let looked = tokio::time::timeout(LONGEST, look(&writers)).await;
        if let Ok(Err(error)) = looked {
            tracing::debug!(%error, "tables that have begun to fill could not be analyzed");
        }
    }
}

/// Analyzes small tables that have doubled since that was done. What another node is at is left out.
async fn look(writers: &Connections) -> Result<(), StoreError> {
    let mut lent = writers.lend().await?;
    let client = lent.client()?;
    let rows = client.query(POSTGRES_YOUNG, &[]).await?;
    for row in &rows {
        let table: String = row.try_get(0)?;
        let analyze =
            format!("begin; set local statement_timeout = '5s'; analyze (skip_locked) {table}; commit");
        if let Err(error) = client.batch_execute(&analyze).await {
            tracing::debug!(%error, table, "a table that has begun to fill could not be analyzed");
            // Whoever does not answer this has its connection closed.
            client.batch_execute("rollback").await?;
        }
    }
    lent.give_back();
    Ok(())
}
