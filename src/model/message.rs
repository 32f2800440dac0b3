//! A message: one entry of a conversation, in, out, or a private note.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Conversation, text_enum};
use crate::document;

text_enum!(
    /// `note` is private to the team and never leaves.
    Direction { In = "in", Out = "out", Note = "note" }
);

text_enum!(MessageKind {
    Text = "text",
    Image = "image",
    Audio = "audio",
    Voice = "voice",
    Video = "video",
    Document = "document",
    Sticker = "sticker",
    Location = "location",
    Contacts = "contacts",
    Interactive = "interactive",
    Order = "order",
    Unsupported = "unsupported",
});

text_enum!(AuthorKind {
    Customer = "customer",
    Manager = "manager",
    Responder = "responder",
    /// The business, typing on its own phone or in the provider's own inbox.
    Phone = "phone",
    OtherApp = "other_app",
    System = "system",
});

text_enum!(
    /// Moves forward only: queued < sending < unknown < sent < delivered < read < played; `failed` replaces
    /// what is not delivered yet, and a later delivery replaces `failed`.
    MessageStatus {
        Received = "received",
        Queued = "queued",
        Sending = "sending",
        Sent = "sent",
        Delivered = "delivered",
        Read = "read",
        Played = "played",
        Failed = "failed",
        /// The request left and no answer came. Only a person sends it again.
        Unknown = "unknown",
    }
);

impl MessageStatus {
    const fn rank(self) -> u8 {
        match self {
            Self::Received | Self::Queued => 0,
            Self::Sending => 1,
            Self::Unknown => 2,
            Self::Failed => 3,
            Self::Sent => 4,
            Self::Delivered => 5,
            Self::Read => 6,
            Self::Played => 7,
        }
    }

