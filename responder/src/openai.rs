//! Answers by a language model behind any server with the OpenAI chat API and streaming. Neither the key nor any
//! message is logged or put into a reason.

mod answer;
mod chunk;
mod content;
mod marker;
mod prompt;
mod sse;
mod thoughts;

use std::time::Duration;

use anyhow::Context as _;
use futures_util::StreamExt as _;
use reqwest::{Response, StatusCode, Url};
use tokio::sync::mpsc;

use self::answer::{Answer, Habit};
use self::chunk::Chunk;
use self::sse::Lines;
use super::Outcome;
use super::wire::Turn;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Attempts of a request to which the server has not begun to respond.
const TRIES: u32 = 3;
/// Held-back text is streamed before the answer is sent, unless that takes longer than this.
const SHOWING: Duration = Duration::from_secs(1);

pub const DEFAULT_PROMPT: &str = "You answer customers of a business in its messenger. Answer in the language of \
    the customer, briefly, in plain text without markup. Do not invent facts about the business: prices, stock, dates.";

/// Appended to every prompt: how to hand over to a person.
const HANDOFF_RULE: &str = "If a person has to take over (the customer asks for one, or you cannot help), answer \
    with nothing but [handoff] and the reason in a few words.";

/// Explains the brackets that `content.rs` writes around a customer's text.
const CONTEXT_RULE: &str = "Lines in square brackets in the customer's messages tell what is around the words: what \
    they answer, where a link leads, a place, a file.";

#[derive(Clone, Debug)]
pub struct ModelConfig {
    /// The server's address, `https://host`, with or without `/v1`.
    pub url: String,
    pub model: String,
    pub key: Option<String>,
    pub prompt: String,
    /// Timeout between two pieces, and before the first.
    pub silence: Duration,
    /// Timeout of a whole answer.
    pub limit: Duration,
    /// The pause before the second attempt, doubled for each next one.
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
    habit: Habit,
}

/// The reason for a missing answer, as a sentence for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
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
    #[error("the model refused to answer")]
    Refused,
    #[error("the model asked for a tool, and there is none")]
    Tool,
    #[error("the model did not come to the end of its thoughts")]
    Thinking,
    #[error("the model thought, and said nothing")]
    OnlyThoughts,
    #[error("the model said nothing")]
    Empty,
}

impl Failure {
    /// Nothing was streamed yet, and another attempt may succeed.
    fn is_passing(self) -> bool {
        match self {
            Self::Status(status) => status == 429 || status >= 500,
            Self::Unreachable => true,
            _ => false,
        }
    }
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
        Ok(Self { config, endpoint, http, habit: Habit::default() })
    }

    pub(super) async fn answer(&self, turn: &Turn, pieces: mpsc::Sender<String>) -> Outcome {
        match tokio::time::timeout(self.config.limit, self.ask(turn, &pieces)).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(failure)) => Outcome::Fail(failure.to_string()),
            Err(_) => Outcome::Fail(Failure::Slow.to_string()),
        }
    }

    async fn ask(&self, turn: &Turn, pieces: &mpsc::Sender<String>) -> Result<Outcome, Failure> {
        let system = format!("{}\n\n{CONTEXT_RULE}\n\n{HANDOFF_RULE}", self.config.prompt);
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
                begun => return self.listen(begun?, pieces).await,
            }
        }
        self.listen(self.begin(&body).await?, pieces).await
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

    /// Reads the stream to its end, and streams the text for the customer without the marker.
    async fn listen(&self, response: Response, pieces: &mpsc::Sender<String>) -> Result<Outcome, Failure> {
        let mut stream = response.bytes_stream();
        let (mut lines, mut answer, mut finished) = (Lines::default(), Answer::new(&self.habit), None);
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
                if choice.delta.refusal.as_deref().is_some_and(|words| !words.trim().is_empty()) {
                    return Err(Failure::Refused);
                }
                let shown = answer.push(&choice.delta);
                if !shown.is_empty() {
                    // Nobody receives the pieces any more; the answer is completed nevertheless.
                    let _ = pieces.send(shown).await;
                }
                finished = choice.finish_reason.or(finished);
                if answer.is_endless() {
                    return Err(Failure::Thinking);
                }
            }
        }
        match finished.as_deref() {
            None => return Err(Failure::BrokeOff),
            Some("content_filter") => return Err(Failure::Filtered),
            Some("tool_calls" | "function_call") => return Err(Failure::Tool),
            // The stream ended within the model's thoughts without an error.
            Some("length") if answer.may_be_thought() => return Err(Failure::Thinking),
            Some(_) => {}
        }
        let shown = answer.end()?;
        if !shown.is_empty() && pieces.send(shown).await.is_ok() {
            let all = pieces.max_capacity();
            let _ = tokio::time::timeout(SHOWING, pieces.reserve_many(all)).await;
        }
        answer.outcome()
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
