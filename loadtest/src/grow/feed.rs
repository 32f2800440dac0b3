//! Events of a tenant's feed; each contains the whole object as the server stores and sends it, after its cursor.

use anyhow::Result;
use serde::Serialize;
use uuid::Uuid;

use super::context::{Contact, Context};
use super::conversation::{AuthorJson, Conversation, Direction, LastMessage, Standing};
use super::database::row;
use super::message::{NewMessage, Written};
use super::table::Table;
use super::turn::TurnJson;

#[derive(Serialize)]
struct Event<'a> {
    cursor: i64,
    tenant: Uuid,
    kind: &'a str,
    at: i64,
    company: Uuid,
    channel: Uuid,
    conversation: ConversationJson,
    moved: Option<Moved>,
    message: Option<MessageJson<'a>>,
    turn: Option<()>,
    channel_state: Option<()>,
    read: Option<()>,
}

#[derive(Serialize)]
struct ConversationJson {
    id: Uuid,
    tenant: Uuid,
    company: Uuid,
    channel: Uuid,
    channel_kind: &'static str,
    contact: ContactJson,
    state: &'static str,
    owner: &'static str,
    epoch: i64,
    assignee: Option<Uuid>,
    handoff_reason: Option<&'static str>,
    last_seq: u32,
    last_message: Option<LastMessage>,
    inbound_count: u32,
    turn: Option<TurnJson>,
    opened_at: i64,
    updated_at: i64,
    waiting_since: Option<i64>,
    bucket: &'static str,
}

#[derive(Serialize)]
struct ContactJson {
    id: Uuid,
    name: String,
    handle: String,
}

#[derive(Serialize)]
struct Moved {
    from: Option<StandingJson>,
    to: StandingJson,
}

#[derive(Serialize)]
struct StandingJson {
    bucket: &'static str,
    assignee: Option<Uuid>,
}

#[derive(Serialize)]
struct MessageJson<'a> {
    id: Uuid,
    conversation: Uuid,
    seq: u32,
    direction: &'static str,
    kind: &'static str,
    text: &'a str,
    author: AuthorJson,
    client_id: Option<&'a str>,
    reply_to: Option<Uuid>,
    attachments: [(); 0],
    reactions: [(); 0],
    status: &'static str,
    error: Option<()>,
    edited_at: Option<i64>,
    deleted_at: Option<i64>,
    provider_at: Option<i64>,
    created_at: i64,
    turn: Option<Uuid>,
    data: Option<()>,
}

/// Takes the next cursor of the tenant's feed for a change of a conversation, and writes the event if it is within the
/// retention.
pub(crate) fn announce(
    context: &mut Context<'_>,
    index: u32,
    of: &Conversation,
    contact: &Contact,
    from: Option<Standing>,
    message: Option<(&NewMessage, &Written)>,
    at: i64,
) -> Result<()> {
    let channel = &context.accounts.channels[of.channel as usize];
    let tenant = &mut context.accounts.tenants[channel.tenant as usize];
    tenant.cursor += 1;
    tenant.newest_event = Some((index, at));
    if context.keeps_events(at) { write(context, of, contact, from, message, at) } else { Ok(()) }
}

/// Writes an event under the tenant's newest cursor.
pub(crate) fn write(
    context: &mut Context<'_>,
    of: &Conversation,
    contact: &Contact,
    from: Option<Standing>,
    message: Option<(&NewMessage, &Written)>,
    at: i64,
) -> Result<()> {
    let (name, handle) = super::names::of(contact.number, context.seed);
    // Copied before the last message's text overwrites it.
    let said = context.text.clone();
    let last_message = of.last_message(context, contact);
    let channel = &context.accounts.channels[of.channel as usize];
    let tenant = &context.accounts.tenants[channel.tenant as usize];
    let user = |user: u32| context.accounts.users[user as usize].id;
    let standing =
        |standing: Standing| StandingJson { bucket: standing.bucket, assignee: standing.assignee.map(user) };
    let now = of.standing();
    let kind = if message.is_some() { "message.created" } else { "conversation.updated" };
    let event = Event {
        cursor: tenant.cursor,
        tenant: tenant.id,
        kind,
        at,
        company: channel.company,
        channel: channel.id,
        conversation: ConversationJson {
            id: of.id,
            tenant: tenant.id,
            company: channel.company,
            channel: channel.id,
            channel_kind: "telegram",
            contact: ContactJson { id: contact.id, name, handle },
            state: of.state(),
            owner: of.owner.as_str(),
            epoch: of.epoch,
            assignee: of.assignee.map(user),
            handoff_reason: of.handoff,
            last_seq: of.seq,
            last_message,
            inbound_count: of.inbound,
            turn: of.turn.filter(|turn| turn.is_open).map(|turn| turn.json(of.id)),
            opened_at: of.opened_at,
            updated_at: of.updated_at,
            waiting_since: of.waiting_since,
            bucket: now.bucket,
        },
        moved: (from != Some(now)).then(|| Moved { from: from.map(standing), to: standing(now) }),
        message: message.map(|(what, written)| MessageJson {
            id: written.id,
            conversation: of.id,
            seq: of.seq,
            direction: what.direction.as_str(),
            kind: "text",
            text: &said,
            author: written.author.clone(),
            client_id: written.client_id.as_deref(),
            reply_to: None,
            attachments: [],
            reactions: [],
            status: if what.direction == Direction::Out { "queued" } else { "received" },
            error: None,
            edited_at: None,
            deleted_at: None,
            provider_at: written.provider_at,
            created_at: what.at,
            turn: what.turn.map(|(turn, _)| turn),
            data: None,
        }),
        turn: None,
        channel_state: None,
        read: None,
    };
    let data = serde_json::to_string(&event)?;
    let row = row![tenant.id, tenant.cursor, kind, channel.company, channel.id, None::<Uuid>, at, &data];
    context.fill.put(Table::Events, row)
}
