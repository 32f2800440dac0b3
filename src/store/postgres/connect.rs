//! Opens connections to whichever of several servers takes writes, prepares each as the statements rely on, and closes those
//! of transactions that were given up and those to a server that takes no writes any more.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use deadpool_postgres::{
    Client, ClientWrapper, Connect, Hook, HookError, Manager, ManagerConfig, Metrics, Pool, RecyclingMethod,
};
use futures_util::future::{BoxFuture, FutureExt as _};
use tokio::task::JoinHandle;
use tokio_postgres::config::TargetSessionAttrs;
use tokio_postgres::{Config, Error, SimpleQueryMessage};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::{self, Address};
use crate::store::StoreError;
use crate::store::dialect::POSTGRES_SESSION;

/// How long one server has for a whole connection. A server that is stopped still accepts on its port, and the driver's
/// own limit ends there.
const HOST_TIME: Duration = Duration::from_secs(3);
/// How long a caller waits for a connection that another one has.
const CONNECTION_WAIT: Duration = Duration::from_secs(5);
/// What a server that works says of itself is here by then.
const LOOK_TIME: Duration = Duration::from_secs(3);
/// Why a server is left.
const NO_WRITES: &str = "it takes no writes any more";

struct Hosts {
    hosts: Arc<[Config]>,
    tls: MakeRustlsConnect,
}

/// A pool of connections to the servers of an address.
#[derive(Clone)]
pub(super) struct Connections {
    pool: Pool,
    retired: Retired,
}

/// The moment before which connections were made to a server that was left. Several pools to the same servers share it: what
/// one of them finds out holds for all.
#[derive(Clone, Default)]
struct Retired(Arc<Mutex<Option<Instant>>>);

impl Retired {
    fn has(&self, connection: &Metrics) -> bool {
        let before = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        before.is_some_and(|before| connection.created < before)
    }

    /// All that were made until now, this one among them. What a connection says that was retired before is no news: those
    /// that were made since found another server.
    fn retire(&self, connection: &Metrics, why: &str) {
        let mut before = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if before.is_none_or(|before| connection.created >= before) {
            *before = Some(Instant::now());
            tracing::warn!(
                why,
                "the connections to a database server are closed, and the next ones look for one that takes writes"
            );
        }
    }
}

impl Connections {
    pub(super) fn open(address: &Address, size: u32) -> Result<Self, StoreError> {
        Self::with(address, size, Retired::default())
    }

    /// Another pool to the same servers.
    pub(super) fn beside(&self, address: &Address, size: u32) -> Result<Self, StoreError> {
        Self::with(address, size, self.retired.clone())
    }

    fn with(address: &Address, size: u32, retired: Retired) -> Result<Self, StoreError> {
        let hosts: Arc<[Config]> = address.hosts.as_slice().into();
        let tries = u32::try_from(hosts.len()).unwrap_or(u32::MAX);
        let whole = address.hosts.first().cloned().unwrap_or_default();
        let must_write = whole.get_target_session_attrs() == TargetSessionAttrs::ReadWrite;
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let connect = Hosts { hosts, tls: address.tls.clone() };
        let pool = Pool::builder(Manager::from_connect(whole, connect, recycling))
            .max_size(size as usize)
            .runtime(deadpool_postgres::Runtime::Tokio1)
            .wait_timeout(Some(CONNECTION_WAIT))
            .create_timeout(Some(HOST_TIME.saturating_mul(tries) + Duration::from_secs(1)))
            .pre_recycle(look(&retired, must_write))
            .build()
            .map_err(|error| StoreError::Engine(error.to_string()))?;
        Ok(Self { pool, retired })
    }

    pub(super) async fn lend(&self) -> Result<Lent, StoreError> {
        Ok(Lent { client: Some(self.pool.get().await?), retired: self.retired.clone() })
    }

    pub(super) fn close(&self) {
        self.pool.close();
    }
}

/// Refuses a connection that was used before if its server takes no writes any more: a former primary goes on answering
/// reads, and what it answers is out of date.
fn look(retired: &Retired, must_write: bool) -> Hook {
    let retired = retired.clone();
    Hook::async_fn(move |client, metrics| {
        let retired = retired.clone();
        Box::pin(async move {
            if retired.has(metrics) {
                return Err(HookError::message("its server was left"));
            }
            if !must_write || !is_due(metrics) {
                return Ok(());
            }
            let why = match tokio::time::timeout(LOOK_TIME, is_read_only(client)).await {
                Ok(Ok(false)) => return Ok(()),
                Ok(Ok(true)) => NO_WRITES,
                Ok(Err(error)) => return Err(HookError::Backend(error)),
                // The others to it would each be waited for as long.
                Err(_) => "it does not answer",
            };
            retired.retire(metrics, why);
            Err(HookError::message(why))
        })
    })
}

/// Whether a second of the connection's age began since it was last lent. No connection is asked more often, however much
/// it is used, and none that was not used for a while is lent unasked.
fn is_due(metrics: &Metrics) -> bool {
    let age = metrics.age();
    let at_last = age.saturating_sub(metrics.last_used());
    age.as_secs() != at_last.as_secs()
}

