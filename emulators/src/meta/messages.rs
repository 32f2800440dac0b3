//! `POST /{account}/messages` of all three services: whose account it is, injected failures, and what follows a message
//! that was accepted.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value};

use super::{
    asked::Asked,
    config::Shared,
    grants::Holder,
    hooks, ids, media, page_send,
    refusal::Refusal,
    request::Request,
    tokens,
    values::{Sent, Service},
    whatsapp_send,
};
use crate::{
    script::Answer,
    serving::{Fail, cut},
};

/// How a message gets its id and its echo.
pub(super) struct Plan {
    id: Option<String>,
    pub(super) echo_after: Duration,
    pub(super) echo_first: bool,
    /// Members of the echo's message in place of its own.
    pub(super) echo: Value,
}

impl Plan {
    pub(super) fn of(shared: &Shared, answer: Option<&Answer>) -> Self {
        let given = |answer: &Answer| {
            let body = &answer.body;
            let id = body["messages"][0]["id"].as_str().or_else(|| body["message_id"].as_str());
            id.map(str::to_owned).or_else(|| answer.message_id.clone())
        };
        Self {
            id: answer.and_then(given),
            echo_after: answer.and_then(Answer::echo_after).unwrap_or_default(),
            echo_first: shared.config.echo_first || answer.is_some_and(|answer| answer.echo_first),
            echo: answer.map_or(Value::Null, |answer| answer.echo.clone()),
        }
    }
}

pub(super) fn is_send(request: &Request) -> bool {
    request.method == "POST" && request.path.ends_with("/messages")
}

/// The account that the path and the token name.
fn account(shared: &Shared, request: &Request, named: &str) -> Result<(Service, String), Refusal> {
    // Numbers take the token from the header alone.
    let is_number = shared.state.read(|state| state.number(named).is_some());
    if is_number && request.bearer().is_none() {
        return Err(Refusal::token(
            None,
            "Authentication Error: the token has to be in the Authorization header",
        ));
    }
    let token = tokens::of(shared, request)?;
    let id = token.names(named);
    shared.state.read(|state| {
        let service = state.service(&id).ok_or_else(|| Refusal::unknown(&id))?;
        if !state.reaches(&token, &id) {
            return Err(Refusal::unknown(&id));
        }
        if service == Service::WhatsApp
            && !token.scopes.iter().any(|scope| scope == "whatsapp_business_messaging")
        {
            return Err(Refusal::new(10, "Application does not have permission for this action"));
        }
        if service == Service::Messenger && token.holder == Holder::User {
            let words = "A page access token is required to request this resource.";
            return Err(Refusal::new(190, words).status(400));
        }
        Ok((service, id))
    })
}

/// A page also sends as the Instagram account that it is linked with: the recipient tells which is meant.
fn linked(
    shared: &Shared,
    service: Service,
    account: String,
    body: &Map<String, Value>,
) -> (Service, String) {
    let person = body.get("recipient").and_then(|recipient| recipient["id"].as_str());
    let found = shared.state.read(|state| {
        let instagram = state.page(&account).filter(|_| service == Service::Messenger)?.instagram.clone()?;
        state.known_person(&instagram, person?).map(|_| instagram)
    });
    found.map_or((service, account), |instagram| (Service::Instagram, instagram))
}

fn asked(shared: &Shared, request: &Request, named: &str) -> Result<(Service, Asked), Refusal> {
    let (service, account) = account(shared, request, named)?;
    let body = request.json()?;
    let (service, account) = linked(shared, service, account, &body);
    let asked = match service {
        Service::WhatsApp => whatsapp_send::read(shared, &account, body)?,
        Service::Messenger | Service::Instagram => page_send::read(shared, service, &account, body)?,
    };
    Ok((service, asked))
}