    /// Whether a newly received status may replace this one.
    pub const fn may_become(self, next: Self) -> bool {
        match (self, next) {
            // A received message has no further status; a failed one was not sent.
            (Self::Received, _) | (Self::Failed, Self::Sent) => false,
            // A retry requeues a message, and a claim sets it to sending.
            (Self::Queued | Self::Sending | Self::Unknown | Self::Sent, Self::Failed)
            | (Self::Sending, Self::Queued) => true,
            _ => next.rank() > self.rank(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Author {
    pub kind: AuthorKind,
    pub id: Option<String>,
    pub name: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MessageError {
    pub code: String,
    /// For people.
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reaction {
    /// `customer` or `us`; in a group the provider's id of the person.
    pub by: String,
    /// Of a picture that is no text, a stand-in.
    pub emoji: String,
    /// The provider's id of such a picture.
    #[serde(default)]
    pub custom: Option<String>,
}

text_enum!(AttachmentState { Pending = "pending", Ready = "ready", Linked = "linked", Failed = "failed" });

/// A file of a message. Its bytes are at `/api/v1/media/{id}` when `state` is `ready`, and only at `url` when it is
/// `linked`: it was sent by its address, from where the provider takes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Attachment {
    pub id: Uuid,
    #[schema(value_type = MessageKind)]
    pub kind: String,
    pub mime: Option<String>,
    pub name: Option<String>,
    /// Bytes.
    pub size: Option<i64>,
    pub state: AttachmentState,
    pub error: Option<String>,
    /// Of a `linked` file: http or https, as the sender gave it.
    pub url: Option<String>,
    /// Of a picture, in pixels, as it is stored.
    #[serde(default)]
    pub width: Option<i64>,
    #[serde(default)]
    pub height: Option<i64>,
    /// Whether it is at `/api/v1/media/{id}/thumbnail` as well, small.
    #[serde(default)]
    pub thumbnail: bool,
}

/// The types of pictures that are decoded.
pub const PICTURES: &[&str] = &["image/jpeg", "image/png", "image/gif", "image/webp"];
/// A picture of more pixels is not decoded: it may be a few kilobytes that take gigabytes.
pub const MAX_PIXELS: i64 = 24_000_000;

impl Attachment {
    /// Whether the bytes are a picture that may be decoded.
    pub fn has_thumbnail(&self) -> bool {
        let is_picture = self.mime.as_deref().is_some_and(|mime| PICTURES.contains(&mime));
        let pixels = self.width.zip(self.height).and_then(|(width, height)| width.checked_mul(height));
        self.state == AttachmentState::Ready
            && is_picture
            && pixels.is_some_and(|pixels| (1..=MAX_PIXELS).contains(&pixels))
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Message {
    pub id: Uuid,
    pub conversation: Uuid,
    pub seq: i64,
    pub direction: Direction,
    pub kind: MessageKind,
    pub text: Option<String>,
    pub author: Author,
    pub client_id: Option<String>,
    pub reply_to: Option<Uuid>,
    pub attachments: Vec<Attachment>,
    pub reactions: Vec<Reaction>,
    pub status: MessageStatus,
    pub error: Option<MessageError>,
    pub edited_at: Option<i64>,
    pub deleted_at: Option<i64>,
    /// When the provider says that it was written.
    pub provider_at: Option<i64>,
    pub created_at: i64,
    pub turn: Option<Uuid>,
    /// What does not fit elsewhere: a location, a contact card, the payload of a button.
    #[schema(value_type = Option<std::collections::HashMap<String, serde_json::Value>>)]
    pub data: Option<serde_json::Value>,
}

/// Fields of an unsupported message that have a meaning as text.
const WORDS_IN_DATA: &[&str] = &["poll", "dice", "latitude", "contacts", "links", "label"];

impl Message {
    /// Whether a reader can understand the message. A file is named by its kind; an unsupported message often has no
    /// content.
    pub fn is_readable(&self) -> bool {
        let has_words = || self.text.as_deref().is_some_and(|text| !text.trim().is_empty());
        let has_data = |data: &serde_json::Value| WORDS_IN_DATA.iter().any(|key| data.get(key).is_some());
        self.kind != MessageKind::Unsupported || has_words() || self.data.as_ref().is_some_and(has_data)
    }

    /// The next message of a conversation: a received text without content.
    pub fn next(
        id: Uuid,
        conversation: &Conversation,
        direction: Direction,
        author: Author,
        now_ms: i64,
    ) -> Self {
        Self {
            id,
            conversation: conversation.id,
            seq: conversation.last_seq + 1,
            direction,
            kind: MessageKind::Text,
            text: None,
            author,
            client_id: None,
            reply_to: None,
            attachments: Vec::new(),
            reactions: Vec::new(),
            status: MessageStatus::Received,
            error: None,
            edited_at: None,
            deleted_at: None,
            provider_at: None,
            created_at: now_ms,
            turn: None,
            data: None,
        }
    }
}

/// A file to be sent: an uploaded one, or one at a public address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OutAttachment {
    /// `image`, `audio`, `voice`, `video` or `document`.
    pub kind: String,
    /// `https://…`, reachable by the provider. Either this or `file`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// An uploaded file of the tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<Uuid>,
    /// At most 200 characters.
    #[serde(default, deserialize_with = "document::opt_line")]
    pub name: Option<String>,
    /// At most 200 characters.
    #[serde(default, deserialize_with = "document::opt_line")]
    pub mime: Option<String>,
}

/// A reply button under a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OutButton {
    /// What comes back when it is pressed: unique in the message.
    #[serde(deserialize_with = "document::line")]
    pub id: String,
    #[serde(deserialize_with = "document::line")]
    pub title: String,
}

/// A text that the provider approved beforehand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OutTemplate {
    #[serde(deserialize_with = "document::line")]
    pub name: String,
    /// As the provider spells it: `en`, `pt_BR`.
    #[serde(deserialize_with = "document::line")]
    pub language: String,
    /// What fills it, in the provider's own form.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<std::collections::HashMap<String, serde_json::Value>>)]
    pub components: Vec<serde_json::Value>,
}

/// What a person or a responder wants to send.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MessageBody {
    #[serde(default, deserialize_with = "document::opt_written")]
    pub text: Option<String>,
    #[serde(default)]
    pub attachments: Vec<OutAttachment>,
    pub reply_to: Option<Uuid>,
    /// Reply buttons under the text, where the channel's provider has them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<OutButton>,
    /// Instead of a text, files and buttons, where the channel's provider has templates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<OutTemplate>,
    /// A person answers after the provider's window for machines has closed. Never a responder.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub human_agent: bool,
}
