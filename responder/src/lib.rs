//! `hubbub responder`: the reference AI worker. It is an ordinary client: it authenticates over the socket with an API
//! key, answers the turns that it is offered, and uses nothing of the server's internals.
//!
//! See `client.rs` (the connection), `session.rs` (the current turns), `answer.rs` (one turn). To add another brain: a
//! file with an `answer(turn, pieces) -> Outcome`, a variant of [`Brain`], its options in [`ResponderArgs`].

mod answer;
mod args;
mod client;
mod openai;
mod rules;
mod session;
mod wire;

use std::sync::Arc;

use anyhow::Context as _;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use self::args::ResponderArgs;
use self::client::{Client, Link, Target};
pub use self::openai::{DEFAULT_PROMPT, Model, ModelConfig};
pub use self::rules::{HANDOFF_WORDS, Hours, Language, Rules};
pub use self::wire::{Contact, Turn, TurnFile, TurnMessage};

/// Characters of an answer; well below the hub's limit.
const MAX_ANSWER_CHARS: usize = 16_000;
const DEFAULT_CAPACITY: usize = 8;

/// Produces the answers.
pub enum Brain {
    Rules(Rules),
    Model(Model),
}

/// The outcome of a turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Answer(String),
    /// Handed to people, with a reason that they see.
    Handoff(String),
    /// Failed, with a reason: the hub tries again or hands the turn to people.
    Fail(String),
}

impl Brain {
    /// Returns the outcome; the answer's pieces are streamed meanwhile.
    async fn answer(&self, turn: &Turn, pieces: mpsc::Sender<String>) -> Outcome {
        match self {
            Self::Rules(rules) => rules.answer(turn, pieces).await,
            Self::Model(model) => model.answer(turn, pieces).await,
        }
    }
}

/// Runs until `stop` (current turns are finished first), or until the hub rejects this worker. `configured_url`
/// returns the hub's socket address if the arguments have none.
pub async fn run(
    args: ResponderArgs,
    configured_url: impl FnOnce() -> anyhow::Result<String>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    anyhow::ensure!(args.capacity > 0, "--capacity: must be at least 1");
    let brain = args.brain()?;
    let target = Target { url: args.url(configured_url)?, api_key: args.api_key, capacity: args.capacity };
    Responder::begin(target, brain, stop).wait().await
}

/// A worker inside this process. Ends with `stop`, or at once when dropped.
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

    /// Waits until the worker is connected. Fails if the hub rejects it.
    pub async fn connected(&self) -> anyhow::Result<()> {
        let mut link = self.link.clone();
        match link.wait_for(|link| *link != Link::Away).await.map(|link| *link) {
            Ok(Link::Up(_)) => Ok(()),
            _ => anyhow::bail!("the hub refused the responder"),
        }
    }

    /// Accepts no new turns, finishes the current ones, and disconnects.
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
