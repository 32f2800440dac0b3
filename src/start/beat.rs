//! This node's row in the list of nodes, written every few seconds until nothing of it runs any more; and what the rows of
//! the others tell of them.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::app::App;
use crate::clock::Clock;
use crate::http::health;
use crate::model::{NodeBus, NodeState};
use crate::store::Engine;
use crate::store::nodes::{Beat, Leave, Listed, Node};
use crate::work::recover;

const EVERY: Duration = Duration::from_secs(4);
/// Where there are no others to tell.
const EVERY_ALONE: Duration = Duration::from_secs(15);
/// Each node tells the others of itself every ten seconds, and is remembered for thirty.
const HEARD_WITHIN: Duration = Duration::from_secs(40);

pub(super) async fn run(app: Arc<App>, mut node: Node) {
    let every = if app.store.engine() == Engine::Postgres { EVERY } else { EVERY_ALONE };
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told_to_stop = false;
    let mut reaches_since = None;
    loop {
        tokio::select! {
            () = app.sends.are_cut() => break,
            () = app.soft.cancelled(), if !told_to_stop => told_to_stop = true,
            // Others see at once where it is, and that it is ready.
            () = app.nodes.begins_to_listen() => {}
            _ = ticks.tick() => {}
        }
        describe(&app, &mut node);
        // It is waited for, also when the work is to be dropped: a write goes on without its caller, and one that ends
        // after the node has left would put it back into the list.
        if let Err(error) = app.store.follow_clock().await {
            tracing::warn!(%error, "the database does not tell its time; it is asked again");
        }
        match app.store.write(Beat(node.clone())).await {
            Ok(listed) => {
                app.nodes.look(&listed.value.nodes);
                app.hub.set_strangers(listed.value.live().any(|other| other.id != node.id));
                let keys = listed.value.live().filter_map(|node| node.master_keys.first().cloned());
                app.bus_seal.set_used(keys.collect());
                let reaches = app.hub.path().is_some_and(|path| path.is_up());
                reaches_since = reaches.then(|| reaches_since.unwrap_or_else(Instant::now));
                let is_time = reaches_since.is_some_and(|since| since.elapsed() >= HEARD_WITHIN);
                let unheard = if is_time { unheard(&app, &listed.value) } else { Vec::new() };
                app.nodes.set_unheard(&unheard);
            }
            Err(error) => tracing::warn!(%error, "the list of nodes cannot be written; it is tried again"),
        }
    }
    // Others take over what a node had that has left: first nothing of it runs any more.
    app.tasks.wait().await;
    // Another process does not know of a node that has left, and would leave its claims alone until they expire.
    if !recover::of_stopped(&app.store, node.id).await {
        return tracing::warn!(
            "this node stays in the list until its silence is noticed: its jobs cannot be released"
        );
    }
    if let Err(error) = app.store.write(Leave(node.id)).await {
        tracing::warn!(%error, "this node stays in the list until it is removed for its silence");
    }
}

/// The others that reach the bus, and are not heard through it.
fn unheard(app: &App, listed: &Listed) -> Vec<String> {
    let within = HEARD_WITHIN.as_millis() as i64;
    let reach = listed.live().filter(|node| {
        node.id != app.nodes.id && node.bus == NodeBus::Up && listed.now - node.started_at >= within
    });
    let unheard = reach.filter(|node| !app.hub.hears(&node.id.to_string()));
    unheard.map(|node| format!("{} ({})", node.name, node.address)).collect()
}

/// How the node is now.
fn describe(app: &App, node: &mut Node) {
    if let Some(address) = app.nodes.address() {
        node.address = address.to_string();
    }
    node.clock_at = Clock::System.now_ms();
    node.reason = health::reason(app);
    node.state = match node.reason {
        _ if app.soft.is_cancelled() => NodeState::Draining,
        None => NodeState::Ready,
        Some(_) => NodeState::NotReady,
    };
    (node.bus, node.round_trip_us) = match app.hub.path() {
        None => (NodeBus::Alone, None),
        Some(hub::Path::Down { .. }) => (NodeBus::Down, None),
        Some(hub::Path::Up { round_trip }) => (NodeBus::Up, i64::try_from(round_trip.as_micros()).ok()),
    };
    node.sessions = i64::try_from(app.hub.stats().sessions).unwrap_or(i64::MAX);
}