async fn is_read_only(client: &ClientWrapper) -> Result<bool, Error> {
    let answer = client.simple_query("show transaction_read_only").await?;
    Ok(answer.iter().any(|one| matches!(one, SimpleQueryMessage::Row(row) if row.get(0) == Some("on"))))
}

/// A connection of its own, as the server connects, under another name.
pub(in crate::store) async fn alone(url: &str, name: &str) -> Result<tokio_postgres::Client, StoreError> {
    alone_at(address::parse(url)?, name).await
}

/// The same at an address that was parsed already.
pub(in crate::store) async fn alone_at(
    mut address: Address,
    name: &str,
) -> Result<tokio_postgres::Client, StoreError> {
    for host in &mut address.hosts {
        host.application_name(name);
    }
    let hosts = Hosts { hosts: address.hosts.into(), tls: address.tls };
    let late = || StoreError::Unavailable("no server of the address answers".to_owned());
    Ok(hosts.first().await.ok_or_else(late)??.0)
}

impl Hosts {
    /// Tries one server after the other. `None`: none answered, and none refused.
    async fn first(&self) -> Option<Result<(tokio_postgres::Client, JoinHandle<()>), Error>> {
        let mut refusal = None;
        for host in self.hosts.iter() {
            match tokio::time::timeout(HOST_TIME, self.reach(host)).await {
                Ok(Ok(reached)) => return Some(Ok(reached)),
                Ok(Err(error)) => refusal = Some(error),
                Err(_) => tracing::warn!(host = ?host.get_hosts(), "a database server does not answer"),
            }
        }
        refusal.map(Err)
    }

    async fn reach(&self, host: &Config) -> Result<(tokio_postgres::Client, JoinHandle<()>), Error> {
        let (client, connection) = host.connect(self.tls.clone()).await?;
        // It ends with the client.
        let task = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::warn!(%error, "a connection to the database ended");
            }
        });
        client.batch_execute(POSTGRES_SESSION).await?;
        Ok((client, task))
    }
}

impl Connect for Hosts {
    /// When no server answered, it waits for the pool's own limit.
    fn connect(&self, _: &Config) -> BoxFuture<'_, Result<(tokio_postgres::Client, JoinHandle<()>), Error>> {
        async move {
            match self.first().await {
                Some(reached) => reached,
                None => std::future::pending().await,
            }
        }
        .boxed()
    }
}

/// A connection that returns to its pool only when its transaction came to an end: a caller that is dropped in the
/// middle, by a time limit say, closes it.
pub(super) struct Lent {
    client: Option<Client>,
    retired: Retired,
}

impl Lent {
    pub(super) fn client(&mut self) -> Result<&mut Client, StoreError> {
        self.client.as_mut().ok_or(StoreError::Closed)
    }

    /// Gives it back, unless the server could not do what was asked: then it is closed, and if the server takes no writes
    /// any more, so are all the others to it, as soon as they are given back or wanted.
    pub(super) fn end(self, failed: Option<&StoreError>) {
        if let (Some(client), Some(StoreError::ReadOnly(_))) = (&self.client, failed) {
            self.retired.retire(Client::metrics(client), NO_WRITES);
        }
        if !matches!(failed, Some(StoreError::ReadOnly(_) | StoreError::Unavailable(_))) {
            self.give_back();
        }
    }

    pub(super) fn give_back(mut self) {
        // A retired one is closed by the drop.
        if self.client.as_ref().is_some_and(|client| !self.retired.has(Client::metrics(client))) {
            drop(self.client.take());
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            drop(Client::take(client));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(ago: Duration, used: Option<Duration>) -> Metrics {
        let before = |ago: Duration| Instant::now().checked_sub(ago).expect("an instant");
        Metrics { created: before(ago), recycled: used.map(before), recycle_count: 0 }
    }

    #[test]
    fn a_connection_is_asked_once_a_second_and_after_a_pause() {
        let ms = Duration::from_millis;
        for (age, used, due) in [
            (ms(100), None, false),
            (ms(1_100), None, true),
            (ms(1_500), Some(ms(400)), false),
            (ms(2_050), Some(ms(400)), true),
            (ms(90_500), Some(ms(60_000)), true),
        ] {
            assert_eq!(is_due(&made(age, used)), due, "{age:?} {used:?}");
        }
    }

    #[test]
    fn what_is_retired_takes_nothing_newer_with_it() {
        let retired = Retired::default();
        let (old, older) = (made(Duration::from_secs(5), None), made(Duration::from_secs(9), None));
        assert!(!retired.has(&old));
        retired.retire(&old, NO_WRITES);
        assert!(retired.has(&old) && retired.has(&older));
        let new = made(Duration::ZERO, None);
        retired.retire(&older, NO_WRITES);
        assert!(!retired.has(&new), "it was made after the server was left");
        retired.retire(&new, NO_WRITES);
        assert!(retired.has(&new));
    }
}
