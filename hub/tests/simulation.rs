//! Joining without a gap in a simulation: publications out of order, doubled and dropped, while clients join, leave and
//! resume. Every client sees each offset once and in order. The seed of a failure is in its message; set SEED to run it
//! again.

use std::time::Duration;

use hub::{HubConfig, Tags};

use crate::dice::Dice;
use crate::support::{
    Server,
    client::{Client, offsets},
    config,
};

const ROOM: &str = "room";
const EVENTS: u64 = 300;

/// Appends in order, and publishes out of order: late, twice, or not at all.
async fn publish_all(server: &Server, mut dice: Dice) {
    let mut late = Vec::new();
    for n in 1..=EVENTS {
        let publication = server.log.append(ROOM, &n.to_string(), Tags::default());
        late.push(publication);
        dice.tell(&server.hub, ROOM, &mut late);
        if dice.roll(4) == 0 {
            tokio::task::yield_now().await;
        }
    }
    // The last is always published, so that every client learns the newest offset.
    server.publish(ROOM, &(EVENTS + 1).to_string());
}

/// Follows the room to the end, through connections of random length.
async fn follow(server: &Server, user: u64, mut dice: Dice) {
    let mut at: Option<u64> = None;
    loop {
        let mut client = server.client(&user.to_string()).await;
        let reply = match at {
            None => client.subscribe(ROOM).await,
            Some(offset) => client.resume(ROOM, offset, "first").await,
        };
        assert!(client.pushes.is_empty(), "a push came before the reply: {:?}", client.pushes);
        let mut position = reply["offset"].as_u64().unwrap_or(0);
        if let Some(before) = at {
            assert_eq!(reply["recovered"], true, "{reply}");
            for offset in offsets(&reply) {
                position = position.max(before);
                assert_eq!(offset, position + 1, "recovered after {before}");
                position = offset;
            }
        }
        let stay = dice.roll(60);
        if read(&mut client, &mut position, stay).await {
            return;
        }
        at = Some(position);
    }
}

/// Reads some publications; `true` at the very last.
async fn read(client: &mut Client, position: &mut u64, count: u64) -> bool {
    for _ in 0..count {
        if *position == EVENTS + 1 {
            return true;
        }
        let (offset, data) = client.publication().await;
        assert_eq!(offset, *position + 1, "live");
        assert_eq!(data, offset, "data of another offset");
        *position = offset;
    }
    *position == EVENTS + 1
}

async fn play(seed: u64) {
    let mut dice = Dice(seed);
    dice.roll(2);
    let config = HubConfig {
        gap_wait: Duration::from_millis(dice.roll(5)),
        gap_hold: 1 + dice.roll(20) as usize,
        room_memory_bytes: dice.roll(3) as usize * 4096,
        log_page: 1 + dice.roll(50) as usize,
        room_linger: Duration::from_millis(dice.roll(2) * 30),
        ..config()
    };
    let server = Server::with(config).await;
    let publishing = publish_all(&server, Dice(dice.roll(u64::MAX >> 33)));
    let following = (0..6).map(|user| follow(&server, user, Dice(seed ^ (user << 40) ^ 0x5bd1)));
    tokio::join!(publishing, futures_util::future::join_all(following));
    server.until_empty().await;
}

fn seeds() -> Vec<u64> {
    match std::env::var("SEED") {
        Ok(seed) => vec![seed.parse().unwrap()],
        Err(_) => (1..=24).collect(),
    }
}

#[test]
fn every_client_sees_every_offset_once_and_in_order() {
    for seed in seeds() {
        let runtime = if seed % 2 == 0 {
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()
        } else {
            tokio::runtime::Builder::new_current_thread().enable_all().build()
        };
        println!("SEED={seed}");
        runtime.unwrap().block_on(play(seed));
    }
}
