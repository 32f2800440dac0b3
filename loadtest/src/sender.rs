//! Sends a numbered stream of webhooks on an open-loop schedule and repeats each one until it is answered 2xx.
//!
//! Latency counts from the moment at which a message was due, not from when a connection was free for it, so a
//! stalled server cannot hide its stall (coordinated omission). It never gives up on a message quietly.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::histogram::Latency;
use crate::http1::Connection;
use crate::webhook::Factory;

const ANSWER_WITHIN: Duration = Duration::from_secs(10);
const REPEAT_AFTER: Duration = Duration::from_millis(20);
const REPEAT_AFTER_AT_MOST: Duration = Duration::from_millis(500);

pub(crate) struct Stream {
    factory: Factory,
    address: String,
    /// Per second; 0 sends as fast as the connections allow.
    rate: f64,
    connections: usize,
    /// The run fails if a message is not accepted within this time.
    give_up: Duration,
    epoch: Instant,
    /// When each message was due, in microseconds since `epoch`; 0 before it is known.
    due_us: Vec<AtomicU64>,
    next: AtomicUsize,
    acknowledged: AtomicUsize,
    stopped: AtomicBool,
}

#[derive(Default)]
pub(crate) struct Sent {
    /// From the due time to the 2xx response.
    pub(crate) acknowledgement: Latency,
    /// From the due time to the first write: the delay caused by the generator itself.
    pub(crate) lag: Latency,
    /// Attempts without a 2xx response, by status or error.
    pub(crate) repeats: BTreeMap<String, u64>,
    pub(crate) elapsed: Duration,
}

impl Stream {
    pub(crate) fn new(
        factory: Factory,
        address: String,
        rate: f64,
        connections: usize,
        give_up: Duration,
    ) -> Self {
        let due_us = (0..factory.run.messages).map(|_| AtomicU64::new(0)).collect();
        Self {
            factory,
            address,
            rate,
            connections: connections.max(1),
            give_up,
            epoch: Instant::now(),
            due_us,
            next: AtomicUsize::new(0),
            acknowledged: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
        }
    }

    pub(crate) fn factory(&self) -> &Factory {
        &self.factory
    }

    pub(crate) fn acknowledged(&self) -> usize {
        self.acknowledged.load(Relaxed)
    }

    /// Microseconds since the message was due; `None` if it was never sent.
    pub(crate) fn age_us(&self, index: usize) -> Option<u64> {
        match self.due_us.get(index)?.load(Relaxed) {
            0 => None,
            due => Some(self.now_us().saturating_sub(due)),
        }
    }

    fn now_us(&self) -> u64 {
        self.epoch.elapsed().as_micros() as u64
    }

    /// Sends all messages. Fails when a message is rejected permanently or not accepted within the limit.
    pub(crate) async fn send_all(self: &Arc<Self>) -> Result<Sent> {
        let begin_us = self.now_us().max(1);
        let permits = Arc::new(Semaphore::new(0));
        let pacer = Pacer { stream: Arc::clone(self), permits: Arc::clone(&permits), begin_us };
        let pacing = std::thread::spawn(move || pacer.run());
        let stop = StopOnDrop(self);

        let mut connections = JoinSet::new();
        for _ in 0..self.connections {
            let worker = Worker {
                stream: Arc::clone(self),
                permits: Arc::clone(&permits),
                begin_us,
                connection: None,
            };
            connections.spawn(worker.run());
        }
        let mut sent = Sent::default();
        while let Some(part) = connections.join_next().await {
            let part = part??;
            sent.acknowledgement.merge(&part.acknowledgement);
            sent.lag.merge(&part.lag);
            for (reason, count) in part.repeats {
                *sent.repeats.entry(reason).or_default() += count;
            }
        }
        sent.elapsed = Duration::from_micros(self.now_us() - begin_us);
        drop(stop);
        if pacing.join().is_err() {
            bail!("the pacing thread panicked");
        }
        Ok(sent)
    }

    fn offset_us(&self, index: usize) -> u64 {
        if self.rate > 0.0 { (index as f64 * 1e6 / self.rate) as u64 } else { 0 }
    }
}

/// Ends the pacing thread also when sending fails.
struct StopOnDrop<'a>(&'a Stream);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.stopped.store(true, Relaxed);
    }
}

/// Releases one permit per message at its due time. A thread, because the runtime's timer ticks only every
/// millisecond, which would dominate the measured latency.
struct Pacer {
    stream: Arc<Stream>,
    permits: Arc<Semaphore>,
    begin_us: u64,
}

impl Pacer {
    fn run(&self) {
        let messages = self.stream.factory.run.messages;
        let mut given = 0;
        while given < messages && !self.stream.stopped.load(Relaxed) {
            let elapsed = self.stream.now_us() - self.begin_us;
            let mut due = given;
            while due < messages && self.stream.offset_us(due) <= elapsed {
                due += 1;
            }
            self.permits.add_permits(due - given);
            given = due;
            if given < messages {
                let wait = self.stream.offset_us(given).saturating_sub(elapsed);
                std::thread::sleep(Duration::from_micros(wait.min(100_000)));
            }
        }
        // One extra permit per connection: its worker finds no message left and ends.
        self.permits.add_permits(self.stream.connections);
    }
}

struct Worker {
    stream: Arc<Stream>,
    permits: Arc<Semaphore>,
    begin_us: u64,
    connection: Option<Connection>,
}

impl Worker {
    async fn run(mut self) -> Result<Sent> {
        let mut sent = Sent::default();
        loop {
            self.permits.acquire().await?.forget();
            let index = self.stream.next.fetch_add(1, Relaxed);
            if index >= self.stream.factory.run.messages {
                return Ok(sent);
            }
            let request = self.stream.factory.request(index);
            let now = self.stream.now_us();
            let due = if self.stream.rate > 0.0 { self.begin_us + self.stream.offset_us(index) } else { now };
            self.stream.due_us[index].store(due, Relaxed);
            sent.lag.record_us(now.saturating_sub(due));
            self.deliver(index, &request, &mut sent.repeats).await?;
            sent.acknowledgement.record_us(self.stream.now_us() - due);
            self.stream.acknowledged.fetch_add(1, Relaxed);
        }
    }

    async fn deliver(
        &mut self,
        index: usize,
        request: &[u8],
        repeats: &mut BTreeMap<String, u64>,
    ) -> Result<()> {
        let started = Instant::now();
        let mut pause = REPEAT_AFTER;
        loop {
            let reason = match self.attempt(request).await {
                Ok(200..300) => return Ok(()),
                Ok(status @ (400 | 401 | 403 | 404 | 413)) => {
                    bail!("message {index} was refused with {status}: check --hook, --kind and --secret")
                }
                Ok(status) => status.to_string(),
                Err(reason) => reason.to_owned(),
            };
            *repeats.entry(reason.clone()).or_default() += 1;
            if started.elapsed() > self.stream.give_up {
                bail!("message {index} was not accepted within {:?}, last: {reason}", self.stream.give_up);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(REPEAT_AFTER_AT_MOST);
        }
    }

    /// Status of the response, or the error if there is none.
    async fn attempt(&mut self, request: &[u8]) -> Result<u16, &'static str> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::open(&self.stream.address).await.map_err(|_| "not connected")?,
        };
        let answer = tokio::time::timeout(ANSWER_WITHIN, connection.exchange(request))
            .await
            .map_err(|_| "timed out")?
            .map_err(|_| "no answer")?;
        if answer.reusable {
            self.connection = Some(connection);
        }
        Ok(answer.status)
    }
}
