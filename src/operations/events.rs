//! The feed over HTTP, for programs without a socket: the same events under the same cursors, with the same filter.

use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::answer::Answer;
use super::schemas::{Schemas, Shape};
use super::{Caller, page_size};
use crate::accounts::Scope;
use crate::app::AppState;
use crate::error::Error;
use crate::model;
use crate::store::{Event, events};

/// Events of one read, and the bytes after which a page ends.
const STEP: i64 = 50;
const PAGE_BYTES: usize = 1024 * 1024;

#[derive(Debug, Deserialize, ToSchema)]
pub struct EventsQuery {
    tenant: Uuid,
    /// The cursor of the last event that was seen; 0 for all that is kept.
    after: Option<i64>,
    /// 1 to 1000, default 200.
    limit: Option<i64>,
}

/// What the answer is, for its description: it is written piece by piece.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only described")]
struct EventsAnswer {
    /// By rising cursor.
    events: Vec<model::Event>,
    /// Where to go on.
    next: i64,
    /// The cursor of the newest event.
    top: i64,
    /// The cursor of the oldest event that is kept.
    oldest: i64,
    epoch: String,
}

/// An [`EventsAnswer`] as JSON text.
pub struct Page(String);

impl Answer for Page {
    fn shapes(schemas: &mut Schemas) -> Vec<Shape> {
        vec![Shape::json(200, schemas.add::<EventsAnswer>())]
    }

    fn answer(self) -> Response {
        ([(header::CONTENT_TYPE, "application/json")], self.0).into_response()
    }
}

pub async fn list(caller: Caller, query: EventsQuery) -> Result<Page, Error> {
    let scope = caller.tenant(query.tenant)?;
    let limit = page_size(query.limit, 200, 1_000);
    let after = query.after.unwrap_or(0).max(0);
    let page = read(&caller.app, scope.tenant(), after, limit).await?;
    let next = page.events.last().map_or(after, |last| last.cursor);
    // The stored text of each event is copied unchanged.
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
    Ok(Page(body))
}

/// Reads in steps, so that a page of long events stays within `PAGE_BYTES` and one step.
async fn read(app: &AppState, tenant: Uuid, after: i64, limit: i64) -> Result<events::Page, Error> {
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
