//! The list of conversations, read together with the feeds' positions.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::extract::{Caller, Params, Read, page_size};
use super::problem::{Problem, Result};
use crate::app::AppState;
use crate::inbox::look;
use crate::model::{ConversationState, InboxItem, Owner};

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct InboxQuery {
    /// Only this tenant.
    tenant: Option<Uuid>,
    /// `open` (default) or `closed`.
    state: Option<ConversationState>,
    owner: Option<Owner>,
    channel: Option<Uuid>,
    /// `next` of the page before.
    before: Option<String>,
    /// 1 to 200, default 50.
    limit: Option<i64>,
}

/// Where a tenant's feed stood when the list was read.
#[derive(Debug, Serialize, ToSchema)]
pub struct Position {
    offset: i64,
    epoch: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct InboxAnswer {
    /// Newest activity first.
    conversations: Vec<InboxItem>,
    next: Option<String>,
    /// By tenant: a socket that goes on from here misses nothing.
    positions: BTreeMap<Uuid, Position>,
}

/// The conversations, newest activity first, with the feeds' positions as of the same moment.
#[utoipa::path(get, path = "/api/v1/inbox", tag = "inbox", params(InboxQuery),
    responses((status = 200, body = InboxAnswer), (status = 400, body = Problem), (status = 401, body = Problem)))]
pub async fn list(
    State(app): State<AppState>,
    caller: Caller<Read>,
    Params(query): Params<InboxQuery>,
) -> Result<Json<InboxAnswer>> {
    let verb = look::Inbox {
        scopes: caller.tenants(query.tenant)?,
        state: query.state.unwrap_or(ConversationState::Open),
        owner: query.owner,
        channel: query.channel,
        before: query.before.as_deref().map(parse_place).transpose()?,
        limit: page_size(query.limit, 50, look::MAX_PAGE),
    };
    let page = app.store.read(verb).await?;
    let position = |offset| Position { offset, epoch: page.epoch.clone() };
    Ok(Json(InboxAnswer {
        conversations: page.items,
        next: page.next.map(|(at, id)| format!("{at}.{id}")),
        positions: page.cursors.into_iter().map(|(tenant, cursor)| (tenant, position(cursor))).collect(),
    }))
}

fn parse_place(text: &str) -> Result<(i64, Uuid)> {
    let parts = text.split_once('.').and_then(|(at, id)| Some((at.parse().ok()?, Uuid::parse_str(id).ok()?)));
    parts.ok_or_else(|| Problem::invalid("before", "give the `next` of the page before, as it is"))
}
