//! Emulated Telegram and WAHA in one process, whose customers write what they are told over HTTP, for checks of a server in
//! other processes. Delivery, repetition and signatures are those of the providers.
//!
//! | | |
//! |---|---|
//! | `GET /settings` | the credentials of a channel of each provider |
//! | `GET /hook` | where Telegram delivers, and its secret |
//! | `POST /say` | a customer writes: [`Says`] |
//! | `POST /fail` | the next sends of a provider fail: [`Fails`] |
//! | `POST /well` | no send fails any more |
//! | `GET /record` | what was sent to customers, and which texts of theirs the webhook has accepted |
//!
//! The number of the Telegram bot may be given: an installation has each bot once. The first line of the output is the
//! port. The end of the input ends it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use emulators::{Fail, telegram, waha};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

const SESSION: &str = "shop-main";
/// Shorter than the providers' own: otherwise most of a run is waiting.
const TELEGRAM_PAUSE: Duration = Duration::from_millis(100);
const WAHA_SECOND: Duration = Duration::from_millis(50);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Says {
    provider: String,
    /// A number for Telegram, `…@c.us` for WAHA.
    chat: String,
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fails {
    provider: String,
    /// `hang`, `slow`, `error`, `cut`, `too_many`.
    how: String,
    times: usize,
}

struct Driven {
    telegram: telegram::TelegramEmulator,
    waha: waha::WahaEmulator,
    /// Update id or message id → text.
    said: Mutex<HashMap<String, String>>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut config = telegram::EmulatorConfig { retry_pause: TELEGRAM_PAUSE, ..Default::default() };
    if let Some(bot) = std::env::args().nth(1) {
        config.token = format!("{bot}:emulated-token_of-a-bot-by-number");
    }
    let telegram = telegram::TelegramEmulator::start(config).await?;
    let config = waha::EmulatorConfig { second: WAHA_SECOND, ..Default::default() };
    let waha = waha::WahaEmulator::start(config).await?;
    let driven = Arc::new(Driven { telegram, waha, said: Mutex::default() });
    let router = Router::new()
        .route("/settings", get(settings))
        .route("/hook", get(hook))
        .route("/say", post(say))
        .route("/fail", post(fail))
        .route("/well", post(well))
        .route("/record", get(record))
        .with_state(driven);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("{}", listener.local_addr()?.port());
    let over =
        tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink()));
    tokio::select! {
        served = axum::serve(listener, router) => served?,
        read = over => drop(read??),
    }
    Ok(())
}

async fn settings(State(driven): State<Arc<Driven>>) -> Json<Value> {
    Json(json!({
        "telegram": { "token": driven.telegram.token(), "api_base": driven.telegram.api_base() },
        "waha": { "base_url": driven.waha.base_url(), "api_key": driven.waha.api_key(), "session": SESSION },
    }))
}

async fn hook(State(driven): State<Arc<Driven>>) -> Json<Value> {
    Json(
        driven
            .telegram
            .webhook()
            .map_or(Value::Null, |hook| json!({ "url": hook.url, "secret": hook.secret })),
    )
}

async fn say(State(driven): State<Arc<Driven>>, Json(says): Json<Says>) -> StatusCode {
    // Before its delivery can be read.
    let mut said = driven.said.lock().unwrap_or_else(PoisonError::into_inner);
    let id = match (says.provider.as_str(), says.chat.parse::<i64>()) {
        ("telegram", Ok(chat)) => driven.telegram.customer_says(chat, &says.text).update_id.to_string(),
        ("waha", _) => driven.waha.customer_says(SESSION, &says.chat, &says.text),
        _ => return StatusCode::BAD_REQUEST,
    };
    said.insert(id, says.text);
    StatusCode::NO_CONTENT
}

async fn fail(State(driven): State<Arc<Driven>>, Json(fails): Json<Fails>) -> StatusCode {
    let fail = match fails.how.as_str() {
        "hang" => Fail::Hang,
        "slow" => Fail::Slow,
        "error" => Fail::Server500,
        "cut" => Fail::DropConnection,
        "too_many" => Fail::TooManyRequests { retry_after: 1 },
        _ => return StatusCode::BAD_REQUEST,
    };
    match fails.provider.as_str() {
        "telegram" => driven.telegram.fail_next(fails.times, fail),
        "waha" => driven.waha.fail_next(fails.times, fail),
        _ => return StatusCode::BAD_REQUEST,
    }
    StatusCode::NO_CONTENT
}

async fn well(State(driven): State<Arc<Driven>>) -> StatusCode {
    driven.telegram.fail_no_more();
    driven.waha.fail_no_more();
    StatusCode::NO_CONTENT
}

async fn record(State(driven): State<Arc<Driven>>) -> Json<Value> {
    let telegram = driven.telegram.sent().into_iter().map(
        |sent| json!({ "provider": "telegram", "chat": sent.chat.to_string(), "text": sent.text, "at": sent.at_ms }),
    );
    let waha =
        driven.waha.sent().into_iter().map(
            |sent| json!({ "provider": "waha", "chat": sent.chat, "text": sent.text, "at": sent.at_ms }),
        );
    let sent: Vec<Value> = telegram.chain(waha).collect();
    let mut attempts: BTreeMap<String, u64> = BTreeMap::new();
    let mut accepted: HashSet<String> = HashSet::new();
    let telegrams = driven.telegram.deliveries().into_iter();
    let telegrams = telegrams.map(|one| (Some(one.update_id.to_string()), one.status));
    let wahas = driven.waha.deliveries().into_iter().map(|one| (one.message, one.status));
    for (id, status) in telegrams.chain(wahas) {
        *attempts.entry(status.to_string()).or_default() += 1;
        accepted.extend(id.filter(|_| (200..300).contains(&status)));
    }
    let said = driven.said.lock().unwrap_or_else(PoisonError::into_inner);
    let accepted: Vec<&String> =
        said.iter().filter(|(id, _)| accepted.contains(*id)).map(|(_, text)| text).collect();
    Json(json!({ "sent": sent, "accepted": accepted, "attempts": attempts, "given_up": driven.waha.lost() }))
}
