//! An event of a tenant's feed as every frame carries it: whole, so that no client fetches after it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{ChannelView, Conversation, Lead, Message, PersonChange, Standing, Turn, text_enum};

text_enum!(EventKind {
    MessageCreated = "message.created",
    MessageUpdated = "message.updated",
    ConversationUpdated = "conversation.updated",
    TurnUpdated = "turn.updated",
    ChannelUpdated = "channel.updated",
    /// A landing page handed in a lead.
    LeadCreated = "lead.created",
    /// Two contacts are one person from now on.
    ContactMerged = "contact.merged",
    /// They are not any more: one event for each person.
    ContactSplit = "contact.split",
    /// What is known of a person changed.
    ContactUpdated = "contact.updated",
    /// Goes only to the sessions of the user who read.
    ConversationRead = "conversation.read",
});

/// How far a user has read, as an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReadEvent {
    pub user: Uuid,
    pub conversation: Uuid,
    pub seq: i64,
    pub inbound_count: i64,
}

/// A change of a conversation's place in the lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Moved {
    pub from: Option<Standing>,
    pub to: Standing,
}

/// An event as the log and the socket have it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Event {
    /// Equal to the publication's offset.
    pub cursor: i64,
    #[serde(flatten)]
    pub body: EventBody,
}

/// An event without its cursor, which the log gives it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EventBody {
    pub tenant: Uuid,
    pub kind: EventKind,
    pub at: i64,
    pub company: Option<Uuid>,
    pub channel: Option<Uuid>,
    pub conversation: Option<Conversation>,
    /// If the conversation changed its place in the lists with this event: where it stood before, nothing in it for one
    /// that is new. Counts move by it.
    pub moved: Option<Moved>,
    pub message: Option<Message>,
    pub turn: Option<Turn>,
    pub channel_state: Option<ChannelView>,
    pub read: Option<ReadEvent>,
    pub lead: Option<Lead>,
    pub person: Option<PersonChange>,
}

impl EventBody {
    /// An event without content.
    pub fn new(tenant: Uuid, kind: EventKind, at: i64) -> Self {
        Self {
            tenant,
            kind,
            at,
            company: None,
            channel: None,
            conversation: None,
            moved: None,
            message: None,
            turn: None,
            channel_state: None,
            read: None,
            lead: None,
            person: None,
        }
    }

    /// Adds the conversation, and its change of bucket, which is then cleared: each change is reported once.
    pub fn about(mut self, conversation: &mut Conversation) -> Self {
        self.company = Some(conversation.company);
        self.channel = Some(conversation.channel);
        self.moved = conversation.moved.take();
        self.conversation = Some(conversation.clone());
        self
    }

    pub fn message(mut self, message: Message) -> Self {
        self.message = Some(message);
        self
    }

    pub fn turn(mut self, turn: Turn) -> Self {
        self.turn = Some(turn);
        self
    }
}
