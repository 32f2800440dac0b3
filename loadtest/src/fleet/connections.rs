//! The connections of one worker process: opens, reads, resumes and counts them. The random actions are in `churn.rs`
//! and `roam.rs`.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::order::{Backoff, Seen, SubscriberPlan};
use super::subscriber::{Subscriber, Tally, lock};
use crate::clock::{Dice, unix_us};
use crate::endpoint::Endpoint;
use crate::wire::{Message, Wire};

const JOIN_WITHIN: Duration = Duration::from_secs(30);
/// A resumption that takes longer is retried, as the protocol's clients do.
const RESUME_WITHIN: Duration = Duration::from_secs(5);
const CONNECTING_AT_MOST: usize = 256;
/// Source addresses of one worker, so that ports left in TIME_WAIT by the last run do not block new ones.
const SOURCES: u32 = 8;
/// Receive buffer of a subscriber that stalls.
const STALLING_BUFFER_BYTES: u32 = 32 * 1024;

pub(crate) struct Connections {
    pub(crate) subscriber_plan: SubscriberPlan,
    endpoint: Endpoint,
    pub(super) subscribers: Vec<Mutex<Subscriber>>,
    tally: Mutex<Tally>,
    pub(super) stall: watch::Sender<bool>,
    connecting: Semaphore,
}

impl Connections {
    pub(super) fn new(subscriber_plan: SubscriberPlan) -> Result<Self> {
        Ok(Self {
            endpoint: Endpoint::parse(&subscriber_plan.url, "ws")?,
            subscribers: (0..subscriber_plan.subscribers)
                .map(|n| Mutex::new(Subscriber::new(&subscriber_plan, subscriber_plan.first + n)))
                .collect(),
            tally: Mutex::default(),
            stall: watch::channel(false).0,
            connecting: Semaphore::new(CONNECTING_AT_MOST),
            subscriber_plan,
        })
    }

    pub(super) async fn open(self: &Arc<Self>) -> Vec<JoinHandle<()>> {
        let begin = Instant::now();
        let mut joining = JoinSet::new();
        for index in 0..self.subscribers.len() {
            let due = begin
                + Duration::from_secs_f64(index as f64 / self.subscriber_plan.connects_per_second.max(1.0));
            let connections = Arc::clone(self);
            joining.spawn(async move {
                sleep_until(due).await;
                let joined = timeout(JOIN_WITHIN, connections.join(index, false, 2)).await;
                (index, joined.map_err(anyhow::Error::from).flatten())
            });
        }
        let mut tasks = Vec::with_capacity(self.subscribers.len());
        while let Some(joined) = joining.join_next().await {
            match joined {
                Ok((index, Ok(wire))) => tasks.push(tokio::spawn(Arc::clone(self).listen(index, wire))),
                Ok((_, Err(error))) => lock(&self.tally).error(format!("not connected: {error:#}")),
                Err(error) => lock(&self.tally).error(format!("not connected: {error}")),
            }
        }
        tasks
    }

    fn source(&self, index: usize) -> Option<IpAddr> {
        let first = u32::from(self.subscriber_plan.source?);
        Some(Ipv4Addr::from(first + index as u32 % SOURCES).into())
    }

    pub(crate) fn subscriber(&self, index: usize) -> &Mutex<Subscriber> {
        &self.subscribers[index]
    }

    pub(crate) fn tally(&self) -> &Mutex<Tally> {
        &self.tally
    }

    /// Connects and waits for the reply to every command of the first message.
    pub(crate) async fn join(&self, index: usize, recover: bool, first_id: u32) -> Result<Wire> {
        let permit = self.connecting.acquire().await?;
        lock(&self.tally).seen.attempts += 1;
        let buffer = lock(&self.subscribers[index]).stalls.then_some(STALLING_BUFFER_BYTES);
        let mut wire = Wire::open(&self.endpoint, self.source(index), buffer).await?;
        let hello = lock(&self.subscribers[index]).hello(&self.subscriber_plan, recover, first_id);
        wire.send(&hello).await?;
        while lock(&self.subscribers[index]).awaited > 0 {
            if let Some(end) = self.read(index, &mut wire).await? {
                bail!("closed at once: {end}");
            }
        }
        drop(permit);
        let mut subscriber = lock(&self.subscribers[index]);
        if subscriber.refused {
            bail!("refused");
        }
        subscriber.open = true;
        Ok(wire)
    }

    /// Processes the received frames and answers a ping; returns the close code if the connection ended.
    pub(crate) async fn read(&self, index: usize, wire: &mut Wire) -> Result<Option<String>> {
        let mut closed = None;
        let more = wire
            .read(|message| match message {
                Message::Text(text) => {
                    let (mut subscriber, mut tally) = (lock(&self.subscribers[index]), lock(&self.tally));
                    let now_us = unix_us();
                    text.split('\n').for_each(|line| subscriber.line(line, now_us, &mut tally));
                }
                Message::Closed(code) => closed = Some(code.to_string()),
            })
            .await?;
        if closed.is_none() && !more {
            closed = Some("cut".to_owned());
        }
        if closed.is_none() && std::mem::take(&mut lock(&self.subscribers[index]).pong_due) {
            wire.send("{}").await?;
        }
        Ok(closed)
    }

    /// Reads until the connection ends.
    pub(super) async fn listen(self: Arc<Self>, index: usize, mut wire: Wire) {
        let stalls = lock(&self.subscribers[index]).stalls;
        let mut stall = self.stall.subscribe();
        let end = loop {
            if stalls && stall.wait_for(|stall| !stall).await.is_err() {
                return;
            }
            match self.read(index, &mut wire).await {
                Ok(None) => {}
                Ok(Some(end)) => break end,
                Err(_) => break "broken".to_owned(),
            }
        };
        lock(&self.subscribers[index]).closed(&end, &mut lock(&self.tally));
    }

    pub(super) async fn resume(self: Arc<Self>, index: usize, backoff: Backoff, dropped_us: u64) {
        let mut dice = Dice::new(dropped_us ^ (u64::from(self.subscriber_plan.first) + index as u64) << 32);
        for step in 0.. {
            sleep(Duration::from_millis(backoff.delay_ms(step, |below| dice.roll(below)))).await;
            if let Ok(Ok(wire)) = timeout(RESUME_WITHIN, self.join(index, true, 2)).await {
                {
                    let mut tally = lock(&self.tally);
                    tally.seen.resumed += 1;
                    tally.resume.record_us(unix_us().saturating_sub(dropped_us));
                }
                return self.listen(index, wire).await;
            }
        }
    }

    /// Aborting a task drops its socket, which closes it.
    pub(super) fn empty(&self, tasks: Vec<JoinHandle<()>>) {
        for task in tasks {
            task.abort();
        }
        for subscriber in &self.subscribers {
            lock(subscriber).open = false;
        }
    }

    pub(super) fn look(&self, published: Option<u64>) -> Seen {
        let mut seen = lock(&self.tally).take();
        for subscriber in &self.subscribers {
            let subscriber = lock(subscriber);
            seen.open += u64::from(subscriber.open);
            seen.lost += subscriber.lost(published, self.subscriber_plan.rooms);
        }
        seen
    }
}
