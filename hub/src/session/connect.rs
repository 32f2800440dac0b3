//! `connect` and `refresh`: who the session is, until when, and its server-side subscriptions.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream};
use tokio::time::Instant;

use super::{
    context::SessionContext,
    outcome::Outcome,
    state::Session,
    subscribe::{self, Entrance},
};
use crate::{
    authority::{ConnectRequest, Connected, Peer, Rejection, ServerSub, SessionInfo},
    protocol::{
        codes::{CloseCode, ErrorReply},
        command::{Connect, Refresh},
        reply::{ConnectReply, EmulationAddress, Reply, SubscribeReply},
    },
    stats::count,
};

/// Rooms of one session that are entered at a time.
const ROOMS_AT_ONCE: usize = 32;

/// Asks the authority. Load is shed here, before the connect reply, because clients back off only then.
pub(super) async fn command(
    context: &Arc<SessionContext>,
    session: &Arc<Session>,
    peer: Peer,
    id: u32,
    mut command: Connect,
) -> Result<Arc<SessionInfo>, Rejection> {
    let began = Instant::now();
    let _slot = context.admission.slot().await?;
    let positions = std::mem::take(&mut command.subs);
    let resumes = positions.keys().cloned().collect();
    let Connect { token, data, name, version, headers, .. } = command;
    let request = ConnectRequest { token, data, name, version, headers, resumes };
    let asked = context.guarded(context.authority.connect(&peer, session.id, request)).await;
    let connected = asked.ok_or(ErrorReply::INTERNAL)??;
    let left = context.time_left(connected.expiry);
    if left == Some(Duration::ZERO) {
        return Err(ErrorReply::TOKEN_EXPIRED.into());
    }

    let Connected { user, info, data, rooms, limits, meta, .. } = connected;
    let client = session.id.to_string();
    session.queue().set_limit(limits.max_queue_bytes);
    let fresh = SessionInfo { id: session.id, user, client: client.clone(), peer, info, limits, meta };
    // From now on the application can push to the session, but nothing may go out before the reply.
    session.queue().reserve();
    let info = Arc::clone(session.info.get_or_init(|| Arc::new(fresh)));

    // From now on a revocation finds the session by its info; this is for one that came before.
    if let Some(code) = context.admission.revoked_since(&info, began) {
        return Err(code.into());
    }

    let mut entrances = Vec::with_capacity(rooms.len());
    for ServerSub { room, sub } in rooms {
        match session.subs.begin(&room, info.limits.max_rooms) {
            Ok(()) => {}
            Err(error) if error == ErrorReply::LIMIT_EXCEEDED => return Err(CloseCode::CHANNEL_LIMIT.into()),
            Err(_) => continue,
        }
        let position = positions.get(&room).cloned();
        let entrance = Entrance {
            context,
            session,
            info: &info,
            position,
            strict: false,
            delta: false,
            filter: None,
            server_side: true,
        };
        entrances.push(async move {
            let entered = entrance.go(&room, sub).await;
            (room, entered)
        });
    }
    // Each may wait for the log: one after the other they would take as long as there are rooms.
    let mut subs: Vec<(String, SubscribeReply)> = Vec::with_capacity(entrances.len());
    let mut entering = stream::iter(entrances).buffered(ROOMS_AT_ONCE);
    while let Some((room, entered)) = entering.next().await {
        match entered {
            Ok(reply) => subs.push((room, reply)),
            // Revoked meanwhile.
            Err(error) if error == ErrorReply::PERMISSION_DENIED => session.subs.forget(&room),
            Err(_) => return Err(CloseCode::INTERNAL.into()),
        }
    }
    drop(entering);

    let entered: Vec<String> = subs.iter().map(|(room, _)| room.clone()).collect();
    let reply = ConnectReply {
        client,
        version: context.config.version.clone(),
        ttl: left.map(subscribe::seconds),
        data,
        subs,
        ping_s: (!session.native_pings).then(|| subscribe::seconds(context.config.ping_interval)),
        emulation: session.secret.map(|secret| EmulationAddress {
            session: secret.simple().to_string(),
            node: context.config.node.clone(),
        }),
        time_ms: (context.config.clock)(),
    };
    session.fill(session.form().reply(id, &Reply::Connect(Box::new(reply))));
    count(&context.counters.connected);
    let expiry = context.deadline(left);
    session.timers.connected(&context.config, context.started, session.id.0.as_u128(), expiry);
    session.schedule_expiry();
    for room in entered {
        subscribe::announce(session, &room);
    }
    Ok(info)
}

pub(super) async fn refresh(
    context: &Arc<SessionContext>,
    session: &Session,
    info: &SessionInfo,
    command: Refresh,
) -> Outcome {
    let refreshed = context.guarded(context.authority.refresh(info, &command.token)).await;
    let left = match refreshed.unwrap_or(Err(ErrorReply::INTERNAL.into())) {
        Ok(expiry) => context.time_left(Some(expiry)),
        Err(Rejection::Reply(error)) => return Outcome::Reply(Reply::Error(error)),
        Err(Rejection::Close(code)) => return Outcome::Close(code),
    };
    // An error reply is final for clients; after this close code they reconnect with another token.
    if left == Some(Duration::ZERO) {
        return Outcome::Close(CloseCode::CONNECTION_EXPIRED);
    }
    session.timers.set_expiry(context.deadline(left));
    let (client, version) = (info.client.clone(), context.config.version.clone());
    Outcome::Reply(Reply::Refresh { client, version, ttl: left.map(subscribe::seconds) })
}
