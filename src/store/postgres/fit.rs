//! Whether a database, and what is between it and the server, can be used at all: what would otherwise be found by the first
//! customer who writes in another alphabet, or by the first two who write at a time. It changes nothing.

use std::time::Duration;

use tokio_postgres::{Client, Error, SimpleQueryMessage};

use crate::store::StoreError;

/// How often two connections are compared. A pooler may give each its own of PostgreSQL by chance.
const ROUNDS: usize = 4;
/// A pooler that has one connection only lets the second one wait.
const PATIENCE: Duration = Duration::from_secs(3);

/// Every letter of every customer has to be stored.
pub(in crate::store) async fn encoding(client: &Client) -> Result<(), StoreError> {
    let encoding = value(client, "show server_encoding").await?;
    if encoding == "UTF8" {
        return Ok(());
    }
    Err(StoreError::Unfit {
        what: format!("the encoding of the database is {encoding}, in which not every message can be stored"),
        remedy: "make another one (create database hubbub encoding 'UTF8' template template0), move what is in this one \
                 there with pg_dump and pg_restore, and name it in database_url"
            .to_owned(),
    })
}

/// Whether each of two connections is one of PostgreSQL. Behind a pooler in transaction mode both get the same, one after the
/// other, or one gets several. Only simple queries are asked, which pass any pooler.
pub(in crate::store) async fn sessions(first: &Client, second: &Client) -> Result<(), StoreError> {
    match tokio::time::timeout(PATIENCE, is_shared(first, second)).await {
        Ok(Ok(true)) => Err(StoreError::pooled("connections to the database share its sessions".to_owned())),
        Ok(Ok(false)) => Ok(()),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(StoreError::Unavailable("one connection to the database waits for another".to_owned())),
    }
}

async fn is_shared(first: &Client, second: &Client) -> Result<bool, Error> {
    const SESSION: &str = "select pg_backend_pid()";
    for _ in 0..ROUNDS {
        let before = value(first, SESSION).await?;
        second.batch_execute("begin").await?;
        // Its transaction keeps what it has until the other one was asked again.
        let taken = value(second, SESSION).await?;
        let is_shared = taken == before || value(first, SESSION).await? != before;
        second.batch_execute("rollback").await?;
        if is_shared {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The only value of the only row.
async fn value(client: &Client, sql: &str) -> Result<String, Error> {
    let answer = client.simple_query(sql).await?;
    let value = answer.iter().find_map(|one| match one {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    });
    Ok(value.unwrap_or_default())
}
