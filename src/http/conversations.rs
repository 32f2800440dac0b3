//! One conversation: who answers in it, whether it is open, how far it was read. Twins of the socket's
//! `conversation.*` methods.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::body::Body;
use super::extract::{Answer, At, Conversation as OfConversation, Read};
use super::problem::{Problem, Result};
use crate::app::AppState;
use crate::inbox::{assign as assigning, close as closing, look, own, read as reading, turn};
use crate::model::{Conversation, InboxItem, ReadMark, Turn};

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
pub struct ReadBody {
    /// The `seq` of the last message that was shown.
    seq: i64,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct TurnAnswer {
    turn: Option<Turn>,
}

/// One conversation.
#[utoipa::path(get, path = "/api/v1/conversations/{id}", tag = "inbox", params(("id" = Uuid, Path)),
    responses((status = 200, body = InboxItem), (status = 404, body = Problem)))]
pub async fn get(State(app): State<AppState>, at: At<OfConversation, Read>) -> Result<Json<InboxItem>> {
    Ok(Json(app.store.read(look::One { scope: at.scope, conversation: at.id }).await?))
}

/// Take the conversation: the AI is silent from now on.
#[utoipa::path(post, path = "/api/v1/conversations/{id}/take-over", tag = "inbox", params(("id" = Uuid, Path)),
    responses((status = 200, body = ConversationAnswer), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn take_over(
    State(app): State<AppState>,
    at: At<OfConversation, Answer>,
) -> Result<Json<ConversationAnswer>> {
    let conversation = app.store.write(own::TakeOver { scope: at.scope, conversation: at.id }).await?.value;
    Ok(Json(ConversationAnswer { conversation }))
}

/// Give the conversation to the AI, which answers what nobody has answered yet.
#[utoipa::path(post, path = "/api/v1/conversations/{id}/hand-back", tag = "inbox", params(("id" = Uuid, Path)),
    responses((status = 200, body = ConversationAnswer), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn hand_back(
    State(app): State<AppState>,
    at: At<OfConversation, Answer>,
) -> Result<Json<ConversationAnswer>> {
    let conversation = app.store.write(own::HandBack { scope: at.scope, conversation: at.id }).await?.value;
    Ok(Json(ConversationAnswer { conversation }))
}

/// Close the conversation. A customer who writes again opens a new one.
#[utoipa::path(post, path = "/api/v1/conversations/{id}/close", tag = "inbox", params(("id" = Uuid, Path)),
    responses((status = 200, body = ConversationAnswer), (status = 404, body = Problem)))]
pub async fn close(
    State(app): State<AppState>,
    at: At<OfConversation, Answer>,
) -> Result<Json<ConversationAnswer>> {
    let conversation = app.store.write(closing::Close { scope: at.scope, conversation: at.id }).await?.value;
    Ok(Json(ConversationAnswer { conversation }))
}

/// Open a closed conversation again.
#[utoipa::path(post, path = "/api/v1/conversations/{id}/reopen", tag = "inbox", params(("id" = Uuid, Path)),
    responses((status = 200, body = ConversationAnswer), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn reopen(
    State(app): State<AppState>,
    at: At<OfConversation, Answer>,
) -> Result<Json<ConversationAnswer>> {
    let conversation = app.store.write(closing::Reopen { scope: at.scope, conversation: at.id }).await?.value;
    Ok(Json(ConversationAnswer { conversation }))
}

/// Give the conversation to a colleague, or to nobody in particular.
#[utoipa::path(post, path = "/api/v1/conversations/{id}/assign", tag = "inbox", params(("id" = Uuid, Path)),
    request_body = AssignBody,
    responses((status = 200, body = ConversationAnswer), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub async fn assign(
    State(app): State<AppState>,
    at: At<OfConversation, Answer>,
    Body(body): Body<AssignBody>,
) -> Result<Json<ConversationAnswer>> {
    let verb = assigning::Assign { scope: at.scope, conversation: at.id, assignee: body.assignee };
    Ok(Json(ConversationAnswer { conversation: app.store.write(verb).await?.value }))
}

/// Note how far the caller has read. The mark moves forward only.
#[utoipa::path(post, path = "/api/v1/conversations/{id}/read", tag = "inbox", params(("id" = Uuid, Path)),
    request_body = ReadBody,
    responses((status = 200, body = ReadMark), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub async fn read(
    State(app): State<AppState>,
    at: At<OfConversation, Read>,
    Body(body): Body<ReadBody>,
) -> Result<Json<ReadMark>> {
    let verb = reading::Read { scope: at.scope, conversation: at.id, seq: body.seq };
    Ok(Json(app.store.write(verb).await?.value))
}

/// "Answer now": ends the gathering of the turn.
#[utoipa::path(post, path = "/api/v1/conversations/{id}/flush-turn", tag = "inbox", params(("id" = Uuid, Path)),
    responses((status = 200, body = TurnAnswer), (status = 404, body = Problem)))]
pub async fn flush_turn(
    State(app): State<AppState>,
    at: At<OfConversation, Answer>,
) -> Result<Json<TurnAnswer>> {
    let turn = app.store.write(turn::Flush { scope: at.scope, conversation: at.id }).await?.value;
    Ok(Json(TurnAnswer { turn }))
}
