//! Troubles that users of such products reported, each the smallest input with its right result: `tests/cases/*.json`.
//! Bodies are posted as the providers do; people, the AI worker and an emulated model take part as in life.
//!
//! The cases of one server run at the same time. Those that make a provider answer in another way have one of their own.

#[path = "cases/model.rs"]
pub mod model;
#[path = "cases/right.rs"]
mod right;

use std::path::Path;
use std::time::Duration;

use emulators::Answer;
use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt as _};
use hubbub::accounts::Role;
use hubbub::error::Error;
use hubbub::model::ChannelSettings;
use hubbub::store::{Arg, Engine, Tx, Verb};
use responder::{Brain, Model, ModelConfig, Responder};
use serde_json::{Value, json};
use uuid::Uuid;

use self::model::EmulatedModel;
use crate::kit::{Api, SESSION, World, quick};
use crate::on_both;

const COUNT: usize = 14;
/// Servers with cases that run side by side.
const AT_ONCE: usize = 2;
/// Not right yet. Empty when everything is.
const PENDING: &[&str] = &[];

struct Case {
    name: String,
    steps: Vec<Value>,
    right: String,
}

fn read() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut cases: Vec<Case> = std::fs::read_dir(folder)
        .expect("the cases")
        .map(|file| file.expect("a file").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            let text = std::fs::read_to_string(&path).expect("a case");
            let case: Value = serde_json::from_str(&text).expect("JSON");
            Case {
                name: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
                steps: case["steps"].as_array().expect("steps").clone(),
                right: case["right"].as_str().expect("what is right").to_owned(),
            }
        })
        .collect();
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    cases
}

impl Case {
    /// What it makes a provider answer: the call, and whether all of the provider's traffic is another's after that.
    fn scripts(&self) -> Option<(String, bool)> {
        let answer = self.steps.iter().find_map(|step| step.get("answer"))?;
        let call = answer.get("path").or_else(|| answer.get("method"));
        let provider = answer["provider"].as_str().unwrap_or_default();
        let alone = answer.get("status").is_some();
        let call = call.and_then(Value::as_str).unwrap_or_default();
        Some((if alone { provider.to_owned() } else { call.to_owned() }, alone))
    }

    fn fits(&self, others: &[Self]) -> bool {
        let clash = |one: &Self, other: &Self| match one.scripts() {
            Some((provider, true)) => other.name.starts_with(&provider),
            Some((call, false)) => other.scripts().is_some_and(|(theirs, _)| theirs == call),
            None => false,
        };
        others.iter().all(|other| !clash(self, other) && !clash(other, self))
    }
}

/// A server with an AI worker and a model, on which cases run.
pub struct Stage {
    world: World,
    model: EmulatedModel,
    worker: Responder,
    api: Api,
}

impl Stage {
    async fn start(engine: Engine) -> Self {
        // What a case has together comes together on a busy machine, too.
        let settings = ChannelSettings { quiet_ms: 1_500, max_wait_ms: 5_000, ..quick() };
        let world = World::with(engine, settings).await;
        let (model, url) = EmulatedModel::start().await;
        let key = world
            .app
            .accounts
            .create_key(&world.scope(), "Worker", Role::Responder)
            .await
            .expect("a key")
            .key;
        let socket = format!("ws://{}/connection/websocket", world.address);
        let brain = Brain::Model(Model::new(ModelConfig::new(&url, "small")).expect("a model"));
        let worker = Responder::start(&socket, &key, brain);
        worker.connected().await.expect("the worker is there");
        let api = world.api("owner@example.com").await;
        Self { world, model, worker, api }
    }

    async fn finish(self) {
        self.worker.stop().await.expect("the worker stops");
        self.world.finish().await;
    }

    async fn run(&self, case: &Case) -> Result<(), String> {
        for step in &case.steps {
            self.step(case, step).await?;
        }
        right::check(&case.name, self).await.unwrap_or_else(|| Err("nobody knows what is right".to_owned()))
    }

