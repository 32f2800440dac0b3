//! Migrates a database on which nodes of the former version work. A statement that waits for a table is given up after a
//! while, and so is the whole transaction, because everybody else who wants the table waits behind it; it is tried again
//! after a pause, until nobody is in the way.

use std::pin::pin;
use std::time::Duration;

use deadpool_postgres::Client;
use tokio_postgres::Error;

use crate::store::dialect::POSTGRES_BLOCKERS;
use crate::store::pipeline::{self, Pipeline};
use crate::store::tx::{Conn, Tx};
use crate::store::{Env, StoreError, migrate};

/// The pause after the first try in vain. Each is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// How often those who are in the way are looked for.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// `watcher` sees what `client` waits for.
pub(super) async fn migrate(
    client: &mut Client,
    watcher: &tokio_postgres::Client,
    env: &Env,
) -> Result<(), StoreError> {
    let session: i32 = client.query_one("select pg_backend_pid()", &[]).await?.get(0);
    let mut pause = FIRST_PAUSE;
    loop {
        let mut waits_for = String::new();
        let tried = {
            let mut attempt = pin!(attempt(client, env));
            tokio::select! {
                tried = &mut attempt => tried,
                error = look(watcher, session, &mut waits_for) => {
                    tracing::debug!(%error, "what the migrations wait for cannot be seen");
                    attempt.await
                }
            }
        };
        let Err(StoreError::Retry(why)) = tried else { return tried };
        let waits_for = if waits_for.is_empty() { "it cannot be seen for whom" } else { &waits_for };
        tracing::warn!(
            why,
            waits_for,
            pause_s = pause.as_secs(),
            "the schema cannot be migrated while others use its tables: it is tried again after a pause, in which they go on"
        );
        tokio::time::sleep(pause).await;
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}

async fn attempt(client: &mut Client, env: &Env) -> Result<(), StoreError> {
    let mut tx = Tx::new(Conn::Postgres(Pipeline::begin(client, pipeline::WRITE).await?), env);
    tx.settle().await?;
    migrate::run(&mut tx).await?;
    tx.commit().await?
}

/// Notes who keeps the session waiting: once it has given up, nobody does. No statement of theirs is told, which may hold
/// what a customer wrote. Ends only with an error.
async fn look(watcher: &tokio_postgres::Client, session: i32, waits_for: &mut String) -> Error {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        match watcher.query(POSTGRES_BLOCKERS, &[&session]).await {
            Ok(rows) if rows.is_empty() => {}
            Ok(rows) => *waits_for = rows.iter().map(told).collect::<Vec<_>>().join("; "),
            Err(error) => return error,
        }
    }
}

/// What it is, whose, and for how long.
fn told(row: &tokio_postgres::Row) -> String {
    let (pid, what, user): (i32, String, String) = (row.get(0), row.get(1), row.get(2));
    match row.get::<_, Option<i64>>(3) {
        Some(seconds) => format!("{what} (user {user}, process {pid}, in a transaction for {seconds} s)"),
        None => format!("{what} (user {user}, process {pid})"),
    }
}
