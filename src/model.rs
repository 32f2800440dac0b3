//! The domain's types: what is stored and what frames and answers carry.
//!
//! They hold no logic except the conversion of enums to and from text; the verbs in `inbox/` decide.

mod channel;
mod channel_health;
mod conversation;
mod event;
mod frame;
mod known;
mod lead;
pub mod limits;
mod message;
mod node;
mod person;
mod privacy_notice;
mod provider_app;
mod source;
mod template;
mod turn;

pub use channel::{Channel, ChannelSettings, ChannelState, ChannelView};
pub use channel_health::{ChannelHealth, HealthCause, HealthLevel};
pub use conversation::{
    Bucket, Contact, Conversation, ConversationState, InboxItem, LastMessage, Owner, ReadMark, Standing,
};
pub use event::{Event, EventBody, EventKind, Moved, ReadEvent};
pub use frame::{PairingState, RoomFrame, Typist};
pub use known::{Attribute, AttributeKind, AttributeRules, AttributeValue, ContactNote, Label};
pub use lead::Lead;
pub use message::Message;
pub use message::{
    Attachment, AttachmentState, Author, AuthorKind, Direction, MAX_PIXELS, MessageBody, MessageError,
    MessageKind, MessageStatus, OutAttachment, OutButton, OutTemplate, PICTURES, Reaction,
};
pub use node::{NodeBus, NodeReason, NodeState};
pub use person::{Merge, MergeKind, MergeState, PersonChange};
pub use privacy_notice::PrivacyNotice;
pub use provider_app::{ProviderApp, ProviderAppState, ProviderAppView};
pub use source::{Link, Source, SourceKind, Touch, Utm};
pub use template::TemplateView;
pub use turn::{Turn, TurnState};

/// Defines an enum with its text form for SQL and JSON, and the conversion back.
macro_rules! text_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:tt),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        pub enum $name { $($(#[$vmeta])* #[serde(rename = $text)] $variant),+ }

        impl $name {
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    other => Err(format!("{other:?} is not one of {}", [$($text),+].join(", "))),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use text_enum;
