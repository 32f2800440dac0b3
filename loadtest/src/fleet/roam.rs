//! One subscriber with many more actions than `churn`: it disconnects in every way, visits short-lived rooms, asks for
//! presence and history, calls, publishes and reads slowly. It recovers from its positions, so that losses can be
//! counted.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::connections::Connections;
use super::subscriber::{CHURN_ID, VISIT_ID, lock};
use crate::clock::{Dice, unix_ms};
use crate::wire::Wire;

const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// Short enough for the history that a server keeps of a room.
const AWAY_AT_MOST_MS: u64 = 2000;
const SLOW_AT_MOST_MS: u64 = 300;
const VERY_SLOW_AT_MOST_MS: u64 = 4000;
/// Subscribers that share one short-lived room.
const VISITED: u64 = 5;
const VISIT_MS: u64 = 2000;
/// More than the server's queue and the kernel's buffers hold for one reader, in messages of accepted size.
const FLOOD: usize = 300;
const FLOOD_BYTES: usize = 32 * 1024;
const DEAF: Duration = Duration::from_secs(3);

/// How a connection continues after an action.
enum Next {
    Stay,
    /// Reconnect, with recovery or from scratch.
    Back {
        recover: bool,
    },
}

pub(super) async fn roam(
    connections: Arc<Connections>,
    index: usize,
    every_ms: u64,
    until: Instant,
    mut dice: Dice,
) {
    let (mut wire, mut recover): (Option<Wire>, _) = (None, true);
    while Instant::now() < until {
        let Some(open) = &mut wire else {
            sleep(Duration::from_millis(dice.roll(AWAY_AT_MOST_MS))).await;
            wire = connect(&connections, index, recover).await;
            recover |= wire.is_some();
            continue;
        };
        let act_at = (Instant::now() + Duration::from_millis(every_ms / 2 + dice.roll(every_ms))).min(until);
        if let Some(end) = read_until(&connections, index, open, act_at).await {
            lock(connections.subscriber(index)).closed(&end, &mut lock(connections.tally()));
            wire = None;
        } else if Instant::now() < until
            && let Next::Back { recover: again } = act(&connections, index, &mut wire, &mut dice).await
        {
            lock(connections.subscriber(index)).open = false;
            (wire, recover) = (None, again);
        }
    }
    while wire.is_none() {
        sleep(Duration::from_millis(dice.roll(AWAY_AT_MOST_MS))).await;
        wire = connect(&connections, index, true).await;
    }
    if let Some(wire) = wire {
        connections.listen(index, wire).await;
    }
}

async fn connect(connections: &Connections, index: usize, recover: bool) -> Option<Wire> {
    let (name, first_id) = if recover { ("resume", 2) } else { ("connect", CHURN_ID) };
    lock(connections.tally()).action(name);
    match timeout(CONNECT_WITHIN, connections.join(index, recover, first_id)).await {
        Ok(Ok(wire)) => return Some(wire),
        Ok(Err(error)) => lock(connections.tally()).error(format!("not connected: {error:#}")),
        Err(_) => lock(connections.tally()).error("not connected in time".to_owned()),
    }
    None
}

/// The close code, if the connection ended before the action.
async fn read_until(connections: &Connections, index: usize, wire: &mut Wire, at: Instant) -> Option<String> {
    loop {
        tokio::select! {
            read = connections.read(index, wire) => match read {
                Ok(None) => {}
                Ok(Some(end)) => return Some(end),
                Err(_) => return Some("broken".to_owned()),
            },
            () = sleep_until(at) => return None,
        }
    }
}

