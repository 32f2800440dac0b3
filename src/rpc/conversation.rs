//! What people do in conversations, over the socket.

use bytes::Bytes;
use hub::{SessionInfo, Tags};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::Nothing;
use super::rules::{SocketRules, who};
use crate::accounts::{Permission, Scope};
use crate::document;
use crate::error::Error;
use crate::inbox::{assign, close as closing, note as noting, own, read as reading, send as sending, turn};
use crate::model::{Conversation, Message, MessageBody, Turn};
use crate::store::Verb;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Named {
    conversation: Uuid,
}

#[derive(Deserialize)]
pub(super) struct SendArgs {
    conversation: Uuid,
    #[serde(deserialize_with = "document::line")]
    client_id: String,
    #[serde(flatten)]
    body: MessageBody,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoteArgs {
    conversation: Uuid,
    #[serde(deserialize_with = "document::line")]
    client_id: String,
    #[serde(deserialize_with = "document::written")]
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AssignArgs {
    conversation: Uuid,
    assignee: Option<Uuid>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadArgs {
    conversation: Uuid,
    seq: i64,
}

#[derive(Serialize)]
pub(super) struct WithMessage {
    message: Message,
}

#[derive(Serialize)]
pub(super) struct WithConversation {
    conversation: Conversation,
}

#[derive(Serialize)]
pub(super) struct WithTurn {
    turn: Option<Turn>,
}

pub(super) async fn send(
    rules: &SocketRules,
    session: &SessionInfo,
    args: SendArgs,
) -> Result<WithMessage, Error> {
    let scope = rules.conversation(session, args.conversation, Permission::Answer).await?;
    let outward = rules.outward.clone();
    let SendArgs { conversation, client_id, body } = args;
    let verb = sending::Send { scope, outward, conversation, client_id, body };
    Ok(WithMessage { message: rules.store.write(verb).await?.value.message })
}

pub(super) async fn note(
    rules: &SocketRules,
    session: &SessionInfo,
    args: NoteArgs,
) -> Result<WithMessage, Error> {
    let scope = rules.conversation(session, args.conversation, Permission::Answer).await?;
    let verb =
        noting::Note { scope, conversation: args.conversation, client_id: args.client_id, text: args.text };
    Ok(WithMessage { message: rules.store.write(verb).await?.value.message })
}

/// What needs no more than the conversation, and gives it back as it then is.
async fn change<V: Verb<Out = Conversation>>(
    rules: &SocketRules,
    session: &SessionInfo,
    args: Named,
    verb: impl FnOnce(Scope, Uuid) -> V,
) -> Result<WithConversation, Error> {
    let scope = rules.conversation(session, args.conversation, Permission::Answer).await?;
    Ok(WithConversation { conversation: rules.store.write(verb(scope, args.conversation)).await?.value })
}

pub(super) async fn take_over(
    rules: &SocketRules,
    session: &SessionInfo,
    args: Named,
) -> Result<WithConversation, Error> {
    change(rules, session, args, |scope, conversation| own::TakeOver { scope, conversation }).await
}

pub(super) async fn hand_back(
    rules: &SocketRules,
    session: &SessionInfo,
    args: Named,
) -> Result<WithConversation, Error> {
    change(rules, session, args, |scope, conversation| own::HandBack { scope, conversation }).await
}

pub(super) async fn close(
    rules: &SocketRules,
    session: &SessionInfo,
    args: Named,
) -> Result<WithConversation, Error> {
    change(rules, session, args, |scope, conversation| closing::Close { scope, conversation }).await
}

pub(super) async fn reopen(
    rules: &SocketRules,
    session: &SessionInfo,
    args: Named,
) -> Result<WithConversation, Error> {
    change(rules, session, args, |scope, conversation| closing::Reopen { scope, conversation }).await
}

pub(super) async fn assign(
    rules: &SocketRules,
    session: &SessionInfo,
    args: AssignArgs,
) -> Result<WithConversation, Error> {
    let scope = rules.conversation(session, args.conversation, Permission::Answer).await?;
    let verb = assign::Assign { scope, conversation: args.conversation, assignee: args.assignee };
    Ok(WithConversation { conversation: rules.store.write(verb).await?.value })
}

pub(super) async fn read(
    rules: &SocketRules,
    session: &SessionInfo,
    args: ReadArgs,
) -> Result<Nothing, Error> {
    let scope = rules.conversation(session, args.conversation, Permission::Read).await?;
    rules.store.write(reading::Read { scope, conversation: args.conversation, seq: args.seq }).await?;
    Ok(Nothing {})
}

/// Shown to the customer and to those who look at the conversation, and forgotten.
pub(super) async fn typing(
    rules: &SocketRules,
    session: &SessionInfo,
    args: Named,
) -> Result<Nothing, Error> {
    let scope = rules.conversation(session, args.conversation, Permission::Answer).await?;
    rules.typing.person(scope.tenant(), args.conversation);
    let access = &who(session)?.access;
    let user = json!({ "id": access.identity.id(), "name": access.name });
    let frame = json!({ "kind": "typing", "user": user, "at": rules.store.clock().now_ms() });
    if let Some(hub) = rules.hub() {
        let room = format!("conversation:{}", args.conversation);
        hub.publish_ephemeral(&room, Bytes::from(frame.to_string()), Tags::default());
    }
    Ok(Nothing {})
}

pub(super) async fn flush_turn(
    rules: &SocketRules,
    session: &SessionInfo,
    args: Named,
) -> Result<WithTurn, Error> {
    let scope = rules.conversation(session, args.conversation, Permission::Answer).await?;
    let verb = turn::Flush { scope, conversation: args.conversation };
    Ok(WithTurn { turn: rules.store.write(verb).await?.value })
}
