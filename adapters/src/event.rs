//! What a body tells the hub: one value for each thing that happened, with the fields that such a thing has, and with no
//! provider's own words. Says nothing about what the hub does with it.

mod from_fields;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Address, HealthState};

/// The body was not JSON at all, or has far more values than its size allows. Everything else that is JSON parses into
/// events, if only into [`Event::Ignored`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the body cannot be read as JSON: {0}")]
pub struct NotJson(pub String);

/// What the hub knows from its own database when it parses. An absent fact refuses nothing.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Context {
    /// Telegram: business connection id → user id of the account's owner (a number or text in JSON).
    pub business_connection_owner: BTreeMap<String, Value>,
    /// Messenger: the page.
    pub page_id: Option<Value>,
    /// Messenger, Instagram: our app, whose echoes are of our own sends (a number or text in JSON).
    pub our_app_id: Option<Value>,
    pub ig_account_id: Option<Value>,
    /// WhatsApp Cloud: the numbers that are connected.
    pub known_phone_number_ids: Option<Vec<Value>>,
    /// Gmail: the account's address.
    pub mailbox: Option<String>,
    /// Gmail: from where on history was last read.
    pub stored_history_id: Option<Value>,
    /// Stripe: which kind of events the endpoint is for.
    pub expected_livemode: Option<bool>,
    /// Stripe: the connected accounts.
    pub known_accounts: Option<Vec<Value>>,
}

/// Shown for a reaction that is no text: a picture of its own, and whatever is invented next.
pub const REACTION_STAND_IN: &str = "✨";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Inbound,
    /// An echo of a message of ours.
    Outbound,
}

/// Who wrote an outbound message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// We sent it: it has to match a stored outgoing message.
    OurApi,
    /// A person answered elsewhere.
    HumanDevice,
    OtherApp,
}

/// State of an outgoing message. Never goes backwards; `Failed` replaces only `Pending` and `Sent`, and a later
/// `Delivered` or better replaces `Failed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Pending,
    Sent,
    Delivered,
    Read,
    Played,
    Failed,
}

impl Status {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Played => "played",
            Self::Failed => "failed",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaKind {
    Image,
    Audio,
    Voice,
    Video,
    Document,
    Sticker,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaState {
    /// Can be fetched now.
    Ready,
    /// The provider has not downloaded it; [`Provider::fetch`](crate::Provider::fetch) asks it to.
    Pending,
    /// Too large for the provider's API, or lost: keep the name and the size, and say so.
    Unavailable,
}

/// A file of a message, to be fetched with [`Provider::fetch`](crate::Provider::fetch).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MediaRef {
    pub kind: MediaKind,
    pub mime: Option<String>,
    pub name: Option<String>,
    pub size: Option<u64>,
    pub state: MediaState,
    /// How the provider finds the file again. Never a token, key or address that carries one, so it may be stored.
    pub reference: Value,
}

/// One thing that a body tells.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Somebody wrote something.
    Message(Box<NewMessage>),
    /// Something happened to a message, which may not have come yet.
    Change(Box<Change>),
    /// How far a message of ours has come.
    Receipt(Box<Receipt>),
    /// How far all messages of ours in a chat have come.
    Watermark(Watermark),
    /// A customer writes, or no longer. Shown to those who look, and stored nowhere.
    Typing(Typing),
    /// The provider holds what it does not deliver: it has to be asked for [news](crate::Provider::news).
    HasNews,
    /// How the account does.
    Health(AccountHealth),
    /// An account lets the bot act in its place, or no longer.
    Connection(Connection),
    /// The customer, or a group, lets the bot write, or no longer.
    Permission(Permission),
    /// A chat, or a place in it, has this name from now on.
    Title(Box<Title>),
    /// The provider gave a chat another id.
    Renamed(Renamed),
    /// Something led a customer into a chat, and nobody wrote anything.
    Referred(Box<Referred>),
    /// Nothing that the hub acts on: presence, calls, votes.
    Noted,
    /// Nothing that a person wrote, or nothing that can be read; and why.
    Ignored(String),
}

