//! The engine with everything allowed, for conformance and comparison: `/connection/websocket` and its fallbacks
//! (`/connection/http_stream`, `/connection/sse`, `/emulation`) on port 8000 (or the one given as the first argument; 0
//! takes a free one), anonymous connect, HS256 tokens with the secret `secret`, any channel may be subscribed to and
//! published into, presence, history of 100 entries for 300 s (2 in `smallhistory:`; the second argument sets the seconds),
//! joins and leaves for those who ask for them or have a user,
//! and with `X-API-Key: test-api-key` `POST /api/publish {channel, data}` and `POST /api/history {channel}`, which gives
//! the position alone. `GET /api/stats` has the counters of the engine, and the tasks and descriptors of the process.
//!
//! With `--deflate` it compresses for clients that offer it. With `--bare` there is no presence (error 108) and no
//! namespace but `smallhistory:` (error 102), as the suite of the Go client expects. `--ping-ms=2500` sets the time between
//! pings. Not for a public network.

#[path = "../tests/support/socket.rs"]
mod socket;
#[path = "../tests/support/streams.rs"]
mod streams;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use axum::{
    Json, Router,
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    response::Response,
    routing::{get, post},
};
use hub::{
    Authority, CloseCode, ConnectRequest, Connected, Data, Descriptors, ErrorReply, Expiry, Filter, Hub,
    HubConfig, JoinLeave, Limits, Log, MemoryLog, Peer, Publication, PublishDecision, Rejection, ServerSub,
    SessionId, SessionInfo, SubscribeRequest, Subscription,
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, errors::ErrorKind};
use serde::Deserialize;
use serde_json::json;
use socket::Door;

const SECRET: &[u8] = b"secret";
const API_KEY: &str = "test-api-key";

struct Open {
    bare: bool,
}

#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    sub: String,
    #[serde(default)]
    channel: String,
    client: Option<String>,
    exp: Option<i64>,
    info: Option<Data>,
}

enum BadToken {
    Expired,
    Invalid,
}

fn read(token: &str) -> Result<Claims, BadToken> {
    let mut rules = Validation::new(Algorithm::HS256);
    rules.required_spec_claims.clear();
    rules.validate_aud = false;
    rules.leeway = 0;
    match decode::<Claims>(token, &DecodingKey::from_secret(SECRET), &rules) {
        Ok(token) => Ok(token.claims),
        Err(error) if *error.kind() == ErrorKind::ExpiredSignature => Err(BadToken::Expired),
        Err(_) => Err(BadToken::Invalid),
    }
}

fn expiry(claims: &Claims) -> Expiry {
    claims.exp.map_or(Expiry::Never, Expiry::At)
}

impl Open {
    /// `hears`: the joins and leaves of others.
    fn room(&self, hears: bool) -> Subscription {
        let presence = !self.bare;
        let join_leave = match (presence, hears) {
            (false, _) => JoinLeave::Off,
            (true, true) => JoinLeave::Heard,
            (true, false) => JoinLeave::Announced,
        };
        Subscription { presence, join_leave, delta: true, ..Subscription::durable() }
    }
}

#[async_trait]
impl Authority for Open {
    async fn connect(&self, _: &Peer, _: SessionId, request: ConnectRequest) -> Result<Connected, Rejection> {
        let limits = Limits { rpc_per_second: None, commands_per_second: None, ..Limits::browser() };
        if request.token.is_empty() {
            return Ok(Connected { limits, ..Connected::new("") });
        }
        let claims = read(&request.token).map_err(|bad| match bad {
            BadToken::Expired => Rejection::Reply(ErrorReply::TOKEN_EXPIRED),
            BadToken::Invalid => Rejection::Close(CloseCode::INVALID_TOKEN),
        })?;
        // That is one for a room.
        if !claims.channel.is_empty() {
            return Err(CloseCode::INVALID_TOKEN.into());
        }
        let expiry = Some(expiry(&claims));
        let own = ServerSub { room: format!("#{}", claims.sub), sub: self.room(true) };
        let rooms = if claims.sub.is_empty() { Vec::new() } else { vec![own] };
        Ok(Connected { expiry, info: claims.info, rooms, limits, ..Connected::new(claims.sub) })
    }

