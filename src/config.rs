//! The configuration: compiled-in defaults (`config.default.toml`, the operator's manual), overridden by a TOML file,
//! overridden by the environment. [`load`] is a pure function; [`read`] reads the file and the environment.
//!
//! Unknown keys and combinations that cannot work are refused by name, with the variable or the file that sets them;
//! risky ones are in [`Config::warnings`].

mod check;
mod database_url;
mod links;
mod merge;
mod network;
mod origin;
mod redacted;
mod sections;
mod web_origin;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use adapters::Outward;
use anyhow::Context as _;
use serde::Deserialize;

pub use database_url::names_file;
pub use network::{Network, is_in};
pub use redacted::redacted;
pub use sections::{
    Bus, Calls, Files, History, Limits, Log, LogFormat, Metrics, Retention, Search, Secrets, Server,
    Sessions, Storage, Store, Telemetry,
};
pub use web_origin::{PublicUrl, WebOrigin};

pub const DEFAULTS: &str = include_str!("config.default.toml");

/// The configuration file without `--config`, read if it exists.
pub const DEFAULT_FILE: &str = "hubbub.toml";

/// Every key is explained in `config.default.toml`. [`load`] fills in keys that are empty texts.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub server: Server,
    pub metrics: Metrics,
    pub store: Store,
    pub retention: Retention,
    pub secrets: Secrets,
    pub sessions: Sessions,
    pub limits: Limits,
    pub storage: Storage,
    pub files: Files,
    pub search: Search,
    pub history: History,
    pub calls: Calls,
    pub bus: Bus,
    pub log: Log,
    pub telemetry: Telemetry,
}

/// Leaves out the secrets (master keys, the metrics token, the passwords of databases).
impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("listen", &self.server.listen)
            .field("public_url", &self.server.public_url)
            .field("data_dir", &self.store.data_dir)
            .finish_non_exhaustive()
    }
}

/// Reads the file, which must exist if it was named, and the environment.
pub fn read(file: Option<&Path>) -> anyhow::Result<Config> {
    let path = file.unwrap_or(Path::new(DEFAULT_FILE));
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if file.is_none() && error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    load_file(path, &text, &environment()?)
}

/// The variables of this process. Those with our prefix must be UTF-8; others may hold any bytes.
fn environment() -> anyhow::Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for (name, value) in std::env::vars_os() {
        let Ok(name) = name.into_string() else { continue };
        match value.into_string() {
            Ok(value) => drop(found.insert(name, value)),
            Err(_) if name.starts_with(origin::PREFIX) => anyhow::bail!("{name}: is not UTF-8"),
            Err(_) => {}
        }
    }
    Ok(found)
}

/// The configuration from the text of a file and the environment.
pub fn load(file: &str, env: &BTreeMap<String, String>) -> anyhow::Result<Config> {
    load_file(Path::new(DEFAULT_FILE), file, env)
}

fn load_file(path: &Path, file: &str, env: &BTreeMap<String, String>) -> anyhow::Result<Config> {
    let (mut config, origins) = merge::merge(DEFAULTS, path, file, env)?;
    let under = |name: &str, data_dir: &Path| data_dir.join(name);
    if config.store.database_url.is_empty() {
        config.store.database_url = under("hubbub.db", &config.store.data_dir).display().to_string();
    }
    if config.secrets.master_key_file.as_os_str().is_empty() {
        config.secrets.master_key_file = under("hubbub.key", &config.store.data_dir);
    }
    if config.server.public_url.is_empty() {
        config.server.public_url = format!("http://{}", config.server.listen);
    }
    config.check().map_err(|refused| refused.by(&origins))?;
    // Origins are in canonical form from here on.
    config.server.public_url =
        PublicUrl::parse(&config.server.public_url).map_or(config.server.public_url, |url| url.to_string());
    config.server.allowed_origins =
        config.server.allowed_origins.iter().map(|origin| canonical(origin)).collect();
    Ok(config)
}

fn canonical(origin: &str) -> String {
    WebOrigin::parse(origin).map_or_else(|_| origin.to_owned(), |parsed| parsed.to_string())
}

