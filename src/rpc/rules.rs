//! The socket's rules: who may connect, which rooms a session is subscribed to, which it may open. The tenant always
//! comes from the verified token or key; a room's name is only compared with it.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use async_trait::async_trait;
use hub::{
    Authority, CloseCode, Closed, ConnectRequest, Connected, Data, ErrorReply, Expiry, JoinLeave, Limits,
    Peer, Rejection, ServerSub, SessionId, SessionInfo, SubscribeRequest, Subscription, Tags,
};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::to_raw_value;
use uuid::Uuid;

use crate::accounts::profile::{self, FollowedTenant};
use crate::accounts::{Access, Grant, Permission, Scope, Thing};
use crate::app::{App, AppState};
use crate::error::Error;
use crate::model::limits::MAX_FRAME;
use crate::operations::{self, Call, MAX_CAPACITY};
use crate::store::{StoreError, Tx, Verb, channels};
use crate::telemetry::MADE_UP;
use crate::telemetry::traces::Span;
use crate::work::Dispatcher;
use crate::{document, refusal, rooms};

/// The capacity of a responder that names none.
const DEFAULT_CAPACITY: usize = 8;
/// Feeds of a person who sees many tenants; the reply to `connect` marks the subscribed tenants as `live`.
const MAX_FEEDS: usize = 1_000;

pub struct SocketRules {
    /// Weak, because the application owns the hub, which owns these rules.
    app: Weak<App>,
    noticed: Noticed,
}

/// Takes the notices of other nodes.
pub type Noticed = Box<dyn Fn(&[u8]) + Send + Sync>;

/// The caller of a session. A change of rights ends the session, so this is never outdated.
struct Who {
    access: Arc<Access>,
}

/// The data that a client sends with `connect`.
#[derive(Debug, Default, Deserialize)]
struct Hello {
    api_key: Option<String>,
    capacity: Option<usize>,
}

impl SocketRules {
    pub fn new(app: Weak<App>, noticed: Noticed) -> Self {
        Self { app, noticed }
    }

    /// Fails while the application starts, and after it is dropped.
    fn app(&self) -> Result<AppState, ErrorReply> {
        self.app.upgrade().ok_or(ErrorReply::INTERNAL)
    }

    fn person(
        access: &Arc<Access>,
        expires_at_ms: Option<i64>,
        now: i64,
        moved: &HashMap<Uuid, i64>,
    ) -> Connected {
        let id = access.identity.id();
        let followed = |(at, one): (usize, &Grant)| FollowedTenant {
            id: one.tenant,
            name: one.name.clone(),
            role: one.role,
            live: at < MAX_FEEDS,
        };
        let tenants = access.grants.iter().enumerate().map(followed).collect();
        let told =
            profile::Connected { user: access.profile_user(), tenants, now, max_frame_bytes: MAX_FRAME };
        let mut rooms: Vec<ServerSub> =
            access.tenants(Permission::Read).iter().take(MAX_FEEDS).map(|scope| feed(scope, moved)).collect();
        rooms.push(ServerSub { room: rooms::user(id), sub: Subscription::ephemeral() });
        let mut connected = Connected::new(id.to_string());
        connected.info = Some(json!({ "id": id, "name": access.name }).to_string().into());
        connected.data = to_raw_value(&told).ok().map(Data::from);
        connected.expiry = expires_at_ms.map(|at| Expiry::At(at / 1000));
        let browser = Limits::browser();
        connected.limits = Limits {
            max_rooms: browser.max_rooms + rooms.len(),
            // The largest frame that the API promises to accept. It applies after the reply to `connect`; before it
            // frames must be short.
            max_frame_bytes: MAX_FRAME,
            ..browser
        };
        connected.rooms = rooms;
        connected.meta = Arc::new(Who { access: Arc::clone(access) });
        connected
    }

