//! Places in a chat: topics, direct messages of a channel, business connections; which there are, and what the real API
//! says to a call that names a wrong one or none.

use serde_json::{Value, json};

use super::{api::Refusal, state::State};

/// Where in a chat something was said.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A topic of a forum or of a private chat.
    Topic(i64),
    /// The conversation of one customer with a channel.
    Direct(i64),
    /// Through the account of a business.
    Business(String),
}

impl Place {
    /// The members of a message that was said there.
    pub(super) fn parts(&self, chat: i64) -> Value {
        match self {
            Self::Topic(topic) => json!({ "message_thread_id": topic, "is_topic_message": true }),
            Self::Direct(topic) => json!({
                "chat": { "id": chat, "type": "supergroup", "title": "Channel chat", "is_direct_messages": true },
                "direct_messages_topic": {
                    "topic_id": topic, "user": { "id": topic, "is_bot": false, "first_name": "Customer" },
                },
                "from": { "id": topic, "is_bot": false, "first_name": "Customer" },
            }),
            Self::Business(connection) => json!({ "business_connection_id": connection }),
        }
    }

    /// The one that a call or a message names.
    fn of(value: &Value) -> Option<Self> {
        let number = |name: &str| value.get(name).and_then(Value::as_i64);
        if let Some(connection) = value.get("business_connection_id").and_then(Value::as_str) {
            return Some(Self::Business(connection.to_owned()));
        }
        let direct = value.get("direct_messages_topic").and_then(|topic| topic.get("topic_id")?.as_i64());
        if let Some(topic) = number("direct_messages_topic_id").or(direct) {
            return Some(Self::Direct(topic));
        }
        number("message_thread_id").map(Self::Topic)
    }
}

impl State {
    /// Takes notice of the chat, the place and the message of an update that was made elsewhere.
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

    /// The place that a call names, if the chat has it.
    pub(super) fn place(&self, chat: i64, parameters: &Value) -> Result<Option<Place>, Refusal> {
        let place = Place::of(parameters);
        let known = self.chats.get(&chat);
        match &place {
            Some(Place::Business(connection)) if !self.connections.contains_key(connection) => {
                return Err(Refusal::bad("business connection not found"));
            }
            _ if known.is_none() => return Err(Refusal::bad("chat not found")),
            // A customer of the account has not written to the bot itself.
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
