//! The rows of one message: the message, and its webhook or its delivery to the provider with the attempts and, if it
//! is still queued, the job.

use anyhow::Result;
use serde_json::json;
use uuid::Uuid;

use super::context::{Contact, Context};
use super::conversation::{Author, AuthorJson, Conversation, Direction};
use super::database::row;
use super::table::Table;
use super::text;
use super::{files, id, rules};

/// Position of a message's parts in its lane.
const PARTS: i64 = 100_000;
pub(crate) const DOWN: &str = "the provider refuses the credentials: Unauthorized";

/// The newest message of its conversation.
pub(crate) struct NewMessage {
    pub(crate) at: i64,
    pub(crate) direction: Direction,
    pub(crate) author: Author,
    pub(crate) key: u64,
    /// The turn that it answers, and its index among the answers.
    pub(crate) turn: Option<(Uuid, u32)>,
    /// It is queued, because its channel is down.
    pub(crate) waits: bool,
}

/// The fields of a message for its event.
pub(crate) struct Written {
    pub(crate) id: Uuid,
    pub(crate) author: AuthorJson,
    pub(crate) client_id: Option<String>,
    pub(crate) provider_at: Option<i64>,
}

/// Writes the message; leaves its text in the context.
pub(crate) fn write(
    context: &mut Context<'_>,
    of: &Conversation,
    contact: &Contact,
    new: &NewMessage,
) -> Result<Written> {
    let id = context.id(new.at);
    text::write(new.key, &mut context.text);
    let author = AuthorJson::of(new.author, of, context, contact);
    let ours = new.direction != Direction::In;
    let client_id = ours.then(|| match new.turn {
        Some((turn, number)) => format!("turn:{turn}:{number}"),
        None => format!("{:016x}", new.key),
    });
    let digest = ours.then(|| id::digest(&mut context.dice));
    let status = match (new.direction, context.dice.roll(100)) {
        (Direction::In | Direction::Note, _) => "received",
        _ if new.waits => "queued",
        (_, 0) => "failed",
        (_, 1..10) => "sent",
        (_, 10..30) => "delivered",
        _ => "read",
    };
    let error = match status {
        "queued" => Some(("channel_waits", DOWN)),
        "failed" => Some(("blocked", "the customer has blocked the bot")),
        _ => None,
    };
    let channel = &mut context.accounts.channels[of.channel as usize];
    channel.numbered += 1;
    let (number, channel_id, tenant) = (channel.numbered, channel.id, channel.tenant);
    let tenant = context.accounts.tenants[tenant as usize].id;
    let (external_id, external_key) = (number.to_string(), format!("{}:{number}", contact.chat()));
    let provider_at = (!ours).then_some(new.at / 1_000 * 1_000);
    let row = row![
        id,
        tenant,
        of.id,
        channel_id,
        i64::from(of.seq),
        new.direction.as_str(),
        "text",
        &context.text,
        author.kind,
        &author.id,
        &author.name,
        client_id.as_ref(),
        digest.as_ref(),
        (!ours).then_some(&external_key),
        (!ours).then_some(&external_id),
        status,
        error.map(|(code, _)| code),
        error.map(|(_, reason)| reason),
        provider_at,
        new.at,
        new.turn.map(|(turn, _)| turn),
        "[]",
        i64::from(of.inbound)
    ];
    context.fill.put(Table::Messages, row)?;
    match new.direction {
        Direction::In if context.keeps_events(new.at) => {
            envelope(context, (tenant, channel_id), contact, new, number)?;
        }
        Direction::Out => {
            let company = context.accounts.channels[of.channel as usize].company;
            rules::told(context, (tenant, channel_id, company), contact, (id, new.at))?;
            let key = (external_id.as_str(), external_key.as_str());
            deliver(context, of, (tenant, channel_id), (id, new), status, error, key)?;
        }
        _ => {}
    }
    files::of_message(context, (tenant, id), new.direction, new.at)?;
    Ok(Written { id, author, client_id, provider_at })
}

/// Writes the received webhook.
fn envelope(
    context: &mut Context<'_>,
    (tenant, channel): (Uuid, Uuid),
    contact: &Contact,
    new: &NewMessage,
    number: i64,
) -> Result<()> {
    let (name, handle) = super::names::of(contact.number, context.seed);
    let (first, last) = name.split_once(' ').unwrap_or((&name, ""));
    let person = json!({"id": contact.chat(), "is_bot": false, "first_name": first, "last_name": last,
        "username": handle, "language_code": "en"});
    let body = json!({"update_id": 800_000_000 + number, "message": {"message_id": number, "from": person,
        "chat": {"id": contact.chat(), "first_name": first, "last_name": last, "username": handle, "type": "private"},
        "date": new.at / 1_000, "text": context.text}});
    let (id, body) = (context.id(new.at), body.to_string());
    let row = row![id, tenant, channel, body.as_bytes(), "events", 1_i64, new.at];
    context.fill.put(Table::Envelopes, row)
}

/// Writes the delivery of its only part.
fn deliver(
    context: &mut Context<'_>,
    of: &Conversation,
    (tenant, channel): (Uuid, Uuid),
    (message, new): (Uuid, &NewMessage),
    status: &'static str,
    error: Option<(&'static str, &'static str)>,
    (external_id, external_key): (&str, &str),
) -> Result<()> {
    let id = context.id(new.at);
    let payload = format!(r#"{{"text":"{}","media":null,"reply_to":null}}"#, context.text);
    let left = !matches!(status, "queued" | "failed");
    let tries = if new.waits { 0 } else { 1 + i64::from(context.dice.chance(3)) };
    let row = row![
        id,
        tenant,
        channel,
        of.id,
        message,
        0_i64,
        1_i64,
        &payload,
        status,
        left.then_some(external_key),
        left.then_some(external_id),
        tries,
        error.map(|(code, _)| code),
        error.map(|(_, reason)| reason),
        new.at,
        new.at + tries * 900
    ];
    context.fill.put(Table::Deliveries, row)?;
    if context.keeps_attempts(new.at) {
        for attempt in 1..=tries {
            let start = new.at + attempt * 400;
            let (outcome, code, reason) = match (attempt < tries, error) {
                (true, _) => ("retry", Some("busy"), Some("the provider asks to come again")),
                (false, None) => ("sent", None, None),
                (false, Some((code, reason))) => ("rejected", Some(code), Some(reason)),
            };
            let attempt = context.id(start);
            let row = row![attempt, tenant, id, start, start + 250, outcome, code, reason];
            context.fill.put(Table::Attempts, row)?;
        }
    }
    if new.waits {
        let (job, lane) = (context.id(new.at), format!("conversation:{}", of.id));
        let (payload, position) = (format!(r#"{{"delivery":"{id}"}}"#), i64::from(of.seq) * PARTS);
        let row = row![
            job, tenant, channel, 1_i64, &lane, "deliver", id, &payload, position, new.at, 0_i64, new.at,
            "ready"
        ];
        context.fill.put(Table::Jobs, row)?;
    }
    Ok(())
}