    async fn refresh(&self, session: &SessionInfo, token: &str) -> Result<Expiry, Rejection> {
        match read(token) {
            Ok(claims) if claims.sub == session.user => Ok(expiry(&claims)),
            Err(BadToken::Expired) => Err(CloseCode::CONNECTION_EXPIRED.into()),
            _ => Err(CloseCode::INVALID_TOKEN.into()),
        }
    }

    async fn subscribe(
        &self,
        session: &SessionInfo,
        request: SubscribeRequest,
    ) -> Result<Subscription, Rejection> {
        let namespace = request.room.split_once(':').map(|(namespace, _)| namespace);
        if self.bare && namespace.is_some_and(|namespace| namespace != "smallhistory") {
            return Err(ErrorReply::UNKNOWN_CHANNEL.into());
        }
        let mut sub = self.room(request.join_leave || !session.user.is_empty());
        if !request.token.is_empty() {
            let claims = sub_token(session, &request.room, &request.token)?;
            sub.expiry = Some(expiry(&claims));
            sub.info = claims.info;
        }
        Ok(sub)
    }

    async fn sub_refresh(&self, session: &SessionInfo, room: &str, token: &str) -> Result<Expiry, Rejection> {
        sub_token(session, room, token).map(|claims| expiry(&claims))
    }

    async fn publish(&self, _: &SessionInfo, _: &str, _: &Data) -> Result<PublishDecision, ErrorReply> {
        Ok(PublishDecision::Append)
    }

    async fn rpc(&self, _: &SessionInfo, _: &str, _: &Data) -> Result<Data, ErrorReply> {
        Err(ErrorReply::NOT_AVAILABLE)
    }

    async fn history(&self, _: &SessionInfo, _: &str) -> Result<Option<Filter>, ErrorReply> {
        Ok(None)
    }

    async fn presence(&self, _: &SessionInfo, _: &str) -> Result<(), ErrorReply> {
        if self.bare { Err(ErrorReply::NOT_AVAILABLE) } else { Ok(()) }
    }
}

/// A valid token for another user or room closes the session; an invalid one only fails the command.
fn sub_token(session: &SessionInfo, room: &str, token: &str) -> Result<Claims, Rejection> {
    match read(token) {
        Ok(claims) => {
            let is_theirs = claims.sub == session.user
                && claims.channel == room
                && claims.client.as_ref().is_none_or(|client| *client == session.client);
            if is_theirs { Ok(claims) } else { Err(CloseCode::INVALID_TOKEN.into()) }
        }
        Err(BadToken::Expired) => Err(ErrorReply::TOKEN_EXPIRED.into()),
        Err(BadToken::Invalid) => Err(ErrorReply::PERMISSION_DENIED.into()),
    }
}

#[derive(Clone)]
struct App {
    hub: Hub,
    log: Arc<MemoryLog>,
    deflate: bool,
    descriptors: Descriptors,
}

async fn connection(State(app): State<App>, request: Request) -> Response {
    socket::serve(app.hub, request, app.deflate)
}

fn permit(headers: &HeaderMap) -> Result<(), StatusCode> {
    let known = headers.get("X-API-Key").is_some_and(|key| key == API_KEY);
    known.then_some(()).ok_or(StatusCode::UNAUTHORIZED)
}

#[derive(Deserialize)]
struct Publish {
    channel: String,
    data: Data,
}

