//! What is sent, and what became of it; what a customer is told beside messages, and what is fetched.

use serde::{Deserialize, Serialize};

use super::files::Upload;
use crate::{MediaKind, Words, outward::NotPublic};

/// A file to be sent: the provider downloads it from `url`, or is given its `bytes`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OutMedia<'a> {
    pub kind: MediaKind,
    /// Of an uploaded file an address that ends soon; empty: there is none that the provider could reach.
    pub url: &'a str,
    /// Of an uploaded file.
    pub bytes: Option<&'a Upload>,
    pub name: Option<&'a str>,
    pub mime: Option<&'a str>,
    pub caption: Option<&'a str>,
}

/// Where a message goes, or where one came from: the chat, and the place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address<'a> {
    /// `external_conversation_id`.
    pub chat: &'a str,
    /// [`Fields::thread`](crate::Fields::thread).
    pub thread: Option<&'a str>,
}

impl<'a> Address<'a> {
    /// A chat without further places.
    pub const fn chat(chat: &'a str) -> Self {
        Self { chat, thread: None }
    }
}

/// A reply button under a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    /// What comes back when it is pressed.
    pub id: String,
    pub title: String,
}

/// A text that the provider approved beforehand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Template {
    pub name: String,
    pub language: String,
    /// What fills it, in the provider's own form.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<serde_json::Value>,
}

/// A template as the provider lists it.
#[derive(Debug, Clone, PartialEq)]
pub struct TemplateInfo {
    pub name: String,
    pub language: String,
    /// The provider's word: `MARKETING`, `UTILITY`, `AUTHENTICATION`.
    pub category: String,
    /// The provider's word: `APPROVED`, `PENDING`, `REJECTED`, `PAUSED`, `DISABLED`.
    pub state: String,
    /// Header, body, footer and buttons in the provider's form, with placeholders.
    pub components: Vec<serde_json::Value>,
}

/// One message to be sent. With both `media` and `text`, the text is the caption unless there is one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outgoing<'a> {
    pub to: Address<'a>,
    pub text: Option<&'a str>,
    pub media: Option<OutMedia<'a>>,
    /// The quoted message: the provider's id or its `message_key`.
    pub reply_to: Option<&'a str>,
    /// From [`Provider::reserve_id`](crate::Provider::reserve_id).
    pub reserved_id: Option<&'a str>,
    /// Under the text; empty: none.
    pub buttons: &'a [Button],
    /// Instead of a text and a file.
    pub template: Option<&'a Template>,
    /// Our own name for this send, at most 64 ASCII letters, digits and dashes. A provider that echoes such a name tells it in
    /// [`Fields::our_reference`](crate::Fields::our_reference).
    pub our_reference: &'a str,
    /// A person answers outside of the provider's window for machines, and asked for that.
    pub human_agent: bool,
    /// The [data](crate::event::Content::data) of the customer's newest message of the chat, or of the quoted one: a mail
    /// is answered with its subject and its message ids.
    pub answers: Option<&'a serde_json::Map<String, serde_json::Value>>,
    /// The customer's id at the provider, where it is not the chat's.
    pub contact: Option<&'a str>,
    /// A machine wrote it.
    pub is_automatic: bool,
}

impl<'a> Outgoing<'a> {
    /// Nothing yet, for a chat.
    pub const fn to(to: Address<'a>) -> Self {
        Self {
            to,
            text: None,
            media: None,
            reply_to: None,
            reserved_id: None,
            buttons: &[],
            template: None,
            our_reference: "",
            human_agent: false,
            answers: None,
            contact: None,
            is_automatic: false,
        }
    }

    pub const fn text(to: Address<'a>, text: &'a str) -> Self {
        Self { text: Some(text), ..Self::to(to) }
    }
}

/// What became of a send. Only `Retry` may be repeated by a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendOutcome {
    Sent {
        /// The provider's id.
        external_id: String,
        /// As an echo or a receipt will name it: [`Fields::message_key`](crate::Fields::message_key).
        dedupe_key: String,
    },
    /// Nothing was sent; the same message may be tried again.
    Retry { after_ms: Option<u64>, code: String, reason: Words },
    /// The provider refused it. The reason is for people.
    Rejected {
        code: String,
        reason: Words,
        /// Not this message but the whole channel cannot send: hold its queue and tell the owner.
        channel_down: bool,
    },
    /// It may have been sent: the request left and no usable answer came. Wait for an echo or a receipt.
    Unknown {
        reason: Words,
        /// Nothing else of the channel can be sent either: hold its queue, and do not lose more in the same way.
        channel_down: bool,
    },
}

/// A call beside sending that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason} ({code})")]
pub struct SendError {
    pub code: String,
    pub reason: Words,
    pub retryable: bool,
    pub channel_down: bool,
}

/// Why a file could not be fetched. What was written to the sink until then is worthless.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    #[error("the file is larger than {limit_bytes} bytes")]
    TooLarge { limit_bytes: u64 },
    #[error("the provider no longer has the file")]
    Gone,
    /// Neither is it asked again.
    #[error(transparent)]
    NotPublic(NotPublic),
    #[error("the provider refused the file: {0}")]
    Refused(Words),
    /// Try again later.
    #[error("the file could not be fetched now: {0}")]
    Unavailable(Words),
}

impl FetchError {
    pub fn retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

/// A fetched file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// From the bytes; what the sender claimed only where the bytes do not tell and the claim is harmless.
    pub mime: String,
    pub size: u64,
    pub name: Option<String>,
}

/// What a provider tells of a person when it is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    pub name: Option<String>,
    /// The public name, without `@`.
    pub handle: Option<String>,
}

/// Something of the customer's that we have seen or taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acknowledge<'a> {
    pub to: Address<'a>,
    /// The newest message that was seen: the provider's id.
    pub message: Option<&'a str>,
    /// Who wrote it, in a group.
    pub participant: Option<&'a str>,
    /// A button press that waits for its answer: what [`Provider::press`](crate::Provider::press) gave.
    pub callback: Option<&'a str>,
}
