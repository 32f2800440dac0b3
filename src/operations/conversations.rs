//! One conversation: its answering, state, read mark and typing.

use hub::Tags;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::At;
use super::answer::Nothing;
use crate::error::Error;
use crate::inbox::{assign as assigning, close as closing, consent, look, own, read as reading, turn};
use crate::model::{Conversation, InboxItem, ReadMark, RoomFrame, Turn, Typist};
use crate::rooms;

#[derive(Debug, Serialize, ToSchema)]
pub struct ConversationAnswer {
    conversation: Conversation,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignBody {
    /// A user who may answer in the tenant, or null for nobody.
    assignee: Option<Uuid>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OptOutBody {
    opted_out: bool,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadBody {
    /// The `seq` of the last message that was shown.
    seq: i64,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct TurnAnswer {
    turn: Option<Turn>,
}

pub async fn get(at: At) -> Result<InboxItem, Error> {
    at.app.store.read(look::One { scope: at.scope, conversation: at.id }).await
}

pub async fn take_over(at: At) -> Result<ConversationAnswer, Error> {
    let verb = own::TakeOver { scope: at.scope, conversation: at.id };
    Ok(ConversationAnswer { conversation: at.app.store.write(verb).await?.value })
}

pub async fn hand_back(at: At) -> Result<ConversationAnswer, Error> {
    let verb = own::HandBack { scope: at.scope, conversation: at.id };
    Ok(ConversationAnswer { conversation: at.app.store.write(verb).await?.value })
}

pub async fn close(at: At) -> Result<ConversationAnswer, Error> {
    let verb = closing::Close { scope: at.scope, conversation: at.id };
    Ok(ConversationAnswer { conversation: at.app.store.write(verb).await?.value })
}

pub async fn reopen(at: At) -> Result<ConversationAnswer, Error> {
    let verb = closing::Reopen { scope: at.scope, conversation: at.id };
    Ok(ConversationAnswer { conversation: at.app.store.write(verb).await?.value })
}

pub async fn assign(at: At, args: AssignBody) -> Result<ConversationAnswer, Error> {
    let verb = assigning::Assign { scope: at.scope, conversation: at.id, assignee: args.assignee };
    Ok(ConversationAnswer { conversation: at.app.store.write(verb).await?.value })
}

pub async fn opt_out(at: At, args: OptOutBody) -> Result<ConversationAnswer, Error> {
    let verb = consent::SetOptOut { scope: at.scope, conversation: at.id, opted_out: args.opted_out };
    Ok(ConversationAnswer { conversation: at.app.store.write(verb).await?.value })
}

pub async fn read(at: At, args: ReadBody) -> Result<ReadMark, Error> {
    let verb = reading::Read { scope: at.scope, conversation: at.id, seq: args.seq };
    Ok(at.app.store.write(verb).await?.value)
}

pub async fn flush_turn(at: At) -> Result<TurnAnswer, Error> {
    let verb = turn::Flush { scope: at.scope, conversation: at.id };
    Ok(TurnAnswer { turn: at.app.store.write(verb).await?.value })
}

/// Shown to the customer and to the sessions that have the conversation open; not stored.
pub async fn typing(at: At) -> Result<Nothing, Error> {
    at.app.typing.person(at.scope.tenant(), at.id);
    let user = Typist { id: at.access.identity.id(), name: at.access.name.clone() };
    let frame = RoomFrame::Typing { user, at: at.app.store.clock().now_ms() };
    let data = serde_json::to_vec(&frame).map_err(anyhow::Error::from)?;
    let topic = rooms::tenant(at.scope.tenant());
    at.app.hub.publish_ephemeral(Some(&topic), &rooms::conversation(at.id), data.into(), Tags::default());
    Ok(Nothing {})
}