/// Who told something, and when.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Told {
    /// When it happened, Unix milliseconds: the message's writing, and for a change the change's own time.
    pub at_ms: Option<i64>,
    /// When the provider told it, Unix milliseconds: long after `at_ms` for what it kept while it could not.
    pub told_ms: Option<i64>,
    /// Identity of the delivery, the same over its repetitions. The same message may still come under two of them.
    pub delivery: Option<String>,
}

/// The chat in which something was written, and the place in it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Chat {
    /// The provider's id.
    pub id: String,
    /// See [`Fields::thread`](crate::Fields::thread).
    pub thread: Option<String>,
    pub is_group: bool,
    /// The name of a group.
    pub title: Option<String>,
    /// The name of `thread`: in a message the name that it had at first.
    pub thread_title: Option<String>,
}

impl Chat {
    pub fn address(&self) -> Address<'_> {
        Address { chat: &self.id, thread: self.thread.as_deref() }
    }
}

/// What a body says of a person.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Person {
    /// The provider's id.
    pub id: Option<String>,
    /// Another id of the same person (a phone beside a hidden id), to merge contacts by.
    pub other_id: Option<String>,
    pub name: Option<String>,
    /// Digits only, where the provider vouches for it.
    pub phone: Option<String>,
    /// The public name by which a person can be found, without `@`.
    pub handle: Option<String>,
}

/// An entry of a conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct NewMessage {
    /// Its identity within its channel: [`Fields::message_key`](crate::Fields::message_key).
    pub key: String,
    /// The provider's id, to quote it by.
    pub id: Option<String>,
    pub chat: Chat,
    pub sender: Person,
    pub author: Author,
    pub told: Told,
    pub content: Content,
    /// The quoted message, in the space of `key`.
    pub reply_key: Option<String>,
    /// The body does not tell the place in the chat: it is that of `reply_key`'s message, and that of `chat` only if that
    /// message is not known.
    pub is_where_reply_is: bool,
    /// A pressed button waits for [`acknowledge`](crate::Provider::acknowledge).
    pub awaits_answer: bool,
    /// The connection through which it came, if the [`Context`] has to know its owner.
    pub connection: Option<String>,
    /// It is kept and shown, and no machine answers it.
    pub no_answer: Option<NoAnswer>,
    /// [`Outgoing::our_reference`](crate::Outgoing::our_reference) of the send that it is the echo of.
    pub our_reference: Option<String>,
}

/// Why no machine answers a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoAnswer {
    /// A machine wrote it: a notice of absence, a bounce, a mailing list.
    Automatic,
    /// Another app has the conversation.
    Standby,
    /// It is from before the account was connected.
    History,
    /// Somebody else wrote it into the customer's thread. No provider says so: the application knows the customer.
    Stranger,
}

/// Who wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    Customer,
    /// We sent it: it has to match a stored outgoing message.
    Us,
    /// A person of the business, on a phone or in another app of the provider's.
    Phone,
    OtherApp,
    /// It left the business, and the provider does not say who wrote it.
    Business,
}

/// What a message says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Content {
    pub kind: ContentKind,
    pub text: Option<String>,
    pub media: Vec<MediaRef>,
    /// What else people and the AI need to understand it: [`Fields::data`](crate::Fields::data).
    pub data: Map<String, Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ContentKind {
    Text,
    Image,
    Audio,
    Voice,
    Video,
    Document,
    Sticker,
    Location,
    Contacts,
    Interactive,
    Order,
    /// A person wrote it, and it cannot be read.
    #[default]
    Unsupported,
}

