//! Refuses values and combinations that cannot work. Each refusal names its key, so that [`super::load`] can add where
//! the value came from. Settings that work but are risky are in [`Config::warnings`].

use std::path::Path;

use adapters::outward::BadBase;
use tracing_subscriber::EnvFilter;

use super::database_url::{is_postgres, names_file};
use super::origin::Origins;
use super::{Config, PublicUrl, WebOrigin, redacted};
use crate::model::limits::MAX_FRAME;
use crate::vault::MasterKey;

/// Days that messages stay in the store at least: providers repeat, edit and confirm what is newer.
const LEAST_STORE_DAYS: i64 = 30;

/// A key with an invalid value.
#[derive(Debug)]
pub(super) struct Refused {
    key: &'static str,
    why: String,
    /// Another key with which the value is in conflict; its name ends the sentence.
    beside: Option<&'static str>,
}

impl Refused {
    pub(super) fn by(self, origins: &Origins) -> anyhow::Error {
        let key = origins.name(self.key);
        match self.beside {
            Some(other) => anyhow::anyhow!("{key}: {} {}", self.why, origins.name(other)),
            None => anyhow::anyhow!("{key}: {}", self.why),
        }
    }
}

fn refuse(key: &'static str, why: impl Into<String>) -> Result<(), Refused> {
    Err(Refused { key, why: why.into(), beside: None })
}

impl Config {
    pub(super) fn check(&self) -> Result<(), Refused> {
        self.check_store()?;
        self.check_addresses()?;
        self.check_keys()?;
        self.check_replica()?;
        self.check_bus()?;
        self.check_history()?;
        self.check_telemetry()?;
        self.check_called()?;
        if !(60..=86_400).contains(&self.sessions.access_token_ttl_s) {
            refuse("sessions.access_token_ttl_s", "must be between 60 and 86400")?;
        }
        if self.sessions.refresh_token_ttl_s <= self.sessions.access_token_ttl_s {
            let why = "must be longer than".to_owned();
            return Err(Refused {
                key: "sessions.refresh_token_ttl_s",
                why,
                beside: Some("sessions.access_token_ttl_s"),
            });
        }
        if self.sessions.session_max_s <= self.sessions.access_token_ttl_s
            || self.sessions.session_max_s > 315_360_000
        {
            refuse(
                "sessions.session_max_s",
                "must be longer than access_token_ttl_s, and at most 315360000 (ten years)",
            )?;
        }
        if !(MAX_FRAME..=268_435_456).contains(&self.limits.max_body_bytes) {
            let least = MAX_FRAME;
            let problem = format!("must be between {least}, which the longest message takes, and 268435456");
            refuse("limits.max_body_bytes", problem)?;
        }
        if !(1_024..=268_435_456).contains(&self.limits.max_hook_bytes) {
            refuse("limits.max_hook_bytes", "must be between 1024 and 268435456")?;
        }
        if !(1_048_576..=68_719_476_736).contains(&self.limits.max_unfinished_bytes) {
            refuse("limits.max_unfinished_bytes", "must be between 1048576 (1 MiB) and 68719476736")?;
        }
        if self.limits.max_unfinished_per_address < 8 {
            refuse(
                "limits.max_unfinished_per_address",
                "must be at least 8: a browser opens some at a time",
            )?;
        }
        for (key, value) in [
            ("files.upload_max_bytes", self.files.upload_max_bytes),
            ("calls.media_max_bytes", self.calls.media_max_bytes),
            ("calls.media_timeout_ms", self.calls.media_timeout_ms),
            ("calls.provider_timeout_ms", self.calls.provider_timeout_ms),
        ] {
            if value == 0 {
                refuse(key, "must not be 0")?;
            }
        }
        for (key, days) in [
            ("retention.feed_days", self.retention.feed_days),
            ("retention.envelope_days", self.retention.envelope_days),
            ("retention.attempt_days", self.retention.attempt_days),
            ("retention.lead_days", self.retention.lead_days),
        ] {
            if !(0..=36_500).contains(&days) {
                refuse(key, "must be between 0 (for ever) and 36500")?;
            }
        }
        let name = &self.server.node_name;
        if name.chars().count() > 100 || name.chars().any(char::is_control) {
            refuse("server.node_name", "must be at most 100 characters, none of them a line's end")?;
        }
        if self.server.worker_threads > 1_024 {
            refuse("server.worker_threads", "must be at most 1024")?;
        }
        if let Err(error) = EnvFilter::try_new(&self.log.level) {
            refuse("log.level", format!("must be a level or target=level, with commas: {error}"))?;
        }
        Ok(())
    }

