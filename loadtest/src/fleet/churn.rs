//! One subscriber with random actions: publishes, calls, leaves and joins its rooms, reconnects, and reads slowly.
//! Publications that it misses while away are not counted as lost.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::connections::Connections;
use super::subscriber::{CHURN_ID, lock};
use crate::clock::Dice;
use crate::wire::Wire;

const RECONNECT_WITHIN: Duration = Duration::from_secs(10);
const SLOW_AT_MOST_MS: u64 = 300;

pub(crate) async fn churn(
    connections: Arc<Connections>,
    index: usize,
    every_ms: u64,
    until: Instant,
    mut dice: Dice,
) {
    let mut wire = None;
    while Instant::now() < until {
        let Some(open) = &mut wire else {
            lock(connections.tally()).action("connect");
            sleep(Duration::from_millis(dice.roll(every_ms))).await;
            match timeout(RECONNECT_WITHIN, connections.join(index, false, CHURN_ID)).await {
                Ok(Ok(joined)) => wire = Some(joined),
                Ok(Err(error)) => lock(connections.tally()).error(format!("not reconnected: {error:#}")),
                Err(_) => lock(connections.tally()).error("not reconnected in time".to_owned()),
            }
            continue;
        };
        let act_at = (Instant::now() + Duration::from_millis(every_ms / 2 + dice.roll(every_ms))).min(until);
        let end = loop {
            tokio::select! {
                read = connections.read(index, open) => match read {
                    Ok(None) => {}
                    Ok(Some(end)) => break Some(end),
                    Err(_) => break Some("broken".to_owned()),
                },
                () = sleep_until(act_at) => break None,
            }
        };
        if let Some(end) = end {
            lock(connections.subscriber(index)).closed(&end, &mut lock(connections.tally()));
            wire = None;
        } else if Instant::now() < until && !act(&connections, index, open, &mut dice).await {
            wire = None;
        }
    }
    lock(connections.subscriber(index)).open = false;
}

/// False when the connection has ended.
async fn act(connections: &Connections, index: usize, wire: &mut Wire, dice: &mut Dice) -> bool {
    let per_subscriber = connections.subscriber_plan.rooms_per_subscriber;
    let nth = dice.roll(u64::from(per_subscriber)) as u32;
    let channel = lock(connections.subscriber(index)).channel(nth as usize).to_owned();
    // Congruent to `nth` modulo the subscriber's rooms, from which it finds the room of a reply.
    let id = CHURN_ID + nth + per_subscriber;
    let (name, text) = match dice.roll(10) {
        0..=3 => {
            ("publish", json!({"id": id, "publish": {"channel": channel, "data": {"n": dice.roll(1000)}}}))
        }
        4..=5 => ("rpc", json!({"id": id, "rpc": {"method": "loadtest", "data": {}}})),
        6..=7 => {
            let Some(rejoin) = lock(connections.subscriber(index)).rejoin(nth as usize, false) else {
                return true;
            };
            lock(connections.tally()).action("leave and join");
            return wire.send(&rejoin).await.is_ok();
        }
        8 => {
            lock(connections.tally()).action("slow");
            sleep(Duration::from_millis(dice.roll(SLOW_AT_MOST_MS))).await;
            return true;
        }
        _ => {
            lock(connections.tally()).action("cut");
            return false;
        }
    };
    lock(connections.tally()).action(name);
    wire.send(&text.to_string()).await.is_ok()
}
