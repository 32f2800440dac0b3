//! Traces, as a collector gets them. A binary of its own: the feature `otel` gives the whole program a second form, which
//! only this needs (`make traces`).

#[expect(dead_code, reason = "the other tests need the rest")]
mod kit;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use hubbub::accounts::Role;
use hubbub::config::Config;
use hubbub::telemetry::traces;
use prost::Message as _;
use serde_json::json;

use crate::kit::client::As;
use crate::kit::{Api, Client, PASSWORD, PATIENCE, World};

/// What OTLP sends, as far as it is looked at.
#[derive(Clone, PartialEq, prost::Message)]
struct Export {
    #[prost(message, repeated, tag = "1")]
    resources: Vec<OfResource>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct OfResource {
    #[prost(message, repeated, tag = "2")]
    scopes: Vec<OfScope>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct OfScope {
    #[prost(message, repeated, tag = "2")]
    spans: Vec<Span>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Span {
    #[prost(bytes = "vec", tag = "1")]
    trace: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    id: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    parent: Vec<u8>,
    #[prost(string, tag = "5")]
    name: String,
    #[prost(message, repeated, tag = "9")]
    attributes: Vec<Attribute>,
    #[prost(message, repeated, tag = "13")]
    links: Vec<Link>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Attribute {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(message, optional, tag = "2")]
    value: Option<Text>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Text {
    #[prost(string, tag = "1")]
    text: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Link {
    #[prost(bytes = "vec", tag = "1")]
    trace: Vec<u8>,
}

impl Span {
    fn get(&self, key: &str) -> &str {
        let found = self.attributes.iter().find(|attribute| attribute.key == key);
        found.and_then(|attribute| attribute.value.as_ref()).map_or("", |value| &value.text)
    }
}

#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Span>>>);

impl Collector {
    /// Also its address.
    async fn start() -> (Self, String) {
        let collector = Self::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let routes = axum::Router::new().route("/v1/traces", post(Self::take)).with_state(collector.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        (collector, url)
    }

    #[expect(clippy::unused_async, reason = "handlers are asynchronous")]
    async fn take(State(collector): State<Self>, body: Bytes) {
        let export = Export::decode(body).expect("OTLP");
        let scopes = export.resources.into_iter().flat_map(|resource| resource.scopes);
        collector.0.lock().expect("no panic").extend(scopes.flat_map(|scope| scope.spans));
    }

    fn all(&self) -> Vec<Span> {
        self.0.lock().expect("no panic").clone()
    }

    async fn until(&self, what: &str, is_there: impl Fn(&[Span]) -> bool) -> Vec<Span> {
        let wait = async {
            loop {
                traces::stop().await;
                let spans = self.all();
                if is_there(&spans) {
                    return spans;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, wait).await;
        waited.unwrap_or_else(|_| panic!("waited in vain for {what}: {:#?}", self.all()))
    }
}

const CHAT: i64 = 5_550_901;
/// Of the protocol.
const METHOD_NOT_FOUND: u64 = 104;
const STRANGER: &str = "0af7651916cd43dd8448eb211c80319c";

/// A customer's message, told by a stranger who names a trace of its own.
async fn deliver(world: &World, text: &str) {
    let url = format!("http://{}/hooks/{}", world.address, world.bot.hook_token);
    let request = reqwest::Client::new()
        .post(url)
        .header("X-Telegram-Bot-Api-Secret-Token", world.secret(&world.bot))
        .header("traceparent", format!("00-{STRANGER}-b7ad6b7169203331-01"))
        .body(World::update(900_001, CHAT, 900_001, text).to_string());
    assert_eq!(request.send().await.expect("an answer").status(), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_trace_goes_from_a_webhook_to_the_sockets_of_all_nodes_and_to_the_answer() {
    let (collector, url) = Collector::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = Config::embedded(folder.path());
    config.telemetry.otlp_url = url;
    traces::start(&config).expect("traces");
    let Some((world, _redis)) = World::pair().await else { return };
    let other = world.second().address;
    let person = async |address, email| {
        Client::connect(address, As::Token(Api::sign_in(address, email, PASSWORD).await.token)).await
    };
    let mut near = person(world.address, "agent@example.com").await;
    let mut far = person(other, "owner@example.com").await;
    // The emulator knows the chat from here on.
    world.telegram.customer_says(CHAT, "Private hello");
    for client in [&mut near, &mut far] {
        assert_eq!(client.event("message.created").await["message"]["text"], "Private hello");
    }
    deliver(&world, "Private words").await;
    for client in [&mut near, &mut far] {
        assert_eq!(client.event("message.created").await["message"]["text"], "Private words");
    }
    let key =
        world.app.accounts.create_key(&world.scope(), "Worker", Role::Responder).await.expect("a key").key;
    // Whatever a client calls: here words that are nobody's matter, in a name of any length.
    let made_up = format!("Card 4111 1111 1111 1111 {}", "é".repeat(30_000));
    assert_eq!(near.rpc(&made_up, json!({})).await, Err(METHOD_NOT_FOUND));
    let mut worker = Client::connect(world.address, As::Key { key, capacity: 1 }).await;
    let turn = worker.offered().await;
    let reply = json!({ "turn": turn["id"], "lease": turn["lease"], "text": "Secret answer" });
    worker.rpc("turn.reply", reply).await.expect("the answer");
    assert_eq!(world.telegram.sent_reaches(1).await[0].text.as_deref(), Some("Secret answer"));

    let is_delivery = |span: &Span| span.name == "job" && span.get("kind") == "deliver";
    let calls = |spans: &[Span]| -> HashSet<String> {
        let calls = spans.iter().filter(|span| span.name == "rpc");
        calls.map(|span| span.get("rpc.method").to_owned()).collect()
    };
    let expected = HashSet::from(["_OTHER".to_owned(), "turn.reply".to_owned()]);
    let is_all = |spans: &[Span]| spans.iter().any(is_delivery) && calls(spans).is_superset(&expected);
    let spans = collector.until("the spans of the job and of the calls", is_all).await;
    let longest = spans.iter().flat_map(|span| &span.attributes).filter_map(|one| one.value.as_ref());
    assert!(longest.map(|value| value.text.len()).max() <= Some(256), "{spans:#?}");
    let is_ours = |span: &&Span| span.links.iter().any(|link| hex::encode(&link.trace) == STRANGER);
    let ours = spans.iter().find(is_ours).expect("the request").trace.clone();
    let webhook =
        spans.iter().find(|span| span.name == "webhook" && span.trace == ours).expect("the webhook");
    assert_eq!((webhook.get("tenant"), webhook.get("provider")), (&*world.tenant.to_string(), "telegram"));
    let of_trace: Vec<&Span> = spans.iter().filter(|span| span.trace == webhook.trace).collect();

    // It begins here, whatever the stranger says.
    let roots: Vec<&&Span> = of_trace.iter().filter(|span| span.parent.is_empty()).collect();
    let [root] = roots[..] else { panic!("one root: {of_trace:#?}") };
    assert_eq!((&*root.name, root.get("http.response.status_code")), ("request", "200"));
    assert_eq!(root.links.iter().map(|link| hex::encode(&link.trace)).collect::<Vec<_>>(), [STRANGER]);
    assert_ne!(hex::encode(&root.trace), STRANGER);

    // Every other span hangs on one of the same trace.
    let ids: HashMap<&[u8], &str> = of_trace.iter().map(|span| (&span.id[..], &*span.name)).collect();
    let below = |span: &Span| ids.get(&span.parent[..]).copied();
    for span in of_trace.iter().filter(|span| !span.parent.is_empty()) {
        assert!(below(span).is_some(), "without a parent: {span:#?}");
    }
    let has = |name: &str, parent: &str| {
        assert!(
            of_trace.iter().any(|span| span.name == name && below(span) == Some(parent)),
            "{name} below {parent}: {of_trace:#?}"
        );
    };
    for (name, parent) in [
        ("webhook", "request"),
        ("store", "webhook"),
        ("fan-out", "store"),
        ("turn.offer", "store"),
        ("store", "turn.offer"),
        ("turn.reply", "turn.offer"),
        ("store", "turn.reply"),
        ("job", "store"),
        ("store", "job"),
    ] {
        has(name, parent);
    }
    assert!(of_trace.iter().any(|span| is_delivery(span)), "the sending of the answer: {of_trace:#?}");

    // The first event, on both nodes.
    let room = format!("tenant:{}", world.tenant);
    let stored = of_trace.iter().find(|span| span.name == "store" && below(span) == Some("webhook"));
    let cursor = stored.expect("the transaction").get("cursor").to_owned();
    let shown = of_trace.iter().filter(|span| span.name == "fan-out" && span.get("room") == room);
    let nodes: HashSet<&str> =
        shown.filter(|span| span.get("cursor") == cursor).map(|span| span.get("node")).collect();
    assert_eq!(nodes.len(), 2, "the sockets of both nodes: {of_trace:#?}");

    for text in ["Private", "Secret", "4111", "Mira", "5550901", "example.com", &world.bot.hook_token] {
        let told = spans.iter().find(|span| format!("{span:?}").contains(text));
        assert!(told.is_none(), "{text} is nobody's matter: {told:#?}");
    }
    world.finish().await;
}
