//! The state of a conversation during the simulation, and its final row. Buckets follow the server's rules.

use anyhow::Result;
use serde::Serialize;
use uuid::Uuid;

use super::context::{Contact, Context};
use super::database::row;
use super::table::Table;
use super::{text, turn::Turn};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Ai,
    Human,
    Nobody,
}

impl Owner {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Ai => "ai",
            Self::Human => "human",
            Self::Nobody => "nobody",
        }
    }
}

/// Who wrote a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Author {
    Customer,
    Responder,
    /// A user by number.
    Person(u32),
}

impl Author {
    pub(crate) const fn kind(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Responder => "responder",
            Self::Person(_) => "manager",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    In,
    Out,
    Note,
}

impl Direction {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
            Self::Note => "note",
        }
    }
}

/// The newest message that is not a note.
#[derive(Clone, Copy)]
pub(crate) struct Last {
    pub(crate) seq: u32,
    pub(crate) direction: Direction,
    pub(crate) author: Author,
    /// Key of its text.
    pub(crate) key: u64,
    pub(crate) at: i64,
}

/// A user's read mark.
#[derive(Clone, Copy)]
pub(crate) struct Mark {
    pub(crate) user: u32,
    pub(crate) seq: u32,
    pub(crate) inbound: u32,
    pub(crate) at: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) bucket: &'static str,
    pub(crate) assignee: Option<u32>,
}

#[derive(Clone, Copy)]
pub(crate) struct Conversation {
    pub(crate) id: Uuid,
    /// The customer by number.
    pub(crate) contact: u32,
    pub(crate) channel: u32,
    pub(crate) owner: Owner,
    pub(crate) epoch: i64,
    pub(crate) assignee: Option<u32>,
    pub(crate) handoff: Option<&'static str>,
    pub(crate) seq: u32,
    pub(crate) inbound: u32,
    pub(crate) last: Option<Last>,
    pub(crate) opened_at: i64,
    pub(crate) updated_at: i64,
    pub(crate) waiting_since: Option<i64>,
    pub(crate) closed_at: Option<i64>,
    pub(crate) turn: Option<Turn>,
    pub(crate) read: Option<Mark>,
    /// Remaining messages, and the approximate time of the last one.
    pub(crate) remaining: u32,
    pub(crate) end: i64,
    /// Messages that the customer writes next without an answer.
    pub(crate) burst: u32,
    /// The AI owned the conversation at first.
    pub(crate) ai: bool,
    /// It has a message and is in the lists, so its next event contains the previous bucket.
    pub(crate) listed: bool,
}

/// What others write beside a conversation and its row shows: JSON.
#[derive(Default)]
pub(crate) struct Beside {
    pub(crate) labels: Option<String>,
    pub(crate) source: Option<String>,
}

impl Conversation {
    pub(crate) fn standing(&self) -> Standing {
        let bucket = match (self.closed_at, self.owner, self.assignee, self.waiting_since) {
            (Some(_), ..) => "closed",
            (_, Owner::Ai, ..) => "ai",
            (_, _, None, Some(_)) => "unassigned_waiting",
            (_, _, None, None) => "unassigned",
            (_, _, _, Some(_)) => "assigned_waiting",
            _ => "assigned",
        };
        Standing { bucket, assignee: self.assignee }
    }

    pub(crate) const fn state(&self) -> &'static str {
        if self.closed_at.is_some() { "closed" } else { "open" }
    }

    /// Changes the owner, and increments the epoch.
    pub(crate) fn owned_by(&mut self, owner: Owner, handoff: Option<&'static str>) {
        self.owner = owner;
        self.handoff = handoff;
        self.epoch += 1;
    }

    pub(crate) fn write(&self, context: &mut Context<'_>, contact: &Contact, beside: &Beside) -> Result<()> {
        let last =
            self.last_message(context, contact).map(|last| serde_json::to_string(&last)).transpose()?;
        let channel = &context.accounts.channels[self.channel as usize];
        let tenant = context.accounts.tenants[channel.tenant as usize].id;
        let assignee = self.assignee.map(|user| context.accounts.users[user as usize].id);
        let chat = contact.chat().to_string();
        let row = row![
            self.id,
            tenant,
            channel.company,
            channel.id,
            contact.id,
            &chat,
            false,
            self.state(),
            self.owner.as_str(),
            self.epoch,
            assignee,
            self.handoff,
            i64::from(self.seq),
            i64::from(self.inbound),
            last.as_ref(),
            self.opened_at,
            self.updated_at,
            self.closed_at,
            self.waiting_since,
            self.standing().bucket,
            beside.labels.as_ref(),
            beside.source.as_ref()
        ];
        let channel = channel.id;
        context.fill.put(Table::Conversations, row)?;
        // Of its own labels; those of its customer would triple the rows.
        let labels: Vec<uuid::Uuid> =
            beside.labels.as_deref().map(serde_json::from_str).transpose()?.unwrap_or_default();
        for label in labels {
            let bucket = self.standing().bucket;
            let row = row![
                tenant,
                label,
                self.id,
                contact.id,
                channel,
                bucket,
                assignee,
                self.updated_at,
                self.waiting_since
            ];
            context.fill.put(Table::Labelled, row)?;
        }
        Ok(())
    }

    /// The preview of the newest message in lists. Overwrites the context's text.
    pub(crate) fn last_message(&self, context: &mut Context<'_>, contact: &Contact) -> Option<LastMessage> {
        let last = self.last?;
        text::write(last.key, &mut context.text);
        Some(LastMessage {
            seq: i64::from(last.seq),
            direction: last.direction.as_str(),
            kind: "text",
            text: text::preview(&context.text).to_owned(),
            author: AuthorJson::of(last.author, self, context, contact),
            at: last.at,
        })
    }
}

/// The server's JSON of the preview.
#[derive(Serialize)]
pub(crate) struct LastMessage {
    seq: i64,
    direction: &'static str,
    kind: &'static str,
    text: String,
    author: AuthorJson,
    at: i64,
}

#[derive(Clone, Serialize)]
pub(crate) struct AuthorJson {
    pub(crate) kind: &'static str,
    pub(crate) id: String,
    pub(crate) name: String,
}

impl AuthorJson {
    pub(crate) fn of(author: Author, of: &Conversation, context: &Context<'_>, contact: &Contact) -> Self {
        let (id, name) = match author {
            Author::Customer => {
                (contact.chat().to_string(), super::names::of(contact.number, context.seed).0)
            }
            Author::Responder => {
                let tenant = context.accounts.channels[of.channel as usize].tenant;
                (context.accounts.tenants[tenant as usize].worker.to_string(), "worker".to_owned())
            }
            Author::Person(user) => {
                let user = &context.accounts.users[user as usize];
                (user.id.to_string(), user.name.clone())
            }
        };
        Self { kind: author.kind(), id, name }
    }
}
