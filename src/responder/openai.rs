//! Answers by a language model behind any server that speaks the OpenAI chat API with streaming. Neither the key
//! nor what anybody wrote is ever logged or put into a reason.

mod marker;
mod prompt;
mod sse;

use std::time::Duration;

use anyhow::Context as _;
use futures_util::StreamExt as _;
use reqwest::{Response, StatusCode, Url};
use serde::Deserialize;
use tokio::sync::mpsc;

use self::marker::Marker;
use self::sse::Lines;
use super::wire::Turn;
use super::{MAX_ANSWER_CHARS, Outcome};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Tries of a request that the server did not begin to answer.
const TRIES: u32 = 3;

pub const DEFAULT_PROMPT: &str = "You answer customers of a business in its messenger. Answer in the language of \
    the customer, briefly, in plain text without markup. Do not invent facts about the business: prices, stock, dates.";

/// What every model is told, whatever the prompt: how to call a person.
const HANDOFF_RULE: &str = "If a person has to take over (the customer asks for one, or you cannot help), answer \
    with nothing but [handoff] and the reason in a few words.";

#[derive(Clone, Debug)]
pub struct ModelConfig {
    /// The server's address, `https://host`, with or without `/v1`.
    pub url: String,
    pub model: String,
    pub key: Option<String>,
    pub prompt: String,
    /// Between two pieces, and before the first.
    pub silence: Duration,
    /// For a whole answer.
    pub limit: Duration,
    /// Before the second try; the next one waits twice as long.
    pub retry_pause: Duration,
}

impl ModelConfig {
    pub fn new(url: &str, model: &str) -> Self {
        Self {
            url: url.to_owned(),
            model: model.to_owned(),
            key: None,
            prompt: DEFAULT_PROMPT.to_owned(),
            silence: Duration::from_secs(45),
            limit: Duration::from_mins(3),
            retry_pause: Duration::from_secs(1),
        }
    }
}

pub struct Model {
    config: ModelConfig,
    endpoint: Url,
    http: reqwest::Client,
}

/// Why there is no answer, in words for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Failure {
    #[error("the model's server answered {0}")]
    Status(u16),
    #[error("the model's server cannot be reached")]
    Unreachable,
    #[error("the model took too long")]
    Slow,
    #[error("the model's answer broke off")]
    BrokeOff,
    #[error("the model's answer cannot be read")]
    Unreadable,
    #[error("the model reported an error")]
    Reported,
    #[error("the model's filter refused")]
    Filtered,
    #[error("the model said nothing")]
    Empty,
}

impl Failure {
    /// Nothing was said yet, and the next try may go better.
    fn is_passing(self) -> bool {
        match self {
            Self::Status(status) => status == 429 || status >= 500,
            Self::Unreachable => true,
            _ => false,
        }
    }
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    error: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    delta: Delta,
    finish_reason: Option<String>,
}

#[derive(Default, Deserialize)]
struct Delta {
    content: Option<String>,
}

impl Model {
    pub fn new(config: ModelConfig) -> anyhow::Result<Self> {
        let endpoint = endpoint(&config.url)?;
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(config.silence)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .context("the HTTP client")?;
        Ok(Self { config, endpoint, http })
    }

    pub(super) async fn answer(&self, turn: &Turn, pieces: mpsc::Sender<String>) -> Outcome {
        match tokio::time::timeout(self.config.limit, self.ask(turn, &pieces)).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(failure)) => Outcome::Fail(failure.to_string()),
            Err(_) => Outcome::Fail(Failure::Slow.to_string()),
        }
    }

    async fn ask(&self, turn: &Turn, pieces: &mpsc::Sender<String>) -> Result<Outcome, Failure> {
        let system = format!("{}\n\n{HANDOFF_RULE}", self.config.prompt);
        let body = serde_json::json!({
            "model": self.config.model, "stream": true, "messages": prompt::messages(&system, turn),
        });
        let mut pause = self.config.retry_pause;
        for _ in 1..TRIES {
            match self.begin(&body).await {
                Err(failure) if failure.is_passing() => {
                    tracing::debug!(turn = turn.id, %failure, "the model is asked again");
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                begun => return listen(begun?, pieces).await,
            }
        }
        listen(self.begin(&body).await?, pieces).await
    }

    async fn begin(&self, body: &serde_json::Value) -> Result<Response, Failure> {
        let mut request = self.http.post(self.endpoint.clone()).json(body);
        if let Some(key) = &self.config.key {
            request = request.bearer_auth(key);
        }
        let response = request.send().await.map_err(|error| timed(&error, Failure::Unreachable))?;
        match response.status() {
            StatusCode::OK => Ok(response),
            status => Err(Failure::Status(status.as_u16())),
        }
    }
}

/// Reads the stream to its end, showing what is not part of the marker.
async fn listen(response: Response, pieces: &mpsc::Sender<String>) -> Result<Outcome, Failure> {
    let mut stream = response.bytes_stream();
    let (mut lines, mut said, mut finished) = (Lines::default(), Marker::default(), None);
    'stream: while let Some(bytes) = stream.next().await {
        let bytes = bytes.map_err(|error| timed(&error, Failure::BrokeOff))?;
        lines.push(&bytes).map_err(|_| Failure::Unreadable)?;
        while let Some(data) = lines.next_data() {
            if data == b"[DONE]" {
                finished.get_or_insert_with(String::new);
                break 'stream;
            }
            let chunk: Chunk = serde_json::from_slice(&data).map_err(|_| Failure::Unreadable)?;
            if chunk.error.is_some() {
                return Err(Failure::Reported);
            }
            let Some(choice) = chunk.choices.into_iter().next() else { continue };
            let shown = said.push(choice.delta.content.as_deref().unwrap_or_default());
            if !shown.is_empty() {
                // Nobody looks any more: the answer is made all the same.
                let _ = pieces.send(shown).await;
            }
            finished = choice.finish_reason.or(finished);
            if said.chars() > MAX_ANSWER_CHARS {
                finished = Some("length".to_owned());
                break 'stream;
            }
        }
    }
    match finished.as_deref() {
        None => return Err(Failure::BrokeOff),
        Some("content_filter") => return Err(Failure::Filtered),
        Some(_) => {}
    }
    match said.end() {
        (_, Some(reason)) => Ok(Outcome::Handoff(reason)),
        (text, None) if text.is_empty() => Err(Failure::Empty),
        (text, None) => Ok(Outcome::Answer(text.chars().take(MAX_ANSWER_CHARS).collect())),
    }
}

fn timed(error: &reqwest::Error, other: Failure) -> Failure {
    if error.is_timeout() && !error.is_connect() { Failure::Slow } else { other }
}

fn endpoint(url: &str) -> anyhow::Result<Url> {
    let base = url.trim().trim_end_matches('/');
    let whole = match base {
        _ if base.ends_with("/chat/completions") => base.to_owned(),
        _ if base.ends_with("/v1") => format!("{base}/chat/completions"),
        _ => format!("{base}/v1/chat/completions"),
    };
    let parsed = Url::parse(&whole).context("--openai-url: is not an address")?;
    anyhow::ensure!(
        matches!(parsed.scheme(), "http" | "https")
            && parsed.username().is_empty()
            && parsed.password().is_none(),
        "--openai-url: must be http:// or https://, without a password in it"
    );
    Ok(parsed)
}

#[cfg(test)]
mod tests;
