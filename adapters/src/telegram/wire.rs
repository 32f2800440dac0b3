//! Telegram's JSON, as far as we read it. Objects are looked at through views that find nothing where the type is
//! wrong; ids are integers of at most 64 bits.

use serde_json::Value;

use crate::json;

/// The kinds of update that we turn into events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Message,
    Edited,
    ChannelPost,
    DeletedBusiness,
    Callback,
    Reaction,
    PollAnswer,
    OwnMembership,
    Connection,
    /// Documented, and of no use to us.
    Unhandled,
}

const PARTS: &[(&str, Part)] = &[
    ("message", Part::Message),
    ("business_message", Part::Message),
    ("edited_message", Part::Edited),
    ("edited_business_message", Part::Edited),
    ("callback_query", Part::Callback),
    ("message_reaction", Part::Reaction),
    ("my_chat_member", Part::OwnMembership),
    ("deleted_business_messages", Part::DeletedBusiness),
    ("channel_post", Part::ChannelPost),
    ("edited_channel_post", Part::ChannelPost),
    ("business_connection", Part::Connection),
    ("poll_answer", Part::PollAnswer),
    ("message_reaction_count", Part::Unhandled),
    ("inline_query", Part::Unhandled),
    ("chosen_inline_result", Part::Unhandled),
    ("shipping_query", Part::Unhandled),
    ("pre_checkout_query", Part::Unhandled),
    ("purchased_paid_media", Part::Unhandled),
    ("poll", Part::Unhandled),
    ("chat_member", Part::Unhandled),
    ("chat_join_request", Part::Unhandled),
    ("chat_boost", Part::Unhandled),
    ("removed_chat_boost", Part::Unhandled),
    ("managed_bot", Part::Unhandled),
    ("guest_message", Part::Unhandled),
];

/// What the webhook is to deliver. Always sent whole: an omitted or empty list keeps the previous one, and the
/// default leaves reactions out.
pub(super) const ALLOWED_UPDATES: &[&str] = &[
    "message",
    "edited_message",
    "callback_query",
    "message_reaction",
    "poll_answer",
    "my_chat_member",
    "business_connection",
    "business_message",
    "edited_business_message",
    "deleted_business_messages",
];

/// An answer to a method call.
#[derive(Default)]
pub(super) struct Answer {
    /// Only when `ok`.
    pub(super) result: Option<Value>,
    pub(super) error_code: Option<u16>,
    pub(super) description: Option<String>,
    pub(super) retry_after_s: Option<u64>,
    pub(super) migrate_to_chat_id: Option<i64>,
}

impl Answer {
    pub(super) fn read(body: &[u8]) -> Self {
        let mut value: Value = json::document(body).unwrap_or(Value::Null);
        if value["ok"] == true {
            return Self { result: value.get_mut("result").map(Value::take), ..Self::default() };
        }
        let parameters = value.get("parameters").unwrap_or(&Value::Null);
        Self {
            result: None,
            error_code: json::unsigned(&value, "error_code").and_then(|code| u16::try_from(code).ok()),
            description: json::text(&value, "description"),
            retry_after_s: json::unsigned(parameters, "retry_after"),
            migrate_to_chat_id: json::integer(parameters, "migrate_to_chat_id"),
        }
    }
}

/// The id and the content of an update; `Err` names what is wrong with it.
pub(super) fn update(document: &Value) -> Result<(i64, Part, &Value), &'static str> {
    let id = json::integer(document, "update_id").ok_or("malformed")?;
    let mut found =
        PARTS.iter().filter_map(|(name, part)| document.get(*name).map(|content| (*part, content)));
    let (part, content) = found.next().ok_or("unknown_update")?;
    // An update has one payload. Of two, neither can be trusted to be the one that was meant.
    if found.next().is_some() {
        return Err("malformed");
    }
    if content.is_object() { Ok((id, part, content)) } else { Err("malformed") }
}

#[derive(Clone, Copy)]
pub(super) struct Chat<'a>(&'a Value);

impl<'a> Chat<'a> {
    pub(super) fn of(parent: &'a Value) -> Option<Self> {
        json::object(parent, "chat").map(Self).filter(|chat| json::integer(chat.0, "id").is_some())
    }

    pub(super) fn id(self) -> i64 {
        json::integer(self.0, "id").unwrap_or_default()
    }

    fn is(self, kind: &str) -> bool {
        self.0.get("type").and_then(Value::as_str) == Some(kind)
    }

    pub(super) fn is_channel(self) -> bool {
        self.is("channel")
    }

    /// The direct messages of a channel have the type of a group, and each customer a topic.
    pub(super) fn is_group(self) -> bool {
        (self.is("group") || self.is("supergroup")) && json::flag(self.0, "is_direct_messages") != Some(true)
    }

    pub(super) fn title(self) -> Option<String> {
        json::text(self.0, "title")
    }

