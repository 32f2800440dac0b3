//! The port through which the application decides who may do what. The engine has no rule of its own about users, tokens
//! or rooms; it enforces what an [`Authority`] answers.

use std::{any::Any, collections::HashMap, fmt, net::SocketAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use uuid::Uuid;

use crate::{
    config::Limits,
    data::Data,
    log::{ClientInfo, Filter},
    protocol::codes::{CloseCode, ErrorReply},
    transport::Closed,
};

/// The id of one connection; as text it is the `client` of the connect reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub Uuid);

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What is known of the other side when its socket opens.
#[derive(Clone, Default)]
pub struct Peer {
    pub addr: Option<SocketAddr>,
    pub user_agent: Option<String>,
    pub origin: Option<String>,
    /// Anything else that the application learnt at the upgrade.
    pub context: Option<Arc<dyn Any + Send + Sync>>,
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer").field("addr", &self.addr).finish_non_exhaustive()
    }
}

/// A connected session, as handed to the authority.
pub struct SessionInfo {
    pub id: SessionId,
    pub user: String,
    /// `id` as text.
    pub client: String,
    pub peer: Peer,
    /// What others see of it in presence and publications.
    pub info: Option<Data>,
    pub limits: Limits,
    /// The application's own state, from [`Connected::meta`].
    pub meta: Arc<dyn Any + Send + Sync>,
}

impl SessionInfo {
    /// The application's own state, if it is of this type.
    pub fn meta<T: Any>(&self) -> Option<&T> {
        self.meta.downcast_ref()
    }

    pub(crate) fn client_info(&self, chan_info: Option<Data>) -> ClientInfo {
        let (user, client) = (self.user.clone(), self.client.clone());
        ClientInfo { user, client, conn_info: self.info.clone(), chan_info }
    }
}

/// The client's `connect` command.
#[derive(Debug, Default)]
pub struct ConnectRequest {
    /// Empty if the client has none.
    pub token: String,
    pub data: Option<Data>,
    /// Name and version of the client library.
    pub name: String,
    pub version: String,
    /// Headers emulated by a browser client.
    pub headers: HashMap<String, String>,
    /// Server-side subscriptions that the client had before; the engine recovers those that the authority makes again.
    pub resumes: Vec<String>,
}

/// The client's `subscribe` command.
#[derive(Debug, Default)]
pub struct SubscribeRequest {
    pub room: String,
    /// Empty if the client has none.
    pub token: String,
    pub data: Option<Data>,
    /// The client resumes from a position.
    pub recover: bool,
    /// The client wants to hear of the joins and leaves of others.
    pub join_leave: bool,
}

/// When a connection or subscription ends unless it is refreshed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    Never,
    /// Unix seconds.
    At(i64),
    /// From now.
    After(Duration),
}

/// An accepted connection.
pub struct Connected {
    pub user: String,
    pub info: Option<Data>,
    /// `None` and `Some(Expiry::Never)` mean the same.
    pub expiry: Option<Expiry>,
    /// For the client, in the connect reply.
    pub data: Option<Data>,
    /// Subscribed by the server at once.
    pub rooms: Vec<ServerSub>,
    pub limits: Limits,
    /// The application's own state, handed back in every [`SessionInfo`].
    pub meta: Arc<dyn Any + Send + Sync>,
}

impl Connected {
    /// A connection of this user with nothing but the default limits.
    pub fn new(user: impl Into<String>) -> Self {
        let (user, limits, meta) = (user.into(), Limits::default(), Arc::new(()));
        Connected { user, info: None, expiry: None, data: None, rooms: Vec::new(), limits, meta }
    }
}

#[derive(Clone)]
pub struct ServerSub {
    pub room: String,
    pub sub: Subscription,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoomKind {
    /// Publications have offsets and are recovered from the log.
    Durable,
    /// Publications reach only those who are subscribed at that moment.
    Ephemeral,
}

/// What a subscription has to do with joins and leaves. Each that is told is a push to every member that hears them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinLeave {
    Off,
    /// Its own are announced to the members that hear them.
    Announced,
    /// Its own are announced, and it hears those of the others.
    Heard,
}

/// An accepted subscription.
#[derive(Clone)]
pub struct Subscription {
    pub kind: RoomKind,
    /// Listed in the room's presence, and may ask for it.
    pub presence: bool,
    pub join_leave: JoinLeave,
    pub filter: Option<Filter>,
    /// Positions of a durable room before this offset cannot be recovered: what passed the filter before it is not what passes
    /// now, so the client begins anew. 0: all can.
    pub recoverable_from: u64,
    /// A client that asks for deltas gets them, in durable rooms without a filter. For rooms whose publications differ
    /// little from one to the next.
    pub delta: bool,
    /// The topic of the bus on which other nodes are told of what happens in the room, and this node of what happens there.
    /// All subscriptions of a room have the same. `None`: the room's name, if it is durable; otherwise nothing is told.
    pub topic: Option<String>,
    /// What others see of this client in this room.
    pub info: Option<Data>,
    /// For the client, in the subscribe reply.
    pub data: Option<Data>,
    pub expiry: Option<Expiry>,
}

