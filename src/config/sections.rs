//! The sections of the configuration file. Every key is explained in `config.default.toml`; [`super::origin::variable`]
//! gives the variable of a key.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

use super::Network;

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    pub listen: SocketAddr,
    /// Empty: the machine's.
    pub node_name: String,
    /// In canonical form; the listening address if the file leaves it empty.
    pub public_url: String,
    pub trusted_proxies: Vec<Network>,
    pub allowed_origins: Vec<String>,
    pub http_idle_timeout_s: u64,
    pub http_proxy_idle_timeout_s: u64,
    pub socket_compression: bool,
    pub worker_threads: usize,
    pub shutdown_grace_ms: u64,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    pub token: String,
    pub listen: String,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// Below `data_dir` if the file leaves it empty.
    pub database_url: String,
    pub database_connections: u32,
    pub database_timeout_s: u64,
    pub lossless_failover: bool,
    /// Empty: none.
    pub replica_url: String,
    pub replica_lag_ms: u64,
    pub data_dir: PathBuf,
}

/// Between the nodes of an installation; an empty URL if there is one node.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bus {
    pub url: String,
    /// That of the installation if the file leaves it empty.
    pub prefix: String,
}

/// In days; 0 is for ever.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    pub feed_days: i64,
    pub envelope_days: i64,
    pub attempt_days: i64,
    pub lead_days: i64,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secrets {
    pub master_key: String,
    /// Below `data_dir` if the file leaves it empty.
    pub master_key_file: PathBuf,
    pub old_master_keys: Vec<String>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sessions {
    pub access_token_ttl_s: i64,
    pub refresh_token_ttl_s: i64,
    pub session_max_s: i64,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    pub max_body_bytes: usize,
    pub max_hook_bytes: usize,
    pub max_unfinished_bytes: usize,
    pub max_unfinished_per_address: u32,
    pub rate_per_caller: u32,
    pub rate_per_tenant: u32,
    pub rate_searches: u32,
    pub rate_hook_bytes: u32,
    pub rate_visits: u32,
}

/// Limits of one tenant's stored files; 0 is no limit.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Storage {
    pub max_bytes: u64,
    pub max_files: u64,
}

/// Uploaded files, and where files are.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Files {
    pub upload_max_bytes: u64,
    pub file_address_ttl_s: i64,
    /// `folder` or `s3`.
    pub file_library: String,
    pub s3_endpoint: String,
    pub s3_region: String,
    pub s3_bucket: String,
    pub s3_prefix: String,
    pub s3_access_key: String,
    pub s3_secret_key: String,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    pub enabled: bool,
}

/// The long history of conversations; an empty URL: the store has all of it.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct History {
    pub url: String,
    pub database: String,
    /// Days that MongoDB keeps a message; 0 is for ever.
    pub days: i64,
    /// Days after which messages may leave the store; 0 is never.
    pub store_days: i64,
}

/// Outgoing calls.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calls {
    pub provider_timeout_ms: u64,
    pub media_max_bytes: u64,
    pub media_timeout_ms: u64,
    pub allow_private_hosts: Vec<String>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub level: String,
    pub format: LogFormat,
}

/// Where traces go; off with an empty URL.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    pub otlp_url: String,
    pub sample_one_in: u64,
    pub accept_traceparent: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}
