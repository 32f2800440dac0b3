//! How much of each part of an installation a load uses.

use super::args::Costs;
use super::load::{Load, Node};

#[derive(Debug, serde::Serialize)]
pub(crate) struct Part {
    pub name: &'static str,
    /// 1: the part is full.
    pub used: f64,
}

impl Part {
    /// How many times the load may grow until the part is full.
    pub fn headroom(&self) -> f64 {
        1.0 / self.used.max(f64::MIN_POSITIVE)
    }
}

/// The fullest first.
pub(crate) fn of(load: &Load, costs: &Costs) -> Vec<Part> {
    let busiest = |use_of: &dyn Fn(&Node) -> f64| load.nodes.iter().map(use_of).fold(0.0, f64::max);
    let processor = busiest(&|node| {
        node.stored * (costs.store_us + costs.bus_publish_us)
            + node.received * costs.bus_receive_us
            + node.deliveries * costs.delivery_us
            + node.sessions * costs.idle_us
    });
    let memory = busiest(&|node| node.sessions * costs.session_kib);
    let network = busiest(&|node| (node.received + node.deliveries) * costs.event_bytes * 8.0);
    let redis = load.bus_events * costs.redis_us + load.bus_copies * costs.redis_receiver_us;
    let mut parts = vec![
        Part { name: "the busiest node: processor", used: processor / (costs.node_cores * 1e6) },
        Part {
            name: "the busiest node: memory of sessions",
            used: memory / (costs.node_memory * 1_048_576.0),
        },
        Part { name: "the busiest node: network", used: network / (costs.node_network * 1e9) },
        Part {
            name: "the busiest database: processor",
            used: load.database_events * costs.database_us / (costs.database_cores * 1e6),
        },
        Part { name: "the busiest bus: its one core", used: redis / 1e6 },
        Part {
            name: "the largest tenant: its commits, one after the other",
            used: load.largest_events / costs.tenant_events,
        },
    ];
    parts.sort_by(|one, next| next.used.total_cmp(&one.used));
    parts
}
