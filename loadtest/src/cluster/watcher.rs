//! A manager's socket: it resumes from its cursor through the load balancer, and keeps what it got.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::evidence::{SocketLog, digest};
use crate::api::Api;
use crate::client::{Client, Opened, Position, replies};

const OPENS_WITHIN: Duration = Duration::from_secs(4);
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// The server's pings come more often than this.
const SILENT_FOR: Duration = Duration::from_secs(40);

/// Conversations that any socket has seen.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<BTreeSet<String>>>);

impl Seen {
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.lock().iter().cloned().collect()
    }

    pub(crate) fn add(&self, conversation: &str) {
        let mut seen = self.lock();
        if !seen.contains(conversation) {
            seen.insert(conversation.to_owned());
        }
    }
}

/// Ends at this cursor, or at the deadline.
#[derive(Clone, Copy)]
pub(crate) struct Goal {
    pub(crate) cursor: u64,
    pub(crate) deadline: Instant,
}

pub(crate) struct Watcher {
    api: Arc<Api>,
    url: String,
    room: String,
    epoch: String,
    client: Option<Box<Client>>,
    log: SocketLog,
    last: u64,
    place: watch::Sender<u64>,
    seen: Seen,
}

impl Watcher {
    /// Connects to the top of the tenant's feed.
    pub(crate) async fn join(api: Arc<Api>, url: &str, tenant: &str, seen: Seen) -> Result<Self> {
        let room = format!("tenant:{tenant}");
        let (client, connected) = match Client::open(url, &api.token(), &BTreeMap::new()).await? {
            Opened::Ready(client, connected) => (client, connected),
            Opened::Refused { code, reason } => bail!("the socket was refused: {code} {reason}"),
        };
        let joined = connected.subs.get(&room).with_context(|| format!("not subscribed to {room}"))?;
        let (start, epoch) = (joined.offset, joined.epoch.clone());
        let log = SocketLog { start, ..SocketLog::default() };
        Ok(Self {
            api,
            url: url.to_owned(),
            room,
            epoch,
            client: Some(client),
            log,
            last: start,
            place: watch::Sender::new(start),
            seen,
        })
    }

    /// The newest cursor that it has.
    pub(crate) fn place(&self) -> watch::Receiver<u64> {
        self.place.subscribe()
    }

    pub(crate) async fn run(mut self, mut goal: watch::Receiver<Option<Goal>>) -> SocketLog {
        let mut pause = FIRST_PAUSE;
        loop {
            let now = *goal.borrow_and_update();
            if now.is_some_and(|goal| self.last >= goal.cursor || goal.deadline <= Instant::now()) {
                return self.log;
            }
            let Some(client) = &mut self.client else {
                if timeout(OPENS_WITHIN, self.resume()).await.is_ok_and(|resumed| resumed.is_ok()) {
                    pause = FIRST_PAUSE;
                } else {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                continue;
            };
            let deadline = now.map_or_else(|| Instant::now() + SILENT_FOR, |goal| goal.deadline);
            tokio::select! {
                frame = timeout(SILENT_FOR, client.next_frame()) => match frame {
                    Ok(Ok(frame)) => self.frame(&frame),
                    _ => self.client = None,
                },
                changed = goal.changed() => if changed.is_err() { return self.log },
                () = tokio::time::sleep_until(deadline) => {}
            }
        }
    }

    async fn resume(&mut self) -> Result<()> {
        let position = Position { recover: true, offset: self.last, epoch: self.epoch.clone() };
        let positions = BTreeMap::from([(self.room.clone(), position)]);
        let (client, mut connected) = match Client::open(&self.url, &self.api.token(), &positions).await? {
            Opened::Ready(client, connected) => (client, connected),
            Opened::Refused { code, reason } => {
                self.api.sign_in().await?;
                bail!("refused: {code} {reason}")
            }
        };
        let joined = connected.subs.remove(&self.room).context("not subscribed any more")?;
        self.client = Some(client);
        self.log.resumed += 1;
        if joined.epoch != self.epoch {
            self.log.anew.push((self.last, joined.offset));
            self.last = joined.offset;
            self.epoch = joined.epoch;
            self.place.send_replace(self.last);
        } else if !(joined.was_recovering && joined.recovered) {
            self.log.unrecovered += 1;
        }
        for missed in joined.publications {
            self.log.replayed += 1;
            self.publication(missed.data.get(), missed.offset);
        }
        Ok(())
    }

    fn frame(&mut self, frame: &str) {
        for reply in replies(frame) {
            let Ok(reply) = reply else {
                self.log.malformed += 1;
                continue;
            };
            let Some(push) = reply.push.filter(|push| push.channel == self.room) else { continue };
            if let Some(publication) = push.publication {
                self.publication(publication.data.get(), publication.offset);
            }
        }
    }

    fn publication(&mut self, data: &str, offset: u64) {
        if self.event(data, offset).is_err() {
            self.log.malformed += 1;
        }
    }

    fn event(&mut self, data: &str, offset: u64) -> Result<()> {
        let event: Value = serde_json::from_str(data)?;
        let cursor = event["cursor"].as_u64().context("an event without a cursor")?;
        self.log.got.push((cursor, digest(&event)));
        self.last = self.last.max(cursor);
        self.place.send_replace(self.last);
        if let Some(conversation) = event["conversation"]["id"].as_str() {
            self.seen.add(conversation);
        }
        ensure!(cursor == offset, "event {cursor} was published at offset {offset}");
        Ok(())
    }
}
