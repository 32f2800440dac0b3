//! The demo by hand: what its customers and providers do is told over HTTP, and what the providers got can be read. For
//! tests in a browser, and to see how a provider that fails looks. Nobody writes unasked meanwhile.
//!
//! | | |
//! |---|---|
//! | `GET /sent` | the messages that the providers got, with the digests of their files |
//! | `POST /customers` | a customer writes or sends a file: [`Says`] |
//! | `POST /typing` | a customer types or stops typing: [`Types`] |
//! | `POST /failures` | the next sends of a provider fail: [`Fails`] |
//! | `POST /outages` | a provider is away or back: [`Outage`] |
//! | `POST /answers` | a provider answers as it is told: [`Answer`] |
//!
//! A request is done when it is answered; a webhook that follows from it may still be under way.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use emulators::{Answer, Fail, meta};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

use super::World;
use super::customers::{AllHeard, Chat, File};
use super::providers::Account;

/// Requests that wait.
const WAITING: usize = 64;
/// How often it is looked whether somebody scans a code.
const SCANS: Duration = Duration::from_millis(500);
const MAX_BODY_BYTES: usize = 64 << 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Says {
    /// The channel's; the first account of it that is connected.
    kind: String,
    /// Tells the customers of a kind apart.
    number: usize,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    text: Option<String>,
    /// In base64; `text` is then its caption.
    #[serde(default)]
    picture: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Types {
    kind: String,
    number: usize,
    on: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum How {
    TooMany,
    Blocked,
    Error,
    Hang,
    Slow,
    Cut,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fails {
    kind: String,
    times: usize,
    how: How,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outage {
    kind: String,
    on: bool,
}

enum Order {
    Sent,
    Says(Says),
    Types(Types),
    Fails(Fails),
    Outage(Outage),
    Answers(Box<Answer>),
}

type Done = (StatusCode, Json<Value>);
type Asked = (Order, oneshot::Sender<Done>);

/// Does what it is told, for as long as the future is polled.
pub(super) struct Control {
    pub address: SocketAddr,
    orders: mpsc::Receiver<Asked>,
    chats: HashMap<(Account, usize), Chat>,
}

impl Control {
    pub(super) async fn listen(address: SocketAddr) -> anyhow::Result<Self> {
        let listener =
            TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
        let address = listener.local_addr().context("the address of the control")?;
        let (orders, asked) = mpsc::channel(WAITING);
        tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router(orders)).await {
                tracing::warn!(%error, "the demo's control stopped serving");
            }
        });
        Ok(Self { address, orders: asked, chats: HashMap::new() })
    }

    pub(super) async fn live(mut self, world: &World) {
        loop {
            world.providers.scans(world.app.store.clock().now_ms());
            let Ok(asked) = tokio::time::timeout(SCANS, self.orders.recv()).await else { continue };
            let Some((order, answer)) = asked else { return };
            let done = match self.obey(world, order) {
                Ok(told) => (StatusCode::OK, Json(told)),
                Err(why) => (StatusCode::BAD_REQUEST, Json(json!({ "error": format!("{why:#}") }))),
            };
            // Who asked may have gone.
            let _ = answer.send(done);
        }
    }

    fn obey(&mut self, world: &World, order: Order) -> anyhow::Result<Value> {
        let providers = &world.providers;
        match order {
            Order::Sent => Ok(sent(world)),
            Order::Says(says) => {
                let name = says.name.as_deref().unwrap_or("Casey Customer");
                let chat = self.chat(world, &says.kind, says.number, name)?;
                let heard = AllHeard::of(world);
                let heard = heard.get(chat.key());
                if let Some(bytes) = &says.picture {
                    let bytes = STANDARD.decode(bytes).context("picture")?;
                    chat.sends(world, File { bytes, is_picture: true }, says.text.as_deref(), heard);
                    return Ok(json!({}));
                }
                let heard = heard.filter(|heard| heard.mail.is_some());
                Ok(json!({ "id": chat.says(world, says.text.as_deref().unwrap_or("Hello"), heard) }))
            }
            Order::Types(Types { kind, number, on }) => {
                let chat = self.chat(world, &kind, number, "Casey Customer")?;
                let (account, address) = chat.key();
                let Account::Phone(session) = account else { anyhow::bail!("{kind} does not tell it") };
                providers.waha.customer_types(session, address, on);
                Ok(json!({}))
            }
            Order::Fails(Fails { kind, times, how }) => {
                let fail = Fail::from(how);
                match kind.as_str() {
                    "telegram" => providers.telegram.fail_next(times, fail),
                    "waha" => providers.waha.fail_next(times, fail),
                    "gmail" => providers.google.fail_next(times, fail),
                    _ => providers.meta.fail_next(times, fail),
                }
                Ok(json!({}))
            }
            Order::Outage(Outage { kind, on }) => {
                match kind.as_str() {
                    "gmail" => providers.google.outage(on),
                    "whatsapp-cloud" | "messenger" | "instagram" => {
                        providers.meta.outage(on.then_some(meta::Outage::Errors));
                    }
                    _ => anyhow::bail!("{kind} has no outages: let its sends fail"),
                }
                Ok(json!({}))
            }
            Order::Answers(answer) => {
                match answer.provider.as_deref() {
                    Some("telegram") => providers.telegram.answers(*answer),
                    Some("waha") => providers.waha.answers(*answer),
                    Some("gmail") => providers.google.answers(*answer),
                    Some("meta") => providers.meta.answers(*answer),
                    _ => anyhow::bail!("provider: one of telegram, waha, gmail, meta"),
                }
                Ok(json!({}))
            }
        }
    }

    fn chat(&mut self, world: &World, kind: &str, number: usize, name: &str) -> anyhow::Result<&mut Chat> {
        let connected = world.providers.connected();
        let account = connected.into_iter().find(|account| account.kind() == kind);
        let account = account.with_context(|| format!("kind: no account of {kind} is connected"))?;
        Ok(self
            .chats
            .entry((account, number))
            .or_insert_with(|| Chat::new(account, number, name, "An order")))
    }
}

impl From<How> for Fail {
    fn from(how: How) -> Self {
        match how {
            How::TooMany => Self::TooManyRequests { retry_after: 5 },
            How::Blocked => Self::Blocked,
            How::Error => Self::Server500,
            How::Hang => Self::Hang,
            How::Slow => Self::Slow,
            How::Cut => Self::DropConnection,
        }
    }
}

fn router(orders: mpsc::Sender<Asked>) -> Router {
    Router::new()
        .route("/sent", get(|State(orders)| ask(orders, Order::Sent)))
        .route("/customers", post(|State(orders), Json(says)| ask(orders, Order::Says(says))))
        .route("/typing", post(|State(orders), Json(types)| ask(orders, Order::Types(types))))
        .route("/failures", post(|State(orders), Json(fails)| ask(orders, Order::Fails(fails))))
        .route("/outages", post(|State(orders), Json(outage)| ask(orders, Order::Outage(outage))))
        .route("/answers", post(|State(orders), Json(answer)| ask(orders, Order::Answers(Box::new(answer)))))
        .layer(axum::extract::DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(orders)
}

async fn ask(orders: mpsc::Sender<Asked>, order: Order) -> Done {
    let (answer, answered) = oneshot::channel();
    let is_taken = orders.send((order, answer)).await.is_ok();
    match answered.await {
        Ok(done) if is_taken => done,
        _ => (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "error": "the demo stops" }))),
    }
}

