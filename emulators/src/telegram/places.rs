//! The chats and places (topics, direct messages, business connections) of the emulated Bot API, and the errors of a
//! call that names a wrong place or none.

use serde_json::{Value, json};

use super::{place::Place, refusal::Refusal, state::State};

impl State {
    /// Registers the chat, the place and the message of an update that a test delivers as a body.
    pub(super) fn learn(&mut self, kind: &str, content: &Value) {
        let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        if kind == "business_connection" {
            let owner = content.get("user").and_then(|user| user.get("id")?.as_i64());
            if let (Some(id), Some(owner)) = (text(content, "id"), owner) {
                if content.get("is_enabled") == Some(&json!(true)) {
                    self.connections.insert(id, owner);
                } else {
                    self.connections.remove(&id);
                }
            }
            return;
        }
        if let Some(id) = text(content, "id").filter(|_| kind == "callback_query") {
            self.presses.entry(id).or_insert(i64::MAX);
        }
        let message = content.get("message").filter(|_| kind == "callback_query").unwrap_or(content);
        let Some(id) = message.get("chat").and_then(|chat| chat.get("id")?.as_i64()) else { return };
        let place = Place::of(message);
        let chat = self.chat(id);
        chat.others.extend(message.get("message_id").and_then(Value::as_i64));
        chat.is_own |= !matches!(place, Some(Place::Business(_)));
        chat.places.extend(place);
    }

    /// The place that a call names, or Telegram's error if the chat does not have it.
    pub(super) fn place(&self, chat: i64, parameters: &Value) -> Result<Option<Place>, Refusal> {
        let place = Place::of(parameters);
        let known = self.chats.get(&chat);
        match &place {
            Some(Place::Business(connection)) if !self.connections.contains_key(connection) => {
                return Err(Refusal::bad("business connection not found"));
            }
            _ if known.is_none() => return Err(Refusal::bad("chat not found")),
            // A business account's customer has not written to the bot itself.
            None | Some(Place::Topic(_) | Place::Direct(_)) if known.is_some_and(|chat| !chat.is_own) => {
                return Err(Refusal::bad("chat not found"));
            }
            None if known
                .is_some_and(|chat| chat.places.iter().any(|place| matches!(place, Place::Direct(_)))) =>
            {
                return Err(Refusal::bad("direct messages topic must be specified"));
            }
            Some(place) if known.is_some_and(|chat| !chat.places.contains(place)) => {
                let words = match place {
                    Place::Business(_) => "BUSINESS_PEER_INVALID",
                    Place::Direct(_) => "direct messages topic not found",
                    Place::Topic(_) => "message thread not found",
                };
                return Err(Refusal::bad(words));
            }
            _ => {}
        }
        Ok(place)
    }
}
