//! The nodes of the installation, for its operators.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Caller;
use crate::accounts::Permission;
use crate::error::Error;
use crate::model::{NodeBus, NodeReason, NodeState};
use crate::store::nodes::{List, Listed, Node};

#[derive(Serialize, ToSchema)]
pub struct Nodes {
    /// By name and address.
    nodes: Vec<NodeView>,
}

/// A server of the installation.
#[derive(Serialize, ToSchema)]
pub struct NodeView {
    id: Uuid,
    /// The machine's name, or the configured `node_name`.
    name: String,
    /// Where it listens.
    address: String,
    version: String,
    /// It runs another version than the node that started last.
    is_other_version: bool,
    /// It is the one that answers.
    is_this: bool,
    /// Unix milliseconds, by the clock of the database.
    started_at: i64,
    state: NodeState,
    /// Why it is not ready.
    reason: Option<NodeReason>,
    /// Milliseconds since it gave a sign of itself, by the clock of the database.
    silent_ms: i64,
    /// Milliseconds that its clock was ahead of the database's then.
    skew_ms: i64,
    bus: NodeBus,
    /// Microseconds of a message through the bus to itself.
    round_trip_us: Option<i64>,
    /// Open sockets and streams.
    sessions: i64,
}

pub async fn list(caller: Caller) -> Result<Nodes, Error> {
    caller.access.platform(Permission::Operate)?;
    let listed = caller.app.store.read(List).await?;
    let nodes = listed.nodes.iter().map(|node| view(node, &listed, caller.app.nodes.id)).collect();
    Ok(Nodes { nodes })
}

fn view(node: &Node, listed: &Listed, this: Uuid) -> NodeView {
    let state = node.state_at(listed.now);
    NodeView {
        id: node.id,
        name: node.name.clone(),
        address: node.address.clone(),
        version: node.version.clone(),
        is_other_version: state != NodeState::Silent && listed.version() != Some(node.version.as_str()),
        is_this: node.id == this,
        started_at: node.started_at,
        state,
        reason: node.reason.filter(|_| state == NodeState::NotReady),
        silent_ms: node.silent_ms(listed.now),
        skew_ms: node.clock_at - node.seen_at,
        bus: node.bus,
        round_trip_us: node.round_trip_us,
        sessions: node.sessions,
    }
}
