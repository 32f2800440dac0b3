//! The configuration: compiled-in defaults (`config.default.toml`, the operator's manual), a TOML file over
//! them, the environment over both. [`load`] is a pure function; [`read`] reads the file and the environment.
//!
//! Unknown keys and combinations that cannot work are refused by name; risky ones are in [`Config::warnings`].

mod key_file;
mod merge;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

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
    pub max_body_bytes: usize,
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
    load(&text, &std::env::vars().collect())
        .with_context(|| format!("the configuration ({})", path.display()))
}

/// The configuration from the text of a file and the environment.
pub fn load(file: &str, env: &BTreeMap<String, String>) -> anyhow::Result<Config> {
    let mut config: Config = merge::merge(DEFAULTS, file, env)?.try_into()?;
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
    config.check()?;
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

    /// May a tenant make this server call that host? Private addresses only when the operator allows them.
    /// Names are judged as they stand: what they resolve to is the network's business.
    pub fn may_call(&self, host: &str) -> bool {
        let host =
            host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase();
        if self.allow_private_hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(&host)) {
            return true;
        }
        match host.parse::<IpAddr>() {
            Ok(address) => !is_private(address.to_canonical()),
            Err(_) => {
                host.contains('.')
                    && ![".local", ".localhost", ".internal"].iter().any(|end| host.ends_with(end))
            }
        }
    }

    fn check(&self) -> anyhow::Result<()> {
        let refuse = |key: &str, why: &str| Err(anyhow::anyhow!("{key}: {why}"));
        let scheme = self.public_url.strip_prefix("https://").or(self.public_url.strip_prefix("http://"));
        if scheme.is_none_or(|host| host.is_empty() || host.contains(['/', '?', '#', '@', ' '])) {
            return refuse("public_url", "must be https://host or http://host, without a path");
        }
        for origin in &self.allowed_origins {
            let host = origin.strip_prefix("https://").or(origin.strip_prefix("http://"));
            if host.is_none_or(|host| host.is_empty() || host.contains('/')) {
                return refuse(
                    "allowed_origins",
                    &format!("{origin:?} must be https://host, without a path"),
                );
            }
        }
        if !self.master_key.is_empty() {
            crate::accounts::MasterKey::parse(&self.master_key)
                .map_err(|why| anyhow::anyhow!("master_key: {why}; 32 bytes in base64 are needed"))?;
        } else if self.database_url.starts_with("postgres") && !self.old_master_keys.is_empty() {
            return refuse("old_master_keys", "needs a master_key beside it, not a key file");
        }
        for key in &self.old_master_keys {
            crate::accounts::MasterKey::parse(key)
                .map_err(|why| anyhow::anyhow!("old_master_keys: one {why}"))?;
        }
        if !(60..=86_400).contains(&self.access_token_ttl_s) {
            return refuse("access_token_ttl_s", "must be between 60 and 86400");
        }
        if self.refresh_token_ttl_s <= self.access_token_ttl_s {
            return refuse("refresh_token_ttl_s", "must be longer than access_token_ttl_s");
        }
        if !(1_024..=268_435_456).contains(&self.max_body_bytes) {
            return refuse("max_body_bytes", "must be between 1024 and 268435456");
        }
        if self.media_max_bytes == 0 || self.media_timeout_ms == 0 || self.provider_timeout_ms == 0 {
            return refuse("media_max_bytes, media_timeout_ms, provider_timeout_ms", "must not be 0");
        }
        if !(1..=1_000).contains(&self.database_connections) {
            return refuse("database_connections", "must be between 1 and 1000");
        }
        let token = &self.metrics_token;
        if !token.is_empty() && (token.len() < 16 || !token.bytes().all(|byte| byte.is_ascii_graphic())) {
            return refuse(
                "metrics_token",
                "must have 16 or more ASCII characters, none of them a space or a line's end (`openssl rand -hex 16`)",
            );
        }
        for (key, days) in [
            ("retention_feed_days", self.retention_feed_days),
            ("retention_envelope_days", self.retention_envelope_days),
            ("retention_attempt_days", self.retention_attempt_days),
        ] {
            if !(0..=36_500).contains(&days) {
                return refuse(key, "must be between 0 (for ever) and 36500");
            }
        }
        if self.worker_threads > 1_024 {
            return refuse("worker_threads", "must be at most 1024");
        }
        Ok(())
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

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let shared = v4.octets()[0] == 100 && (64..128).contains(&v4.octets()[1]);
            v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_unspecified()
                || v4.is_broadcast()
                || shared
        }
        IpAddr::V6(v6) => {
            v6.is_loopback() || v6.is_unspecified() || v6.is_unique_local() || v6.is_unicast_link_local()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn refused(file: &str, pairs: &[(&str, &str)]) -> String {
        format!("{:#}", load(file, &env(pairs)).expect_err("refused"))
    }

    #[test]
    fn defaults_are_complete_and_quiet() {
        let config = load("", &env(&[])).expect("the defaults");
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(config.database_url, "./data/hubbub.db");
        assert_eq!(config.public_url, "http://127.0.0.1:8080");
        assert_eq!(config.max_body_bytes, 4 * 1024 * 1024);
        assert!(config.warnings().is_empty());
        assert_eq!(Config::embedded(Path::new("/x")).master_key_file, Path::new("/x/hubbub.key"));
    }

    #[test]
    fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
        let file = "listen = \"127.0.0.1:1\"\nmedia_max_bytes = 5\n";
        let pairs = [("HUBBUB_LISTEN", "127.0.0.1:2"), ("HUBBUB_ALLOW_PRIVATE_HOSTS", "waha, 10.0.0.5")];
        let config = load(file, &env(&pairs)).expect("merged");
        assert_eq!(config.listen.port(), 2);
        assert_eq!(config.media_max_bytes, 5);
        assert_eq!(config.allow_private_hosts, ["waha", "10.0.0.5"]);
        assert_eq!(config.media_timeout_ms, 30_000);
    }

    #[test]
    fn what_is_wrong_is_refused_by_its_name() {
        assert!(refused("listne = 1", &[]).contains("listne"));
        assert!(refused("", &[("HUBBUB_LISTNE", "x")]).contains("HUBBUB_LISTNE"));
        assert!(load("", &env(&[("HUBBUB_CONFIG", "x"), ("HUBBUB_TEST_X", "x"), ("LISTNE", "x")])).is_ok());
        assert!(refused("listen = 1", &[]).contains("listen"));
        assert!(refused("", &[("HUBBUB_MAX_BODY_BYTES", "lots")]).contains("HUBBUB_MAX_BODY_BYTES"));
        assert!(refused("", &[("HUBBUB_MASTER_KEY", "c2hvcnQ=")]).contains("master_key"));
        assert!(refused("", &[("HUBBUB_PUBLIC_URL", "hub.example.com")]).contains("public_url"));
        assert!(refused("", &[("HUBBUB_PUBLIC_URL", "https://hub.example.com/x")]).contains("public_url"));
        assert!(refused("refresh_token_ttl_s = 60", &[]).contains("refresh_token_ttl_s"));
        for token in ["short", "long enough, but spaces", "0123456789abcdef\n", "ünreadable-in-a-header"] {
            assert!(refused("", &[("HUBBUB_METRICS_TOKEN", token)]).contains("metrics_token"), "{token:?}");
        }
        assert!(refused("", &[("HUBBUB_LOG_FORMAT", "xml")]).contains("log_format"));
    }

    #[test]
    fn private_hosts_are_called_only_when_allowed() {
        let config = load("allow_private_hosts = [\"waha\", \"10.0.0.5\"]", &env(&[])).expect("valid");
        for host in ["waha", "WAHA", "10.0.0.5", "waha.example.com", "198.51.100.4", "[2001:db8::1]"] {
            assert!(config.may_call(host), "{host}");
        }
        let private = [
            "localhost",
            "127.0.0.1",
            "10.0.0.6",
            "169.254.169.254",
            "[::1]",
            "[::ffff:10.0.0.6]",
            "db.internal",
        ];
        for host in private.into_iter().chain(["100.64.0.1", "[fd00::1]", "0.0.0.0", "redis"]) {
            assert!(!config.may_call(host), "{host}");
        }
    }

    #[test]
    fn risky_settings_are_warned_about() {
        let open = load("listen = \"0.0.0.0:80\"", &env(&[])).expect("it works");
        assert!(open.warnings()[0].contains("0.0.0.0:80"));
        let proxied = "listen = \"0.0.0.0:80\"\npublic_url = \"https://hub.example.com/\"";
        let proxied = load(proxied, &env(&[])).expect("it works");
        assert_eq!(proxied.public_url, "https://hub.example.com");
        assert!(proxied.warnings().is_empty());
    }
}
