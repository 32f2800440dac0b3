//! Made-up conversations: what happens to them is written by the store as its verbs write it, and kept as a plain model.

use std::collections::BTreeMap;

use hubbub::announce;
use hubbub::error::Error;
use hubbub::history::{End, Forgotten, Page, Wanted};
use hubbub::model::{
    Author, AuthorKind, Direction, EventKind, Message, MessageKind, MessageStatus, Reaction,
};
use hubbub::store::{Event, Store, Tx, Verb, conversations, events, messages};
use uuid::Uuid;

use crate::kit::World;

/// What happens in a conversation. Numbers are taken modulo what is there.
#[derive(Clone, Copy, Debug)]
pub enum Act {
    /// A message of the customer, of so many signs.
    Say(usize),
    /// One of ours.
    Answer(usize),
    Edit {
        seq: usize,
        bytes: usize,
    },
    Delete(usize),
    Status(usize),
    React(usize),
}

struct Perform {
    tenant: Uuid,
    conversation: Uuid,
    act: Act,
}

fn text(seed: usize, bytes: usize) -> String {
    // What must come back as it was: signs of several bytes, and those that have a meaning in MongoDB.
    let piece = format!("{{\"$lamp.{seed}\": \"лампа\"}} ");
    piece.chars().cycle().take(bytes).collect()
}

impl Verb for Perform {
    type Out = Option<Message>;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.tenant)
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Option<Message>, Error> {
        let tenant = self.tenant;
        let mut conversation = conversations::locked(tx, tenant, self.conversation).await?;
        if let Act::Say(bytes) | Act::Answer(bytes) = self.act {
            let is_ours = matches!(self.act, Act::Answer(_));
            let (kind, direction) = if is_ours {
                (AuthorKind::Manager, Direction::Out)
            } else {
                (AuthorKind::Customer, Direction::In)
            };
            let author = Author { kind, id: Some("$5550001".into()), name: None };
            let next = Message::next(tx.new_id(), &conversation, direction, author, tx.now());
            let data = serde_json::json!({ "$set": { "a.b": 1.5, "": null }, "n": i64::MAX });
            let status = if is_ours { MessageStatus::Sent } else { MessageStatus::Received };
            let message = Message { text: Some(text(bytes, bytes)), data: Some(data), status, ..next };
            conversation.inbound_count += i64::from(!is_ours);
            let keys = messages::MessageKeys {
                tenant,
                channel: conversation.channel,
                external_key: None,
                external_id: None,
                client_digest: None,
                inbound_count: conversation.inbound_count,
            };
            messages::insert(tx, &message, &keys).await?;
            conversation.last_seq = message.seq;
            conversations::advance(tx, &conversation).await?;
            announce::message(tx, EventKind::MessageCreated, &mut conversation, &message)?;
            return Ok(Some(message));
        }
        let (Act::Edit { seq, .. } | Act::Delete(seq) | Act::Status(seq) | Act::React(seq)) = self.act else {
            return Ok(None);
        };
        let seq = 1 + (seq as i64) % conversation.last_seq.max(1);
        let found = messages::before(tx, tenant, conversation.id, seq + 1, 1).await?;
        let Some(mut message) = found.into_iter().next() else { return Ok(None) };
        match self.act {
            Act::Edit { bytes, .. } => {
                message.kind = MessageKind::Text;
                message.text = Some(text(bytes + 1, bytes));
                message.edited_at = Some(tx.now());
                messages::set_content(tx, tenant, &message).await?;
            }
            Act::Delete(_) => {
                message.deleted_at = Some(tx.now());
                messages::set_deleted(tx, tenant, &message).await?;
            }
            Act::Status(_) => {
                message.status = MessageStatus::Delivered;
                messages::set_status(tx, tenant, &message).await?;
            }
            Act::React(_) => {
                message.reactions = vec![Reaction { by: "us".into(), emoji: "🏮".into(), custom: None }];
                messages::set_reactions(tx, tenant, &message).await?;
            }
            Act::Say(_) | Act::Answer(_) => {}
        }
        announce::message(tx, EventKind::MessageUpdated, &mut conversation, &message)?;
        Ok(Some(message))
    }
}