    pub(super) fn is_private(self) -> bool {
        self.is("private")
    }
}

/// A user, or a chat that writes in a user's place.
#[derive(Clone, Copy)]
pub(super) struct Person<'a>(&'a Value);

impl<'a> Person<'a> {
    pub(super) fn of(parent: &'a Value, name: &str) -> Option<Self> {
        json::object(parent, name).map(Self).filter(|person| json::integer(person.0, "id").is_some())
    }

    pub(super) fn id(self) -> i64 {
        json::integer(self.0, "id").unwrap_or_default()
    }

    pub(super) fn name(self) -> Option<String> {
        let parts = ["first_name", "last_name"].map(|part| json::text(self.0, part));
        let name = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
        Some(name.trim().to_owned())
            .filter(|name| !name.is_empty())
            .or_else(|| json::text(self.0, "title"))
            .or_else(|| self.username())
    }

    pub(super) fn username(self) -> Option<String> {
        json::text(self.0, "username")
    }

    pub(super) fn language(self) -> Option<String> {
        json::text(self.0, "language_code")
    }
}

/// The account by which Telegram writes to everybody, sign-in codes among it.
const SERVICE_ACCOUNT: i64 = 777_000;

/// A message, its place and its author known.
#[derive(Clone, Copy)]
pub(super) struct Message<'a> {
    pub(super) value: &'a Value,
    pub(super) id: i64,
    pub(super) chat: Chat<'a>,
    /// The account through which it came, if it is not the bot's own.
    pub(super) business: Option<&'a str>,
}

/// Something that cannot be an id stands where one belongs.
pub(super) struct NoId;

/// The business connection that an object names, if it names one. It becomes part of keys and addresses.
pub(super) fn business_connection(value: &Value) -> Result<Option<&str>, NoId> {
    let plain = |id: &&str| {
        (1..=128).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
    };
    match value.get("business_connection_id") {
        None | Some(Value::Null) => Ok(None),
        Some(id) => id.as_str().filter(plain).map(Some).ok_or(NoId),
    }
}

impl<'a> Message<'a> {
    pub(super) fn of(value: &'a Value) -> Option<Self> {
        let id = json::integer(value, "message_id")?;
        let business = business_connection(value).ok()?;
        Some(Self { value, id, chat: Chat::of(value)?, business })
    }

    /// Anonymous admins and linked channels write as a chat; the user beside it is a stand-in shared by all of them.
    pub(super) fn author(self) -> Option<Person<'a>> {
        Person::of(self.value, "sender_chat").or_else(|| Person::of(self.value, "from"))
    }

    /// Why nobody wrote this to us: it is a post of a channel or its copy in the group beside it, Telegram's own account
    /// writes, or another bot does. Two machines that answer each other never end.
    pub(super) fn by_nobody(self) -> Option<&'static str> {
        let is_copy = json::flag(self.value, "is_automatic_forward") == Some(true);
        if self.chat.is_channel() || is_copy {
            return Some("channel");
        }
        // The user beside a chat that writes is a stand-in, and whoever answers in the direct messages of a channel
        // speaks for it.
        if json::object(self.value, "sender_chat").is_some() || self.direct_customer().is_some() {
            return None;
        }
        let from = json::object(self.value, "from")?;
        if json::integer(from, "id") == Some(SERVICE_ACCOUNT) {
            return Some("service_account");
        }
        (json::flag(from, "is_bot") == Some(true)).then_some("bot")
    }

    /// The customer whose direct messages to a channel these are.
    pub(super) fn direct_customer(self) -> Option<Person<'a>> {
        json::object(self.value, "direct_messages_topic").and_then(|topic| Person::of(topic, "user"))
    }

    pub(super) fn written_by_our_bot(self) -> bool {
        json::object(self.value, "sender_business_bot").is_some()
    }

    /// The first name of its topic, which stands in what a message of a topic "replies" to.
    pub(super) fn topic_name(self) -> Option<String> {
        let root = json::object(self.value, "reply_to_message")?;
        json::text(json::object(root, "forum_topic_created")?, "name")
    }

    /// Too old: chat and id are all that is left of it.
    pub(super) fn is_inaccessible(self) -> bool {
        json::integer(self.value, "date") == Some(0)
    }

    pub(super) fn has(self, name: &str) -> bool {
        self.value.get(name).is_some()
    }

    /// The quoted message. In a topic every message "replies" to the topic's root; that is no reply.
    pub(super) fn reply_to(self) -> Option<i64> {
        let quoted = json::object(self.value, "reply_to_message")?;
        let id = json::integer(quoted, "message_id")?;
        let is_root = json::flag(self.value, "is_topic_message") == Some(true)
            && (json::integer(self.value, "message_thread_id") == Some(id)
                || quoted.get("forum_topic_created").is_some());
        (!is_root).then_some(id)
    }
}
