//! The socket's rules and methods. `SocketRules` is what the hub asks: who may connect, which rooms, which
//! calls. The methods stand in one flat list in [`call`]; each runs the same verb as its HTTP twin.
//!
//! To add a method: an arm in [`call`], a function in the file of its noun, a line in `rpc/socket.md`.

mod conversation;
mod inbox;
mod refusal;
mod responder;
mod rules;

use hub::{ErrorReply, SessionInfo};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::{RawValue, to_raw_value};

pub use rules::SocketRules;

use crate::error::Error;

/// The document of the methods and pushes, for people.
pub const DOCUMENT: &str = include_str!("rpc/socket.md");

/// The result of a method that has nothing to tell.
#[derive(Serialize)]
struct Nothing {}

/// Runs a method for a session.
async fn call(
    rules: &SocketRules,
    session: &SessionInfo,
    method: &str,
    data: &RawValue,
) -> Result<Box<RawValue>, ErrorReply> {
    let done = match method {
        "inbox.list" => answer(inbox::list(rules, session, arguments(data)?).await),
        "inbox.counts" => answer(inbox::counts(rules, session, arguments(data)?).await),
        "contact.find" => answer(inbox::find_contacts(rules, session, arguments(data)?).await),
        "message.send" => answer(conversation::send(rules, session, arguments(data)?).await),
        "note.add" => answer(conversation::note(rules, session, arguments(data)?).await),
        "conversation.take_over" => answer(conversation::take_over(rules, session, arguments(data)?).await),
        "conversation.hand_back" => answer(conversation::hand_back(rules, session, arguments(data)?).await),
        "conversation.close" => answer(conversation::close(rules, session, arguments(data)?).await),
        "conversation.reopen" => answer(conversation::reopen(rules, session, arguments(data)?).await),
        "conversation.assign" => answer(conversation::assign(rules, session, arguments(data)?).await),
        "conversation.read" => answer(conversation::read(rules, session, arguments(data)?).await),
        "conversation.typing" => answer(conversation::typing(rules, session, arguments(data)?).await),
        "turn.flush" => answer(conversation::flush_turn(rules, session, arguments(data)?).await),
        "turn.delta" => answer(responder::delta(rules, session, arguments(data)?).await),
        "turn.reply" => answer(responder::reply(rules, session, arguments(data)?).await),
        "turn.extend" => answer(responder::extend(rules, session, arguments(data)?).await),
        "turn.handoff" => answer(responder::handoff(rules, session, arguments(data)?).await),
        "turn.fail" => answer(responder::fail(rules, session, arguments(data)?).await),
        "responder.capacity" => answer(responder::capacity(rules, session, &arguments(data)?)),
        _ => return Err(ErrorReply::METHOD_NOT_FOUND),
    };
    done.map_err(|error| refusal::reply(&error))?
}

/// Reads the arguments of a method; a wrong one is named.
fn arguments<T: DeserializeOwned>(data: &RawValue) -> Result<T, ErrorReply> {
    serde_json::from_str(data.get()).map_err(|error| ErrorReply::new(400, format!("the arguments: {error}")))
}

fn answer<T: Serialize>(result: Result<T, Error>) -> Result<Result<Box<RawValue>, ErrorReply>, Error> {
    Ok(to_raw_value(&result?).map_err(|_| ErrorReply::INTERNAL))
}