    fn responder(
        dispatcher: &Dispatcher,
        session: SessionId,
        access: &Arc<Access>,
        hello: &Hello,
        now: i64,
    ) -> Connected {
        let id = access.identity.id();
        let tenants: Vec<Uuid> = access.tenants(Permission::Respond).iter().map(Scope::tenant).collect();
        let capacity = hello.capacity.unwrap_or(DEFAULT_CAPACITY).clamp(1, MAX_CAPACITY);
        dispatcher.join(session, tenants.clone(), id, capacity);
        let mut connected = Connected::new(id.to_string());
        connected.info = Some(json!({ "id": id, "name": access.name }).to_string().into());
        connected.data = Some(
            json!({ "responder": id, "tenants": tenants, "capacity": capacity, "now": now })
                .to_string()
                .into(),
        );
        connected.limits = Limits::responder();
        connected.rooms = vec![ServerSub { room: rooms::responder(session), sub: Subscription::ephemeral() }];
        connected.meta = Arc::new(Who { access: Arc::clone(access) });
        connected
    }
}

fn who(session: &SessionInfo) -> Result<&Who, Error> {
    session.meta::<Who>().ok_or(Error::Unauthenticated("the session has no caller"))
}

/// From where on positions in the feeds of these tenants say what a caller of some companies knows.
struct MovedAt(Vec<Uuid>);

impl Verb for MovedAt {
    type Out = HashMap<Uuid, i64>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let mut found = HashMap::new();
        for tenant in &self.0 {
            found.insert(*tenant, channels::moved_at(tx, *tenant).await?);
        }
        Ok(found)
    }
}

/// A tenant's feed, filtered by the scope. What a caller of some companies missed before a channel moved between companies is
/// not recovered: its lists would keep what it does not see any more, and lack what it sees now.
fn feed(scope: &Scope, moved: &HashMap<Uuid, i64>) -> ServerSub {
    let mut sub = Subscription::durable();
    let moved_at = moved.get(&scope.tenant()).copied().unwrap_or_default();
    sub.recoverable_from = u64::try_from(moved_at).unwrap_or_default();
    let companies: Option<Vec<String>> =
        scope.companies().map(|list| list.iter().map(Uuid::to_string).collect());
    let user = scope.actor().user().map(|user| user.to_string());
    sub.filter = Some(Arc::new(move |tags: &Tags| {
        let mine = tags.get("user").is_none_or(|only| Some(only) == user.as_deref());
        let seen = match (&companies, tags.get("company")) {
            (Some(list), Some(company)) => list.iter().any(|one| one == company),
            _ => true,
        };
        mine && seen
    }));
    ServerSub { room: rooms::tenant(scope.tenant()), sub }
}

/// The rejection of a connect: an unavailable store is worth a retry, an invalid token is not, an expired token is to
/// be renewed.
fn refused(error: &Error) -> Rejection {
    match error {
        Error::Unauthenticated(why) if why.contains("expired") => ErrorReply::TOKEN_EXPIRED.into(),
        Error::Unauthenticated(_) | Error::Store(StoreError::Unstorable(_)) => {
            CloseCode::INVALID_TOKEN.into()
        }
        Error::Store(StoreError::Busy | StoreError::Retry(_)) => ErrorReply::TOO_MANY_REQUESTS.into(),
        other => {
            tracing::error!(error = format!("{other:#}"), "a socket could not connect");
            ErrorReply::INTERNAL.into()
        }
    }
}

#[async_trait]
impl Authority for SocketRules {
    async fn connect(
        &self,
        _: &Peer,
        session: SessionId,
        request: ConnectRequest,
    ) -> Result<Connected, Rejection> {
        let hello = match &request.data {
            Some(data) => document::read::<Option<Hello>>(data.as_bytes())
                .map_err(|refused| ErrorReply::new(107, refused.text()))?
                .unwrap_or_default(),
            None => Hello::default(),
        };
        let app = self.app()?;
        let now = app.store.clock().now_ms();
        let (access, expires_at) = if let Some(key) = &hello.api_key {
            (app.accounts.by_key(key).await.map_err(|error| refused(&error))?, None)
        } else {
            let (access, verified) =
                app.accounts.by_token(&request.token).await.map_err(|error| refused(&error))?;
            (access, Some(verified.expires_at))
        };
        if access.is_responder() {
            return Ok(Self::responder(&app.dispatcher, session, &access, &hello, now));
        }
        let limited = access.tenants(Permission::Read).into_iter().take(MAX_FEEDS);
        let limited: Vec<Uuid> =
            limited.filter(|scope| scope.companies().is_some()).map(|scope| scope.tenant()).collect();
        let moved = if limited.is_empty() {
            HashMap::new()
        } else {
            app.store.read(MovedAt(limited)).await.map_err(|error| refused(&error))?
        };
        Ok(Self::person(&access, expires_at, now, &moved))
    }