pub(super) async fn send(shared: &Arc<Shared>, request: &Request, named: &str, plan: Plan) -> Response {
    let (service, asked) = match asked(shared, request, named) {
        Ok(asked) => asked,
        Err(refusal) => return refusal.into_response(),
    };
    let (sent, mut fails, is_lost) = match asked {
        Asked::Mark { mark, answer } => {
            shared.state.change(|state| state.marks.push(mark));
            return Json(answer).into_response();
        }
        Asked::Message { sent, fails, is_lost } => (*sent, fails, is_lost),
    };
    let failure = shared.state.change(|state| state.failures.pop_front());
    match &failure {
        Some(Fail::TooManyRequests { .. }) => return too_many(service).into_response(),
        // WhatsApp tells it with a status.
        Some(Fail::Blocked) if service == Service::WhatsApp => fails = Some(131_026),
        Some(Fail::Blocked) => return Refusal::unreachable().into_response(),
        Some(Fail::Server500) => return Refusal::transient(500).into_response(),
        Some(Fail::DropConnection) => return cut(),
        None | Some(Fail::Slow | Fail::Hang) => {}
    }
    if let Err(refusal) = within_rate(shared, service, &sent) {
        return refusal.into_response();
    }
    if shared.config.fetch_media
        && let Some(address) = sent.media.as_deref().filter(|media| media.starts_with("http"))
        && !media::can_be_fetched(shared, address).await
    {
        if service != Service::WhatsApp {
            return Refusal::new(100, "Failed to fetch the file from the url.")
                .sub(2_018_008)
                .into_response();
        }
        fails = fails.or(Some(131_053));
    }
    let (to, kind) = (sent.to.clone(), service);
    let id = accept(shared, sent, fails, is_lost, plan).await;
    match failure {
        Some(Fail::Slow) => tokio::time::sleep(Duration::from_secs(1)).await,
        Some(Fail::Hang) => return std::future::pending().await,
        _ => {}
    }
    let answer = match kind {
        Service::WhatsApp => whatsapp_send::answer(&to, &id),
        Service::Messenger | Service::Instagram => page_send::answer(&to, &id),
    };
    Json(answer).into_response()
}

fn too_many(service: Service) -> Refusal {
    match service {
        Service::WhatsApp => Refusal::new(130_429, "Rate limit hit").details(
            "Message failed to send because there were too many messages sent from this phone number",
        ),
        _ => Refusal::new(613, "Calls to this api have exceeded the rate limit."),
    }
}

fn within_rate(shared: &Shared, service: Service, sent: &Sent) -> Result<(), Refusal> {
    let (config, now_ms) = (&shared.config, shared.now_ms());
    shared.state.change(|state| {
        if service != Service::WhatsApp {
            let is_within = state.count_send(&sent.account, config.page_per_second, now_ms);
            return if is_within { Ok(()) } else { Err(too_many(service)) };
        }
        let person = state.person(&sent.account, &sent.to);
        let from_ms = person.pair_until_ms.max(now_ms);
        if from_ms - now_ms >= config.pair_gap_ms * config.pair_burst {
            let words = "(Business Account, Consumer Account) pair rate limit hit";
            return Err(Refusal::new(131_056, words).details(
                "Message failed to send because there were too many messages sent from this phone number to the same \
                 phone number in a short period of time.",
            ));
        }
        if !state.count_send(&sent.account, config.number_per_second, now_ms) {
            return Err(too_many(service));
        }
        state.person(&sent.account, &sent.to).pair_until_ms = from_ms + config.pair_gap_ms;
        Ok(())
    })
}

/// Sends a message whose caller gets a scripted answer.
pub(super) async fn leave(shared: &Arc<Shared>, request: &Request, plan: Plan) {
    let named = request.segments.iter().rev().nth(1).cloned().unwrap_or_default();
    if let Ok((_, Asked::Message { sent, fails, is_lost })) = asked(shared, request, &named) {
        accept(shared, *sent, fails, is_lost, plan).await;
    }
}

/// Stores a message and lets its echo and its receipts follow; returns its id.
async fn accept(
    shared: &Arc<Shared>,
    mut sent: Sent,
    fails: Option<i64>,
    is_lost: bool,
    plan: Plan,
) -> String {
    sent.id = plan.id.clone().unwrap_or_else(|| ids::message(sent.service));
    let now_ms = shared.now_ms();
    let id = sent.id.clone();
    shared.state.change(|state| {
        if is_lost {
            state.undelivered.push(sent.clone());
            return;
        }
        state.learn(&sent.id, &sent.account, &sent.to, true, now_ms);
        if fails.is_none() { state.sent.push(sent.clone()) } else { state.undelivered.push(sent.clone()) }
    });
    if is_lost {
        return id;
    }
    if plan.echo_after.is_zero() || plan.echo_first {
        follow(shared, &sent, fails, &plan.echo);
        if plan.echo_first {
            hooks::settled(shared).await;
        }
        return id;
    }
    shared.state.change(|state| state.under_way += 1);
    let later = Arc::clone(shared);
    shared.tasks.spawn(async move {
        tokio::time::sleep(plan.echo_after).await;
        follow(&later, &sent, fails, &plan.echo);
        later.state.change(|state| state.under_way -= 1);
    });
    id
}

fn follow(shared: &Arc<Shared>, sent: &Sent, fails: Option<i64>, echo: &Value) {
    match sent.service {
        Service::WhatsApp => whatsapp_send::follow(shared, sent, fails),
        Service::Messenger | Service::Instagram => page_send::follow(shared, sent, echo),
    }
}
