//! Which server a URL names, and how to reach it.

use std::{collections::HashMap, time::Duration};

use redis::{
    AsyncConnectionConfig, Client, ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo, RedisResult,
    TlsMode, Value,
    aio::{MultiplexedConnection, PubSub},
    sentinel::{SentinelClient, SentinelNodeConnectionInfo, SentinelServerType},
};
use tokio::{sync::Mutex, time::timeout};

/// A connection that does not open, or an answer that does not come, in this time has failed.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

pub(super) enum Server {
    One(Client),
    /// The Sentinels are asked for the master at each connection.
    Sentinels(Mutex<SentinelClient>),
}

impl Server {
    pub(super) fn parse(url: &str) -> Result<Server, String> {
        let schemes = [("redis-sentinel://", None), ("rediss-sentinel://", Some(TlsMode::Secure))];
        for (scheme, tls) in schemes {
            if let Some(rest) = url.strip_prefix(scheme) {
                return sentinels(rest, tls);
            }
        }
        if !url.starts_with("redis://") && !url.starts_with("rediss://") {
            return Err(
                "must begin with redis://, redis-sentinel:// or redis-cluster:// (rediss… with TLS)".into()
            );
        }
        Client::open(url).map(Server::One).map_err(|error| error.to_string())
    }

    async fn client(&self) -> RedisResult<Client> {
        match self {
            Server::One(client) => Ok(client.clone()),
            Server::Sentinels(sentinels) => sentinels.lock().await.async_get_client().await,
        }
    }

    /// A connection for commands.
    pub(super) async fn commands(&self) -> Result<MultiplexedConnection, String> {
        let connect = async {
            let config = AsyncConnectionConfig::new()
                .set_connection_timeout(Some(PATIENCE))
                .set_response_timeout(Some(PATIENCE));
            self.client().await?.get_multiplexed_async_connection_with_config(&config).await
        };
        let mut connection = in_time(connect).await?;
        passes_on(&mut connection).await?;
        Ok(connection)
    }

    /// A connection that hears.
    pub(super) async fn hearing(&self) -> Result<PubSub, String> {
        in_time(async { self.client().await?.get_async_pubsub().await }).await
    }
}

/// What is published to a replica comes to nobody but its own listeners, and a probe would not show that. A node of a
/// cluster passes on whatever it is; a server that does not tell what it is, is believed.
pub(super) async fn passes_on(connection: &mut MultiplexedConnection) -> Result<(), String> {
    let Ok(told) = in_time(redis::cmd("HELLO").query_async::<HashMap<String, Value>>(connection)).await
    else {
        return Ok(());
    };
    let is = |name: &str, value: &str| match told.get(name) {
        Some(Value::BulkString(told)) => told == value.as_bytes(),
        Some(Value::SimpleString(told)) => told == value,
        _ => false,
    };
    if is("mode", "cluster") || !(is("role", "replica") || is("role", "slave")) {
        return Ok(());
    }
    Err("it is a replica, and what is published there comes to no other server: name its master, or the Sentinels".to_owned())
}

pub(super) async fn in_time<T>(asked: impl Future<Output = RedisResult<T>>) -> Result<T, String> {
    match timeout(PATIENCE, asked).await {
        Ok(answered) => answered.map_err(|error| error.to_string()),
        Err(_) => Err("it does not answer".to_owned()),
    }
}

/// `[user:password@]host[:port][,host[:port]…]/master[/db][?sentinel_user=…&sentinel_password=…]`; the name and the password
/// in front are for the servers.
fn sentinels(rest: &str, tls: Option<TlsMode>) -> Result<Server, String> {
    let (login, rest) = rest.rsplit_once('@').map_or(("", rest), |(login, rest)| (login, rest));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let of_sentinels = login_of_sentinels(query)?;
    let (hosts, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (master, db) = path.split_once('/').unwrap_or((path, ""));
    if hosts.is_empty() || master.is_empty() {
        return Err(
            "must name the Sentinels and the master: redis-sentinel://host:26379,host:26379/master".into()
        );
    }
    let refused = |error: redis::RedisError| error.to_string();
    // The library reads the login and the number of the database as in the URL of one server.
    let at = if login.is_empty() { String::new() } else { format!("{login}@") };
    let settings = format!("redis://{at}localhost/{db}").into_connection_info().map_err(refused)?;
    let mut node = SentinelNodeConnectionInfo::default().set_redis_connection_info(settings_of(&settings));
    // `TlsMode::Insecure` would be TLS without a look at the certificate.
    if let Some(tls) = tls {
        node = node.set_tls_mode(tls);
    }
    let scheme = if tls.is_some() { "rediss" } else { "redis" };
    let port = |host: &str| if host.contains(':') { host.to_owned() } else { format!("{host}:26379") };
    let hosts: Vec<String> =
        hosts.split(',').map(|host| format!("{scheme}://{of_sentinels}{}", port(host))).collect();
    let client = SentinelClient::build(hosts, master, Some(node), SentinelServerType::Master);
    Ok(Server::Sentinels(Mutex::new(client.map_err(refused)?)))
}

/// What stands in front of a Sentinel's host, percent-encoded as it came.
fn login_of_sentinels(query: &str) -> Result<String, String> {
    let (mut user, mut password) = ("", "");
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("sentinel_user", value)) => user = value,
            Some(("sentinel_password", value)) => password = value,
            // Not told what it is: it may be a part of a password.
            _ => {
                return Err(
                    "may have sentinel_user and sentinel_password behind the ?, and nothing else; an @ in a \
                            password is written %40"
                        .into(),
                );
            }
        }
    }
    Ok(if user.is_empty() && password.is_empty() { String::new() } else { format!("{user}:{password}@") })
}

fn settings_of(info: &ConnectionInfo) -> RedisConnectionInfo {
    info.redis_settings().clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_or_refused() {
        for good in [
            "redis://127.0.0.1",
            "redis://user:pass@cache.example.com:6380/2",
            "redis-sentinel://a.example.com,b.example.com:26380/main",
            "redis-sentinel://:secret@a.example.com/main/3",
            "redis-sentinel://:secret@a.example.com/main?sentinel_password=an%40other",
            "redis-sentinel://a.example.com,b.example.com/main/3?sentinel_user=u&sentinel_password=p",
        ] {
            assert!(Server::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "127.0.0.1:6379",
            "http://cache",
            "redis-sentinel://a.example.com",
            "redis-sentinel:///x",
            "redis-sentinel://a.example.com/main?password=p",
        ] {
            assert!(Server::parse(bad).is_err(), "{bad}");
        }
    }
}
