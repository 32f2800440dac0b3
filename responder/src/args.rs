//! The command's options, and what is built from them: the hub's address and the brain.

use std::path::PathBuf;

use anyhow::Context as _;

use super::openai::{Model, ModelConfig};
use super::rules::{Hours, Language, Rules};
use super::{Brain, DEFAULT_CAPACITY};

#[derive(clap::Args)]
pub struct ResponderArgs {
    /// The hub's socket (ws://…/connection/websocket). Without it: that of the server which the configuration names,
    /// by public_url or by listen.
    #[arg(long, env = "HUBBUB_URL")]
    url: Option<String>,
    /// An API key of role responder.
    #[arg(long, env = "HUBBUB_API_KEY", hide_env_values = true)]
    pub(super) api_key: String,
    /// Turns that are answered at the same time.
    #[arg(long, default_value_t = DEFAULT_CAPACITY, value_name = "N")]
    pub(super) capacity: usize,
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
    /// `configured` returns the socket address of the server that the configuration names.
    pub(super) fn url(&self, configured: impl FnOnce() -> anyhow::Result<String>) -> anyhow::Result<String> {
        match self.url.as_deref().filter(|url| !url.is_empty()) {
            Some(url) => Ok(url.to_owned()),
            None => configured().context("--url is not given"),
        }
    }

    pub(super) fn brain(&self) -> anyhow::Result<Brain> {
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
