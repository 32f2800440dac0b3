//! `subscribe`, by the client's command or by the server, and `sub_refresh`.

use std::{sync::Arc, time::Duration};

use super::{context::SessionContext, outcome::Outcome, state::Session, subs::Live};
use crate::{
    authority::{JoinLeave, Rejection, RoomKind, ServerSub, SessionInfo, SubscribeRequest, Subscription},
    bus,
    log::Filter,
    protocol::{
        codes::{CloseCode, ErrorReply},
        command::{Position, SubRefresh, Subscribe},
        reply::{Reply, SubscribeReply},
    },
    room::{Member, presence, recovery},
    transport::Closed,
};

/// A subscription that is being made.
pub(super) struct Entrance<'a> {
    pub(super) context: &'a Arc<SessionContext>,
    pub(super) session: &'a Arc<Session>,
    pub(super) info: &'a Arc<SessionInfo>,
    pub(super) position: Option<Position>,
    pub(super) strict: bool,
    /// The client understands deltas.
    pub(super) delta: bool,
    /// The client's own filter.
    pub(super) filter: Option<Filter>,
    pub(super) server_side: bool,
}

impl Entrance<'_> {
    /// Joins the room. On success the queue is reserved for the reply: the caller must fill it, then call `announce`.
    pub(super) async fn go(self, room: &str, grant: Subscription) -> Result<SubscribeReply, ErrorReply> {
        let Entrance { context, session, info, .. } = self;
        let left = context.time_left(grant.expiry);
        if left == Some(Duration::ZERO) {
            return Err(ErrorReply::TOKEN_EXPIRED);
        }
        let room = context.rooms.enter(room);
        let durable = grant.kind == RoomKind::Durable;
        match &grant.topic {
            Some(topic) => room.bind(topic),
            None if durable => room.bind(&room.name),
            None => {}
        }
        let filter = both(grant.filter.clone(), self.filter);
        let delta = self.delta && grant.delta && durable && filter.is_none();
        let announced = grant.join_leave != JoinLeave::Off;
        let who = (grant.presence || announced).then(|| Arc::new(info.client_info(grant.info)));
        let member = Member {
            subscriber: Arc::clone(&session.subscriber),
            form: session.form(),
            after: 0,
            filter,
            recoverable_from: grant.recoverable_from,
            delta,
            who: who.clone(),
            presence: grant.presence,
            announced,
            hears_joins: grant.join_leave == JoinLeave::Heard,
            durable,
        };
        let joined = recovery::join(&room, member, self.position.as_ref(), self.strict).await?;
        let expiry = context.deadline(left);
        session.subs.settle(Live {
            room,
            slot: joined.slot,
            server_side: self.server_side,
            durable,
            presence: grant.presence,
            filter: grant.filter,
            seen: who.map(|who| bus::Member { who, listed: grant.presence, announced }),
            expiry,
        })?;
        if expiry.is_some() {
            session.schedule_expiry();
        }
        Ok(SubscribeReply { delta, data: grant.data, ttl: left.map(seconds), ..joined.reply })
    }
}

/// The time left as the client gets it; never 0, which would mean no expiry.
pub(super) fn seconds(left: Duration) -> u32 {
    left.as_secs_f64().ceil().clamp(1.0, f64::from(u32::MAX)) as u32
}

/// Announces the join, if others see it. Called after the reply, because the client gets it as well.
pub(super) fn announce(session: &Session, room: &str) {
    let seen = |live: &Live| live.seen.clone().map(|member| (Arc::clone(&live.room), member));
    if let Some((room, member)) = session.subs.live(room, seen).flatten() {
        presence::joined(&room, &member);
    }
}

pub(super) async fn command(
    context: &Arc<SessionContext>,
    session: &Arc<Session>,
    info: &Arc<SessionInfo>,
    id: u32,
    command: Subscribe,
) -> Outcome {
    if let Err(error) = session.subs.begin(&command.channel, info.limits.max_rooms) {
        return Outcome::Reply(Reply::Error(error));
    }
    let room = command.channel.clone();
    match subscribe(context, session, info, command).await {
        Ok(reply) => {
            session.fill(session.form().reply(id, &Reply::Subscribe(reply)));
            announce(session, &room);
        }
        Err(Rejection::Reply(error)) => {
            session.subs.forget(&room);
            session.fill(session.form().reply(id, &Reply::Error(error)));
        }
        Err(Rejection::Close(code)) => return Outcome::Close(code),
    }
    Outcome::Done
}

