//! The feed over HTTP, for programs that do not hold a socket. The same events under the same cursors, and
//! filtered alike.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::extract::{Caller, Params, Read, page_size};
use super::problem::{Problem, Result};
use crate::accounts::Scope;
use crate::app::AppState;
use crate::store::Event;
use crate::store::events::{self, Page};

/// Events that are read at a time, and bytes of them after which a page ends.
const STEP: i64 = 50;
const PAGE_BYTES: usize = 1024 * 1024;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EventsQuery {
    tenant: Uuid,
    /// The cursor of the last event that was seen; 0 for all that is kept.
    after: Option<i64>,
    /// 1 to 1000, default 200.
    limit: Option<i64>,
}

/// The events of a tenant after a cursor, as the socket's feed has them.
#[utoipa::path(get, path = "/api/v1/events", tag = "inbox", params(EventsQuery),
    responses(
        (status = 200, description = "{events, top, epoch, oldest}: events by rising cursor; `next` is where to go on", body = Object),
        (status = 404, body = Problem)))]
pub async fn list(
    State(app): State<AppState>,
    caller: Caller<Read>,
    Params(query): Params<EventsQuery>,
) -> Result<Response> {
    let scope = caller.tenant(query.tenant)?;
    let limit = page_size(query.limit, 200, 1_000);
    let after = query.after.unwrap_or(0).max(0);
    let page = read(&app, scope.tenant(), after, limit).await?;
    let next = page.events.last().map_or(after, |last| last.cursor);
    // The stored text of each event is passed on as it is.
    let mut body = String::from("{\"events\":[");
    for (number, event) in page.events.iter().filter(|event| seen(&scope, event)).enumerate() {
        if number > 0 {
            body.push(',');
        }
        body.push_str(&String::from_utf8_lossy(&event.data));
    }
    let epoch = serde_json::Value::from(page.epoch);
    let end =
        format!("],\"next\":{next},\"top\":{},\"oldest\":{},\"epoch\":{epoch}}}", page.top, page.oldest);
    body.push_str(&end);
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

/// Reads step by step, so that long events make a short page.
async fn read(app: &AppState, tenant: Uuid, after: i64, limit: i64) -> Result<Page> {
    let mut page = app.store.read(events::Since { tenant, after, limit: limit.min(STEP) }).await?;
    let (mut fresh, mut bytes) = (0, 0);
    loop {
        let (count, wanted) = (page.events.len(), limit - page.events.len() as i64);
        bytes += page.events[fresh..].iter().map(|event| event.data.len()).sum::<usize>();
        let is_end = ((count - fresh) as i64) < STEP;
        let Some(last) = page.events.last().filter(|_| wanted > 0 && bytes < PAGE_BYTES && !is_end) else {
            return Ok(page);
        };
        let since = events::Since { tenant, after: last.cursor, limit: wanted.min(STEP) };
        let next = app.store.read(since).await?;
        (fresh, page.top) = (count, next.top);
        page.events.extend(next.events);
    }
}

fn seen(scope: &Scope, event: &Event) -> bool {
    let mine = event.user.is_none_or(|user| scope.actor().user() == Some(user));
    mine && event.company.is_none_or(|company| scope.sees_company(company))
}
