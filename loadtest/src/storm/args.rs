//! The options of `loadtest storm`.

use crate::aim::Aim;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(super) aim: Aim,
    #[arg(long, default_value_t = 1000)]
    pub(super) connections: u32,
    /// Rooms that each connection has to recover.
    #[arg(long, default_value_t = 2)]
    pub(super) subscriptions: u32,
    #[arg(long, default_value_t = 100)]
    pub(super) rooms: u32,
    /// Publications per second in all rooms. A room's publications during its subscribers' absence have to fit into
    /// the server's history of it.
    #[arg(long, default_value_t = 100.0)]
    pub(super) rate: f64,
    #[arg(long, default_value_t = 128)]
    pub(super) bytes: usize,
    #[arg(long, default_value_t = 500)]
    pub(super) backoff_min_ms: u64,
    #[arg(long, default_value_t = 20_000)]
    pub(super) backoff_max_ms: u64,
    /// Number of drops.
    #[arg(long, default_value_t = 1)]
    pub(super) drops: u32,
    /// Seconds for all to reconnect.
    #[arg(long, default_value_t = 60)]
    pub(super) give_up_s: u64,
    #[arg(long, default_value_t = 15)]
    pub(super) drain_s: u64,
    /// Repeat with the bare server, on the same cores as the server, and compare.
    #[arg(long)]
    pub(super) baseline: bool,
    /// Address of another server, which is measured in turn with the first.
    #[arg(long)]
    pub(super) rival_url: Option<String>,
    #[arg(long, requires = "rival_url")]
    pub(super) rival_publish_url: Option<String>,
    #[arg(long, requires = "rival_url")]
    pub(super) rival_pid: Option<u32>,
    /// Storms of each server, in turn.
    #[arg(long, default_value_t = 1)]
    pub(super) rounds: u32,
}
