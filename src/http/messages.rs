//! The messages of a conversation: reading them, sending one, adding a private note.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::body::Body;
use super::extract::{Answer, At, Conversation as OfConversation, Params, Read, page_size};
use super::problem::{Problem, Result};
use crate::app::AppState;
use crate::document;
use crate::inbox::{look, note as noting, send as sending};
use crate::model::{Message, MessageBody, OutAttachment};

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Messages with a lower `seq`: the newest of them.
    before_seq: Option<i64>,
    /// Messages with a higher `seq`: the oldest of them.
    after_seq: Option<i64>,
    /// 1 to 200, default 50.
    limit: Option<i64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct MessagesAnswer {
    /// By rising `seq`.
    messages: Vec<Message>,
    /// There are more in the direction that was asked for.
    more: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct MessageAnswer {
    message: Message,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SendBody {
    /// The client's own id of the message. The same id again gives the first result back.
    #[serde(deserialize_with = "document::line")]
    client_id: String,
    #[serde(default, deserialize_with = "document::opt_written")]
    text: Option<String>,
    #[serde(default)]
    attachments: Vec<OutAttachment>,
    /// A message of the same conversation to quote.
    reply_to: Option<Uuid>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoteBody {
    #[serde(deserialize_with = "document::line")]
    client_id: String,
    #[serde(deserialize_with = "document::written")]
    text: String,
}

/// The messages of a conversation, by rising `seq`.
#[utoipa::path(get, path = "/api/v1/conversations/{id}/messages", tag = "inbox", params(("id" = Uuid, Path), PageQuery),
    responses((status = 200, body = MessagesAnswer), (status = 404, body = Problem)))]
pub async fn list(
    State(app): State<AppState>,
    at: At<OfConversation, Read>,
    Params(query): Params<PageQuery>,
) -> Result<Json<MessagesAnswer>> {
    if query.before_seq.is_some() && query.after_seq.is_some() {
        return Err(Problem::invalid("after_seq", "give before_seq or after_seq, not both"));
    }
    let verb = look::Messages {
        scope: at.scope,
        conversation: at.id,
        before_seq: query.before_seq,
        after_seq: query.after_seq,
        limit: page_size(query.limit, 50, look::MAX_PAGE),
    };
    let page = app.store.read(verb).await?;
    Ok(Json(MessagesAnswer { messages: page.messages, more: page.more }))
}

/// Send a message to the customer. The caller's `client_id` makes a repetition harmless.
#[utoipa::path(post, path = "/api/v1/conversations/{id}/messages", tag = "inbox", params(("id" = Uuid, Path)),
    request_body = SendBody,
    responses(
        (status = 201, description = "Queued to be sent", body = MessageAnswer),
        (status = 200, description = "The first result of this client_id", body = MessageAnswer),
        (status = 400, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn send(
    State(app): State<AppState>,
    at: At<OfConversation, Answer>,
    Body(body): Body<SendBody>,
) -> Result<(StatusCode, Json<MessageAnswer>)> {
    let message = MessageBody { text: body.text, attachments: body.attachments, reply_to: body.reply_to };
    let verb = sending::Send {
        scope: at.scope,
        outward: app.http.outward().clone(),
        conversation: at.id,
        client_id: body.client_id,
        body: message,
    };
    Ok(made(app.store.write(verb).await?.value))
}

/// Add a private note, which never leaves.
#[utoipa::path(post, path = "/api/v1/conversations/{id}/notes", tag = "inbox", params(("id" = Uuid, Path)),
    request_body = NoteBody,
    responses((status = 201, body = MessageAnswer), (status = 200, body = MessageAnswer),
        (status = 400, body = Problem), (status = 404, body = Problem)))]
pub async fn add_note(
    State(app): State<AppState>,
    at: At<OfConversation, Answer>,
    Body(body): Body<NoteBody>,
) -> Result<(StatusCode, Json<MessageAnswer>)> {
    let verb =
        noting::Note { scope: at.scope, conversation: at.id, client_id: body.client_id, text: body.text };
    Ok(made(app.store.write(verb).await?.value))
}

fn made(sent: sending::Sent) -> (StatusCode, Json<MessageAnswer>) {
    let status = if sent.repeated { StatusCode::OK } else { StatusCode::CREATED };
    (status, Json(MessageAnswer { message: sent.message }))
}
