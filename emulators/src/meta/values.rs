//! What a test sees of the emulated Meta: services, messages, marks, calls, deliveries and files.

use std::collections::BTreeMap;

use serde_json::Value;

/// What an account belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    WhatsApp,
    Messenger,
    Instagram,
}

impl Service {
    /// As channels and the steps of cases name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::WhatsApp => "whatsapp-cloud",
            Self::Messenger => "messenger",
            Self::Instagram => "instagram",
        }
    }

    /// As a webhook's `object` names it.
    pub(super) fn object(self) -> &'static str {
        match self {
            Self::WhatsApp => "whatsapp_business_account",
            Self::Messenger => "page",
            Self::Instagram => "instagram",
        }
    }
}

/// A message that reached its customer, or that nobody ever got ([`MetaEmulator::undelivered`]).
///
/// [`MetaEmulator::undelivered`]: crate::meta::MetaEmulator::undelivered
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    pub service: Service,
    /// Phone number id, page id or Instagram account id.
    pub account: String,
    /// The recipient as the call named it.
    pub to: String,
    pub id: String,
    /// `text`, `image`, `template`, `interactive`, `reaction`, …
    pub kind: String,
    /// Text or caption.
    pub text: Option<String>,
    /// The address or id of the file.
    pub media: Option<String>,
    pub reply_to: Option<String>,
    /// `biz_opaque_callback_data` or `metadata`.
    pub reference: Option<String>,
    /// Messenger and Instagram: `HUMAN_AGENT`.
    pub tag: Option<String>,
    pub body: Value,
    pub at_ms: i64,
}

/// A read mark, a typing mark or a reaction of the account's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    pub service: Service,
    pub account: String,
    /// WhatsApp: the id of the message; otherwise the person.
    pub to: String,
    /// `read`, `typing`, or the `sender_action`.
    pub action: String,
}

/// A call, refused ones included.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Counted from 1.
    pub number: u64,
    pub method: String,
    /// With the version, without the host.
    pub path: String,
    pub query: BTreeMap<String, String>,
    pub body: Value,
    pub at_ms: i64,
    /// Of the answer; 0 while there is none.
    pub status: u16,
}

/// One attempt of a delivery. `status` is 0 without a response.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    pub url: String,
    pub body: Value,
    /// Changes and messaging items in the body.
    pub events: usize,
    pub attempt: u32,
    pub status: u16,
}

/// How far the receipts of what is sent come by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Receipts {
    None,
    Sent,
    Delivered,
    Read,
}

/// How calls end while the provider is away. Deliveries wait meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outage {
    /// 503 without a word.
    Errors,
    CutsConnections,
    Hangs,
}

/// A file of a customer's, or one that was uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// `image`, `audio`, `video`, `document` or `sticker`.
    pub kind: String,
    pub mime: String,
    pub name: Option<String>,
    pub bytes: Vec<u8>,
}

impl File {
    pub fn image(bytes: impl Into<Vec<u8>>) -> Self {
        Self { kind: "image".into(), mime: "image/jpeg".into(), name: None, bytes: bytes.into() }
    }

    pub fn voice(bytes: impl Into<Vec<u8>>) -> Self {
        let mime = "audio/ogg; codecs=opus".into();
        Self { kind: "audio".into(), mime, name: None, bytes: bytes.into() }
    }

    pub fn document(name: &str, mime: &str, bytes: impl Into<Vec<u8>>) -> Self {
        Self { kind: "document".into(), mime: mime.into(), name: Some(name.into()), bytes: bytes.into() }
    }
}
