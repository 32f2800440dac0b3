//! A conversation: one contact in one place of a channel, and who answers in it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Author, Direction, MessageKind, MessageStatus, Source, Turn, text_enum};

text_enum!(ConversationState { Open = "open", Closed = "closed" });

text_enum!(
    /// Who answers now. It changes only together with the epoch.
    Owner { Ai = "ai", Human = "human", Nobody = "nobody" }
);

text_enum!(
    /// In which list of the inbox a conversation stands. The views are unions of these.
    Bucket {
        Closed = "closed",
        /// The AI answers.
        Ai = "ai",
        /// A person should answer, and nobody in particular.
        Unassigned = "unassigned",
        UnassignedWaiting = "unassigned_waiting",
        Assigned = "assigned",
        AssignedWaiting = "assigned_waiting",
    }
);

/// What the lists and their counts know of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Standing {
    pub bucket: Bucket,
    pub assignee: Option<Uuid>,
}

/// A customer on a channel. Contacts that are one person keep their ids, and show what is known of the person.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Contact {
    pub id: Uuid,
    /// The person's, for merged contacts.
    pub name: Option<String>,
    /// How the channel calls the customer: a phone number, a user name.
    pub handle: Option<String>,
    /// The user name, also when the handle is a phone number. Contacts are searched by it; it is not shown.
    #[serde(skip)]
    pub user_name: Option<String>,
    /// Since when the customer wants no messages on the channel, by the provider's time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opted_out_at: Option<i64>,
    /// The contact as which this one is seen, if it was merged into another.
    #[serde(default)]
    pub merged_into: Option<Uuid>,
    /// Labels of the person.
    #[serde(default)]
    pub labels: Vec<Uuid>,
    /// Since when the person is blocked: nothing is sent to it, and what it writes is kept without notice.
    #[serde(default)]
    pub blocked_at: Option<i64>,
    /// Others are merged into this one.
    #[serde(skip)]
    pub has_merged: bool,
}

impl Contact {
    /// The contact as which it is seen.
    pub fn root(&self) -> Uuid {
        self.merged_into.unwrap_or(self.id)
    }

    /// Whether there are other contacts of the same person.
    pub fn is_joined(&self) -> bool {
        self.has_merged || self.merged_into.is_some()
    }
}

/// What a list shows of the newest message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LastMessage {
    pub seq: i64,
    pub direction: Direction,
    pub kind: MessageKind,
    /// At most 160 characters.
    pub text: Option<String>,
    pub author: Author,
    pub at: i64,
    /// `failed` or `unknown`, of a message that a person has to look at; of others it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<MessageStatus>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Conversation {
    pub id: Uuid,
    pub tenant: Uuid,
    pub company: Uuid,
    pub channel: Uuid,
    pub channel_kind: String,
    pub contact: Contact,
    /// Labels of this conversation alone.
    #[serde(default)]
    pub labels: Vec<Uuid>,
    pub state: ConversationState,
    pub owner: Owner,
    /// Grows with every change of the owner; an AI reply with an older one is refused.
    pub epoch: i64,
    pub assignee: Option<Uuid>,
    pub handoff_reason: Option<String>,
    /// The `seq` of the newest message; 0 while there is none.
    pub last_seq: i64,
    pub last_message: Option<LastMessage>,
    /// How many messages the customer has written; `inbound_count - my_read.inbound_count` are unread.
    pub inbound_count: i64,
    /// The open turn, if there is one.
    pub turn: Option<Turn>,
    pub opened_at: i64,
    pub updated_at: i64,
    /// Since when the customer waits for an answer; nothing when nobody does.
    pub waiting_since: Option<i64>,
    pub bucket: Bucket,
    /// The stored bucket and assignee, by which the conversation is counted.
    #[serde(skip)]
    pub counted: Option<Standing>,
    /// The change to be reported by the next event of the conversation.
    #[serde(skip)]
    pub moved: Option<super::Moved>,
    /// The chat's id at the provider, to which answers are sent. Never leaves the server.
    #[serde(skip)]
    pub external_id: String,
    #[serde(skip)]
    pub is_group: bool,
    /// Which place of the chat it is, if the channel has such places: a topic, a business connection. Opaque; one
    /// customer has a conversation for each.
    pub thread: Option<String>,
    /// What the place is called, as far as it is known: the name of a topic. `contact.name` is the whole chat's.
    pub thread_title: Option<String>,
    /// What led the customer into this conversation, the first of it.
    pub source: Option<Source>,
    /// The provider's time of the message that is being received; stored with it.
    #[serde(skip)]
    pub heard_at: Option<i64>,
    /// When the customer wrote last, by the provider's time.
    #[serde(skip)]
    pub last_heard_at: Option<i64>,
    /// Until when the provider takes answers, Unix milliseconds; nothing where it has no such window, 0 where the customer
    /// has not written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub can_send_until: Option<i64>,
    /// Until when it takes answers of people that say so (`human_agent`), where it has that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person_can_send_until: Option<i64>,
}

impl Conversation {
    /// The address to which answers are sent.
    pub fn address(&self) -> adapters::Address<'_> {
        adapters::Address { chat: &self.external_id, thread: self.thread.as_deref() }
    }

    /// A message of the customer's is being received, with the provider's time.
    pub fn hear(&mut self, at: i64) {
        self.heard_at = Some(at);
        self.last_heard_at = self.last_heard_at.max(Some(at));
        self.set_windows();
    }

    /// The provider's window for answers; nothing if it takes them at any time.
    pub fn window(&self) -> Option<adapters::Window> {
        adapters::provider(&self.channel_kind)?.window(self.thread.as_deref())
    }

    /// Derives the windows from what is known of the channel and the customer.
    pub fn set_windows(&mut self) {
        let window = self.window();
        let until = |length: i64| self.last_heard_at.map_or(0, |at| at + length);
        self.can_send_until = window.map(|window| until(window.open_ms));
        self.person_can_send_until = window.and_then(|window| window.person_ms).map(until);
    }

    /// The bucket and assignee that follow from the current state.
    pub fn standing(&self) -> Standing {
        let waits = self.waiting_since.is_some();
        let bucket = match (self.state, self.owner, self.assignee) {
            (ConversationState::Closed, ..) => Bucket::Closed,
            (_, Owner::Ai, _) => Bucket::Ai,
            (_, _, None) if waits => Bucket::UnassignedWaiting,
            (_, _, None) => Bucket::Unassigned,
            _ if waits => Bucket::AssignedWaiting,
            _ => Bucket::Assigned,
        };
        Standing { bucket, assignee: self.assignee }
    }
}

/// How far one user has read one conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReadMark {
    pub seq: i64,
    pub inbound_count: i64,
}

/// A conversation as the list of one user shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InboxItem {
    #[serde(flatten)]
    pub conversation: Conversation,
    pub my_read: ReadMark,
}
