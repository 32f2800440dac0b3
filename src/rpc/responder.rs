//! What an AI worker does with its turn. Every call names the lease; a stale one changes nothing.

use bytes::Bytes;
use hub::{SessionInfo, Tags};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::Nothing;
use super::rules::{MAX_CAPACITY, SocketRules, who};
use crate::accounts::Permission;
use crate::document;
use crate::error::Error;
use crate::inbox::turn::{Extend, Fail, Handoff, Reply};
use crate::model::MessageBody;

/// Bytes of one piece of text.
const MAX_DELTA: usize = 16 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeltaArgs {
    turn: Uuid,
    lease: Uuid,
    #[serde(deserialize_with = "document::written")]
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReplyArgs {
    turn: Uuid,
    lease: Uuid,
    #[serde(default, deserialize_with = "document::opt_written")]
    text: Option<String>,
    #[serde(default)]
    attachments: Vec<crate::model::OutAttachment>,
    #[serde(default)]
    parts: Vec<MessageBody>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Leased {
    turn: Uuid,
    lease: Uuid,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reasoned {
    turn: Uuid,
    lease: Uuid,
    #[serde(deserialize_with = "document::written")]
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CapacityArgs {
    capacity: usize,
}

#[derive(Serialize)]
pub(super) struct Replied {
    messages: Vec<Uuid>,
}

#[derive(Serialize)]
pub(super) struct Extended {
    lease_until: i64,
}

/// Live to those who look at the conversation, not stored. A word also prolongs the lease.
pub(super) async fn delta(
    rules: &SocketRules,
    session: &SessionInfo,
    args: DeltaArgs,
) -> Result<Nothing, Error> {
    if args.text.len() > MAX_DELTA {
        return Err(Error::invalid("text", format!("at most {MAX_DELTA} bytes in one piece")));
    }
    let access = &who(session)?.access;
    let held = rules.dispatcher.delta(session.id, access.identity.id(), args.lease, args.turn);
    let held = held.ok_or_else(|| Error::gone("turn_over", "this lease of the turn is over"))?;
    let scope = access.tenant(held.tenant, Permission::Respond)?;
    let frame = json!({
        "kind": "turn.delta", "turn": held.turn, "attempt": held.attempt, "index": held.index, "text": args.text,
    });
    if let Some(hub) = rules.hub() {
        let room = format!("conversation:{}", held.conversation);
        hub.publish_ephemeral(&room, Bytes::from(frame.to_string()), Tags::default());
    }
    rules.dispatcher.prolong(scope, args.lease, &held).await;
    Ok(Nothing {})
}

pub(super) async fn reply(
    rules: &SocketRules,
    session: &SessionInfo,
    args: ReplyArgs,
) -> Result<Replied, Error> {
    let scope = rules.turn(session, args.turn).await?;
    let mut parts = args.parts;
    if args.text.is_some() || !args.attachments.is_empty() {
        if !parts.is_empty() {
            return Err(Error::invalid("parts", "give either text and attachments, or parts"));
        }
        parts.push(MessageBody { text: args.text, attachments: args.attachments, reply_to: None });
    }
    let outward = rules.outward.clone();
    let done = rules.store.write(Reply { scope, outward, turn: args.turn, lease: args.lease, parts }).await;
    let done = ended(rules, args.lease, done)?;
    Ok(Replied { messages: done.value.messages.iter().map(|message| message.id).collect() })
}

pub(super) async fn extend(
    rules: &SocketRules,
    session: &SessionInfo,
    args: Leased,
) -> Result<Extended, Error> {
    let scope = rules.turn(session, args.turn).await?;
    match rules.store.write(Extend { scope, turn: args.turn, lease: args.lease }).await {
        Ok(extended) => Ok(Extended { lease_until: extended.value }),
        Err(error) => ended(rules, args.lease, Err(error)),
    }
}

pub(super) async fn handoff(
    rules: &SocketRules,
    session: &SessionInfo,
    args: Reasoned,
) -> Result<Nothing, Error> {
    let scope = rules.turn(session, args.turn).await?;
    let done =
        rules.store.write(Handoff { scope, turn: args.turn, lease: args.lease, reason: args.reason }).await;
    ended(rules, args.lease, done)?;
    Ok(Nothing {})
}

pub(super) async fn fail(
    rules: &SocketRules,
    session: &SessionInfo,
    args: Reasoned,
) -> Result<Nothing, Error> {
    let scope = rules.turn(session, args.turn).await?;
    let done =
        rules.store.write(Fail { scope, turn: args.turn, lease: args.lease, reason: args.reason }).await;
    ended(rules, args.lease, done)?;
    Ok(Nothing {})
}

/// A lease that is over, by this call or before it, makes room for the next turn.
fn ended<T>(rules: &SocketRules, lease: Uuid, done: Result<T, Error>) -> Result<T, Error> {
    if matches!(done, Ok(_) | Err(Error::Gone { .. })) {
        rules.dispatcher.release(lease);
    }
    done
}

pub(super) async fn capacity(
    rules: &SocketRules,
    session: &SessionInfo,
    args: CapacityArgs,
) -> Result<Nothing, Error> {
    if args.capacity > MAX_CAPACITY {
        return Err(Error::invalid(
            "capacity",
            format!("between 0 (no more) and {MAX_CAPACITY} turns at a time"),
        ));
    }
    if !rules.dispatcher.set_capacity(session.id, args.capacity) {
        return Err(Error::Forbidden("this needs an API key of role responder"));
    }
    Ok(Nothing {})
}
