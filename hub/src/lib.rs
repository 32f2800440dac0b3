//! The realtime engine: Centrifuge client protocol, sessions, rooms, fan-out, presence, recovery.
//! It knows no SQL, no HTTP framework, no provider and no tenant rule: the application gives it an
//! [`Authority`] (who may do what) and a [`Log`] (what happened since), and publishes into rooms.

mod authority;
mod config;
mod entry;
mod fanout;
mod hub;
mod lock;
mod log;
mod memory;
mod presence;
mod protocol;
mod recovery;
mod room;
mod rooms;
mod session;
mod sessions;
mod stats;
mod sweep;
mod transport;

pub use authority::{
    Authority, ConnectError, ConnectRequest, Connected, Expiry, Filter, Peer, PublishDecision, RoomKind,
    ServerSub, SessionId, SessionInfo, SubscribeRequest, Subscription,
};
pub use config::{Clock, HubConfig, Ids, Limits};
pub use hub::Hub;
pub use log::{ClientInfo, Log, LogError, LogPage, Publication, Tags};
pub use memory::MemoryLog;
pub use protocol::codes::{CloseCode, Closed, ErrorReply, unsubscribed};
pub use stats::Stats;
pub use transport::{Incoming, Transport, TransportError, TransportReader, TransportWriter};
