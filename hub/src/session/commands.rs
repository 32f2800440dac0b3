//! Runs a client's commands, one after another, and answers each. One list of what there is;
//! the longer ones live in their own files.

use std::sync::Arc;

use super::{Session, calls::Calls, connect, history, inbox::Item, reader::refuse, subs::Sub, subscribe};
use crate::{
    CloseCode, ErrorReply, Peer, Rejection, SessionInfo,
    hub::Inner,
    lock::lock,
    presence,
    protocol::{command::Command, reply::Reply},
};

const MAX_ROOM_NAME: usize = 255;

/// What a command comes to.
pub(super) enum Outcome {
    Reply(Reply),
    /// Answered already, or never to be.
    Done,
    Close(CloseCode),
}

impl From<Result<Reply, ErrorReply>> for Outcome {
    fn from(result: Result<Reply, ErrorReply>) -> Self {
        Outcome::Reply(result.unwrap_or_else(Reply::Error))
    }
}

enum Stage {
    New(Box<Peer>),
    Connected(Calls),
    /// Connect was answered with an error; nothing after it counts.
    Refused,
}

/// Returns when the session has been closed from here.
pub(super) async fn run(inner: &Arc<Inner>, session: &Arc<Session>, peer: Box<Peer>) {
    let mut stage = Stage::New(peer);
    loop {
        session.queue.room_for_replies().await;
        match session.inbox.next().await {
            Item::Bad(why) => return refuse(session, why),
            Item::Subscribe(server) => {
                if let Stage::Connected(calls) = &stage {
                    Box::pin(subscribe::by_server(inner, session, &calls.info, *server)).await;
                }
            }
            Item::Command { id, command } => {
                if let Stage::Connected(calls) = &mut stage {
                    if let Command::Connect(_) = command {
                        return refuse(session, "second connect");
                    }
                    if !calls.within_bounds() {
                        return session.queue.close(CloseCode::TOO_MANY_REQUESTS.into());
                    }
                    match Box::pin(handle(inner, session, calls, id, command)).await {
                        Outcome::Reply(reply) => session.reply(id, &reply),
                        Outcome::Done => {}
                        Outcome::Close(code) => return session.queue.close(code.into()),
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
                    match Box::pin(connect::command(inner, session, *peer, id, *command)).await {
                        Ok(info) => stage = Stage::Connected(Calls::new(info)),
                        Err(Rejection::Reply(error)) => {
                            session.fill(session.form.reply(id, &Reply::Error(error)));
                        }
                        Err(Rejection::Close(code)) => return session.queue.close(code.into()),
                    }
                }
            }
        }
    }
}

async fn handle(
    inner: &Arc<Inner>,
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
        Command::Subscribe(command) => subscribe::command(inner, session, info, id, *command).await,
        Command::Unsubscribe(command) => {
            session.leave_room(inner, &command.channel);
            Outcome::Reply(Reply::Unsubscribe)
        }
        Command::Publish(command) => calls.publish(inner, session, command).await,
        Command::Presence(command) => listed(inner, session, info, &command.channel)
            .await
            .map(|room| Reply::Presence(room.map(|room| presence::list(&room)).unwrap_or_default()))
            .into(),
        Command::PresenceStats(command) => listed(inner, session, info, &command.channel)
            .await
            .map(|room| {
                let (clients, users) = room.map(|room| presence::count(&room)).unwrap_or_default();
                Reply::PresenceStats { clients, users }
            })
            .into(),
        Command::History(command) => history::command(inner, session, info, *command).await.into(),
        Command::Rpc(command) => calls.rpc(inner, session, id, command).await,
        Command::Send(command) => calls.message(inner, command).await,
        Command::Refresh(command) => connect::refresh(inner, session, info, command).await,
        Command::SubRefresh(command) => subscribe::refresh(inner, session, info, command).await,
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

/// The room whose presence may be seen, if there is one at all now.
async fn listed(
    inner: &Arc<Inner>,
    session: &Session,
    info: &SessionInfo,
    name: &str,
) -> Result<Option<Arc<crate::room::Room>>, ErrorReply> {
    let subscribed = match lock(&session.subs).get(name) {
        Some(Sub::Live(live)) => Some(live.presence),
        _ => None,
    };
    match subscribed {
        Some(true) => {}
        Some(false) => return Err(ErrorReply::NOT_AVAILABLE),
        None => {
            let allowed = inner.guarded(inner.authority.presence(info, name)).await;
            allowed.unwrap_or(Err(ErrorReply::INTERNAL))?;
        }
    }
    Ok(inner.rooms.get(name))
}
