//! A case of `tests/cases/providers` on the whole server: one account of Meta's, an AI worker with a model, and the steps of
//! the file. What is right is said by the tests that run it.

use std::path::Path;
use std::time::{Duration, Instant};

use emulators::Answer;
use emulators::meta::{Call, EmulatorConfig, Sent};
use hubbub::accounts::Role;
use hubbub::error::Error;
use hubbub::model::{Channel, ChannelSettings};
use hubbub::store::{Arg, Engine, Tx, Verb};
use responder::{Brain, Model, ModelConfig, Responder};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::cases::OpenOf;
use crate::cases::model::EmulatedModel;
use crate::kit::meta::{INSTAGRAM, LINKED, MetaWorld, NUMBER, PAGE, WABA};
use crate::kit::{Api, PATIENCE, quick};

/// The longest pause of a step. What a case waits for comes sooner, and what must not come would have come by then.
const LONGEST_PAUSE_MS: u64 = 3_000;

pub struct Case {
    pub provider: String,
    pub steps: Vec<Value>,
}

impl Case {
    pub fn read(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/providers");
        let text = std::fs::read_to_string(folder.join(format!("{name}.json"))).expect("the case");
        Self::of(&text)
    }

    fn of(text: &str) -> Self {
        let case: Value = serde_json::from_str(text).expect("JSON");
        let provider = case["provider"].as_str().expect("a provider").to_owned();
        Self { provider, steps: case["steps"].as_array().expect("steps").clone() }
    }

    /// The same at the other service of pages, or at the account that is linked with the page.
    pub fn moved(name: &str, account: &str) -> Self {
        let case = Self::read(name);
        let (from, object) =
            if case.provider == "messenger" { (PAGE, "page") } else { (INSTAGRAM, "instagram") };
        let (provider, to) = if account == PAGE { ("messenger", "page") } else { ("instagram", "instagram") };
        let text = Value::from(case.steps).to_string();
        let text = text
            .replace(from, account)
            .replace(&format!("\"object\":\"{object}\""), &format!("\"object\":\"{to}\""))
            .replace(&format!("\"{}\":{{\"entry\"", case.provider), &format!("\"{provider}\":{{\"entry\""))
            .replace(&format!("\"{}\":{{\"object\"", case.provider), &format!("\"{provider}\":{{\"object\""))
            .replace(&format!("\"provider\":\"{}\"", case.provider), &format!("\"provider\":\"{provider}\""));
        Self { provider: provider.to_owned(), steps: serde_json::from_str(&text).expect("JSON") }
    }

    /// What the steps of a kind give, in order.
    pub fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.steps.iter().filter_map(move |step| step.get(kind))
    }

    /// The deliveries.
    pub fn bodies(&self) -> Vec<&Value> {
        self.of_kind(&self.provider).collect()
    }

    /// The messages of the deliveries, echoes among them, with the person on the other side.
    pub fn messages(&self) -> Vec<(String, &Value)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut found = Vec::new();
        for body in self.bodies() {
            let entry = &body["entry"][0];
            for item in entry["messaging"].as_array().into_iter().flatten() {
                let is_echo = item["message"]["is_echo"] == true;
                let person = if is_echo { &item["recipient"]["id"] } else { &item["sender"]["id"] };
                if item["message"].is_object() {
                    found.push((text(person), &item["message"]));
                }
            }
            for message in entry["changes"][0]["value"]["messages"].as_array().into_iter().flatten() {
                let from = message["from"].as_str().or_else(|| message["from_user_id"].as_str());
                found.push((from.unwrap_or_default().to_owned(), message));
            }
        }
        found
    }

    /// The ids that scripted answers give to messages.
    pub fn given_ids(&self) -> Vec<String> {
        let id = |answer: &Value| {
            let body = &answer["body"];
            body["message_id"].as_str().or_else(|| body["messages"][0]["id"].as_str()).map(str::to_owned)
        };
        self.of_kind("answer").filter_map(id).collect()
    }
}

pub struct Stage {
    pub all: MetaWorld,
    pub model: EmulatedModel,
    pub api: Api,
    pub channel: Channel,
    worker: Responder,
}

impl Stage {
    pub async fn start(engine: Engine, account: &'static str) -> Self {
        Self::with(engine, account, EmulatorConfig::default()).await
    }

