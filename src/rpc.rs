//! The socket's rules and methods. `SocketRules` is what the hub asks: who may connect, which rooms, which
//! calls. The methods stand in one flat list, `methods!`; each runs the same verb as its HTTP twin.
//!
//! To add a method: a line in `methods!`, a function in the file of its noun, a line in `rpc/socket.md`.

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

use crate::document;
use crate::error::Error;

/// The document of the methods and pushes, for people.
pub const DOCUMENT: &str = include_str!("rpc/socket.md");

/// The result of a method that has nothing to tell.
#[derive(Serialize)]
struct Nothing {}

/// The flat list: [`METHODS`], and `call`, which runs one for a session.
macro_rules! methods {
    ($($name:literal => $run:path),* $(,)?) => {
        /// The names of all methods.
        pub const METHODS: &[&str] = &[$($name),*];

        async fn call(
            rules: &SocketRules,
            session: &SessionInfo,
            method: &str,
            data: &RawValue,
        ) -> Result<Box<RawValue>, ErrorReply> {
            let done = match method {
                $($name => answer($run(rules, session, arguments(data)?).await),)*
                _ => return Err(ErrorReply::METHOD_NOT_FOUND),
            };
            done.map_err(|error| refusal::reply(&error))?
        }
    };
}

methods! {
    "inbox.list" => inbox::list,
    "inbox.counts" => inbox::counts,
    "contact.find" => inbox::find_contacts,
    "message.send" => conversation::send,
    "note.add" => conversation::note,
    "conversation.take_over" => conversation::take_over,
    "conversation.hand_back" => conversation::hand_back,
    "conversation.close" => conversation::close,
    "conversation.reopen" => conversation::reopen,
    "conversation.assign" => conversation::assign,
    "conversation.read" => conversation::read,
    "conversation.typing" => conversation::typing,
    "turn.flush" => conversation::flush_turn,
    "turn.delta" => responder::delta,
    "turn.reply" => responder::reply,
    "turn.extend" => responder::extend,
    "turn.handoff" => responder::handoff,
    "turn.fail" => responder::fail,
    "responder.capacity" => responder::capacity,
}

/// Reads the arguments of a method; a wrong one is named.
fn arguments<T: DeserializeOwned>(data: &RawValue) -> Result<T, ErrorReply> {
    document::read(data.get().as_bytes()).map_err(|refused| {
        let about = if refused.field.is_none() { "the arguments: " } else { "" };
        ErrorReply::new(400, format!("{about}{}", refused.text()))
    })
}

fn answer<T: Serialize>(result: Result<T, Error>) -> Result<Result<Box<RawValue>, ErrorReply>, Error> {
    Ok(to_raw_value(&result?).map_err(|_| ErrorReply::INTERNAL))
}