    fn check_store(&self) -> Result<(), Refused> {
        let url = &self.store.database_url;
        // The name of the data folder is the operator's.
        let is_default = Path::new(url) == self.store.data_dir.join("hubbub.db");
        if !is_postgres(url) && !is_default && !names_file(url) {
            // It may hold a password, so it is not told.
            refuse(
                "store.database_url",
                "must be postgres://user:password@host/database, or the path of a SQLite file (one with : or = or @ in it \
                 begins with / or ./). No other form of address is read, neither host=… dbname=…",
            )?;
        }
        if !(1..=1_000).contains(&self.store.database_connections) {
            refuse("store.database_connections", "must be between 1 and 1000")?;
        }
        if !(1..=3_600).contains(&self.store.database_timeout_s) {
            refuse("store.database_timeout_s", "must be between 1 and 3600")?;
        }
        Ok(())
    }

    fn check_addresses(&self) -> Result<(), Refused> {
        if let Err(why) = PublicUrl::parse(&self.server.public_url) {
            refuse("server.public_url", why)?;
        }
        if let Some(text) =
            self.calls.allow_private_hosts.iter().find(|text| adapters::outward::host(text).is_none())
        {
            refuse(
                "calls.allow_private_hosts",
                format!("{:?} must be a name or an address, without http:// and a port", redacted(text)),
            )?;
        }
        for origin in &self.server.allowed_origins {
            if let Err(why) = WebOrigin::parse(origin) {
                refuse("server.allowed_origins", why)?;
            }
        }
        for (key, seconds) in [
            ("server.http_idle_timeout_s", self.server.http_idle_timeout_s),
            ("server.http_proxy_idle_timeout_s", self.server.http_proxy_idle_timeout_s),
        ] {
            if !(1..=86_400).contains(&seconds) {
                refuse(key, "must be between 1 and 86400 seconds")?;
            }
        }
        match self.metrics_listen() {
            Err(why) => refuse("metrics.listen", why)?,
            Ok(Some(address)) if address == self.server.listen && address.port() != 0 => {
                let why = "must be another address than that of".to_owned();
                return Err(Refused { key: "metrics.listen", why, beside: Some("server.listen") });
            }
            Ok(_) => {}
        }
        Ok(())
    }

    fn check_replica(&self) -> Result<(), Refused> {
        let store = &self.store;
        if !(10..=10_000).contains(&store.replica_lag_ms) {
            refuse("store.replica_lag_ms", "must be between 10 and 10000")?;
        }
        if store.replica_url.is_empty() {
            return Ok(());
        }
        if !is_postgres(&store.replica_url) {
            refuse("store.replica_url", "must be postgres://…, the address of a standby")?;
        }
        if !is_postgres(&store.database_url) {
            let why =
                "is a standby of a PostgreSQL database, and a SQLite file has none: leave it empty, or name \
                       PostgreSQL in"
                    .to_owned();
            return Err(Refused { key: "store.replica_url", why, beside: Some("store.database_url") });
        }
        Ok(())
    }

    fn check_bus(&self) -> Result<(), Refused> {
        if self.bus.url.is_empty() {
            return Ok(());
        }
        if let Err(why) = hub::RedisBus::new(&self.bus.url, "") {
            refuse("bus.url", why)?;
        }
        if !self.store.database_url.starts_with("postgres") {
            let why = "joins servers that share a PostgreSQL database, and a SQLite file is of one server: leave it \
                       empty, or name PostgreSQL in"
                .to_owned();
            return Err(Refused { key: "bus.url", why, beside: Some("store.database_url") });
        }
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
        if self.bus.prefix.len() > 64 || !self.bus.prefix.chars().all(is_plain) {
            refuse("bus.prefix", "must be at most 64 letters, digits, and any of - _ . :")?;
        }
        Ok(())
    }

