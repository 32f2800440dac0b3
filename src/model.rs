//! The words of the product as values: what is stored, what every frame and every answer carries.
//!
//! No logic beyond turning words into text and back; the verbs in `inbox/` decide.

mod channel;
mod conversation;
mod event;
mod frame;
pub mod limits;
mod message;
mod turn;

pub use channel::{Channel, ChannelHealth, ChannelSettings, ChannelState, ChannelView};
pub use conversation::{
    Bucket, Contact, Conversation, ConversationState, InboxItem, LastMessage, Owner, ReadMark, Standing,
};
pub use event::{Event, EventBody, EventKind, Moved, ReadEvent};
pub use frame::{RoomFrame, Typist};
pub use message::Message;
pub use message::{
    Attachment, AttachmentState, Author, AuthorKind, Direction, MessageBody, MessageError, MessageKind,
    MessageStatus, OutAttachment, Reaction,
};
pub use turn::{Turn, TurnState};

/// Gives an enum its text form for SQL and JSON, and the way back.
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