    async fn refresh(&self, session: &SessionInfo, token: &str) -> Result<Expiry, Rejection> {
        let verified = self.app()?.accounts.by_token(token).await.map_err(|error| match refused(&error) {
            // In reply to a connect, this code makes the client fetch another token; here the client would take it for
            // final.
            Rejection::Reply(error) if error == ErrorReply::TOKEN_EXPIRED => {
                CloseCode::CONNECTION_EXPIRED.into()
            }
            other => other,
        });
        let (access, verified) = verified?;
        let same = who(session).is_ok_and(|who| who.access.identity == access.identity);
        if !same {
            return Err(CloseCode::INVALID_TOKEN.into());
        }
        Ok(Expiry::At(verified.expires_at / 1000))
    }

    /// Clients may only open conversations, for presence, typing and the AI's deltas, and the pairing of channels that they
    /// manage.
    async fn subscribe(
        &self,
        session: &SessionInfo,
        request: SubscribeRequest,
    ) -> Result<Subscription, Rejection> {
        let room = request.room.as_str();
        let (thing, id, need) = match (rooms::conversation_of(room), rooms::pairing_of(room)) {
            (Some(id), _) => (Thing::Conversation, id, Permission::Read),
            (None, Some(id)) => (Thing::Channel, id, Permission::Manage),
            (None, None) => return Err(ErrorReply::UNKNOWN_CHANNEL.into()),
        };
        let app = self.app()?;
        let found = match who(session) {
            Ok(who) => who.access.thing(&app.store, thing, id, need).await,
            Err(error) => Err(error),
        };
        match found {
            Ok(scope) => {
                if let Thing::Conversation = thing {
                    app.hearing.ask(scope.tenant(), id);
                }
                Ok(Subscription {
                    presence: true,
                    join_leave: JoinLeave::Heard,
                    topic: Some(rooms::tenant(scope.tenant())),
                    ..Subscription::ephemeral()
                })
            }
            Err(Error::Store(StoreError::Busy | StoreError::Retry(_))) => {
                Err(ErrorReply::TOO_MANY_REQUESTS.into())
            }
            Err(Error::Store(_) | Error::Internal(_)) => Err(ErrorReply::INTERNAL.into()),
            Err(_) => Err(ErrorReply::PERMISSION_DENIED.into()),
        }
    }

    async fn rpc(&self, session: &SessionInfo, method: &str, data: &Data) -> Result<Data, ErrorReply> {
        // Also in Protobuf: what the methods take and give is JSON.
        let data = data.json().ok_or(ErrorReply::BAD_REQUEST)?;
        let who = who(session).map_err(|error| refusal::reply(&error))?;
        let (app, access) = (self.app()?, Arc::clone(&who.access));
        let mut span = Span::root("rpc");
        span.put("rpc.method", || operations::name_of(method).unwrap_or(MADE_UP).to_owned());
        let call = operations::call(method, Call { app, access, session: session.id, data });
        span.within(call).await.map(Data::from)
    }

    fn method_name(&self, method: &str) -> Option<&'static str> {
        operations::name_of(method)
    }

    fn noticed(&self, _: &str, notice: &[u8]) {
        (self.noticed)(notice);
    }

    fn path_changed(&self, is_up: bool) {
        if is_up && let Some(app) = self.app.upgrade() {
            app.dispatcher.sweep_soon();
        }
    }

    async fn closed(&self, session: &SessionInfo, _: &Closed) {
        if who(session).is_ok_and(|who| who.access.is_responder())
            && let Ok(app) = self.app()
        {
            app.dispatcher.leave(session.id).await;
        }
    }
}
