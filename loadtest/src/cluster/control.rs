//! The emulated providers in their own process: told what customers do, and asked what was sent to them.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::ChildStdin;

use super::program::{Program, Recipe};

/// A text that a provider was asked to send to a customer.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ProviderSent {
    pub(crate) provider: String,
    pub(crate) chat: String,
    #[serde(default)]
    pub(crate) text: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Record {
    pub(crate) sent: Vec<ProviderSent>,
    /// Texts of customers whose webhook was answered 2xx.
    pub(crate) accepted: HashSet<String>,
    /// Deliveries of webhooks by their status; 0: no answer.
    pub(crate) attempts: BTreeMap<String, u64>,
    /// Events that the provider gave up.
    pub(crate) given_up: u64,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Hook {
    pub(crate) url: String,
    pub(crate) secret: String,
}

pub(crate) struct Providers {
    _program: Program,
    _input: ChildStdin,
    base: String,
    http: reqwest::Client,
}

impl Providers {
    /// `bot`: the number of its Telegram bot, of which an installation has each once.
    pub(crate) async fn start(program: &Path, bot: u64, log: &Path) -> Result<Self> {
        let recipe = Recipe::new(program, &[&bot.to_string()], log);
        let (program, input, output) = Program::start_talking(recipe)?;
        let mut port = String::new();
        BufReader::new(output).read_line(&mut port).await?;
        let base = format!("http://127.0.0.1:{}", port.trim());
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build()?;
        Ok(Self { _program: program, _input: input, base, http })
    }

    /// The credentials of a channel of each provider.
    pub(crate) async fn settings(&self) -> Result<BTreeMap<String, BTreeMap<String, String>>> {
        self.get("/settings").await
    }

    pub(crate) async fn record(&self) -> Result<Record> {
        self.get("/record").await
    }

    /// Where Telegram delivers, and its secret.
    pub(crate) async fn hook(&self) -> Result<Hook> {
        self.get("/hook").await
    }

    pub(crate) async fn say(&self, provider: &str, chat: &str, text: &str) -> Result<()> {
        self.post("/say", &json!({ "provider": provider, "chat": chat, "text": text })).await
    }

    /// The failures that were asked for and have not come do not come.
    pub(crate) async fn well(&self) -> Result<()> {
        self.post("/well", &json!({})).await
    }

    pub(crate) async fn fail(&self, provider: &str, how: &str, times: u64) -> Result<()> {
        self.post("/fail", &json!({ "provider": provider, "how": how, "times": times })).await
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, path: &str) -> Result<T> {
        let answer = self.http.get(format!("{}{path}", self.base)).send().await?.error_for_status()?;
        answer.json().await.with_context(|| format!("the emulated providers' {path} cannot be read"))
    }

    async fn post(&self, path: &str, body: &Value) -> Result<()> {
        self.http.post(format!("{}{path}", self.base)).json(body).send().await?.error_for_status()?;
        Ok(())
    }
}
