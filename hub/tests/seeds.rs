//! The simulation of `simulation.rs` without sockets, which is fast enough for many seeds: joining, leaving and
//! resuming while publications come out of order, doubled or not at all, and the log fails now and then. Runs
//! `SEEDS` of them (300; ten thousand in CI), or the one in `SEED`.

use std::{
    num::NonZero,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, atomic::Ordering::SeqCst},
    time::Duration,
};

use hub::{Form, Hub, HubConfig, Publication, Tags};
use serde_json::json;

use crate::dice::Dice;
use crate::pipe::PipeClient;
use crate::support::{
    client::publications, config, deltas::Reader, rules::Rules, tapelog::TapeLog, wait_for,
};

const ROOM: &str = "room";
const EVENTS: u64 = 60;

async fn publish_all(hub: &Hub, log: &TapeLog, mut dice: Dice) {
    let mut late = Vec::new();
    for n in 1..=EVENTS {
        late.push(log.append(ROOM, &event(n), Tags::default()));
        dice.tell(hub, ROOM, &mut late);
        if dice.roll(3) == 0 {
            tokio::task::yield_now().await;
        }
        if dice.roll(12) == 0 {
            hub.publish(ROOM, Publication { data: event(0).into(), ..Publication::default() });
        }
        log.broken.store(dice.roll(12) == 0, SeqCst);
    }
    log.broken.store(false, SeqCst);
    // The last is always published, so that every client learns the newest offset.
    hub.publish(ROOM, log.append(ROOM, &event(EVENTS + 1), Tags::default()));
}

fn event(n: u64) -> String {
    json!({"n": n, "text": "what all of them have in common"}).to_string()
}

async fn follow(hub: &Hub, mut dice: Dice) {
    let mut at: Option<u64> = None;
    loop {
        let mut subscribe = match at {
            None => json!({"channel": ROOM}),
            Some(offset) => json!({"channel": ROOM, "recover": true, "offset": offset, "epoch": "first"}),
        };
        if dice.roll(2) == 0 {
            subscribe["delta"] = "fossil".into();
        }
        let (mut client, reply) = PipeClient::join(hub, subscribe, Dice(dice.roll(1 << 30))).await;
        if reply.is_null() {
            // The log was broken: a temporary error, so the client retries.
            client.leave().await;
            tokio::task::yield_now().await;
            continue;
        }
        let mut reader = Reader::of(&reply);
        let mut position = reply["offset"].as_u64().unwrap_or(0);
        if let Some(before) = at {
            assert_eq!(reply["recovered"], true, "{reply}");
            for publication in publications(&reply) {
                position = position.max(before) + 1;
                assert_eq!(publication["offset"], position, "recovered after {before}");
                assert_eq!(reader.data(Form::Json, publication)["n"], position);
            }
        }
        for _ in 0..dice.roll(20) {
            if position > EVENTS {
                break;
            }
            let push = client.next().await;
            let publication = &push["push"]["pub"];
            let data = reader.data(Form::Json, publication);
            if publication.get("offset").is_some() {
                position += 1;
                assert_eq!(publication["offset"], position, "{push}");
                assert_eq!(data["n"], position, "{push}");
            }
        }
        client.leave().await;
        if position > EVENTS {
            return;
        }
        at = Some(position);
    }
}

async fn play(seed: u64) {
    let mut dice = Dice(seed);
    dice.roll(2);
    let config = HubConfig {
        gap_wait: Duration::from_micros(dice.roll(3) * 300),
        gap_hold: 1 + dice.roll(20) as usize,
        room_memory_bytes: dice.roll(3) as usize * 4096,
        log_page: 1 + dice.roll(20) as usize,
        room_linger: Duration::from_millis(dice.roll(2) * 30),
        ..config()
    };
    let log = Arc::new(TapeLog::default());
    let hub = Hub::new(config, Arc::new(Rules::default()), log.clone());
    let publishing = publish_all(&hub, &log, Dice(dice.roll(u64::MAX >> 33)));
    let following = (0..3).map(|user| follow(&hub, Dice(seed ^ (user << 40) ^ 0x5bd1)));
    tokio::join!(publishing, futures_util::future::join_all(following));
    wait_for("an empty hub", || {
        let stats = hub.stats();
        stats.sessions + stats.subscriptions + stats.queue_bytes + stats.panics == 0
    })
    .await;
}

#[test]
fn every_seed_gives_every_client_every_offset_once_and_in_order() {
    let number = |name| std::env::var(name).ok().map(|text: String| text.parse::<u64>().unwrap());
    let seeds = match number("SEED") {
        Some(seed) => seed..=seed,
        None => 1..=number("SEEDS").unwrap_or(300),
    };
    // A run mostly waits, so there are more than one per core.
    let players = 2 * std::thread::available_parallelism().map_or(1, NonZero::get);
    let seeds = Mutex::new(seeds);
    std::thread::scope(|scope| {
        for _ in 0..players {
            scope.spawn(|| {
                loop {
                    let Some(seed) = seeds.lock().unwrap().next() else { return };
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                    let played = catch_unwind(AssertUnwindSafe(|| runtime.block_on(play(seed))));
                    assert!(played.is_ok(), "play it again with SEED={seed}");
                }
            });
        }
    });
}
