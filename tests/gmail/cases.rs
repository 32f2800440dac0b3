//! Troubles with mailboxes that users of such products reported: `tests/cases/providers/gmail-*.json`.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use emulators::gmail::{EmulatorConfig, Mail};
use emulators::{Answer, Clock};
use futures_util::future::join_all;
use hubbub::accounts::Role;
use hubbub::store::Engine;
use responder::{Brain, Responder, Rules};
use serde_json::{Value, json};

use super::{MAILBOX, Shop, settings};
use crate::on_both;

fn case(name: &str) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/providers");
    let text = std::fs::read_to_string(folder.join(format!("gmail-{name}.json"))).expect("the case");
    let case: Value = serde_json::from_str(&text).expect("JSON");
    case["steps"].as_array().expect("steps").clone()
}

/// A mailbox and an AI worker that answers everything.
struct Stage {
    shop: Shop,
    worker: Responder,
    /// Added to the provider's clock.
    ahead: Arc<AtomicI64>,
}

impl Stage {
    async fn start(engine: Engine) -> Self {
        let ahead = Arc::new(AtomicI64::new(0));
        let (moved, system) = (Arc::clone(&ahead), Clock::default());
        let clock = Clock::new(move || system.now_ms() + moved.load(Ordering::Relaxed));
        let config = EmulatorConfig { clock, ..EmulatorConfig::default() };
        let shop = Box::pin(Shop::with(engine, settings(), config)).await;
        let (app, scope) = (&shop.world.app, shop.world.scope());
        let key = app.accounts.create_key(&scope, "Worker", Role::Responder).await.expect("a key").key;
        let rules = Rules { pace: Duration::ZERO, handoff_words: Vec::new(), ..Rules::default() };
        let socket = format!("ws://{}/connection/websocket", shop.world.address);
        let worker = Responder::start(&socket, &key, Brain::Rules(rules));
        worker.connected().await.expect("the worker is there");
        Self { shop, worker, ahead }
    }

    async fn run(&self, steps: &[Value]) {
        for step in steps {
            let (kind, given) = step.as_object().and_then(|step| step.iter().next()).expect("a step");
            match kind.as_str() {
                "mail" => self.mail(given).await,
                "gmail" => assert_eq!(self.push(given).await, 200, "{given}"),
                "parallel" => {
                    let pushes =
                        given.as_array().expect("steps").iter().map(|step| self.push(&step["gmail"]));
                    assert!(join_all(pushes).await.iter().all(|status| *status == 200));
                }
                "answer" => self.answer(given).await,
                "clock_ms" => {
                    self.ahead.fetch_add(given.as_i64().expect("a number"), Ordering::Relaxed);
                }
                // Long enough for a wrong answer to leave.
                "wait_ms" => {
                    let ms = given.as_u64().expect("a number").min(4_000);
                    tokio::time::sleep(Duration::from_millis(ms)).await;
                }
                other => panic!("an unknown step: {other}"),
            }
        }
    }

    async fn mail(&self, given: &Value) {
        let mut mail: Mail = serde_json::from_value(given.clone()).expect("a mail");
        let is_known = mail.known;
        if is_known {
            mail.push = None;
        }
        self.shop.google.arrives(MAILBOX, &mail);
        if is_known {
            self.shop.is_read().await;
        }
    }

    async fn answer(&self, given: &Value) {
        let mut answer: Answer = serde_json::from_value(given.clone()).expect("an answer");
        if let Some(cursor) = answer.if_query.get_mut("startHistoryId") {
            *cursor = self.shop.cursor().await;
        }
        self.shop.google.answers(answer);
    }

    /// The mailbox is where the push says, if it says more.
    async fn push(&self, data: &Value) -> u16 {
        let number = |value: &Value| value.as_u64().or_else(|| value.as_str()?.parse().ok());
        let history_id = number(&data["historyId"]).expect("an id");
        let mailbox = data["emailAddress"].as_str().expect("an address");
        if self.shop.google.state_of(mailbox).is_some_and(|(now, _)| now < history_id) {
            self.shop.google.holds_pushes(true);
            self.shop.google.notifies(mailbox, history_id);
        }
        let data = base64::prelude::BASE64_URL_SAFE.encode(data.to_string());
        let message = json!({ "data": data, "messageId": history_id.to_string(), "publishTime": "2026-11-10T00:00:00Z" });
        let status = self.shop.google.post(&message).await;
        self.shop.google.holds_pushes(false);
        status
    }

