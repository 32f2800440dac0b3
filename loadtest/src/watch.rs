//! A manager's socket that watches one tenant's feed and resumes from its cursor after a disconnect.
//!
//! It verifies the events and measures the latency of each message of the run. Its only HTTP request is for a new
//! token.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::api::Api;
use crate::client::{Client, Connected, Opened, Position, replies};
use crate::event::Event;
use crate::histogram::Latency;
use crate::sender::Stream;
use crate::verify::{Check, Tally};

const RESUME_AFTER: Duration = Duration::from_millis(20);
const RESUME_WITHIN: Duration = Duration::from_secs(5);
const RESUME_AFTER_AT_MOST: Duration = Duration::from_millis(500);

/// The watcher ends after the event with this cursor, or at the deadline.
#[derive(Clone, Copy)]
pub(crate) struct Goal {
    pub(crate) cursor: u64,
    pub(crate) deadline: Instant,
}

#[derive(Clone, Default, Serialize)]
pub(crate) struct ConnectionCounts {
    /// Reconnects after a lost connection.
    pub(crate) resumed: u64,
    /// Events that were recovered at a resumption.
    pub(crate) replayed: u64,
    /// Resumptions that the server could not serve from the cursor.
    pub(crate) unrecovered: u64,
    /// Frames that could not be read, or whose offset is not the cursor of their event.
    pub(crate) malformed: u64,
}

impl ConnectionCounts {
    pub(crate) fn add(&mut self, other: &Self) {
        self.resumed += other.resumed;
        self.replayed += other.replayed;
        self.unrecovered += other.unrecovered;
        self.malformed += other.malformed;
    }
}

pub(crate) struct Watched {
    pub(crate) tally: Tally,
    pub(crate) latency: Latency,
    pub(crate) connections: ConnectionCounts,
}

pub(crate) struct Watcher {
    stream: Arc<Stream>,
    api: Arc<Api>,
    url: String,
    room: String,
    client: Option<Box<Client>>,
    epoch: String,
    check: Check,
    latency: Latency,
    connections: ConnectionCounts,
}

impl Watcher {
    /// Connects and reads to the top of the tenant's feed.
    pub(crate) async fn join(stream: Arc<Stream>, api: Arc<Api>, url: &str, tenant: &str) -> Result<Self> {
        let room = format!("tenant:{tenant}");
        let (client, connected) = match Client::open(url, &api.token(), &BTreeMap::new()).await? {
            Opened::Ready(client, connected) => (client, connected),
            Opened::Refused { code, reason } => bail!("the socket was refused: {code} {reason}"),
        };
        let joined = connected
            .subs
            .get(&room)
            .with_context(|| format!("the server did not subscribe us to {room}"))?;
        let run = stream.factory().run;
        Ok(Self {
            check: Check::new(run, joined.offset),
            epoch: joined.epoch.clone(),
            stream,
            api,
            url: url.to_owned(),
            room,
            client: Some(client),
            latency: Latency::default(),
            connections: ConnectionCounts::default(),
        })
    }

    /// Watches until the goal is reached; the goal is set after the last message was sent.
    pub(crate) async fn run(mut self, mut goal: watch::Receiver<Option<Goal>>) -> Watched {
        let mut pause = RESUME_AFTER;
        loop {
            let now = *goal.borrow_and_update();
            if now.is_some_and(|goal| self.check.cursor() >= goal.cursor || goal.deadline <= Instant::now()) {
                break;
            }
            let deadline = now.map(|goal| goal.deadline);
            let Some(client) = &mut self.client else {
                if tokio::time::timeout(RESUME_WITHIN, self.resume())
                    .await
                    .is_ok_and(|resumed| resumed.is_ok())
                {
                    pause = RESUME_AFTER;
                } else {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(RESUME_AFTER_AT_MOST);
                }
                continue;
            };
            tokio::select! {
                frame = client.next_frame() => match frame {
                    Ok(frame) => self.frame(&frame),
                    Err(_) => self.client = None,
                },
                changed = goal.changed() => if changed.is_err() { break },
                () = until(deadline) => {}
            }
        }
        Watched { tally: self.check.finish(), latency: self.latency, connections: self.connections }
    }

    async fn resume(&mut self) -> Result<()> {
        let position = Position { recover: true, offset: self.check.cursor(), epoch: self.epoch.clone() };
        let positions = BTreeMap::from([(self.room.clone(), position)]);
        match Client::open(&self.url, &self.api.token(), &positions).await? {
            Opened::Ready(client, connected) => {
                self.client = Some(client);
                self.connections.resumed += 1;
                self.catch_up(connected)
            }
            Opened::Refused { code, reason } => {
                self.api.sign_in().await?;
                bail!("refused: {code} {reason}")
            }
        }
    }

    fn catch_up(&mut self, mut connected: Connected) -> Result<()> {
        let joined = connected.subs.remove(&self.room).context("room is gone after the resumption")?;
        if !(joined.was_recovering && joined.recovered) {
            self.connections.unrecovered += 1;
        }
        for missed in joined.publications {
            self.connections.replayed += 1;
            self.publication(missed.data.get(), missed.offset);
        }
        Ok(())
    }

    fn frame(&mut self, frame: &str) {
        for reply in replies(frame) {
            let Ok(reply) = reply else {
                self.connections.malformed += 1;
                continue;
            };
            let Some(push) = reply.push.filter(|push| push.channel == self.room) else { continue };
            if let Some(publication) = push.publication {
                self.publication(publication.data.get(), publication.offset);
            }
        }
    }

    fn publication(&mut self, data: &str, offset: u64) {
        if let Err(error) = self.try_publication(data, offset) {
            if self.connections.malformed == 0 {
                eprintln!("loadtest: first malformed event: {error:#}");
            }
            self.connections.malformed += 1;
        }
    }

    fn try_publication(&mut self, data: &str, offset: u64) -> Result<()> {
        let event: Event<'_> = serde_json::from_str(data)?;
        if let Some(age_us) = self.check.event(&event).and_then(|index| self.stream.age_us(index)) {
            self.latency.record_us(age_us);
        }
        ensure!(event.cursor == offset, "event {} was published at offset {offset}", event.cursor);
        Ok(())
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
