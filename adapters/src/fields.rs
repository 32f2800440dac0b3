//! The flat form of what a body tells: adapters fill it in, fixtures and `hubbub inspect` show it. Field rules:
//! `fixtures/README.md`. Nobody but this crate reads it: the hub gets an [`Event`](crate::Event).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Direction, HealthState, MediaRef, MediaState, Origin, Status, Words, event::NoAnswer};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
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
    Unsupported,
    Reaction,
    Edited,
    Deleted,
    Referral,
    PollVote,
    Status,
    Session,
    Presence,
    Call,
    Membership,
    IdentityChange,
    Handover,
    Comment,
    AccountError,
    MailNotify,
    MailHistory,
    MailError,
    Billing,
    /// An account of the provider lets the bot act in its place, or no longer: `connection_id`, `owner_id` and
    /// `enabled` in `data`.
    Connection,
    /// A chat (`chat_title`) or a place in it (`thread_title`) has this name from now on.
    Title,
    #[default]
    Ignored,
}

impl Kind {
    /// An entry of a conversation, as opposed to something that happens to one.
    pub fn is_message(self) -> bool {
        matches!(
            self,
            Self::Text
                | Self::Image
                | Self::Audio
                | Self::Voice
                | Self::Video
                | Self::Document
                | Self::Sticker
                | Self::Location
                | Self::Contacts
                | Self::Interactive
                | Self::Order
                | Self::Unsupported
        )
    }

    /// Acts on an earlier message, which may not have arrived yet.
    pub fn is_action(self) -> bool {
        matches!(self, Self::Reaction | Self::Edited | Self::Deleted | Self::PollVote)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Image => "image",
            Self::Audio => "audio",
            Self::Voice => "voice",
            Self::Video => "video",
            Self::Document => "document",
            Self::Sticker => "sticker",
            Self::Location => "location",
            Self::Contacts => "contacts",
            Self::Interactive => "interactive",
            Self::Order => "order",
            Self::Unsupported => "unsupported",
            Self::Reaction => "reaction",
            Self::Edited => "edited",
            Self::Deleted => "deleted",
            Self::Referral => "referral",
            Self::PollVote => "poll_vote",
            Self::Status => "status",
            Self::Session => "session",
            Self::Presence => "presence",
            Self::Call => "call",
            Self::Membership => "membership",
            Self::IdentityChange => "identity_change",
            Self::Handover => "handover",
            Self::Comment => "comment",
            Self::AccountError => "account_error",
            Self::MailNotify => "mail_notify",
            Self::MailHistory => "mail_history",
            Self::MailError => "mail_error",
            Self::Billing => "billing",
            Self::Connection => "connection",
            Self::Title => "title",
            Self::Ignored => "ignored",
        }
    }
}

/// One normalised result of a provider's body, as its adapter fills it in: whatever fields it has, side by side. What it
/// means is an [`Event`](crate::Event).
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a field of the fixtures")]
pub struct Fields {
    pub kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_message_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dedupe_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_account_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_conversation_id: Option<String>,
    /// Where in the chat, if the provider has such places: a topic, a business connection. Opaque, and together with
    /// `external_conversation_id` the [address](crate::Address) of everything that is sent in answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread: Option<String>,
    /// The body names a message and not where in the chat it is: the place is that of [`Fields::reply_key`]'s message, and
    /// what stands here only if that message is not known.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_where_reply_is: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_contact_id: Option<String>,
    /// Another id of the same person that this body gave away (a phone beside a hidden id), to merge contacts by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alternate_contact_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact_name: Option<String>,
    /// Digits only, where the provider vouches for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact_phone: Option<String>,
    /// The public name by which a person can be found, without `@`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact_handle: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_group: bool,
    /// What a group is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chat_title: Option<String>,
    /// The name of `thread`. In a message it is the name that it had at first; in `Title` the one that it has now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread_title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// When it happened, Unix milliseconds: the message's writing, and for an action the action's own time. Actions
    /// on one message are ordered by it, and those of one time by their delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp_ms: Option<i64>,
    /// When the provider told it, Unix milliseconds: long after `timestamp_ms` for what it kept while it could not.
    #[serde(skip)]
    pub told_ms: Option<i64>,
    /// Of `Edited`: the kind of message that it is now. Its text, files and data take the place of the old ones; a kind
    /// that has files, without any, leaves them as they were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<Kind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Files of this message: the length of `media`.
    pub attachments: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub media: Vec<MediaRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_message_id: Option<String>,
    /// The reaction, or a sticker's emoji.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emoji: Option<String>,
    /// Reactions: whether it was taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// The status is that of one participant of a group.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watermark_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retryable: Option<bool>,
    /// State of a session, presence, call or membership, in the provider's or the fixtures' word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Why an ignored body was ignored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What only some kinds have: `latitude`, `contacts`, `payload`, `callback_query_id`, `start_param`,
    /// `media_group_id`, `selected`, `new_external_conversation_id` and so on. What people and the AI need to
    /// understand a message has the same form for every provider:
    /// `quoted` `{text?, author?, kind?, elsewhere?: true}` (a message that was answered, as the body has it; `elsewhere`
    /// when it is of another chat), `story` `{id?, url?}` (a story that was answered), `referral` `{source?, ref?, ad_id?}`
    /// (what led the customer here), `links` `[{text, url}]` (addresses behind words), `forwarded_from` (a name),
    /// `label` (of a pressed button).
    #[serde(flatten)]
    pub data: Map<String, Value>,