/// By kind, in the order of each provider.
fn sent(world: &World) -> Value {
    let providers = &world.providers;
    let brought = |media: &String| media.strip_prefix("upload:").map(str::to_owned);
    let mut all = Vec::new();
    for sent in providers.telegram.sent() {
        let files: Vec<_> = sent.media.iter().filter_map(brought).collect();
        all.push(json!({ "kind": "telegram", "how": sent.method, "text": sent.text, "files": files }));
    }
    for sent in providers.waha.sent() {
        let files: Vec<_> = sent.media.iter().filter_map(brought).collect();
        all.push(json!({ "kind": "waha", "how": sent.call, "text": sent.text, "files": files }));
    }
    for sent in providers.meta.sent() {
        let files: Vec<_> = sent.media.iter().filter_map(|media| providers.meta.digest_of(media)).collect();
        let kind = match sent.service {
            meta::Service::WhatsApp => "whatsapp-cloud",
            meta::Service::Messenger => "messenger",
            meta::Service::Instagram => "instagram",
        };
        all.push(json!({ "kind": kind, "how": sent.kind, "text": sent.text, "files": files }));
    }
    for sent in providers.google.sent() {
        let files: Vec<_> = sent.files.iter().map(|file| emulators::sha256(&file.bytes)).collect();
        all.push(json!({ "kind": "gmail", "how": "mail", "text": sent.text, "files": files }));
    }
    json!({ "sent": all })
}