    fn check_history(&self) -> Result<(), Refused> {
        let history = &self.history;
        for (key, days) in [("history.days", history.days), ("history.store_days", history.store_days)] {
            if !(0..=36_500).contains(&days) {
                refuse(key, "must be between 0 (for ever) and 36500")?;
            }
        }
        if history.url.is_empty() {
            if history.store_days != 0 {
                let why = "lets messages leave the store for MongoDB, and there is none: set it to 0, or set"
                    .to_owned();
                return Err(Refused { key: "history.store_days", why, beside: Some("history.url") });
            }
            return Ok(());
        }
        if !history.url.starts_with("mongodb://") && !history.url.starts_with("mongodb+srv://") {
            refuse("history.url", "must be mongodb://… or mongodb+srv://…")?;
        }
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        if history.database.is_empty()
            || history.database.len() > 63
            || !history.database.chars().all(is_plain)
        {
            refuse("history.database", "must be 1 to 63 letters, digits, and any of - _")?;
        }
        if (1..LEAST_STORE_DAYS).contains(&history.store_days) {
            refuse(
                "history.store_days",
                "must be 0 (never) or at least 30: providers repeat and change what is newer",
            )?;
        }
        if history.days != 0 && history.days <= history.store_days {
            let why = "must be 0 (for ever) or more than".to_owned();
            return Err(Refused { key: "history.days", why, beside: Some("history.store_days") });
        }
        Ok(())
    }

    fn check_telemetry(&self) -> Result<(), Refused> {
        let url = &self.telemetry.otlp_url;
        if !url.is_empty() {
            let is_http = url::Url::parse(url)
                .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
            if !is_http || url.parse::<axum::http::Uri>().is_err() {
                refuse("telemetry.otlp_url", "must be an address (\"http://127.0.0.1:4318\")")?;
            }
            if cfg!(not(feature = "otel")) {
                refuse("telemetry.otlp_url", "this program was built without traces (the feature `otel`)")?;
            }
        }
        if self.telemetry.sample_one_in == 0 {
            refuse("telemetry.sample_one_in", "must be at least 1")?;
        }
        Ok(())
    }

    /// Addresses of servers whose credentials have settings of their own.
    fn check_called(&self) -> Result<(), Refused> {
        let called = [
            ("files.s3_endpoint", &self.files.s3_endpoint, "s3_access_key and s3_secret_key"),
            ("telemetry.otlp_url", &self.telemetry.otlp_url, "the variable OTEL_EXPORTER_OTLP_HEADERS"),
        ];
        for (key, url, instead) in called.into_iter().filter(|(_, url, _)| !url.is_empty()) {
            match adapters::outward::base(url) {
                Ok(_) => {}
                Err(BadBase::UserInfo) => {
                    refuse(key, format!("must be without a name and a password in it: set {instead}"))?;
                }
                Err(why) => refuse(key, format!("{why} (\"https://host:port\")"))?,
            }
        }
        Ok(())
    }

    fn check_keys(&self) -> Result<(), Refused> {
        if !self.secrets.master_key.is_empty() {
            if let Err(why) = MasterKey::parse(&self.secrets.master_key) {
                refuse("secrets.master_key", format!("{why}; 32 bytes in base64 are needed"))?;
            }
        } else if self.store.database_url.starts_with("postgres") && !self.secrets.old_master_keys.is_empty()
        {
            refuse("secrets.old_master_keys", "needs a master_key beside it, not a key file")?;
        }
        for key in &self.secrets.old_master_keys {
            if let Err(why) = MasterKey::parse(key) {
                refuse("secrets.old_master_keys", format!("one {why}"))?;
            }
        }
        let token = &self.metrics.token;
        if !token.is_empty() && (token.len() < 16 || !token.bytes().all(|byte| byte.is_ascii_graphic())) {
            refuse(
                "metrics.token",
                "must have 16 or more ASCII characters, none of them a space or a line's end (`openssl rand -hex 16`)",
            )?;
        }
        Ok(())
    }
}
