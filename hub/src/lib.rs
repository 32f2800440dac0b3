//! The realtime engine: Centrifuge client protocol, sessions, rooms, fan-out, presence, recovery.
//! It knows no SQL, no HTTP framework, no provider and no tenant rule: the application gives it an
//! [`Authority`] (who may do what) and a [`Log`] (what happened since), passes it upgraded sockets
//! ([`Hub::serve`]) and publishes into rooms ([`Hub::publish`]).
//!
//! Layers; each module imports only its own and those below (`tests/circles.rs` refuses circles):
//!
//! | layer | modules | what it does |
//! |---|---|---|
//! | facade | `hub` | the calls of the application |
//! | engine | `engine` | the list of sessions, housekeeping |
//! | session | `session`, `admission`, `authority` | one client; which connects are decided, and by whom |
//! | room | `room`, `rooms`, `delta` | order, members, fan-out, gaps, presence, recovery |
//! | queue | `queue` | what goes to one client, and encoded frames |
//! | bus | `bus` | what the engines of several nodes tell each other: in the process, or through Redis |
//! | socket | `transport`, `ws`, `stream`, `emulation` | the port to a socket, WebSocket framing, the fallback over HTTP |
//! | protocol | `protocol` | commands, replies and pushes in both encodings |
//! | base | `config`, `data`, `log`, `log_reader`, `stats`, `guard`, `lock` | bounds, the log, counters |
//!
//! A publication: `rooms` finds the room, `room/order` puts it in order (or holds it behind a gap that `room/gap` fills
//! from the log), `room/fanout` makes an encoded frame for all who get the same and offers it to the `queue` of every
//! member, which writes it to the socket directly. What a socket does not take waits in the queue for `session/writer`.
//!
//! A command: `session/reader` decodes it (`protocol/codec`), `session/inbox` keeps the order, `session/commands` runs it
//! and answers (`protocol/reply`). Joining a room without a gap is `room/recovery`.
//!
//! Data of the application is any bytes ([`Data`]). A session in Protobuf gets them as they are, whoever sent them. A session
//! in JSON gets one JSON value: the data if it is one, otherwise `{"b64data":"…"}`. Rooms whose readers want JSON only
//! refuse other data in [`Authority::publish`].
//!
//! Beside the layers, `listener` accepts connections for the application's HTTP server within the limits of
//! `descriptors`, `ws/upgrade` answers upgrades without that server where the application wants it, and `memory_log` is a log without a database.
//!
//! To add a command: its shape in `protocol/command` and `protocol/protobuf`, its result in `protocol/reply` and its two
//! encodings, its arm in `session/commands::handle`, and a method with a refusing default in [`Authority`].

mod admission;
mod authority;
mod bus;
mod config;
mod data;
mod delta;
mod descriptors;
mod emulation;
mod engine;
mod guard;
mod hub;
mod listener;
mod lock;
mod log;
mod log_reader;
mod memory_log;
mod protocol;
mod queue;
mod room;
mod rooms;
mod session;
mod stats;
mod stream;
mod trace;
mod transport;
mod ws;

pub use authority::{
    Authority, ConnectRequest, Connected, Expiry, JoinLeave, Peer, PublishDecision, Rejection, RoomKind,
    ServerSub, SessionId, SessionInfo, SubscribeRequest, Subscription,
};
pub use bus::{Bus, LocalBus, Path, RedisBus, Seal};
pub use config::{Clock, HubConfig, Ids, Limits};
pub use data::Data;
pub use descriptors::Descriptors;
pub use emulation::{EmulationError, EmulationRequest, Unreadable};
pub use hub::{Hub, Topic};
pub use listener::ConnectionListener;
pub use log::{ClientInfo, Filter, Log, LogError, LogPage, Publication, Tags, Top};
pub use memory_log::MemoryLog;
pub use protocol::Form;
pub use protocol::codes::{CloseCode, ErrorReply, unsubscribed};
pub use stats::Stats;
pub use stream::{StreamBody, StreamKind};
pub use trace::{HandedOut, Trace, TraceListener};
pub use transport::{
    Agreed, Closed, Incoming, MaxBytes, Outlet, Transport, TransportError, TransportReader, TransportWriter,
};
pub use ws::{FirstRequest, Handshake, Refusal, UpgradeRequest, WebSocket};
