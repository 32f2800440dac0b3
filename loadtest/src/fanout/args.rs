//! The options of `loadtest fanout`.

use crate::aim::Aim;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(super) aim: Aim,
    /// Repeat with the bare server, on the same cores as the server, and compare.
    #[arg(long)]
    pub(super) baseline: bool,
    /// Number of measurements, alternating with the bare server; the medians are compared.
    #[arg(long, default_value_t = 1, conflicts_with_all = ["search", "stalled"])]
    pub(super) rounds: u32,
    #[arg(long, default_value_t = 1)]
    pub(super) rooms: u32,
    /// Subscribers of each room, each with a connection of its own.
    #[arg(long, default_value_t = 1000)]
    pub(super) subscribers: u32,
    /// Publications per second, dealt to the rooms in turn.
    #[arg(long, default_value_t = 50.0)]
    pub(super) rate: f64,
    #[arg(long, default_value_t = 10.0)]
    pub(super) seconds: f64,
    /// Size of a publication's JSON data.
    #[arg(long, default_value_t = 256)]
    pub(super) bytes: usize,
    /// After each measurement, publish at the same rate into rooms without subscribers, to tell the cost of a publication
    /// from that of its deliveries.
    #[arg(long, requires = "server_pid", conflicts_with_all = ["search", "stalled"])]
    pub(super) alone: bool,
    /// Raise the rate from --rate on until it is not sustained, --seconds each; then measure at half of the server's
    /// best.
    #[arg(long)]
    pub(super) search: bool,
    /// A step of the search with a higher p99 fails.
    #[arg(long, default_value_t = 100.0)]
    pub(super) p99_ms: f64,
    /// Subscribers that stop reading half-way; the server has to close them with 3008.
    #[arg(long, default_value_t = 0, conflicts_with = "search")]
    pub(super) stalled: u32,
    /// Seconds for the last deliveries, and for stalled subscribers to notice that they were closed.
    #[arg(long, default_value_t = 30)]
    pub(super) drain_s: u64,
}
