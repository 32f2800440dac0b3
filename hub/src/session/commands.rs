//! Runs a client's commands, one after another, and answers each. The longer ones have their own files.

use std::sync::Arc;

use super::{
    calls::Calls, connect, context::SessionContext, history, inbox::Item, outcome::Outcome, reader::refuse,
    state::Session, subscribe,
};
use crate::{
    authority::{Peer, Rejection, SessionInfo},
    protocol::{
        codes::{CloseCode, ErrorReply},
        command::Command,
        reply::Reply,
    },
    room::{Room, presence},
};

const MAX_ROOM_NAME: usize = 255;

enum Stage {
    New(Box<Peer>),
    Connected(Calls),
    /// Connect was answered with an error; further commands are ignored.
    Refused,
}

/// Returns when a command has closed the session.
pub(super) async fn run(context: &Arc<SessionContext>, session: &Arc<Session>, peer: Box<Peer>) {
    let mut stage = Stage::New(peer);
    loop {
        session.queue().room_for_replies().await;
        match session.inbox.next().await {
            Item::Bad(why) => return refuse(session, why),
            Item::Subscribe(server) => {
                if let Stage::Connected(calls) = &stage {
                    Box::pin(subscribe::by_server(context, session, &calls.info, *server)).await;
                }
            }
            Item::Command { id, command } => {
                if let Stage::Connected(calls) = &mut stage {
                    if let Command::Connect(_) = command {
                        return refuse(session, "second connect");
                    }
                    if !calls.within_bounds() {
                        return session.queue().close(CloseCode::TOO_MANY_REQUESTS.into());
                    }
                    match Box::pin(handle(context, session, calls, id, command)).await {
                        Outcome::Reply(reply) => session.reply(id, &reply),
                        Outcome::Done => {}
                        Outcome::Close(code) => return session.queue().close(code.into()),
                    }
                } else if let Stage::New(peer) = std::mem::replace(&mut stage, Stage::Refused) {
                    let command = match command {
                        Command::Connect(command) => command,
                        Command::Unreadable => {
                            session.reply(id, &Reply::Error(ErrorReply::BAD_REQUEST));
                            continue;
                        }
                        _ => return refuse(session, "first command is not connect"),
                    };
                    match Box::pin(connect::command(context, session, *peer, id, *command)).await {
                        Ok(info) => stage = Stage::Connected(Calls::new(info)),
                        Err(Rejection::Reply(error)) => {
                            session.fill(session.form().reply(id, &Reply::Error(error)));
                        }
                        Err(Rejection::Close(code)) => return session.queue().close(code.into()),
                    }
                }
            }
        }
    }
}

async fn handle(
    context: &Arc<SessionContext>,
    session: &Arc<Session>,
    calls: &mut Calls,
    id: u32,
    command: Command,
) -> Outcome {
    match named_room(&command) {
        Some("") => return Outcome::Close(CloseCode::BAD_REQUEST),
        Some(room) if room.len() > MAX_ROOM_NAME => {
            return Outcome::Reply(Reply::Error(ErrorReply::BAD_REQUEST));
        }
        _ => {}
    }
    let info = &Arc::clone(&calls.info);
    match command {
        Command::Subscribe(command) => subscribe::command(context, session, info, id, *command).await,
        Command::Unsubscribe(command) => {
            session.subs.leave(&command.channel);
            Outcome::Reply(Reply::Unsubscribe)
        }
        Command::Publish(command) => calls.publish(context, session, command).await,
        Command::Presence(command) => listed(context, session, info, &command.channel)
            .await
            .map(|room| Reply::Presence(room.map(|room| presence::list(&room)).unwrap_or_default()))
            .into(),
        Command::PresenceStats(command) => listed(context, session, info, &command.channel)
            .await
            .map(|room| {
                let (clients, users) = room.map(|room| presence::count(&room)).unwrap_or_default();
                Reply::PresenceStats { clients, users }
            })
            .into(),
        Command::History(command) => history::command(context, session, info, *command).await.into(),
        Command::Rpc(command) => calls.rpc(context, session, id, command).await,
        Command::Send(command) => calls.message(context, command).await,
        Command::Refresh(command) => connect::refresh(context, session, info, command).await,
        Command::SubRefresh(command) => subscribe::refresh(context, session, info, command).await,
        Command::Ping => Outcome::Reply(Reply::Error(ErrorReply::NOT_AVAILABLE)),
        Command::Unreadable => Outcome::Reply(Reply::Error(ErrorReply::BAD_REQUEST)),
        Command::Connect(_) => Outcome::Close(CloseCode::BAD_REQUEST),
    }
}

fn named_room(command: &Command) -> Option<&str> {
    match command {
        Command::Subscribe(c) => Some(&c.channel),
        Command::Publish(c) => Some(&c.channel),
        Command::History(c) => Some(&c.channel),
        Command::SubRefresh(c) => Some(&c.channel),
        Command::Unsubscribe(c) | Command::Presence(c) | Command::PresenceStats(c) => Some(&c.channel),
        Command::Connect(_)
        | Command::Rpc(_)
        | Command::Send(_)
        | Command::Refresh(_)
        | Command::Unreadable
        | Command::Ping => None,
    }
}

/// The room, if the session may read its presence; `None` if there is no such room now.
async fn listed(
    context: &Arc<SessionContext>,
    session: &Session,
    info: &SessionInfo,
    name: &str,
) -> Result<Option<Arc<Room>>, ErrorReply> {
    match session.subs.live(name, |live| live.presence) {
        Some(true) => {}
        Some(false) => return Err(ErrorReply::NOT_AVAILABLE),
        None => {
            let allowed = context.guarded(context.authority.presence(info, name)).await;
            allowed.unwrap_or(Err(ErrorReply::INTERNAL))?;
        }
    }
    Ok(context.rooms.get(name))
}