impl Config {
    /// A server with all its files below one folder, on a free port of the loopback address: for the demo and tests.
    pub fn embedded(data_dir: &Path) -> Self {
        let env = [
            ("HUBBUB_LISTEN", "127.0.0.1:0".to_owned()),
            ("HUBBUB_DATA_DIR", data_dir.display().to_string()),
        ];
        let env = env.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        load("", &env).expect("the compiled-in defaults are valid: a test loads them")
    }

    pub fn media_dir(&self) -> PathBuf {
        self.store.data_dir.join("media")
    }

    /// The separate address of `/metrics`, if there is one.
    pub fn metrics_listen(&self) -> Result<Option<SocketAddr>, String> {
        if self.metrics.listen.is_empty() {
            return Ok(None);
        }
        let wrong =
            |_| format!("must be an address and a port (\"127.0.0.1:9090\"), not {:?}", self.metrics.listen);
        self.metrics.listen.parse().map(Some).map_err(wrong)
    }

    pub fn is_https(&self) -> bool {
        self.server.public_url.starts_with("https://")
    }

    /// The path under which a proxy has put the server; empty without one.
    pub fn public_path(&self) -> String {
        PublicUrl::parse(&self.server.public_url).map_or_else(|_| String::new(), |url| url.path)
    }

    /// The socket's URL of the configured server, for a client on this machine: a server that listens on every address
    /// is reached on the loopback address.
    pub fn socket_url(&self) -> anyhow::Result<String> {
        let mut public =
            PublicUrl::parse(&self.server.public_url).map_err(|why| anyhow::anyhow!("public_url: {why}"))?;
        let address = public.origin.host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        match address {
            Ok(_) if public.origin.port == 0 => {
                anyhow::bail!("the server listens on a free port, which the configuration does not know")
            }
            Ok(IpAddr::V4(v4)) if v4.is_unspecified() => public.origin.host = Ipv4Addr::LOCALHOST.to_string(),
            Ok(IpAddr::V6(v6)) if v6.is_unspecified() => {
                public.origin.host = format!("[{}]", Ipv6Addr::LOCALHOST);
            }
            _ => {}
        }
        let public = public.to_string();
        // http becomes ws, https wss.
        let host = public.strip_prefix("http").unwrap_or(&public);
        Ok(format!("ws{host}/connection/websocket"))
    }

    /// The policy for outgoing calls on behalf of tenants.
    pub fn outward(&self) -> Outward {
        Outward::allowing(&self.calls.allow_private_hosts)
    }

    /// Settings that work but are risky, one sentence each.
    pub fn warnings(&self) -> Vec<String> {
        let mut found = Vec::new();
        if !self.server.listen.ip().is_loopback() && !self.is_https() {
            found.push(format!(
                "listening on {} without an https public_url: passwords and tokens cross the network in the clear",
                self.server.listen
            ));
        }
        if self.is_https() && self.server.trusted_proxies.is_empty() {
            found.push(
                "public_url is https, so there is a proxy, but trusted_proxies is empty: everybody behind it shares \
                 one limit of sign-in attempts and of unfinished requests. Set trusted_proxies to the proxy's address \
                 or network"
                    .to_owned(),
            );
        }
        if self.server.trusted_proxies.iter().any(Network::is_everybody) {
            found.push(
                "trusted_proxies names every address: whoever connects can write any address into X-Forwarded-For"
                    .to_owned(),
            );
        }
        if self.store.database_url.starts_with("postgres") && self.secrets.master_key.is_empty() {
            found.push("PostgreSQL with a key file: every node needs the same master key".to_owned());
        }
        if self.store.database_url.starts_with("postgres") && self.bus.url.is_empty() {
            found.push(
                "PostgreSQL without a bus: one server works with this database; a second one would show what the first one \
                 does with a delay. Set url of [bus] before there is a second one"
                    .to_owned(),
            );
        }
        if !self.calls.allow_private_hosts.is_empty() {
            found.push(format!("private hosts may be called: {}", self.calls.allow_private_hosts.join(", ")));
        }
        found
    }
}

#[cfg(test)]
mod tests;
