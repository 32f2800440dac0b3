//! The size of an installation, and what its parts cost.

use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[arg(long, default_value_t = 1_000)]
    pub(super) tenants: usize,
    /// Sessions of managers for a tenant, in the mean.
    #[arg(long, default_value_t = 20.0)]
    pub(super) managers: f64,
    /// Customers' messages a minute for a tenant, in the mean.
    #[arg(long, default_value_t = 50.0)]
    pub(super) messages_per_minute: f64,
    /// Exponent of the law by which the n-th tenant is smaller than the first; 0: all are equal.
    #[arg(long, default_value_t = 0.8)]
    pub(super) skew: f64,
    /// How many times the mean the largest tenants are at most.
    #[arg(long, default_value_t = 100.0)]
    pub(super) largest: f64,
    /// Events of the feed for each customer's message: the message, its turn, the answer and what becomes of it.
    #[arg(long, default_value_t = 6.0)]
    pub(super) events: f64,
    #[arg(long, default_value_t = 2)]
    pub(super) nodes: usize,
    #[command(flatten)]
    pub(super) costs: Costs,
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
    #[arg(long)]
    pub(super) json: Option<PathBuf>,
}

/// Costs as measured, and what the machines have.
#[derive(clap::Args, Clone, serde::Serialize)]
pub(crate) struct Costs {
    /// Cores of a node.
    #[arg(long, default_value_t = 4.0)]
    pub(super) node_cores: f64,
    /// GiB of memory of a node.
    #[arg(long, default_value_t = 8.0)]
    pub(super) node_memory: f64,
    /// Gbit/s of a node's network.
    #[arg(long, default_value_t = 10.0)]
    pub(super) node_network: f64,
    /// Cores of the database's server.
    #[arg(long, default_value_t = 16.0)]
    pub(super) database_cores: f64,
    /// Database servers over which the tenants are spread.
    #[arg(long, default_value_t = 1)]
    pub(super) databases: usize,
    /// Redis servers over which the topics are spread. One uses one core.
    #[arg(long, default_value_t = 1)]
    pub(super) buses: usize,
    /// µs of a node's processor to take in and store an event.
    #[arg(long, default_value_t = 80.0)]
    pub(super) store_us: f64,
    /// µs of the database's processor for an event.
    #[arg(long, default_value_t = 150.0)]
    pub(super) database_us: f64,
    /// µs of a node's processor for the delivery of an event to a session.
    #[arg(long, default_value_t = 6.0)]
    pub(super) delivery_us: f64,
    /// µs of a node's processor to publish an event on the bus.
    #[arg(long, default_value_t = 10.0)]
    pub(super) bus_publish_us: f64,
    /// µs of a node's processor to take an event from the bus.
    #[arg(long, default_value_t = 10.0)]
    pub(super) bus_receive_us: f64,
    /// µs of Redis for a publication, and for each node that gets it.
    #[arg(long, default_value_t = 8.0)]
    pub(super) redis_us: f64,
    #[arg(long, default_value_t = 2.0)]
    pub(super) redis_receiver_us: f64,
    /// µs of a node's processor for an idle session and second.
    #[arg(long, default_value_t = 0.8)]
    pub(super) idle_us: f64,
    /// KiB of memory of an idle session.
    #[arg(long, default_value_t = 6.0)]
    pub(super) session_kib: f64,
    /// Bytes of an event on the wire.
    #[arg(long, default_value_t = 900.0)]
    pub(super) event_bytes: f64,
    /// Events a second of one tenant, whose commits come one after the other.
    #[arg(long, default_value_t = 3_000.0)]
    pub(super) tenant_events: f64,
}