    pub async fn with(engine: Engine, account: &'static str, config: EmulatorConfig) -> Self {
        let all = MetaWorld::with(engine, config).await;
        let (app, scope) = (&all.world.app, all.world.scope());
        let (model, url) = EmulatedModel::start().await;
        let key = app.accounts.create_key(&scope, "Worker", Role::Responder).await.expect("a key").key;
        let socket = format!("ws://{}/connection/websocket", all.world.address);
        let brain = Brain::Model(Model::new(ModelConfig::new(&url, "small")).expect("a model"));
        let worker = Responder::start(&socket, &key, brain);
        worker.connected().await.expect("the worker is there");
        let channel = connect(&all, account).await;
        Self { api: all.world.api("owner@example.com").await, all, model, channel, worker }
    }

    pub async fn run(&self, case: &Case) {
        for (number, step) in case.steps.iter().enumerate() {
            let (kind, given) = step.as_object().and_then(|step| step.iter().next()).expect("a step");
            match kind.as_str() {
                "answer" => self.answer(given),
                "send" => {
                    self.send(number, given).await;
                }
                "try_again" => self.try_again(given).await,
                "wait_ms" => {
                    let ms = given.as_u64().expect("a number").min(LONGEST_PAUSE_MS);
                    tokio::time::sleep(Duration::from_millis(ms)).await;
                }
                "whatsapp-cloud" | "messenger" | "instagram" => {
                    assert_eq!(self.all.meta.post(given).await, 200, "{given}");
                }
                other => panic!("an unknown step: {other}"),
            }
        }
    }

    /// A scripted answer is for messages, where it does not name another kind of call.
    fn answer(&self, given: &Value) {
        let mut answer: Answer = serde_json::from_value(given.clone()).expect("an answer");
        // One account is there, and one that is linked with a page is asked by the page.
        answer.provider = None;
        let is_send = answer.method.is_none() && answer.path.as_deref() == Some("/messages");
        if is_send && answer.if_body["sender_action"].is_null() {
            let mut wanted = answer.if_body.as_object().cloned().unwrap_or_default();
            wanted.insert("sender_action".into(), Value::Null);
            wanted.insert("status".into(), Value::Null);
            answer.if_body = wanted.into();
        }
        self.all.meta.answers(answer);
    }

    async fn send(&self, number: usize, given: &Value) -> Value {
        let chat = given["to"].as_str().expect("a customer");
        let id = self.conversation(chat).await.unwrap_or_else(|| panic!("{chat} has no conversation"));
        let files: Vec<Value> = given["file"].as_str().into_iter().map(file).collect();
        let body =
            json!({ "client_id": format!("step {number}"), "text": given["text"], "attachments": files });
        let (status, said) = self.api.post(&format!("/api/v1/conversations/{id}/messages"), &body).await;
        assert_eq!(status, 201, "{said}");
        said["message"].clone()
    }

    async fn try_again(&self, given: &Value) {
        let text = given["text"].as_str().expect("a text");
        let found = self.all.world.app.store.read(Written(text.to_owned())).await.expect("it is read");
        let (conversation, message) = found.expect("such a message");
        let path = format!("/api/v1/conversations/{conversation}/try-again");
        let (status, said) = self.api.post(&path, &json!({ "message": message })).await;
        assert_eq!(status, 200, "{said}");
    }