    /// Of a session or an error of the account: what it means for the channel.
    #[serde(skip)]
    pub health: Option<HealthState>,
    /// Of a pressed button: it shows that it waits until [`acknowledge`](crate::Provider::acknowledge) answers.
    #[serde(skip)]
    pub awaits_answer: bool,
    /// The connection through which the body came, if the [`Context`](crate::Context) has to know its owner.
    #[serde(skip)]
    pub connection: Option<String>,
    /// Identity of the message within its channel; see [`Fields::message_key`].
    #[serde(skip)]
    pub message_key: Option<String>,
    /// See [`Fields::target_key`].
    #[serde(skip)]
    pub target_key: Option<String>,
    /// See [`Fields::reply_key`].
    #[serde(skip)]
    pub reply_key: Option<String>,
    /// See [`NewMessage::no_answer`](crate::event::NewMessage::no_answer).
    #[serde(skip)]
    pub no_answer: Option<NoAnswer>,

    /// Of a status or an echo: [`Outgoing::our_reference`](crate::Outgoing::our_reference) of the send.
    #[serde(skip)]
    pub our_reference: Option<String>,
    /// See [`Fields::update_key`].
    #[serde(skip)]
    pub update_key: Option<String>,
}

impl Fields {
    pub fn new(kind: Kind) -> Self {
        Self { kind, ..Self::default() }
    }

    pub fn ignored(reason: &str) -> Self {
        Self { reason: Some(Words::from(reason).into()), ..Self::new(Kind::Ignored) }
    }

    /// The value to deduplicate on: `dedupe_key`, else `external_message_id`.
    pub fn key(&self) -> Option<&str> {
        self.dedupe_key.as_deref().or(self.external_message_id.as_deref())
    }

    /// The message's identity within its channel, equal to [`SendOutcome::Sent`](crate::SendOutcome)'s `dedupe_key`
    /// when this is the echo of a send. Telegram: `{chat}:{message_id}`, because its message ids are unique per
    /// chat only, with the business connection before it where there is one (those ids are another account's), or
    /// `cb:{callback id}`; WAHA: the bare id; Gmail: its message id.
    pub fn message_key(&self) -> Option<&str> {
        self.message_key.as_deref()
    }

    /// The message that an action, a status or (for messages) a reply points at, in the space of `message_key`. A vote
    /// of which only the poll is known points at `poll:{id}`.
    pub fn target_key(&self) -> Option<&str> {
        self.target_key.as_deref().or(self.reply_key.as_deref())
    }

    /// The quoted message, in the space of `message_key`.
    pub fn reply_key(&self) -> Option<&str> {
        self.reply_key.as_deref()
    }

    /// Identity of the delivery, the same over its repetitions: Telegram's `update_id`, WAHA's envelope id. The
    /// same message may still come under two of them.
    pub fn update_key(&self) -> Option<&str> {
        self.update_key.as_deref()
    }

    /// A key under which this very event happens once in a channel: messages by `message_key`, everything else
    /// together with its kind and, for statuses, with the status and the participant.
    pub fn once_key(&self) -> Option<String> {
        if self.kind.is_message() {
            return self.message_key.clone();
        }
        let key = self.key().or(self.update_key.as_deref())?;
        let mut once = format!("{}:{key}", self.kind.as_str());
        let status = self.status.map(Status::as_str);
        let target = self.target_key.as_deref().filter(|target| *target != key);
        let person = if self.partial || self.kind == Kind::Presence {
            self.external_contact_id.as_deref()
        } else {
            None
        };
        for part in [status, target, person].into_iter().flatten() {
            once.push(':');
            once.push_str(part);
        }
        Some(once)
    }

    pub(crate) fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.data.insert(name.to_owned(), value.into());
    }

    pub(crate) fn attach(&mut self, media: MediaRef) {
        match media.state {
            MediaState::Ready => {}
            MediaState::Pending => self.set("media_pending", true),
            MediaState::Unavailable => self.set("media_unavailable", true),
        }
        if let Some(name) = &media.name {
            self.set("filename", name.as_str());
        }
        self.media.push(media);
        self.attachments = self.media.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_of_each_participant_is_its_own_event() {
        let mut event = Fields::new(Kind::Status);
        event.dedupe_key = Some("K".into());
        event.target_key = Some("K".into());
        event.status = Some(Status::Read);
        assert_eq!(event.once_key().as_deref(), Some("status:K:read"));
        event.partial = true;
        event.external_contact_id = Some("p1".into());
        assert_eq!(event.once_key().as_deref(), Some("status:K:read:p1"));
    }

    #[test]
    fn kinds_are_named_as_they_are_serialised() {
        for kind in [Kind::Text, Kind::PollVote, Kind::IdentityChange, Kind::MailHistory, Kind::Ignored] {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }
}
