//! The server under test and its channel: the arguments shared by the commands that send webhooks.

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use reqwest::Url;

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ProviderKind {
    Telegram,
    Waha,
}

#[derive(Args, Clone)]
pub(crate) struct Target {
    /// Base address of the server, plain http.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    pub(crate) url: Url,
    /// Secret path of the channel's webhook, as the channel list shows it: /hooks/...
    #[arg(long)]
    pub(crate) hook: String,
    /// Provider whose webhooks are imitated.
    #[arg(long, value_enum, default_value = "telegram")]
    pub(crate) kind: ProviderKind,
    /// The channel's webhook secret: token for Telegram, HMAC key for WAHA.
    #[arg(long, env = "LOADTEST_SECRET", hide_env_values = true)]
    pub(crate) secret: String,
    /// WAHA session name that the webhooks carry.
    #[arg(long, default_value = "default")]
    pub(crate) session: String,
    /// Manager who watches the feed.
    #[arg(long, required_unless_present = "token")]
    pub(crate) email: Option<String>,
    #[arg(long, env = "LOADTEST_PASSWORD", hide_env_values = true, required_unless_present = "token")]
    pub(crate) password: Option<String>,
    /// An access token in place of email and password. It is not renewed.
    #[arg(long, env = "LOADTEST_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// Tenant whose feed is watched, by id or name; needed only if the manager sees several.
    #[arg(long)]
    pub(crate) tenant: Option<String>,
}

impl Target {
    /// `host:port`, for a bare TCP connection.
    pub(crate) fn address(&self) -> Result<String> {
        anyhow::ensure!(self.url.scheme() == "http", "--url must be plain http, the generator speaks no TLS");
        let host = self.url.host_str().context("--url names no host")?;
        Ok(format!("{host}:{}", self.url.port_or_known_default().unwrap_or(80)))
    }

    /// The path part of the hook, given as a path or as a whole address.
    pub(crate) fn hook_path(&self) -> Result<String> {
        let url = self.url.join(&self.hook).context("--hook is not a path")?;
        Ok(url.path().to_owned())
    }

    pub(crate) fn socket_url(&self) -> Result<String> {
        Ok(format!("ws://{}/connection/websocket", self.address()?))
    }
}
