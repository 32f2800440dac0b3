//! Connecting accounts by signing in at their provider. The browser comes back to `/connect/{kind}`, which opens the page
//! with the state and the code; the page finishes as the person who began.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Caller;
use crate::app::AppState;
use crate::channels::sign_in::{self, Begin, Begun, Choices, With};
use crate::error::Error;
use crate::http::problem::Problem;
use crate::model::ChannelView;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSignIn {
    tenant: Uuid,
    company: Uuid,
    /// A provider at which one signs in: `messenger`, `instagram`, `whatsapp-cloud`, `gmail`.
    kind: String,
    /// Connects this channel anew.
    channel: Option<Uuid>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Finish {
    /// As the browser brought it back.
    state: String,
    /// As the browser brought it back.
    code: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Choose {
    state: String,
    /// The `external_id` of one of the accounts.
    account: String,
    /// The channel's name; the account's, if it is not given.
    name: Option<String>,
}

fn with(app: &AppState) -> With {
    With {
        store: app.store.clone(),
        vault: Arc::clone(&app.vault),
        http: app.http.clone(),
        public_url: app.config.server.public_url.clone(),
    }
}

fn person(caller: &Caller) -> Result<Uuid, Error> {
    caller.access.user().ok_or(Error::Forbidden("only people sign in at a provider"))
}

pub async fn begin(caller: Caller, new: NewSignIn) -> Result<Begun, Error> {
    let user = person(&caller)?;
    let verb = Begin {
        scope: caller.tenant(new.tenant)?,
        user,
        vault: Arc::clone(&caller.app.vault),
        public_url: caller.app.config.server.public_url.clone(),
        company: new.company,
        kind: new.kind,
        channel: new.channel,
    };
    Ok(caller.app.store.write(verb).await?.value)
}

pub async fn finish(caller: Caller, finish: Finish) -> Result<Choices, Error> {
    let with = with(&caller.app);
    let one = sign_in::find(&with, person(&caller)?, &finish.state).await?;
    caller.tenant(one.tenant)?;
    sign_in::exchange(&with, &one, &finish.code, caller.app.store.clock().now_ms()).await
}

pub async fn choose(caller: Caller, choose: Choose) -> Result<ChannelView, Error> {
    let with = with(&caller.app);
    let one = sign_in::find(&with, person(&caller)?, &choose.state).await?;
    let scope = caller.tenant(one.tenant)?;
    let channel = sign_in::choose(&with, scope, &one, &choose.account, choose.name.as_deref()).await?;
    caller.app.channels.forget(channel.id);
    Ok(channel.view(true))
}

/// The page, with what the provider brought back behind `#`, where no server and no log sees it.
pub async fn come_back(
    State(app): State<AppState>,
    Path(kind): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let known = adapters::provider(&kind).is_some_and(|provider| provider.sign_in().is_some());
    let query = query.unwrap_or_default();
    if !known || query.len() > 8_192 || query.bytes().any(|byte| !(0x21..0x7f).contains(&byte)) {
        return Err(Problem::not_found("provider"));
    }
    let base = app.config.server.public_url.trim_end_matches('/').to_owned();
    let headers = [
        (header::LOCATION, format!("{base}/#/connect/{kind}?{query}")),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::REFERRER_POLICY, "no-referrer".to_owned()),
    ];
    Ok((axum::http::StatusCode::FOUND, headers).into_response())
}
