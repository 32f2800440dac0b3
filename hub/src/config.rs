//! The settings of the engine: times, bounds, and the sources of time and ids.
//! Defaults follow the protocol's reference values; nothing here reads a file or the environment.

use std::{sync::Arc, time::Duration};

use uuid::Uuid;

use crate::{bus::Bus, trace::TraceListener};

/// Unix time in milliseconds.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;
/// Fresh ids for sessions, hard to guess.
pub type Ids = Arc<dyn Fn() -> Uuid + Send + Sync>;

#[derive(Clone)]
pub struct HubConfig {
    /// Told to clients in the connect reply.
    pub version: String,
    /// Which node this is. Told to clients on streams, whose further requests must reach the same one.
    pub node: String,
    /// To the engines of other nodes.
    pub bus: Bus,
    pub clock: Clock,
    pub ids: Ids,
    /// Time between pings of the server; the first comes in the second half of it.
    pub ping_interval: Duration,
    /// A ping that is not answered for so long ends the session (3012). Shorter than `ping_interval`.
    pub pong_wait: Duration,
    /// A socket that has not connected by then is closed (3502).
    pub connect_wait: Duration,
    /// For so long after its expiry a connection or subscription may still be refreshed.
    pub expiry_grace: Duration,
    /// How long a closed session waits for the peer's close frame.
    pub close_wait: Duration,
    /// How long a missing offset may stay missing before the log is read.
    pub gap_wait: Duration,
    /// Publications held behind a gap, per room.
    pub gap_hold: usize,
    /// Recent publications kept in memory per room, in bytes.
    pub room_memory_bytes: usize,
    /// The same for all rooms together. Over it each room still keeps its newest publication.
    pub memory_bytes: usize,
    /// How long an empty room keeps its memory.
    pub room_linger: Duration,
    /// How often a quiet durable room is compared with the log; `None`: never.
    pub position_check: Option<Duration>,
    /// Where there are other nodes: how often all durable rooms are compared with the log, which finds what a node committed and
    /// did not tell; and how often while the way to the others is broken.
    pub watch: Duration,
    pub watch_broken: Duration,
    /// A client of another node that nobody told of for so long is not present any more. Nodes tell of theirs three times
    /// as often.
    pub presence_keep: Duration,
    /// How long a frame for a session of another node may be under way.
    pub forward_wait: Duration,
    /// More missed publications than this are not recovered.
    pub recovery_limit: usize,
    /// Nor are more bytes of them: a reply holds all, and few clients could take the server's memory by it.
    pub recovery_bytes: usize,
    /// The same, counted before a subscriber's filter.
    pub recovery_scan_limit: usize,
    /// Publications in one read of the log.
    pub log_page: usize,
    /// Most publications that one `history` answers.
    pub history_limit: usize,
    /// In rooms up to this size every join and leave is announced at once; in larger ones they are gathered for
    /// `announce_window`, and of each window at most `announce_limit` are announced.
    pub announce_calm: usize,
    pub announce_window: Duration,
    pub announce_limit: usize,
    /// Connects decided at a time; further ones are queued.
    pub max_connecting: usize,
    /// Connects in that queue; further ones are refused with a temporary error.
    pub max_connect_queue: usize,
    /// A connect that was queued for so long is refused with a temporary error. Shorter than the clients' own timeout
    /// of 5 s.
    pub connect_queue_wait: Duration,
    /// Sessions over this number are refused with a temporary error.
    pub max_sessions: usize,
    /// Bounds of a session until the authority has set its own.
    pub limits: Limits,
    /// Hears of publications that carry a trace.
    pub traces: Option<Arc<dyn TraceListener>>,
}

impl Default for HubConfig {
    fn default() -> Self {
        HubConfig {
            version: concat!("hubbub ", env!("CARGO_PKG_VERSION")).to_owned(),
            node: random_id().simple().to_string(),
            bus: Bus::local(),
            clock: Arc::new(system_ms),
            ids: Arc::new(random_id),
            ping_interval: Duration::from_secs(25),
            pong_wait: Duration::from_secs(8),
            connect_wait: Duration::from_secs(10),
            expiry_grace: Duration::from_secs(25),
            close_wait: Duration::from_secs(5),
            gap_wait: Duration::from_millis(100),
            gap_hold: 1024,
            room_memory_bytes: 256 * 1024,
            memory_bytes: 128 * 1024 * 1024,
            room_linger: Duration::from_secs(10),
            position_check: Some(Duration::from_secs(40)),
            watch: Duration::from_millis(500),
            watch_broken: Duration::from_millis(200),
            presence_keep: Duration::from_secs(30),
            forward_wait: Duration::from_secs(12),
            recovery_limit: 1000,
            recovery_bytes: 8 * 1024 * 1024,
            recovery_scan_limit: 10_000,
            log_page: 256,
            history_limit: 300,
            announce_calm: 64,
            announce_window: Duration::from_secs(1),
            announce_limit: 32,
            max_connecting: 256,
            max_connect_queue: 8192,
            connect_queue_wait: Duration::from_secs(3),
            max_sessions: 1_000_000,
            limits: Limits::browser(),
            traces: None,
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the default clock; an application passes its own")]
fn system_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |d| d.as_millis() as i64)
}

#[expect(clippy::disallowed_methods, reason = "the default ids; an application passes its own")]
fn random_id() -> Uuid {
    Uuid::new_v4()
}

/// Bounds of one session. The authority may give each role its own: a worker gets a longer queue than a browser.
#[derive(Clone, Debug)]
pub struct Limits {
    /// A longer frame from the client closes the session (1009).
    pub max_frame_bytes: usize,
    /// Pushes waiting for the client; over it the session is closed (3008).
    pub max_queue_bytes: usize,
    /// Subscriptions, server-side ones included.
    pub max_rooms: usize,
    /// Calls running at a time; further ones wait.
    pub max_concurrent_rpc: usize,
    /// Calls started per second, with bursts of one second's worth; over it error 111.
    pub rpc_per_second: Option<u32>,
    /// Commands of any kind per second, with bursts of two seconds' worth; over it the session is closed (3013).
    pub commands_per_second: Option<u32>,
    /// A write that takes longer closes the session (3009).
    pub write_timeout: Duration,
}

impl Limits {
    /// A person's browser or phone.
    pub fn browser() -> Self {
        Limits {
            max_frame_bytes: 64 * 1024,
            max_queue_bytes: 1024 * 1024,
            max_rooms: 128,
            max_concurrent_rpc: 8,
            rpc_per_second: Some(50),
            commands_per_second: Some(250),
            write_timeout: Duration::from_secs(5),
        }
    }

    /// A worker: bigger frames and queue, no rate.
    pub fn responder() -> Self {
        Limits {
            max_frame_bytes: 1024 * 1024,
            max_queue_bytes: 16 * 1024 * 1024,
            max_rooms: 1024,
            max_concurrent_rpc: 64,
            rpc_per_second: None,
            commands_per_second: None,
            write_timeout: Duration::from_secs(15),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits::browser()
    }
}
