//! `hubbub responder`: the reference AI worker. It is a client like any other: it signs in over the socket with an
//! API key, answers the turns that it is offered, and knows nothing of the server's insides.
//!
//! Read on in `client.rs` (the connection), `session.rs` (the turns at hand), `answer.rs` (one turn). To add another
//! way of answering: a file with an `answer(turn, pieces) -> Outcome`, a variant of [`Brain`], its options in
//! [`ResponderArgs`].

mod answer;
mod client;
mod openai;
mod rules;
mod session;
mod wire;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use self::client::{Client, Link, Target};
pub use self::openai::{DEFAULT_PROMPT, Model, ModelConfig};
pub use self::rules::{HANDOFF_WORDS, Hours, Language, Rules};
pub use self::wire::{Contact, Said, Turn};
use crate::config::Config;

/// Characters of an answer: well below what the hub takes.
const MAX_ANSWER_CHARS: usize = 16_000;
const DEFAULT_CAPACITY: usize = 8;

#[derive(clap::Args)]
pub struct ResponderArgs {
    /// The hub's socket (ws://…/connection/websocket). Without it: that of the server which the configuration names,
    /// by public_url or by listen.
    #[arg(long, env = "HUBBUB_URL")]
    url: Option<String>,
    /// An API key of role responder.
    #[arg(long, env = "HUBBUB_API_KEY", hide_env_values = true)]
    api_key: String,
    /// Turns that are answered at the same time.
    #[arg(long, default_value_t = DEFAULT_CAPACITY, value_name = "N")]
    capacity: usize,
    /// Answer by simple rules; this is the default.
    #[arg(long, conflicts_with = "openai_url")]
    rules: bool,
    /// Answer by a model behind this address (any server with the OpenAI chat API).
    #[arg(long, value_name = "URL", requires = "model")]
    openai_url: Option<String>,
    /// The model's name at that server.
    #[arg(long, value_name = "NAME", requires = "openai_url")]
    model: Option<String>,
    /// The key for that server.
    #[arg(long, env = "OPENAI_API_KEY", hide_env_values = true, value_name = "KEY")]
    openai_key: Option<String>,
    /// A text file that tells the model who it is and what it knows.
    #[arg(long, value_name = "FILE", requires = "openai_url")]
    system_prompt: Option<PathBuf>,
    /// What the rules say to a customer who writes for the first time.
    #[arg(long, value_name = "TEXT", conflicts_with = "openai_url")]
    greeting: Option<String>,
    /// Words at which the rules give the customer to people, with commas.
    #[arg(long, value_name = "WORDS", value_delimiter = ',', conflicts_with = "openai_url")]
    handoff_words: Vec<String>,
    /// Opening hours, for the rules: "mon-fri 09:00-18:00, sat 10:00-14:00".
    #[arg(long, value_name = "HOURS", conflicts_with = "openai_url")]
    hours: Option<String>,
    /// The opening hours' offset from UTC.
    #[arg(long, value_name = "OFFSET", default_value = "+00:00", allow_hyphen_values = true)]
    utc_offset: String,
    /// The rules' language, whatever the customer writes in.
    #[arg(long, value_enum, conflicts_with = "openai_url")]
    language: Option<Language>,
}

impl ResponderArgs {
    fn url(&self, config: &Config) -> anyhow::Result<String> {
        match self.url.as_deref().filter(|url| !url.is_empty()) {
            Some(url) => Ok(url.to_owned()),
            None => config.socket_url().context("--url is not given"),
        }
    }

    fn brain(&self) -> anyhow::Result<Brain> {
        if let Some((url, model)) = self.openai_url.as_ref().zip(self.model.as_ref()) {
            let mut config = ModelConfig::new(url, model);
            config.key = self.openai_key.clone().filter(|key| !key.is_empty());
            if let Some(file) = &self.system_prompt {
                let text = std::fs::read_to_string(file);
                config.prompt = text.with_context(|| format!("--system-prompt: {}", file.display()))?;
            }
            return Ok(Brain::Model(Model::new(config)?));
        }
        let mut rules =
            Rules { greeting: self.greeting.clone(), language: self.language, ..Rules::default() };
        if !self.handoff_words.is_empty() {
            rules.handoff_words.clone_from(&self.handoff_words);
        }
        if let Some(hours) = &self.hours {
            let hours = Hours::parse(hours, &self.utc_offset);
            rules.hours = Some(hours.map_err(|why| anyhow::anyhow!("--hours, --utc-offset: {why}"))?);
        }
        Ok(Brain::Rules(rules))
    }
}

/// What answers.
pub enum Brain {
    Rules(Rules),
    Model(Model),
}

/// How a turn ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Answer(String),
    /// To people, with a reason that they see.
    Handoff(String),
    /// Given back, with a reason: another attempt, or people.
    Fail(String),
}

impl Brain {
    /// Gives the outcome; the pieces of an answer are shown while it comes.
    async fn answer(&self, turn: &Turn, pieces: mpsc::Sender<String>) -> Outcome {
        match self {
            Self::Rules(rules) => rules.answer(turn, pieces).await,
            Self::Model(model) => model.answer(turn, pieces).await,
        }
    }
}

/// Runs until `stop` (what is at hand is finished then), or until the hub refuses this worker.
pub async fn run(args: ResponderArgs, config: &Config, stop: CancellationToken) -> anyhow::Result<()> {
    anyhow::ensure!(args.capacity > 0, "--capacity: must be at least 1");
    let brain = args.brain()?;
    let target = Target { url: args.url(config)?, api_key: args.api_key, capacity: args.capacity };
    Responder::begin(target, brain, stop).wait().await
}

/// A worker that runs in this process, beside other things. Ends with `stop`, at once when it is dropped.
pub struct Responder {
    stop: CancellationToken,
    link: watch::Receiver<Link>,
    life: JoinHandle<anyhow::Result<()>>,
}

impl Responder {
    pub fn start(url: &str, api_key: &str, brain: Brain) -> Self {
        let target = Target { url: url.to_owned(), api_key: api_key.to_owned(), capacity: DEFAULT_CAPACITY };
        Self::begin(target, brain, CancellationToken::new())
    }

    fn begin(target: Target, brain: Brain, stop: CancellationToken) -> Self {
        // The connection ends after the last answer.
        let hang_up = CancellationToken::new();
        let (client, notices, life) = Client::new(target, hang_up.clone());
        let link = client.link();
        let session = session::work(client, notices, Arc::new(brain), stop.clone());
        let life = tokio::spawn(async move {
            let (ended, ()) = tokio::join!(life, async {
                session.await;
                hang_up.cancel();
            });
            ended
        });
        Self { stop, link, life }
    }

    /// Waits until the worker is connected. An error, if it never will be.
    pub async fn connected(&self) -> anyhow::Result<()> {
        let mut link = self.link.clone();
        match link.wait_for(|link| *link != Link::Away).await.map(|link| *link) {
            Ok(Link::Up(_)) => Ok(()),
            _ => anyhow::bail!("the hub refused the responder"),
        }
    }

    /// Takes no new turns, finishes those at hand, and leaves.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.stop.cancel();
        self.wait().await
    }

    async fn wait(mut self) -> anyhow::Result<()> {
        (&mut self.life).await.context("the responder panicked")?
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        self.life.abort();
    }
}

#[cfg(test)]
mod tests;
