//! A place in a chat: a topic, the direct messages of a channel, or a business connection.

use serde_json::{Value, json};

/// The part of a chat that a message belongs to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A topic of a forum or of a private chat.
    Topic(i64),
    /// The conversation of one customer with a channel.
    Direct(i64),
    /// A chat of a connected business account, by the connection's id.
    Business(String),
}

impl Place {
    /// The JSON members of a message in this place.
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

    /// The place in a call's parameters or in a message.
    pub(super) fn of(value: &Value) -> Option<Self> {
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
