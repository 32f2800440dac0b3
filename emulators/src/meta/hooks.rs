//! Delivery of webhooks as Meta does it: signed, several accounts in one body, retried with growing pauses until the
//! callback answers 200, dropped at the end. First attempts go one after the other; retries do not hold others up.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::{
    accounts::Subscription,
    config::Shared,
    ids,
    notice::{Item, Notice},
    sign,
    state::State,
    values::{Delivery, Service},
};

struct Body {
    url: String,
    events: usize,
    value: Value,
    bytes: Vec<u8>,
    signature: String,
}

/// Queues an event of an account, if our app subscribes to it: a field that is not subscribed is not delivered.
pub(super) fn emit(shared: &Arc<Shared>, service: Service, account: &str, field: &str, item: Item) {
    shared.state.change(|state| {
        if let Some(notice) = notice(state, service, account, field, item) {
            state.pending.push(notice);
        }
    });
    wake(shared);
}

fn notice(state: &State, service: Service, account: &str, field: &str, item: Item) -> Option<Notice> {
    let wants = |subscription: &Subscription| {
        let is_open = service == Service::WhatsApp || subscription.fields.contains(field);
        is_open.then(|| subscription.callback.clone().or_else(|| state.callback.clone())).flatten()
    };
    let mut is_of_instagram_login = false;
    let (entry, url) = match service {
        Service::WhatsApp => {
            let waba = state.number(account).map_or(account, |number| number.waba.as_str());
            (waba.to_owned(), state.subscriptions.get(waba).and_then(wants)?)
        }
        Service::Messenger => (account.to_owned(), state.subscriptions.get(account).and_then(wants)?),
        Service::Instagram if state.instagram(account).is_some_and(|one| one.is_by_page) => {
            // The page has to have our app; which fields come is the app's own setting.
            let page = state.page_of(account)?;
            state.subscriptions.get(&page.id)?;
            (account.to_owned(), state.callback.clone()?)
        }
        Service::Instagram => {
            is_of_instagram_login = true;
            let same = |name: &str| name.trim_end_matches('s') == field.trim_end_matches('s');
            let subscription = state.subscriptions.get(account)?;
            subscription.fields.iter().any(|name| same(name)).then_some(())?;
            (account.to_owned(), state.callback.clone()?)
        }
    };
    Some(Notice { url, service, is_of_instagram_login, entry, item })
}

/// Starts the delivery of what waits, if nothing hinders it.
pub(super) fn wake(shared: &Arc<Shared>) {
    let starts = shared.state.change(|state| {
        let starts =
            !state.is_delivering && !state.is_held && state.outage.is_none() && !state.pending.is_empty();
        state.is_delivering |= starts;
        starts
    });
    if starts {
        shared.tasks.spawn(run(Arc::clone(shared)));
    }
}

async fn run(shared: Arc<Shared>) {
    loop {
        let now_ms = shared.now_ms();
        let next = shared.state.change(|state| {
            if state.is_held || state.outage.is_some() || state.pending.is_empty() {
                state.is_delivering = false;
                return None;
            }
            let copies = state.mode.copies.max(1);
            let notices = take(state);
            state.under_way += copies;
            Some((notices, copies))
        });
        let Some((notices, copies)) = next else { return };
        let body = Arc::new(compose(&shared, &notices, now_ms));
        for _ in 1..copies {
            shared.tasks.spawn(deliver(Arc::clone(&shared), Arc::clone(&body), 0));
        }
        if attempt(&shared, &body, 1).await {
            shared.state.change(|state| state.under_way -= 1);
        } else {
            shared.tasks.spawn(deliver(Arc::clone(&shared), body, 1));
        }
    }
}

/// The next notices for one body: of one object, one address and one secret.
fn take(state: &mut State) -> Vec<Notice> {
    if let Some(seed) = state.mode.shuffled.as_mut() {
        for at in (1..state.pending.len()).rev() {
            // A generator of Lehmer's: the order only has to be mixed, the same way for the same seed.
            *seed = (*seed % 2_147_483_647).max(1) * 48_271 % 2_147_483_647;
            state.pending.swap(at, usize::try_from(*seed).unwrap_or(0) % (at + 1));
        }
    }
    let first = state.pending.remove(0);
    let key = |one: &Notice| (one.url.clone(), one.service, one.is_of_instagram_login);
    let mut notices = vec![first];
    let mut at = 0;
    while notices.len() < state.mode.batch && at < state.pending.len() {
        if key(&state.pending[at]) == key(&notices[0]) {
            notices.push(state.pending.remove(at));
        } else {
            at += 1;
        }
    }
    notices
}

