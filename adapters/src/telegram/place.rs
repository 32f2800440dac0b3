//! Where in Telegram a message is: chat, topic, the direct messages of a channel, a business connection. One form for
//! what arrives, for what is sent in answer, and for the keys of both.
//!
//! - A topic of a forum or of a private chat is the thread `topic:{id}`. The general topic of a forum has no id and
//!   is the chat itself.
//! - The direct messages of a channel are one chat with a topic for each customer. A customer is a contact, so the
//!   conversation is `{chat}:{topic}`, and the thread is none.
//! - A business connection is the thread `business:{id}` (and `/topic:{id}` where there is one). Its message ids are
//!   those of another account, so they are in the keys together with the connection.

use serde_json::{Map, Value};

use super::wire::{Chat, Message};
use crate::{Address, Fields, json};

const TOPIC: &str = "topic:";
const BUSINESS: &str = "business:";

/// Whether a thread is a chat of an account that the bot acts for.
pub(super) fn is_business(thread: &str) -> bool {
    thread.starts_with(BUSINESS)
}

/// Where something happened or goes to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Place {
    pub(super) chat: String,
    topic: Option<i64>,
    /// A customer's topic of a channel's direct messages.
    direct: Option<i64>,
    business: Option<String>,
}

impl Place {
    pub(super) fn of(message: Message<'_>) -> Self {
        // Elsewhere `message_thread_id` also names threads of replies, to which nothing can be sent.
        let is_topic = json::flag(message.value, "is_topic_message") == Some(true);
        let topic = json::integer(message.value, "message_thread_id").filter(|_| is_topic);
        let direct = json::object(message.value, "direct_messages_topic")
            .and_then(|topic| json::integer(topic, "topic_id"));
        Self { topic, direct, ..Self::in_chat(message.chat, message.business) }
    }

    /// Where a notice about a topic is.
    pub(super) fn of_topic(message: Message<'_>) -> Self {
        let created = json::object(message.value, "forum_topic_created").map(|_| message.id);
        let topic = json::integer(message.value, "message_thread_id").or(created);
        Self { topic, ..Self::of(message) }
    }

    /// In a chat of which no more is known.
    pub(super) fn in_chat(chat: Chat<'_>, business: Option<&str>) -> Self {
        Self { chat: chat.id().to_string(), business: business.map(str::to_owned), ..Self::default() }
    }

    /// As it was given out with an event.
    pub(super) fn read(address: Address<'_>) -> Self {
        let mut place = Self { chat: address.chat.to_owned(), ..Self::default() };
        if let Some((chat, topic)) = address.chat.split_once(':')
            && let Ok(topic) = topic.parse()
        {
            chat.clone_into(&mut place.chat);
            place.direct = Some(topic);
        }
        for part in address.thread.into_iter().flat_map(|thread| thread.split('/')) {
            if let Some(topic) = part.strip_prefix(TOPIC) {
                place.topic = topic.parse().ok();
            } else if let Some(connection) = part.strip_prefix(BUSINESS) {
                place.business = Some(connection.to_owned());
            }
        }
        place
    }

    pub(super) fn conversation(&self) -> String {
        match self.direct {
            Some(topic) => format!("{}:{topic}", self.chat),
            None => self.chat.clone(),
        }
    }

    pub(super) fn thread(&self) -> Option<String> {
        let topic = self.topic.map(|topic| format!("{TOPIC}{topic}"));
        match (&self.business, topic) {
            (Some(connection), Some(topic)) => Some(format!("{BUSINESS}{connection}/{topic}")),
            (Some(connection), None) => Some(format!("{BUSINESS}{connection}")),
            (None, topic) => topic,
        }
    }

    /// The key of a message there. Ids are unique in their chat, whatever the topic.
    pub(super) fn key(&self, message: i64) -> String {
        match &self.business {
            Some(connection) => format!("{connection}:{}:{message}", self.chat),
            None => format!("{}:{message}", self.chat),
        }
    }

    pub(super) fn is_direct(&self) -> bool {
        self.direct.is_some()
    }

    pub(super) fn describe(&self, event: &mut Fields) {
        event.external_conversation_id = Some(self.conversation());
        event.thread = self.thread();
        if let Some(connection) = &self.business {
            event.set("business_connection_id", connection.as_str());
            event.connection = Some(connection.clone());
        }
    }

    /// The parameters that lead a call there.
    pub(super) fn parameters(&self) -> Map<String, Value> {
        let mut parameters = Map::new();
        // A number, or a public name.
        let chat = self.chat.parse::<i64>().map_or_else(|_| self.chat.as_str().into(), Value::from);
        parameters.insert("chat_id".into(), chat);
        if let Some(topic) = self.topic {
            parameters.insert("message_thread_id".into(), topic.into());
        }
        if let Some(topic) = self.direct {
            parameters.insert("direct_messages_topic_id".into(), topic.into());
        }
        if let Some(connection) = &self.business {
            parameters.insert("business_connection_id".into(), connection.as_str().into());
        }
        parameters
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_given_out_leads_back() {
        for (extra, conversation, thread, key) in [
            (json!({}), "7", None, "7:5"),
            (json!({"message_thread_id": 42, "is_topic_message": true}), "7", Some("topic:42"), "7:5"),
            (json!({"message_thread_id": 42}), "7", None, "7:5"),
            (json!({"direct_messages_topic": {"topic_id": 9}}), "7:9", None, "7:5"),
            (json!({"business_connection_id": "bc-1_X"}), "7", Some("business:bc-1_X"), "bc-1_X:7:5"),
            (
                json!({"business_connection_id": "bc1", "message_thread_id": 3, "is_topic_message": true}),
                "7",
                Some("business:bc1/topic:3"),
                "bc1:7:5",
            ),
        ] {
            let mut message = json!({"message_id": 5, "chat": {"id": 7, "type": "private"}});
            message.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            let place = Place::of(Message::of(&message).unwrap());
            assert_eq!((place.conversation().as_str(), place.thread().as_deref()), (conversation, thread));
            assert_eq!(place.key(5), key);
            assert_eq!(Place::read(Address { chat: conversation, thread }), place);
        }
    }
}