async fn act(connections: &Connections, index: usize, wire: &mut Option<Wire>, dice: &mut Dice) -> Next {
    let recover = dice.roll(4) > 0;
    let Some(open) = wire else { return Next::Back { recover } };
    let (nth, channel, stalls) = {
        let subscriber = lock(connections.subscriber(index));
        let nth = dice.roll(subscriber.subscriptions() as u64) as usize;
        (nth, subscriber.channel(nth).to_owned(), subscriber.stalls)
    };
    let id = VISIT_ID;
    let (name, text) = match dice.roll(20) {
        0..=4 => (
            "publish",
            json!({"id": id, "publish": {"channel": channel, "data": {"n": dice.roll(1000)}}}).to_string(),
        ),
        5..=6 => ("rpc", json!({"id": id, "rpc": {"method": "loadtest", "data": {}}}).to_string()),
        7 => ("presence", json!({"id": id, "presence": {"channel": channel}}).to_string()),
        8 => ("presence stats", json!({"id": id, "presence_stats": {"channel": channel}}).to_string()),
        9 => {
            let history = json!({"channel": channel, "limit": dice.roll(20), "reverse": dice.roll(2) == 0});
            ("history", json!({"id": id, "history": history}).to_string())
        }
        10..=12 => {
            let rejoin = lock(connections.subscriber(index)).rejoin(nth, recover);
            (if recover { "leave and come back" } else { "leave and join" }, rejoin.unwrap_or_default())
        }
        13..=15 => ("visit", visit(&connections.subscriber_plan.prefix, dice)),
        16 if stalls => {
            lock(connections.tally()).action("deaf");
            return deaf(connections, index, open).await;
        }
        16..=17 => {
            lock(connections.tally()).action("slow");
            let at_most = if dice.roll(10) == 0 { VERY_SLOW_AT_MOST_MS } else { SLOW_AT_MOST_MS };
            sleep(Duration::from_millis(dice.roll(at_most))).await;
            return Next::Stay;
        }
        18 => {
            lock(connections.tally()).action("close");
            if let Some(open) = wire.take() {
                // Frames before the server's close frame are not read; recovery delivers them again.
                let _ = open.close().await;
            }
            return Next::Back { recover };
        }
        _ => {
            lock(connections.tally()).action("cut");
            if let Some(open) = wire.take() {
                open.cut();
            }
            return Next::Back { recover };
        }
    };
    if text.is_empty() {
        return Next::Stay;
    }
    lock(connections.tally()).action(name);
    if open.send(&text).await.is_ok() { Next::Stay } else { Next::Back { recover: true } }
}

/// Joins a short-lived room, publishes and leaves.
fn visit(prefix: &str, dice: &mut Dice) -> String {
    let channel = format!("{prefix}visit-{}-{}", unix_ms() / VISIT_MS, dice.roll(VISITED));
    let mut lines = vec![json!({"id": VISIT_ID, "subscribe": {"channel": channel}})];
    lines.resize(4, json!({"id": VISIT_ID, "publish": {"channel": channel, "data": {"n": dice.roll(1000)}}}));
    lines.push(json!({"id": VISIT_ID, "unsubscribe": {"channel": channel}}));
    lines.iter().map(Value::to_string).collect::<Vec<_>>().join("\n")
}

/// Requests much data and reads nothing until the server closes the connection.
async fn deaf(connections: &Connections, index: usize, wire: &mut Wire) -> Next {
    let channel = format!("{}deaf-{index}", connections.subscriber_plan.prefix);
    let data = "x".repeat(FLOOD_BYTES);
    let flood = json!({"id": VISIT_ID, "publish": {"channel": channel, "data": data}}).to_string();
    let talk = async {
        wire.send(&json!({"id": VISIT_ID, "subscribe": {"channel": channel}}).to_string()).await?;
        for _ in 0..FLOOD {
            wire.send(&flood).await?;
        }
        wire.send(&json!({"id": VISIT_ID, "unsubscribe": {"channel": channel}}).to_string()).await?;
        anyhow::Ok(())
    };
    let said_all = matches!(timeout(DEAF, talk).await, Ok(Ok(())));
    sleep(DEAF).await;
    if said_all {
        return Next::Stay;
    }
    // A message that was written in part cannot be followed by another one.
    let end = read_until(connections, index, wire, Instant::now() + DEAF).await;
    lock(connections.subscriber(index))
        .closed(end.as_deref().unwrap_or("given up"), &mut lock(connections.tally()));
    Next::Back { recover: true }
}
