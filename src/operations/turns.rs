//! The calls of an AI worker about its turn. Every call names the lease; a stale lease changes nothing.

use hub::Tags;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::answer::Nothing;
use super::{At, Caller};
use crate::accounts::Permission;
use crate::document;
use crate::error::Error;
use crate::inbox::turn::{Extend, Fail, Handoff, Reply};
use crate::model::{MessageBody, OutAttachment, OutButton, RoomFrame};
use crate::rooms;
use crate::telemetry::traces::{self, Span};
use crate::work::Dispatcher;

/// Turns that a responder may have at a time.
pub(crate) const MAX_CAPACITY: usize = 1_000;
/// Bytes of one delta.
const MAX_DELTA: usize = 16 * 1024;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeltaBody {
    turn: Uuid,
    lease: Uuid,
    /// 16 KiB at the most.
    #[serde(deserialize_with = "document::written")]
    text: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplyBody {
    lease: Uuid,
    #[serde(default, deserialize_with = "document::opt_written")]
    text: Option<String>,
    #[serde(default)]
    attachments: Vec<OutAttachment>,
    /// Reply buttons under the text, where the channel's provider has them.
    #[serde(default)]
    buttons: Vec<OutButton>,
    /// 1 to 10, instead of `text`, `attachments` and `buttons`.
    #[serde(default)]
    parts: Vec<MessageBody>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeaseBody {
    lease: Uuid,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReasonBody {
    lease: Uuid,
    /// 1 to 200 characters.
    #[serde(deserialize_with = "document::written")]
    reason: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CapacityBody {
    /// 1 to 1,000; 0: no more turns.
    capacity: usize,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Replied {
    messages: Vec<Uuid>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Extended {
    lease_until: i64,
}

/// Publishes text to the sessions that have the conversation open; it is not stored. A delta also prolongs the lease.
pub async fn delta(caller: Caller, args: DeltaBody) -> Result<Nothing, Error> {
    if args.text.len() > MAX_DELTA {
        return Err(Error::invalid("text", format!("at most {MAX_DELTA} bytes in one piece")));
    }
    let (app, responder) = (&caller.app, caller.access.identity.id());
    let session = caller.session.ok_or(Error::Forbidden(Permission::Respond.refusal()))?;
    let held = app.dispatcher.delta(session, responder, args.lease, args.turn);
    let held = held.ok_or_else(|| Error::gone("turn_over", "this lease of the turn is over"))?;
    let scope = caller.tenant(held.tenant)?;
    let (turn, attempt, index) = (held.turn, held.attempt, held.index);
    let frame = RoomFrame::TurnDelta { turn, attempt, index, text: args.text };
    let data = serde_json::to_vec(&frame).map_err(anyhow::Error::from)?;
    let (topic, room) = (rooms::tenant(held.tenant), rooms::conversation(held.conversation));
    app.hub.publish_ephemeral(Some(&topic), &room, data.into(), Tags::default());
    app.dispatcher.prolong(scope, args.lease, &held).await;
    Ok(Nothing {})
}

pub async fn reply(at: At, args: ReplyBody) -> Result<Replied, Error> {
    let ReplyBody { lease, text, attachments, buttons, mut parts } = args;
    if text.is_some() || !attachments.is_empty() || !buttons.is_empty() {
        if !parts.is_empty() {
            return Err(Error::invalid("parts", "give either text, attachments and buttons, or parts"));
        }
        parts.push(MessageBody { text, attachments, buttons, ..MessageBody::default() });
    }
    let outward = at.app.http.outward().clone();
    let has_address = at.app.files.addresses.is_there();
    let verb = Reply { scope: at.scope, outward, has_address, turn: at.id, lease, parts };
    let trace = at.app.dispatcher.trace_of(lease).or_else(traces::current);
    let mut span = Span::of("turn.reply", trace);
    span.put("turn", || at.id.to_string());
    let done = span.within(at.app.store.write(verb)).await;
    let done = ended(&at.app.dispatcher, lease, done)?;
    if let Some(refusal) = done.value.refused {
        return Err(refusal.into());
    }
    Ok(Replied { messages: done.value.messages.iter().map(|message| message.id).collect() })
}

pub async fn extend(at: At, args: LeaseBody) -> Result<Extended, Error> {
    let lease = args.lease;
    match at.app.store.write(Extend { scope: at.scope, turn: at.id, lease }).await {
        Ok(extended) => Ok(Extended { lease_until: extended.value }),
        Err(error) => ended(&at.app.dispatcher, lease, Err(error)),
    }
}

pub async fn handoff(at: At, args: ReasonBody) -> Result<Nothing, Error> {
    let ReasonBody { lease, reason } = args;
    let done = at.app.store.write(Handoff { scope: at.scope, turn: at.id, lease, reason }).await;
    ended(&at.app.dispatcher, lease, done)?;
    Ok(Nothing {})
}

pub async fn fail(at: At, args: ReasonBody) -> Result<Nothing, Error> {
    let ReasonBody { lease, reason } = args;
    let done = at.app.store.write(Fail { scope: at.scope, turn: at.id, lease, reason }).await;
    ended(&at.app.dispatcher, lease, done)?;
    Ok(Nothing {})
}

/// A lease that is over, by this call or before it, frees capacity for the responder's next turn.
fn ended<T>(dispatcher: &Dispatcher, lease: Uuid, done: Result<T, Error>) -> Result<T, Error> {
    if matches!(done, Ok(_) | Err(Error::Gone { .. })) {
        dispatcher.release(lease);
    }
    done
}

pub async fn capacity(caller: Caller, args: CapacityBody) -> Result<Nothing, Error> {
    if args.capacity > MAX_CAPACITY {
        return Err(Error::invalid(
            "capacity",
            format!("between 0 (no more) and {MAX_CAPACITY} turns at a time"),
        ));
    }
    let session = caller.session.ok_or(Error::Forbidden(Permission::Respond.refusal()))?;
    if !caller.app.dispatcher.set_capacity(session, args.capacity) {
        return Err(Error::Forbidden(Permission::Respond.refusal()));
    }
    Ok(Nothing {})
}