    async fn step(&self, case: &Case, step: &Value) -> Result<(), String> {
        let (kind, given) = step.as_object().and_then(|step| step.iter().next()).ok_or("an empty step")?;
        let status = match kind.as_str() {
            "telegram" => self.world.telegram.post(given).await,
            "waha" => {
                let mut body = given.clone();
                body["session"] = SESSION.into();
                self.world.waha.post(SESSION, &body).await
            }
            "answer" => {
                let answer: Answer =
                    serde_json::from_value(given.clone()).map_err(|error| error.to_string())?;
                match answer.provider.as_deref() {
                    Some("telegram") => self.world.telegram.answers(answer),
                    _ => self.world.waha.answers(answer),
                }
                200
            }
            "model" => {
                let words = case.steps.iter().find_map(|step| step["telegram"]["message"]["text"].as_str());
                self.model.answer(words.unwrap_or_default(), given.as_str().unwrap_or_default());
                200
            }
            "send" => {
                let id = self.conversation(given["to"].as_str().unwrap_or_default()).await;
                let id = id.ok_or("nobody to send to")?;
                let body = json!({ "client_id": case.name, "text": given["text"] });
                self.api.post(&format!("/api/v1/conversations/{id}/messages"), &body).await.0
            }
            // Before the next step something has to have happened; at the end what is right is waited for.
            "wait_ms" if step != case.steps.last().unwrap_or(step) => {
                tokio::time::sleep(Duration::from_millis(given.as_u64().unwrap_or(0))).await;
                200
            }
            "wait_ms" => 200,
            other => return Err(format!("an unknown step: {other}")),
        };
        if (200..300).contains(&status) { Ok(()) } else { Err(format!("{kind}: {status}")) }
    }

    /// The open conversation of a chat, by its id at the provider.
    pub async fn conversation(&self, chat: &str) -> Option<Uuid> {
        self.world.app.store.read(OpenOf(chat.to_owned())).await.expect("a conversation or none")
    }

    pub async fn messages(&self, chat: &str) -> Vec<Value> {
        match self.conversation(chat).await {
            Some(id) => self.api.messages(&id.to_string()).await,
            None => Vec::new(),
        }
    }

    /// The conversation as the list shows it.
    pub async fn listed(&self, chat: &str) -> Value {
        let id = self.conversation(chat).await.map(|id| id.to_string()).unwrap_or_default();
        let inbox = self.api.inbox().await;
        inbox.into_iter().find(|conversation| conversation["id"] == id.as_str()).unwrap_or_default()
    }

    /// The bytes of an attachment.
    pub async fn file(&self, attachment: &Value) -> Vec<u8> {
        let path = format!("/api/v1/media/{}", attachment["id"].as_str().unwrap_or_default());
        let request = crate::kit::http().get(self.world.url(&path)).bearer_auth(&self.api.token);
        request.send().await.expect("an answer").bytes().await.expect("bytes").to_vec()
    }

    /// The integration log, newest first.
    pub async fn log(&self) -> Vec<Value> {
        let path = format!("/api/v1/integration-log?tenant={}&limit=100", self.world.tenant);
        let (status, page) = self.api.get(&path).await;
        assert_eq!(status, 200, "{page}");
        page.as_array().or_else(|| page["entries"].as_array()).cloned().unwrap_or_default()
    }
}

pub struct OpenOf(pub String);

impl Verb for OpenOf {
    type Out = Option<Uuid>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let sql = "select id from conversations where external_id = $1 and state = 'open' limit 1";
        Ok(tx.one::<(Uuid,)>(sql, &[Arg::from(self.0.as_str())]).await?.map(|(id,)| id))
    }
}

on_both!(what_others_reported_goes_right_here, |engine| async move {
    let cases = read();
    assert_eq!(cases.len(), COUNT, "cases");
    let mut stages: Vec<Vec<Case>> = Vec::new();
    for case in cases {
        match stages.iter_mut().find(|others| case.fits(others)) {
            Some(others) => others.push(case),
            None => stages.push(vec![case]),
        }
    }
    let run = stages.into_iter().map(|cases| async move {
        let stage = Stage::start(engine).await;
        let told = join_all(cases.iter().map(|case| stage.run(case))).await;
        stage.finish().await;
        cases.into_iter().zip(told).collect::<Vec<_>>()
    });
    // What a case says of seconds holds where the machine has time for it: a few servers at once.
    let run: Vec<_> = stream::iter(run).buffer_unordered(AT_ONCE).collect().await;
    let (mut right, mut wrong) = (0, Vec::new());
    for (case, told) in run.into_iter().flatten() {
        let pending = PENDING.contains(&case.name.as_str());
        match told {
            Ok(()) if pending => wrong.push(format!("{} is right now: take it off the list", case.name)),
            Ok(()) => right += 1,
            Err(complaint) if pending => println!("{}: not yet: {complaint}", case.name),
            Err(complaint) => wrong.push(format!("{}: {complaint}\n  right: {}", case.name, case.right)),
        }
    }
    println!("{right} of {COUNT} cases are right");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(right + PENDING.len(), COUNT);
});