async fn publish(
    State(app): State<App>,
    headers: HeaderMap,
    Json(request): Json<Publish>,
) -> Result<Json<serde_json::Value>, StatusCode> {
    permit(&headers)?;
    let stored =
        app.log.store(&request.channel, Publication { data: request.data, ..Publication::default() });
    let offset = stored.offset;
    app.hub.publish(&request.channel, stored);
    Ok(Json(json!({"result": {"offset": offset}})))
}

#[derive(Deserialize)]
struct History {
    channel: String,
}

async fn history(
    State(app): State<App>,
    headers: HeaderMap,
    Json(request): Json<History>,
) -> Result<Json<serde_json::Value>, StatusCode> {
    permit(&headers)?;
    let page = app.log.since(&request.channel, 0, 0).await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(Json(json!({"result": {"offset": page.top, "epoch": page.epoch, "publications": []}})))
}

async fn stats(State(app): State<App>) -> Json<serde_json::Value> {
    let stats = app.hub.stats();
    Json(json!({
        "sessions": stats.sessions,
        "rooms": stats.rooms,
        "subscriptions": stats.subscriptions,
        "rpcs_running": stats.rpcs_running,
        "queue_bytes": stats.queue_bytes,
        "tasks": tokio::runtime::Handle::current().metrics().num_alive_tasks(),
        "connected": stats.connected,
        "published": stats.published,
        "delivered": stats.delivered,
        "dropped_slow": stats.dropped_slow,
        "recovered": stats.recovered,
        "unrecovered": stats.unrecovered,
        "announcements_dropped": stats.announcements_dropped,
        "panics": stats.panics,
        "connections_refused": app.descriptors.refused(),
        "descriptors_limit": app.descriptors.limit(),
        "descriptors_short": app.descriptors.are_short(),
    }))
}

/// Reserved from connections: a few to inspect the process.
const OWN_DESCRIPTORS: usize = 32;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let (flags, words): (Vec<_>, Vec<_>) = std::env::args().skip(1).partition(|arg| arg.starts_with("--"));
    let has = |name: &str| flags.iter().any(|flag| flag == name);
    let (deflate, bare) = (has("--deflate"), has("--bare"));
    let ping_ms = flags.iter().find_map(|flag| flag.strip_prefix("--ping-ms=")?.parse().ok());
    let port = words.first().map_or("8000", String::as_str);
    let keep_s = words.get(1).and_then(|text| text.parse().ok()).unwrap_or(300);
    let descriptors = Descriptors::raise(OWN_DESCRIPTORS, 0);
    // No room memory: only the small histories decide what is recovered, as the conformance suites expect.
    let mut config = HubConfig { room_memory_bytes: 0, ..HubConfig::default() };
    if let Some(ping_ms) = ping_ms {
        config.ping_interval = Duration::from_millis(ping_ms);
        config.pong_wait = config.pong_wait.min(config.ping_interval / 3);
    }
    let size = |room: &str| if room.starts_with("smallhistory:") { 2 } else { 100 };
    let log = Arc::new(MemoryLog::new(size, Duration::from_secs(keep_s), Arc::clone(&config.ids)));
    let hub = Hub::new(config, Arc::new(Open { bare }), log.clone());
    let app = Router::new()
        .route(socket::PATH, get(connection))
        .route("/api/publish", post(publish))
        .route("/api/history", post(history))
        .route("/api/stats", get(stats))
        .with_state(App { hub: hub.clone(), log, deflate, descriptors: descriptors.clone() })
        .merge(streams::routes(hub.clone(), Limits::browser().max_frame_bytes));
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("listening on {}", listener.local_addr()?);
    let door = Door::new(listener, descriptors, hub.clone(), deflate)?;
    tokio::select! {
        served = axum::serve(door, app) => served,
        () = told_to_stop() => {
            hub.drain(Duration::from_secs(5)).await;
            Ok(())
        }
    }
}

#[cfg(unix)]
async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(error) => {
            eprintln!("no SIGTERM: {error}");
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(not(unix))]
async fn told_to_stop() {
    std::future::pending().await
}