/// Something that happened to a message. Changes of one message are ordered by their own time, and those of one time by
/// their delivery.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The message, in the space of [`NewMessage::key`].
    pub target_key: String,
    pub chat: Option<Chat>,
    pub by: Person,
    /// The business did it.
    pub by_us: bool,
    pub told: Told,
    pub what: What,
    /// See [`NewMessage::connection`].
    pub connection: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// `kind` is there if the edit tells the whole message as it is now: then a kind that has files, without any, leaves
    /// them as they were.
    Edited {
        kind: Option<ContentKind>,
        text: Option<String>,
        media: Vec<MediaRef>,
        data: Map<String, Value>,
    },
    Deleted,
    /// Nothing when it was taken back.
    Reacted(Option<Reaction>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Reaction {
    pub emoji: String,
    /// The provider's id of a picture that `emoji` stands for.
    pub custom: Option<String>,
}

/// The state of a message that left through this channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Receipt {
    /// The message, in the space of [`NewMessage::key`].
    /// The same as `our_reference` where the provider tells no other name of the message.
    pub target_key: String,
    pub status: Status,
    /// It is the state of one participant of a group only.
    pub partial: bool,
    /// Why it failed: a name as [`SendOutcome::Rejected`](crate::SendOutcome::Rejected) has it, and words for people.
    pub code: Option<String>,
    pub reason: Option<String>,
    /// [`Outgoing::our_reference`](crate::Outgoing::our_reference) of the send: it is known before `target_key` is.
    pub our_reference: Option<String>,
    pub told: Told,
}

/// The state of every message of a chat that left by then.
#[derive(Debug, Clone, PartialEq)]
pub struct Watermark {
    /// The chat's id at the provider.
    pub chat: String,
    pub status: Status,
    /// Unix milliseconds.
    pub until_ms: i64,
    /// Messages that it names besides, in the space of [`NewMessage::key`]. It covers these whatever the clocks say.
    pub named: Vec<String>,
    pub told: Told,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Typing {
    pub chat: Chat,
    pub on: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct AccountHealth {
    pub state: HealthState,
    /// The provider's own word for it.
    pub detail: Option<String>,
    pub told: Told,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Connection {
    pub id: String,
    /// The id of the account's owner, who is the business in chats that come through the connection.
    pub owner: Option<String>,
    pub enabled: bool,
    pub at_ms: Option<i64>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Permission {
    pub chat: String,
    pub may_write: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Title {
    pub chat: Chat,
    pub told: Told,
}

/// What led a customer into a chat, without a message.
#[derive(Debug, Clone, PartialEq)]
pub struct Referred {
    pub chat: Chat,
    pub told: Told,
    /// `referral` and `ad`, as a message has them: [`Fields::data`](crate::Fields::data).
    pub data: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Renamed {
    pub from: String,
    pub to: String,
}

impl Event {
    pub fn is_ignored(&self) -> bool {
        matches!(self, Self::Ignored(_))
    }

    /// Kept as a body only: nothing changes by it.
    pub fn is_idle(&self) -> bool {
        matches!(self, Self::Ignored(_) | Self::Noted)
    }

    /// The connection through which it came, if the [`Context`] has to know its owner.
    pub fn connection(&self) -> Option<&str> {
        match self {
            Self::Message(message) => message.connection.as_deref(),
            Self::Change(change) => change.connection.as_deref(),
            _ => None,
        }
    }

    /// It is told (again) at this time, Unix milliseconds.
    pub fn tell_at(&mut self, at_ms: i64) {
        match self {
            Self::Message(message) => message.told.told_ms = Some(at_ms),
            Self::Change(change) => change.told.told_ms = Some(at_ms),
            Self::Receipt(receipt) => receipt.told.told_ms = Some(at_ms),
            Self::Watermark(watermark) => watermark.told.told_ms = Some(at_ms),
            Self::Referred(referred) => referred.told.told_ms = Some(at_ms),
            Self::Health(health) => health.told.told_ms = Some(at_ms),
            _ => {}
        }
    }
}
