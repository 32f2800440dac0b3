//! The configuration: compiled-in defaults (`config.default.toml`, the operator's manual), a TOML file over
//! them, the environment over both. [`load`] is a pure function; [`read`] reads the file and the environment.
//!
//! Unknown keys and combinations that cannot work are refused by name, with the variable or the file that holds them;
//! risky ones are in [`Config::warnings`].

mod check;
mod key_file;
mod links;
mod merge;
mod origin;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use adapters::Outward;
use anyhow::Context as _;
use serde::Deserialize;

pub use key_file::master_key;

pub const DEFAULTS: &str = include_str!("config.default.toml");

/// What `--config` means when it is not given: read if it is there.
pub const DEFAULT_FILE: &str = "hubbub.toml";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

/// Every key is explained in `config.default.toml`. Empty texts of the file are filled in by [`load`].
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub listen: SocketAddr,
    pub public_url: String,
    pub trusted_proxies: Vec<IpAddr>,
    pub allowed_origins: Vec<String>,
    pub socket_compression: bool,
    pub metrics_token: String,
    pub database_url: String,
    pub database_connections: u32,
    pub data_dir: PathBuf,
    pub retention_feed_days: i64,
    pub retention_envelope_days: i64,
    pub retention_attempt_days: i64,
    pub master_key: String,
    pub master_key_file: PathBuf,
    pub old_master_keys: Vec<String>,
    pub access_token_ttl_s: i64,
    pub refresh_token_ttl_s: i64,
    pub session_max_s: i64,
    pub max_body_bytes: usize,
    pub max_hook_bytes: usize,
    pub media_max_bytes: u64,
    pub media_timeout_ms: u64,
    pub provider_timeout_ms: u64,
    pub allow_private_hosts: Vec<String>,
    pub worker_threads: usize,
    pub shutdown_grace_ms: u64,
    pub log: String,
    pub log_format: LogFormat,
}

/// The secrets (master keys, the token of the metrics, the database's password) are left out.
impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("listen", &self.listen)
            .field("public_url", &self.public_url)
            .field("data_dir", &self.data_dir)
            .finish_non_exhaustive()
    }
}

/// Reads the file (which must be there if it was named) and the environment.
pub fn read(file: Option<&Path>) -> anyhow::Result<Config> {
    let path = file.unwrap_or(Path::new(DEFAULT_FILE));
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if file.is_none() && error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    load_file(path, &text, &environment()?)
}

/// The variables of this process. Those of others may hold any bytes; ours are text.
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
    if config.database_url.is_empty() {
        config.database_url = under("hubbub.db", &config.data_dir).display().to_string();
    }
    if config.master_key_file.as_os_str().is_empty() {
        config.master_key_file = under("hubbub.key", &config.data_dir);
    }
    if config.public_url.is_empty() {
        config.public_url = format!("http://{}", config.listen);
    }
    config.public_url.truncate(config.public_url.trim_end_matches('/').len());
    config.check().map_err(|refused| refused.by(&origins))?;
    Ok(config)
}

impl Config {
    /// A server of its own below one folder, on a free port of the loopback address: for the demo and tests.
    pub fn embedded(data_dir: &Path) -> Self {
        let env = [
            ("HUBBUB_LISTEN", "127.0.0.1:0".to_owned()),
            ("HUBBUB_DATA_DIR", data_dir.display().to_string()),
        ];
        let env = env.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        load("", &env).expect("the compiled-in defaults are valid: a test loads them")
    }

    pub fn media_dir(&self) -> PathBuf {
        self.data_dir.join("media")
    }

    pub fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }

    /// The socket of the server that this configuration names, for a client on this machine: a server that listens on
    /// every address is reached on the loopback one.
    pub fn socket_url(&self) -> anyhow::Result<String> {
        let (scheme, host) = match self.public_url.strip_prefix("https://") {
            Some(host) => ("wss", host),
            None => ("ws", self.public_url.trim_start_matches("http://")),
        };
        let host = match host.parse::<SocketAddr>() {
            Ok(address) if address.port() == 0 => {
                anyhow::bail!("the server listens on a free port, which the configuration does not know")
            }
            Ok(mut address) if address.ip().is_unspecified() => {
                address.set_ip(match address {
                    SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                    SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
                });
                address.to_string()
            }
            _ => host.to_owned(),
        };
        Ok(format!("{scheme}://{host}/connection/websocket"))
    }

    /// Whom this server may call on behalf of others.
    pub fn outward(&self) -> Outward {
        Outward::allowing(&self.allow_private_hosts)
    }

    /// What works, but should not be left so: a sentence each.
    pub fn warnings(&self) -> Vec<String> {
        let mut found = Vec::new();
        if !self.listen.ip().is_loopback() && !self.is_https() {
            found.push(format!(
                "listening on {} without an https public_url: passwords and tokens cross the network in the clear",
                self.listen
            ));
        }
        if self.is_https() && self.trusted_proxies.is_empty() && self.listen.ip().is_loopback() {
            found.push(
                "public_url is https, so there is a proxy, but trusted_proxies is empty: everybody shares one limit \
                 of sign-in attempts"
                    .to_owned(),
            );
        }
        if self.database_url.starts_with("postgres") && self.master_key.is_empty() {
            found.push("PostgreSQL with a key file: every node needs the same master key".to_owned());
        }
        if !self.allow_private_hosts.is_empty() {
            found.push(format!("private hosts may be called: {}", self.allow_private_hosts.join(", ")));
        }
        found
    }
}

#[cfg(test)]
mod tests;
