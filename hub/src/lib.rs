//! The realtime engine: Centrifuge client protocol, sessions, rooms, fan-out, presence, recovery.
//! It knows no SQL, no HTTP framework, no provider and no tenant rule: the application gives it an
//! [`Authority`] (who may do what) and a [`Log`] (what happened since), hands it upgraded sockets
//! ([`Hub::serve`]) and publishes into rooms ([`Hub::publish`]).
//!
//! The way of a publication: `hub` finds the room, `entry` encodes it once per form, `room/order` puts it in order (or
//! holds it behind a gap that `room/gap` fills from the log), `fanout` makes a `parcel` for all who get the same and
//! offers it to every member's `session/queue`, which writes it into the socket there and then. What a socket does
//! not take waits in the queue for the session's `session/writer`.
//!
//! The way of a command: `session/reader` decodes (`protocol/form`), `session/inbox` keeps the order,
//! `session/commands` runs it and answers (`protocol/reply`). Joining a room without a gap is `recovery`.
//!
//! Before all that, `doorway` takes connections in for whatever speaks HTTP, while `descriptors` last.
//!
//! To add a command: its shape in `protocol/command` and `protocol/protobuf`, its result in `protocol/reply` and
//! there, its arm in `session/commands::handle`, and a method with a refusing default in [`Authority`].

mod admission;
mod authority;
mod config;
mod delta;
mod descriptors;
mod doorway;
mod engine;
mod guard;
mod hub;
mod lock;
mod log;
mod log_reader;
mod memory;
mod protocol;
mod queue;
mod room;
mod rooms;
mod session;
mod stats;
mod transport;
mod ws;

pub use authority::{
    Authority, ConnectRequest, Connected, Expiry, Peer, PublishDecision, Rejection, RoomKind, ServerSub,
    SessionId, SessionInfo, SubscribeRequest, Subscription,
};
pub use config::{Clock, HubConfig, Ids, Limits};
pub use descriptors::Descriptors;
pub use doorway::Doorway;
pub use hub::Hub;
pub use log::{ClientInfo, Filter, Log, LogError, LogPage, Publication, Tags};
pub use memory::MemoryLog;
pub use protocol::Form;
pub use protocol::codes::{CloseCode, ErrorReply, unsubscribed};
pub use stats::Stats;
pub use transport::{
    Agreed, Closed, Incoming, MaxBytes, Outlet, Transport, TransportError, TransportReader, TransportWriter,
};
pub use ws::{Handshake, Refusal, WebSocket};