async fn subscribe(
    context: &Arc<SessionContext>,
    session: &Arc<Session>,
    info: &Arc<SessionInfo>,
    command: Subscribe,
) -> Result<SubscribeReply, Rejection> {
    let (strict, delta) = (command.strict(), command.wants_deltas());
    let Subscribe { channel: room, token, data, recover, offset, epoch, join_leave, tf, .. } = command;
    let own = tf.map(|tf| tf.compile().ok_or(ErrorReply::BAD_REQUEST)).transpose()?;
    let request = SubscribeRequest { room: room.clone(), token, data, recover, join_leave };
    let granted = context.guarded(context.authority.subscribe(info, request)).await;
    let grant = granted.ok_or(ErrorReply::INTERNAL)??;
    let position = Some(Position { recover, offset, epoch });
    let entrance =
        Entrance { context, session, info, position, strict, delta, filter: own, server_side: false };
    entrance.go(&room, grant).await.map_err(Rejection::from)
}

/// Passes what both filters pass.
fn both(allowed: Option<Filter>, wanted: Option<Filter>) -> Option<Filter> {
    match (allowed, wanted) {
        (Some(allowed), Some(wanted)) => Some(Arc::new(move |tags| allowed(tags) && wanted(tags))),
        (one, other) => one.or(other),
    }
}

/// The application subscribes a live session.
pub(super) async fn by_server(
    context: &Arc<SessionContext>,
    session: &Arc<Session>,
    info: &Arc<SessionInfo>,
    server: ServerSub,
) {
    let ServerSub { room, sub } = server;
    match session.subs.begin(&room, info.limits.max_rooms) {
        Ok(()) => {}
        Err(error) if error == ErrorReply::LIMIT_EXCEEDED => {
            return session.queue().close(CloseCode::CHANNEL_LIMIT.into());
        }
        Err(_) => return,
    }
    let entrance = Entrance {
        context,
        session,
        info,
        position: None,
        strict: false,
        delta: false,
        filter: None,
        server_side: true,
    };
    match entrance.go(&room, sub).await {
        Ok(reply) => {
            session.fill(session.form().subscribe(&room, &reply));
            announce(session, &room);
        }
        Err(error) => {
            session.subs.forget(&room);
            session.queue().release();
            if error.temporary {
                session.queue().close(Closed::Server(CloseCode::INTERNAL));
            }
        }
    }
}

fn is_expiry(error: &ErrorReply) -> bool {
    [ErrorReply::TOKEN_EXPIRED.code, ErrorReply::EXPIRED.code].contains(&error.code)
}

pub(super) async fn refresh(
    context: &Arc<SessionContext>,
    session: &Session,
    info: &SessionInfo,
    command: SubRefresh,
) -> Outcome {
    let SubRefresh { channel: room, token } = command;
    if session.subs.live(&room, |_| ()).is_none() {
        return Outcome::Reply(Reply::Error(ErrorReply::PERMISSION_DENIED));
    }
    let refreshed = context.guarded(context.authority.sub_refresh(info, &room, &token)).await;
    let left = match refreshed.unwrap_or(Err(ErrorReply::INTERNAL.into())) {
        Ok(expiry) => context.time_left(Some(expiry)),
        Err(Rejection::Reply(error)) if is_expiry(&error) => Some(Duration::ZERO),
        Err(Rejection::Reply(error)) => return Outcome::Reply(Reply::Error(error)),
        Err(Rejection::Close(code)) => return Outcome::Close(code),
    };
    // After this error the client asks for another token. If the subscription expires before, its code makes the client
    // subscribe again, and an expired token is then answered with error 109.
    if left == Some(Duration::ZERO) {
        return Outcome::Reply(Reply::Error(ErrorReply::TOKEN_EXPIRED_COME_AGAIN));
    }
    session.subs.set_expiry(&room, context.deadline(left));
    session.schedule_expiry();
    Outcome::Reply(Reply::SubRefresh { ttl: left.map(seconds) })
}
