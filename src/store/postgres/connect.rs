//! Opens connections to whichever of several servers takes writes, and drops those of transactions that were given up.

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Client, Connect, Manager, ManagerConfig, Pool, RecyclingMethod};
use futures_util::future::{BoxFuture, FutureExt as _};
use tokio::task::JoinHandle;
use tokio_postgres::{Config, Error};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::{self, Address};
use crate::store::StoreError;

/// How long one server has for a whole connection. A server that is stopped still accepts on its port, and the driver's
/// own limit ends there.
const HOST_TIME: Duration = Duration::from_secs(3);
/// How long a caller waits for a connection that another one has.
const CONNECTION_WAIT: Duration = Duration::from_secs(5);

struct Hosts {
    hosts: Arc<[Config]>,
    tls: MakeRustlsConnect,
}

pub(super) fn pool(address: &Address, size: u32) -> Result<Pool, StoreError> {
    let hosts: Arc<[Config]> = address.hosts.as_slice().into();
    let tries = u32::try_from(hosts.len()).unwrap_or(u32::MAX);
    let whole = address.hosts.first().cloned().unwrap_or_default();
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let connect = Hosts { hosts, tls: address.tls.clone() };
    Pool::builder(Manager::from_connect(whole, connect, recycling))
        .max_size(size as usize)
        .runtime(deadpool_postgres::Runtime::Tokio1)
        .wait_timeout(Some(CONNECTION_WAIT))
        .create_timeout(Some(HOST_TIME.saturating_mul(tries) + Duration::from_secs(1)))
        .build()
        .map_err(|error| StoreError::Engine(error.to_string()))
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
            match tokio::time::timeout(HOST_TIME, host.connect(self.tls.clone())).await {
                Ok(Ok((client, connection))) => {
                    let task = tokio::spawn(async move {
                        if let Err(error) = connection.await {
                            tracing::warn!(%error, "a connection to the database ended");
                        }
                    });
                    return Some(Ok((client, task)));
                }
                Ok(Err(error)) => refusal = Some(error),
                Err(_) => tracing::warn!(host = ?host.get_hosts(), "a database server does not answer"),
            }
        }
        refusal.map(Err)
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
pub(super) struct Lent(Option<Client>);

impl Lent {
    pub(super) async fn of(pool: &Pool) -> Result<Self, StoreError> {
        Ok(Self(Some(pool.get().await?)))
    }

    pub(super) fn client(&mut self) -> Result<&mut Client, StoreError> {
        self.0.as_mut().ok_or(StoreError::Closed)
    }

    pub(super) fn give_back(mut self) {
        drop(self.0.take());
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(client) = self.0.take() {
            drop(Client::take(client));
        }
    }
}