impl Subscription {
    pub fn durable() -> Self {
        Subscription { kind: RoomKind::Durable, ..Subscription::ephemeral() }
    }

    pub fn ephemeral() -> Self {
        let kind = RoomKind::Ephemeral;
        Subscription {
            kind,
            presence: false,
            join_leave: JoinLeave::Off,
            filter: None,
            recoverable_from: 0,
            delta: false,
            topic: None,
            info: None,
            data: None,
            expiry: None,
        }
    }
}

/// Why a connection or a subscription was refused, or not refreshed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// The reply to the command; the error says whether the client tries again.
    Reply(ErrorReply),
    /// The socket is closed with this.
    Close(CloseCode),
}

impl From<ErrorReply> for Rejection {
    fn from(error: ErrorReply) -> Self {
        Rejection::Reply(error)
    }
}

impl From<CloseCode> for Rejection {
    fn from(code: CloseCode) -> Self {
        Rejection::Close(code)
    }
}

/// What the engine does with a client's `publish`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublishDecision {
    /// Nothing more: the authority has handled it.
    Handled,
    /// It is pushed to those who are subscribed now.
    Ephemeral,
    /// It is written by [`crate::Log::append`], then published.
    Append,
}

/// The application's rules. A call that panics is answered with an internal error; the session goes on.
/// Calls with effects (`publish`, `rpc`, `message`) run to their end even if the session ends meanwhile.
#[async_trait]
pub trait Authority: Send + Sync + 'static {
    async fn connect(
        &self,
        peer: &Peer,
        session: SessionId,
        request: ConnectRequest,
    ) -> Result<Connected, Rejection>;

    /// The client sent a fresh connection token.
    async fn refresh(&self, session: &SessionInfo, token: &str) -> Result<Expiry, Rejection> {
        let _ = (session, token);
        Err(ErrorReply::NOT_AVAILABLE.into())
    }

    async fn subscribe(
        &self,
        session: &SessionInfo,
        request: SubscribeRequest,
    ) -> Result<Subscription, Rejection>;

    /// The client sent a fresh token for a room.
    async fn sub_refresh(&self, session: &SessionInfo, room: &str, token: &str) -> Result<Expiry, Rejection> {
        let _ = (session, room, token);
        Err(ErrorReply::NOT_AVAILABLE.into())
    }

    /// Data from a client in Protobuf may be any bytes ([`Data::is_json`]); readers in JSON then get them as Base64.
    async fn publish(
        &self,
        session: &SessionInfo,
        room: &str,
        data: &Data,
    ) -> Result<PublishDecision, ErrorReply> {
        let _ = (session, room, data);
        Err(ErrorReply::PERMISSION_DENIED)
    }

    async fn rpc(&self, session: &SessionInfo, method: &str, data: &Data) -> Result<Data, ErrorReply> {
        let _ = (session, method, data);
        Err(ErrorReply::METHOD_NOT_FOUND)
    }

    /// The name under which the log may have a method. Clients call whatever they like: only the names of methods that
    /// there are may stand in it. It must not block.
    fn method_name(&self, method: &str) -> Option<&'static str> {
        let _ = method;
        None
    }

    /// The `send` command, which has no reply.
    async fn message(&self, session: &SessionInfo, data: &Data) -> Result<(), CloseCode> {
        let _ = (session, data);
        Err(CloseCode::NOT_AVAILABLE)
    }

    /// Whether the session may read the history of a durable room that it is not subscribed to, and what it may see of
    /// it. Not called for subscribers, who may read it under the filter of their subscription.
    async fn history(&self, session: &SessionInfo, room: &str) -> Result<Option<Filter>, ErrorReply> {
        let _ = (session, room);
        Err(ErrorReply::PERMISSION_DENIED)
    }

    /// Whether the session may read the presence of a room that it is not subscribed to.
    async fn presence(&self, session: &SessionInfo, room: &str) -> Result<(), ErrorReply> {
        let _ = (session, room);
        Err(ErrorReply::PERMISSION_DENIED)
    }

    /// A notice of another node ([`crate::Hub::notify`]). It must not block.
    fn noticed(&self, topic: &str, notice: &[u8]) {
        let _ = (topic, notice);
    }

    /// The way to the other nodes broke, or works again. It must not block.
    fn path_changed(&self, is_up: bool) {
        let _ = is_up;
    }

    /// A connected session has ended and left all rooms.
    async fn closed(&self, session: &SessionInfo, reason: &Closed) {
        let _ = (session, reason);
    }
}