    /// Waits until it is so.
    pub async fn until(&self, what: &str, is_so: impl AsyncFn(&Self) -> bool) {
        let begin = Instant::now();
        while !is_so(self).await {
            if begin.elapsed() >= PATIENCE {
                let calls: Vec<_> = self.all.meta.calls().into_iter().rev().take(6).collect();
                let mut shown = Vec::new();
                for conversation in self.api.inbox().await {
                    shown.extend(self.api.messages(conversation["id"].as_str().unwrap_or_default()).await);
                }
                panic!("{what}: {shown:#?}, the last calls: {calls:#?}");
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    pub async fn conversation(&self, chat: &str) -> Option<Uuid> {
        self.all.world.app.store.read(OpenOf(chat.to_owned())).await.expect("it is read")
    }

    /// The open conversation of a customer, as the list shows it.
    pub async fn listed(&self, chat: &str) -> Value {
        let id = self.conversation(chat).await.map(|id| id.to_string()).unwrap_or_default();
        self.api.inbox().await.into_iter().find(|one| one["id"] == id.as_str()).unwrap_or_default()
    }

    pub async fn messages(&self, chat: &str) -> Vec<Value> {
        match self.conversation(chat).await {
            Some(id) => self.api.messages(&id.to_string()).await,
            None => Vec::new(),
        }
    }

    /// The one message with these words.
    pub async fn message(&self, chat: &str, text: &str) -> Value {
        let mut found = self.messages(chat).await;
        found.retain(|one| one["text"] == text);
        assert!(found.len() < 2, "{text} is shown once: {found:#?}");
        found.pop().unwrap_or_default()
    }

    /// Waits for a state of the message with these words.
    pub async fn is(&self, chat: &str, text: &str, status: &str) -> Value {
        self.until(&format!("{text} is {status}"), async |stage| {
            stage.message(chat, text).await["status"] == status
        })
        .await;
        self.message(chat, text).await
    }

    /// Waits until a message has arrived, as far as the service tells it.
    pub async fn arrives(&self, chat: &str, text: &str) -> Value {
        let arrived = if self.channel.kind == "instagram" { "sent" } else { "delivered" };
        self.is(chat, text, arrived).await
    }

    /// The calls that send a message to somebody, reactions among them.
    pub fn sends(&self, chat: &str) -> Vec<Call> {
        let mut calls = self.all.meta.calls();
        let is_to = |body: &Value| {
            let to = [&body["to"], &body["recipient"], &body["recipient"]["id"]];
            to.iter().any(|one| one.as_str().is_some_and(|one| one.trim_start_matches('+') == chat))
        };
        calls.retain(|call| {
            let is_mark = call.body["sender_action"].is_string() || call.body["status"].is_string();
            call.method == "POST" && call.path.ends_with("/messages") && is_to(&call.body) && !is_mark
        });
        calls
    }

    /// What reached a customer.
    pub fn sent(&self, chat: &str) -> Vec<Sent> {
        let mut all = self.all.meta.sent();
        all.retain(|one| one.to.trim_start_matches('+') == chat);
        all
    }

    pub async fn file(&self, attachment: &Value) -> Vec<u8> {
        let path = format!("/api/v1/media/{}", attachment["id"].as_str().unwrap_or_default());
        let request = crate::kit::http().get(self.all.world.url(&path)).bearer_auth(&self.api.token);
        request.send().await.expect("an answer").bytes().await.expect("bytes").to_vec()
    }

    pub async fn health(&self) -> Value {
        let (status, page) = self.api.get(&format!("/api/v1/channels/{}/health", self.channel.id)).await;
        assert_eq!(status, 200, "{page}");
        page["health"].clone()
    }

    pub async fn finish(self) {
        self.worker.stop().await.expect("the worker stops");
        self.all.finish().await;
    }
}

/// The AI answers later than a person who writes after half a second.
fn settings() -> ChannelSettings {
    ChannelSettings { quiet_ms: 1_200, max_wait_ms: 4_000, ..quick() }
}

async fn connect(all: &MetaWorld, account: &str) -> Channel {
    let page = || all.meta.page_token(PAGE);
    let (kind, token, rest): (_, _, &[(&str, &str)]) = match account {
        NUMBER => (
            "whatsapp-cloud",
            all.meta.number_token(NUMBER),
            &[("phone_number_id", NUMBER), ("waba_id", WABA)],
        ),
        PAGE => ("messenger", page(), &[("page_id", PAGE)]),
        LINKED => ("instagram", page(), &[("account_id", LINKED), ("login", "page"), ("page_id", PAGE)]),
        _ => ("instagram", all.meta.instagram_token(INSTAGRAM), &[("account_id", INSTAGRAM)]),
    };
    let mut credentials = rest.to_vec();
    credentials.push(("access_token", token.as_str()));
    all.connect_with(kind, &credentials, settings()).await
}

/// A file of ours, by its name.
fn file(name: &str) -> Value {
    let kind = match Path::new(name).extension().and_then(|extension| extension.to_str()) {
        Some("jpg" | "png") => "image",
        Some("mp4") => "video",
        Some("ogg") => "voice",
        _ => "document",
    };
    json!({ "kind": kind, "url": format!("https://cdn.example.com/{name}"), "name": name })
}

struct Written(String);

impl Verb for Written {
    type Out = Option<(Uuid, Uuid)>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let sql = "select conversation, id from messages where text = $1 limit 1";
        Ok(tx.one::<(Uuid, Uuid)>(sql, &[Arg::from(self.0.as_str())]).await?)
    }
}
