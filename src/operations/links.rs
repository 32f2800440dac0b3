//! Tracked links: the list, making, changing, removing, QR code and visits.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::answer::{Answer, Created, Done};
use super::schemas::{Schemas, Shape};
use super::{At, Caller, page_size};
use crate::document::{opt_line, opt_written};
use crate::error::Error;
use crate::growth::link::{
    ChangeLink, CreateLink, Fields, GetLink, ListLinks, RemoveLink, VisitsOfLink, codes,
};
use crate::growth::qr as drawing;
use crate::model::{Link, Utm};
use crate::vault;

const MAX_PAGE: i64 = 500;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinksQuery {
    tenant: Uuid,
    /// The last id of the page before.
    before: Option<Uuid>,
    /// 1 to 500, default 100.
    limit: Option<i64>,
}

#[derive(Serialize, ToSchema)]
pub struct Links {
    links: Vec<Link>,
    /// Before the codes: the public address of this server with `/l/`.
    base: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLink {
    tenant: Uuid,
    channel: Uuid,
    name: String,
    /// Whom the chat is with, as people write it: `+1 555 0100`, `@example_bot`, or an address of the provider's.
    target: String,
    /// What the customer finds written; WhatsApp only. The reference follows in brackets.
    #[serde(default, deserialize_with = "opt_written")]
    text: Option<String>,
    #[serde(default)]
    utm: Utm,
    #[serde(default, deserialize_with = "opt_line")]
    campaign: Option<String>,
    /// From then on the link is over, Unix milliseconds.
    expires_at: Option<i64>,
}

/// The fields that change.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkPatch {
    name: Option<String>,
    target: Option<String>,
    /// Empty: none.
    #[serde(default, deserialize_with = "opt_written")]
    text: Option<String>,
    /// All five.
    utm: Option<Utm>,
    /// Empty: none.
    #[serde(default, deserialize_with = "opt_line")]
    campaign: Option<String>,
    active: Option<bool>,
    /// 0: never.
    expires_at: Option<i64>,
}

#[derive(Serialize, ToSchema)]
pub struct Visits {
    days: Vec<VisitsOfDay>,
}

#[derive(Serialize, ToSchema)]
pub struct VisitsOfDay {
    /// When the day begins, UTC.
    at: i64,
    visits: i64,
}

/// An SVG.
pub struct Svg(String);

impl Answer for Svg {
    fn shapes(_: &mut Schemas) -> Vec<Shape> {
        vec![Shape::of(200, "image/svg+xml")]
    }

    fn answer(self) -> Response {
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static("image/svg+xml")),
            (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox")),
        ];
        (headers, self.0).into_response()
    }
}

pub async fn list(caller: Caller, query: LinksQuery) -> Result<Links, Error> {
    let scope = caller.tenant(query.tenant)?;
    let limit = page_size(query.limit, 100, MAX_PAGE);
    let base = base(&caller.app.config.server.public_url);
    let links = caller.app.store.read_anywhere(ListLinks { scope, before: query.before, limit }).await?;
    Ok(Links { links, base })
}

fn base(public_url: &str) -> String {
    format!("{}/l/", public_url.trim_end_matches('/'))
}

pub async fn create(caller: Caller, new: NewLink) -> Result<Created<Link>, Error> {
    let scope = caller.tenant(new.tenant)?;
    let NewLink { channel, name, target, text, utm, campaign, expires_at, .. } = new;
    let (name, target, utm) = (Some(name), Some(target), Some(utm));
    let fields = Fields { name, target, text, utm, campaign, active: None, expires_at };
    let verb = CreateLink { scope, channel, fields, codes: codes(vault::random()?) };
    Ok(Created(caller.app.store.write(verb).await?.value))
}

pub async fn change(at: At, patch: LinkPatch) -> Result<Link, Error> {
    let LinkPatch { name, target, text, utm, campaign, active, expires_at } = patch;
    let fields = Fields { name, target, text, utm, campaign, active, expires_at };
    Ok(at.app.store.write(ChangeLink { scope: at.scope, id: at.id, fields }).await?.value)
}

pub async fn remove(at: At) -> Result<Done, Error> {
    at.app.store.write(RemoveLink { scope: at.scope, id: at.id }).await?;
    Ok(Done)
}

pub async fn qr(at: At) -> Result<Svg, Error> {
    let link = at.app.store.read(GetLink { scope: at.scope, id: at.id }).await?;
    let address = format!("{}{}", base(&at.app.config.server.public_url), link.code);
    drawing::svg(&address).map(Svg)
}

pub async fn visits(at: At) -> Result<Visits, Error> {
    let days = at.app.store.read_anywhere(VisitsOfLink { scope: at.scope, id: at.id }).await?;
    Ok(Visits { days: days.into_iter().map(|(at, visits)| VisitsOfDay { at, visits }).collect() })
}
