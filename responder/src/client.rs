//! A reconnecting client of the Centrifuge protocol (JSON): it authenticates with an API key, answers pings, matches
//! replies to calls, returns publications, and reconnects with full-jitter backoff. It never repeats a call, because
//! only the caller knows whether that is safe.

mod frames;
mod socket;

use std::time::Duration;

use serde_json::Value;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::socket::{Ended, Opened};

/// Bound of queued calls and notices; senders wait while a queue is full.
const QUEUE: usize = 256;
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(20);
/// A connection of at least this duration resets the backoff. A shorter one does not, or a server that accepts and
/// drops all connections at once would be called twice a second.
const GOOD_LIFE: Duration = Duration::from_secs(10);

/// The hub's address and the API key.
#[derive(Clone)]
pub(super) struct Target {
    pub url: String,
    pub api_key: String,
    pub capacity: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    Away,
    /// Connected, with the connection's number.
    Up(u64),
    /// The client has stopped and will not reconnect.
    Over,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    /// The hub answered with an error.
    #[error("refused with {code}: {message}")]
    Refused { code: u32, message: String, temporary: bool },
    /// The outcome is unknown.
    #[error("no answer")]
    Lost,
    #[error("the connection is over")]
    Over,
}

struct Call {
    method: &'static str,
    data: Value,
    answer: oneshot::Sender<Result<Value, CallError>>,
}

#[derive(Clone)]
pub(super) struct Client {
    calls: mpsc::Sender<Call>,
    link: watch::Receiver<Link>,
}

impl Client {
    /// Returns the client, its publications, and the future that drives the connection. The future ends with `stop`,
    /// or with an error when the server rejects this worker permanently.
    pub(super) fn new(
        target: Target,
        stop: CancellationToken,
    ) -> (Self, mpsc::Receiver<Value>, impl Future<Output = anyhow::Result<()>> + Send) {
        let (calls, waiting) = mpsc::channel(QUEUE);
        let (notices, heard) = mpsc::channel(QUEUE);
        let (link, seen) = watch::channel(Link::Away);
        let life = Life { target, calls: waiting, notices, link };
        (Self { calls, link: seen }, heard, life.run(stop))
    }

    pub(super) fn link(&self) -> watch::Receiver<Link> {
        self.link.clone()
    }

    /// Waits until the client is connected.
    pub(super) async fn up(&self) -> Result<(), CallError> {
        let mut link = self.link.clone();
        match link.wait_for(|link| *link != Link::Away).await.map(|link| *link) {
            Ok(Link::Up(_)) => Ok(()),
            _ => Err(CallError::Over),
        }
    }

    /// Calls a method and waits for its reply. Without a connection it fails as lost at once.
    pub(super) async fn call(&self, method: &'static str, data: Value) -> Result<Value, CallError> {
        let (answer, answered) = oneshot::channel();
        self.calls.send(Call { method, data, answer }).await.map_err(|_| CallError::Over)?;
        match tokio::time::timeout(CALL_TIMEOUT, answered).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) | Err(_) => Err(CallError::Lost),
        }
    }
}

struct Life {
    target: Target,
    calls: mpsc::Receiver<Call>,
    notices: mpsc::Sender<Value>,
    link: watch::Sender<Link>,
}

impl Life {
    async fn run(mut self, stop: CancellationToken) -> anyhow::Result<()> {
        let done = self.stay(&stop).await;
        self.link.send_replace(Link::Over);
        done
    }

    async fn stay(&mut self, stop: &CancellationToken) -> anyhow::Result<()> {
        let mut failures = 0;
        for number in 1.. {
            let opened = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                opened = socket::open(&self.target) => opened,
            };
            let why = match opened {
                Opened::Ready(mut socket) => {
                    let since = Instant::now();
                    tracing::info!("connected");
                    self.link.send_replace(Link::Up(number));
                    let ended = socket.serve(&mut self.calls, &self.notices, stop).await;
                    self.link.send_replace(Link::Away);
                    if since.elapsed() >= GOOD_LIFE {
                        failures = 0;
                    }
                    match ended {
                        Ended::Stopped => return Ok(()),
                        Ended::Final(why) => {
                            anyhow::bail!("the hub closed this worker's connection for good: {why}")
                        }
                        Ended::Lost(why) => why,
                    }
                }
                Opened::Refused(why) => anyhow::bail!("the hub refuses this worker: {why}"),
                Opened::Failed(why) => why,
            };
            let pause = jittered(failures, random());
            failures += 1;
            tracing::warn!(reason = why, pause_ms = pause.as_millis() as u64, "not connected; trying again");
            if !self.pause(pause, stop).await {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Fails calls as lost while disconnected, so that no caller waits for a connection.
    async fn pause(&mut self, pause: Duration, stop: &CancellationToken) -> bool {
        let over = tokio::time::sleep(pause);
        tokio::pin!(over);
        loop {
            tokio::select! {
                () = stop.cancelled() => return false,
                () = &mut over => return true,
                Some(call) = self.calls.recv() => drop(call),
            }
        }
    }
}

/// Random bits from the system's generator. If it fails, the pause is the longest.
fn random() -> u64 {
    let mut bytes = [0; 8];
    aws_lc_rs::rand::fill(&mut bytes).map_or(u64::MAX, |()| u64::from_le_bytes(bytes))
}

/// Full jitter: a random pause below a bound that doubles, so that workers cut at the same moment reconnect at
/// different times.
fn jittered(failures: u32, random: u64) -> Duration {
    let bound = FIRST_PAUSE.saturating_mul(1 << failures.min(10)).min(LONGEST_PAUSE);
    let bound_ms = bound.as_millis() as u64;
    Duration::from_millis(random % bound_ms)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pauses_are_bounded(failures: u32, random: u64) {
            prop_assert!(jittered(failures, random) < LONGEST_PAUSE);
            prop_assert!(jittered(0, random) < FIRST_PAUSE);
        }
    }

    #[test]
    fn pauses_grow() {
        assert_eq!(jittered(0, 499), Duration::from_millis(499));
        assert_eq!(jittered(3, 3_999), Duration::from_millis(3_999));
        assert_eq!(jittered(40, 19_999), Duration::from_millis(19_999));
    }
}
