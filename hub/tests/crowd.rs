//! Two thousand clients join one room with announcements, and half of them leave. The pushes are counted where they would
//! be written to a socket: with one announcement of each join to each member there would be two million.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::future::join_all;
use hub::{
    Agreed, Closed, Form, Hub, HubConfig, Incoming, MaxBytes, Peer, Transport, TransportError,
    TransportReader, TransportWriter,
};
use serde_json::{Value, json};
use tokio::{sync::mpsc, task::JoinHandle};

use crate::support::{patient, rules::Rules, tapelog::TapeLog, wait_for};

const MEMBERS: u64 = 2000;
const ROOM: &str = "room";

/// Pushes to all members together.
#[derive(Default)]
struct Told {
    joins: AtomicU64,
    leaves: AtomicU64,
    bytes: AtomicU64,
    /// Several pushes may go in one write.
    writes: AtomicU64,
}

struct Line {
    commands: mpsc::Receiver<Incoming>,
    replies: mpsc::Sender<String>,
    told: Arc<Told>,
}

struct Commands(mpsc::Receiver<Incoming>);

struct Ear {
    replies: mpsc::Sender<String>,
    told: Arc<Told>,
}

impl Transport for Line {
    type Reader = Commands;
    type Writer = Ear;

    fn agreed(&self) -> Agreed {
        Agreed::default()
    }

    fn split(self) -> (Commands, Ear) {
        (Commands(self.commands), Ear { replies: self.replies, told: self.told })
    }
}

impl TransportReader for Commands {
    async fn next(&mut self, _: impl Fn() -> MaxBytes + Send) -> Option<Result<Incoming, TransportError>> {
        self.0.recv().await.map(Ok)
    }
}

impl TransportWriter for Ear {
    async fn write(&mut self, _: Form, frames: &[Bytes]) -> Result<(), TransportError> {
        let mut told = false;
        for text in frames.iter().flat_map(|frame| std::str::from_utf8(frame).unwrap().split('\n')) {
            let counter = match text {
                _ if !text.starts_with("{\"push\"") => {
                    let gone = |_| TransportError::Lost("the client is gone".to_owned());
                    self.replies.send(text.to_owned()).await.map_err(gone)?;
                    continue;
                }
                _ if text.contains("\"join\":") => &self.told.joins,
                _ if text.contains("\"leave\":") => &self.told.leaves,
                _ => panic!("nobody publishes: {text}"),
            };
            counter.fetch_add(1, Relaxed);
            self.told.bytes.fetch_add(text.len() as u64, Relaxed);
            told = true;
        }
        self.told.writes.fetch_add(u64::from(told), Relaxed);
        Ok(())
    }

    async fn close(&mut self, _: u16, _: &str) -> Result<(), TransportError> {
        Ok(())
    }
}

struct Member {
    commands: mpsc::Sender<Incoming>,
    replies: mpsc::Receiver<String>,
    served: JoinHandle<Closed>,
    id: String,
}

impl Member {
    async fn join(hub: Hub, told: Arc<Told>) -> Member {
        let ((commands, incoming), (outgoing, replies)) = (mpsc::channel(4), mpsc::channel(8));
        let line = Line { commands: incoming, replies: outgoing, told };
        let served = tokio::spawn(async move { hub.serve(line, Peer::default()).await });
        let mut member = Member { commands, replies, served, id: String::new() };
        let connected = member.ask("connect", json!({})).await;
        connected["client"].as_str().unwrap().clone_into(&mut member.id);
        member.ask("subscribe", json!({"channel": ROOM, "data": {"presence": true}})).await;
        member
    }

    async fn ask(&mut self, kind: &str, body: Value) -> Value {
        let command = json!({"id": 1, kind: body}).to_string();
        self.commands.send(Incoming::Text(command.into())).await.unwrap();
        let reply = patient("a reply", self.replies.recv()).await.expect("the session goes on");
        let reply: Value = serde_json::from_str(&reply).unwrap();
        reply.get(kind).unwrap_or_else(|| panic!("{kind}: {reply}")).clone()
    }

    async fn leave(self) {
        drop((self.commands, self.replies));
        self.served.await.unwrap();
    }
}

/// All clients ask for the presence counts, and some for the whole list.
async fn all_know(members: &mut [Member]) {
    let count = members.len();
    let asked = members.iter_mut().map(|member| member.ask("presence_stats", json!({"channel": ROOM})));
    for stats in join_all(asked).await {
        assert_eq!(stats["num_clients"], count);
    }
    let ids: HashSet<String> = members.iter().map(|member| member.id.clone()).collect();
    for member in members.iter_mut().step_by(count / 10) {
        let presence = member.ask("presence", json!({"channel": ROOM})).await;
        let seen = presence["presence"].as_object().unwrap();
        assert!(seen.len() == ids.len() && seen.keys().all(|id| ids.contains(id)), "{} seen", seen.len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_come_and_a_thousand_go_without_being_told_one_by_one() {
    // No ping during the test: nobody would answer it.
    let config = HubConfig {
        ping_interval: Duration::from_hours(1),
        room_linger: Duration::ZERO,
        position_check: None,
        ..HubConfig::default()
    };
    let (window, limit, calm) =
        (config.announce_window, config.announce_limit as u64, config.announce_calm as u64);
    let hub = Hub::new(config, Arc::new(Rules::default()), Arc::new(TapeLog::default()));
    let told = Arc::new(Told::default());
    // At most the limit of each window may have been announced since then, to all members.
    let bound = |since: Instant| {
        (since.elapsed().as_secs_f64() / window.as_secs_f64() + 2.0) as u64 * limit * MEMBERS
    };

    let begin = Instant::now();
    let mut members = join_all((0..MEMBERS).map(|_| Member::join(hub.clone(), Arc::clone(&told)))).await;
    wait_for("those left out", || hub.stats().announcements_dropped > MEMBERS / 2).await;
    wait_for("word of some", || told.joins.load(Relaxed) >= limit * MEMBERS).await;
    all_know(&mut members).await;
    let (joins, bytes, writes) =
        (told.joins.load(Relaxed), told.bytes.load(Relaxed), told.writes.load(Relaxed));
    println!("{joins} joins told in {writes} writes and {bytes} bytes after {:?}", begin.elapsed());
    assert!(joins > 0 && joins < MEMBERS * MEMBERS / 4, "{joins} pushes");
    assert!(joins <= calm * calm + bound(begin), "{joins} pushes in {:?}", begin.elapsed());
    assert!(bytes < MEMBERS * MEMBERS / 4 * 200, "{bytes} bytes");

    let begin = Instant::now();
    let staying = members.split_off(members.len() / 2);
    join_all(members.into_iter().map(Member::leave)).await;
    let mut members = staying;
    let count = members.len() as u64;
    wait_for("word of those who left", || told.leaves.load(Relaxed) >= limit * count).await;
    all_know(&mut members).await;
    let leaves = told.leaves.load(Relaxed);
    println!("{leaves} leaves told after {:?}", begin.elapsed());
    assert!(leaves <= bound(begin) && leaves < count * count / 4, "{leaves} pushes in {:?}", begin.elapsed());
    assert_eq!(hub.presence(ROOM).len() as u64, count);
}