    async fn finish(self) {
        self.worker.stop().await.expect("the worker stops");
        self.shop.finish().await;
    }
}

on_both!(a_place_after_a_full_reading, |engine| async move {
    let stage = Stage::start(engine).await;
    stage.run(&case("cursor-after-full-sync")).await;
    let shop = &stage.shop;
    for (thread, count) in [("19d0000000000071", 1), ("19d0000000000072", 1), ("19d0000000000073", 1)] {
        let messages = shop.holds(thread, count).await;
        let of_customer = messages.iter().filter(|one| one["author"]["kind"] == "customer").count();
        assert_eq!(of_customer, count, "{thread}: {messages:?}");
    }
    assert_eq!(shop.health().await["state"], "connected");
    let lists = shop.calls("/messages").into_iter().filter(|call| {
        call.method == "GET" && call.path.ends_with("/messages") && call.parameter("q").is_some()
    });
    // One before the first place was known.
    assert_eq!(lists.count(), 2, "full readings");
    let starts = shop.calls("/history");
    assert!(starts.iter().any(|call| call.parameter("startHistoryId") == Some("9007000")), "{starts:?}");
    let answers = shop.google.sent();
    assert_eq!(answers.iter().filter(|one| one.subject.contains("Old one")).count(), 1, "{answers:?}");
    stage.finish().await;
});

on_both!(two_pushes_at_once, |engine| async move {
    let stage = Stage::start(engine).await;
    stage.run(&case("two-pushes-at-once")).await;
    let shop = &stage.shop;
    shop.until("the answers", async |shop| shop.google.sent().len() >= 2).await;
    shop.is_read().await;
    for thread in ["19d0000000000081", "19d0000000000082"] {
        let messages = shop.messages(thread).await;
        let of_customer = messages.iter().filter(|one| one["author"]["kind"] == "customer").count();
        assert_eq!((of_customer, messages.len()), (1, 2), "{messages:?}");
    }
    assert_eq!(shop.google.sent().len(), 2, "one answer for each");
    stage.finish().await;
});

on_both!(machine_mail_is_not_answered, |engine| async move {
    let stage = Stage::start(engine).await;
    stage.run(&case("machine-mail-not-answered")).await;
    let shop = &stage.shop;
    for number in 91..=96 {
        let thread = format!("19d00000000000{number}");
        let messages = shop.holds(&thread, 1).await;
        assert_eq!(messages.len(), 1, "{messages:?}");
        assert_eq!(messages[0]["data"]["auto_submitted"], true, "{messages:?}");
    }
    let sent = shop.google.sent_reaches(1).await;
    assert_eq!((sent.len(), sent[0].to.as_slice()), (1, &["ari@example.org".to_owned()][..]));
    assert_eq!(sent[0].header("Auto-Submitted"), Some("auto-replied"));
    // A person may answer.
    let id = shop.conversation("19d0000000000091").await.expect("a conversation");
    let path = format!("/api/v1/conversations/{id}/messages");
    let (status, said) = shop.api.post(&path, &json!({ "client_id": "a1", "text": "Thank you" })).await;
    assert_eq!(status, 201, "{said}");
    let sent = shop.google.sent_reaches(2).await;
    assert_eq!(sent[1].to, ["tickets@vendor.example.com"]);
    stage.finish().await;
});

on_both!(ids_of_files_that_change, |engine| async move {
    let stage = Stage::start(engine).await;
    stage.run(&case("attachment-ids-change")).await;
    let shop = &stage.shop;
    let thread = "19d00000000000a1";
    shop.until("the files", async |shop| {
        let messages = shop.messages(thread).await;
        let files =
            messages.first().and_then(|one| one["attachments"].as_array().cloned()).unwrap_or_default();
        files.len() == 2 && files.iter().all(|file| file["state"] == "ready")
    })
    .await;
    let files = shop.messages(thread).await[0]["attachments"].clone();
    assert_eq!((shop.file(&files[0]).await, shop.file(&files[1]).await), (b"FIRST".into(), b"SECOND".into()));
    stage.finish().await;
});