/// One body. Neighbours of one account share an entry.
fn compose(shared: &Shared, notices: &[Notice], now_ms: i64) -> Body {
    let first = &notices[0];
    let mut entries: Vec<Value> = Vec::new();
    for notice in notices {
        let (list, item) = match &notice.item {
            Item::Change(field, value) => ("changes", json!({ "value": value, "field": field })),
            Item::Messaging(item) => ("messaging", item.clone()),
            Item::Standby(item) => ("standby", item.clone()),
        };
        match entries.last_mut() {
            Some(entry) if entry["id"] == notice.entry && entry[list].is_array() => {
                if let Some(items) = entry[list].as_array_mut() {
                    items.push(item);
                }
            }
            _ if first.service == Service::WhatsApp => {
                entries.push(json!({ "id": notice.entry, list: [item] }));
            }
            _ => entries.push(json!({ "id": notice.entry, "time": now_ms, list: [item] })),
        }
    }
    let value = json!({ "object": first.service.object(), "entry": entries });
    let secret = secret(shared, first.is_of_instagram_login);
    let bytes = sign::bytes(&value);
    let signature = sign::signature(secret, &bytes);
    Body { url: first.url.clone(), events: notices.len(), value, bytes, signature }
}

fn secret(shared: &Shared, is_of_instagram_login: bool) -> &str {
    let own = &shared.config.instagram_app_secret;
    if is_of_instagram_login && !own.is_empty() { own } else { &shared.config.app_secret }
}

/// The attempts after `done` ones, with the same bytes.
async fn deliver(shared: Arc<Shared>, body: Arc<Body>, mut done: u32) {
    let mut waited_s = 0;
    let is_taken = loop {
        if done > 0 {
            let pause_s = 1_u64 << (done - 1).min(12);
            waited_s += pause_s;
            if waited_s > shared.config.retried_for_s {
                break false;
            }
            let factor = u32::try_from(pause_s.min(3600)).unwrap_or(3600);
            tokio::time::sleep(shared.config.second * factor).await;
            shared.state.until(|state| state.outage.is_none().then_some(())).await;
        }
        done += 1;
        if attempt(&shared, &body, done).await {
            break true;
        }
    };
    shared.state.change(|state| {
        state.under_way -= 1;
        state.lost += usize::from(!is_taken) * body.events;
    });
}

/// Only 200 ends the retries.
async fn attempt(shared: &Shared, body: &Body, number: u32) -> bool {
    let status = post(shared, &body.url, &body.signature, body.bytes.clone()).await;
    let entry = Delivery {
        url: body.url.clone(),
        body: body.value.clone(),
        events: body.events,
        attempt: number,
        status,
    };
    shared.state.change(|state| state.deliveries.push(entry));
    status == 200
}

async fn post(shared: &Shared, url: &str, signature: &str, bytes: Vec<u8>) -> u16 {
    let request = shared
        .http
        .post(url)
        .timeout(shared.config.delivery_timeout)
        .header("content-type", "application/json")
        .header("user-agent", "facebookexternalua")
        .header("X-Hub-Signature-256", signature)
        .body(bytes);
    request.send().await.map_or(0, |response| response.status().as_u16())
}

/// Delivers a whole body once, without retries, in the app's name.
pub(super) async fn post_once(shared: &Shared, body: &Value) -> u16 {
    let id = body["entry"][0]["id"].as_str().unwrap_or_default();
    let (url, is_of_instagram_login) = shared.state.read(|state| {
        let is_by_page = state.instagram(id).is_some_and(|account| account.is_by_page);
        (state.callback.clone(), body["object"] == "instagram" && !is_by_page)
    });
    let Some(url) = url else { return 0 };
    let bytes = sign::bytes(body);
    let signature = sign::signature(secret(shared, is_of_instagram_login), &bytes);
    post(shared, &url, &signature, bytes).await
}

/// Proves a callback's address with a challenge, as Meta does before it takes it.
pub(super) async fn prove(shared: &Shared, url: &str, verify_token: &str) -> Result<(), String> {
    let challenge = ids::number("1", 10);
    let query =
        [("hub.mode", "subscribe"), ("hub.challenge", &challenge), ("hub.verify_token", verify_token)];
    let mut address = url::Url::parse(url).map_err(|error| error.to_string())?;
    address.query_pairs_mut().extend_pairs(query);
    let request = shared.http.get(address.as_str()).timeout(Duration::from_secs(10));
    let response = request.send().await.map_err(|error| error.without_url().to_string())?;
    let status = response.status().as_u16();
    let body = response.text().await.unwrap_or_default();
    if status == 200 && body == challenge {
        Ok(())
    } else {
        Err(format!("The URL couldn't be validated. Response does not match challenge, status {status}"))
    }
}

/// Waits until all that waits is delivered, given up or hindered.
pub(super) async fn settled(shared: &Shared) {
    let is_settled = |state: &State| (state.pending.is_empty() && state.under_way == 0).then_some(());
    shared.state.until(is_settled).await;
}