/// Conversations with what was said in them.
pub struct Stage {
    pub world: World,
    pub conversations: Vec<Uuid>,
    pub contacts: Vec<Uuid>,
    model: BTreeMap<(Uuid, i64), Message>,
    begun: i64,
}

impl Stage {
    /// A world with so many conversations, each begun by one message.
    pub async fn of(world: World, count: i64) -> Self {
        for at in 0..count {
            let update = World::update(100 + at, 5_550_001 + at, 10 + at, "begun");
            assert_eq!(world.hook(&world.bot, &update).await, 200);
        }
        let api = world.api("owner@example.com").await;
        let (mut ids, mut contacts, mut model) = (Vec::new(), Vec::new(), BTreeMap::new());
        for row in api.inbox().await {
            let id =
                |value: &serde_json::Value| value.as_str().expect("an id").parse::<Uuid>().expect("an id");
            let conversation = id(&row["id"]);
            ids.push(conversation);
            contacts.push(id(&row["contact"]["id"]));
            for message in api.messages(&conversation.to_string()).await {
                let message: Message = serde_json::from_value(message).expect("a message");
                model.insert((conversation, message.seq), message);
            }
        }
        assert_eq!(ids.len() as i64, count);
        Self { world, conversations: ids, contacts, model, begun: 0 }
    }

    pub fn store(&self) -> &Store {
        &self.world.app.store
    }

    pub async fn perform(&mut self, conversation: usize, act: Act) {
        let conversation = self.conversations[conversation % self.conversations.len()];
        let perform = Perform { tenant: self.world.tenant, conversation, act };
        if let Some(message) = self.store().write(perform).await.expect("it is done").value {
            self.model.insert((conversation, message.seq), message);
        }
    }

    /// The events since the last call.
    pub async fn news(&mut self) -> Vec<Event> {
        let mut all = Vec::new();
        loop {
            let since = events::Since { tenant: self.world.tenant, after: self.begun, limit: 500 };
            let page = self.store().read(since).await.expect("events");
            let Some(last) = page.events.last() else { return all };
            self.begun = last.cursor;
            all.extend(page.events);
        }
    }

    pub fn last_seq(&self, conversation: Uuid) -> i64 {
        let of = self.model.range((conversation, i64::MIN)..=(conversation, i64::MAX));
        of.last().map_or(0, |((_, seq), _)| *seq)
    }

    pub fn wanted(&self, conversation: Uuid, end: End, (after, before): (i64, i64), limit: usize) -> Wanted {
        Wanted { tenant: self.world.tenant, conversation, after, before, end, limit }
    }

    /// The page as the model has it.
    pub fn page(&self, wanted: &Wanted) -> Page {
        let of = self.model.range((wanted.conversation, i64::MIN)..=(wanted.conversation, i64::MAX));
        let within = of.filter(|((_, seq), _)| *seq > wanted.after && *seq < wanted.before);
        let mut all: Vec<Message> = within.map(|(_, message)| message.clone()).collect();
        let more = all.len() > wanted.limit;
        match wanted.end {
            End::Newest => drop(all.drain(..all.len().saturating_sub(wanted.limit))),
            End::Oldest => all.truncate(wanted.limit),
        }
        Page { messages: all, more }
    }

    /// Nothing of it is expected any more.
    pub fn forget(&mut self, what: Forgotten) {
        let gone: Vec<Uuid> = match what {
            Forgotten::Tenant => self.conversations.clone(),
            Forgotten::Conversation(id) => vec![id],
            Forgotten::Contact(id) => {
                let of = self.contacts.iter().zip(&self.conversations);
                of.filter(|(contact, _)| **contact == id).map(|(_, conversation)| *conversation).collect()
            }
        };
        self.model.retain(|(conversation, _), _| !gone.contains(conversation));
    }
}
