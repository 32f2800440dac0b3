//! A customer who wants no messages.

use serde_json::{Value, json};

use super::conversation;
use crate::kit::World;
use crate::on_both;

on_both!(a_word_ends_the_messages_and_another_begins_them, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let mut worker = world.worker(1).await;
    world.telegram.customer_says(5550001, "What does it cost?");
    let turn = worker.offered().await;
    let chat = turn["conversation"].clone();
    let path = format!("/api/v1/conversations/{}", chat.as_str().expect("an id"));
    let api = world.api("agent@example.com").await;

    // The word takes the turn from the AI; nothing that it writes leaves.
    world.telegram.customer_says(5550001, "Stop!");
    let stopped = |shown: &Value| shown["contact"]["opted_out_at"].is_i64() && shown["owner"] == "nobody";
    let shown = conversation(&api, &chat, stopped).await;
    assert_eq!(shown["handoff_reason"], "opted_out");
    let reply = json!({ "turn": turn["id"], "lease": turn["lease"], "text": "12 EUR" });
    worker.rpc("turn.reply", reply).await.expect_err("the turn is over");
    let refused = api.post(&format!("{path}/messages"), &json!({ "client_id": "a", "text": "But" })).await;
    assert_eq!((refused.0, &refused.1["code"]), (409, &json!("opted_out")), "{refused:?}");
    let (status, refused) = api.post(&format!("{path}/hand-back"), &json!({})).await;
    assert_eq!((status, &refused["code"]), (409, &json!("opted_out")));

    // Who writes again is answered by a person, and by nobody else.
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    world.telegram.customer_says(5550001, "Where is my order, though?");
    conversation(&api, &chat, |shown| shown["waiting_since"].is_i64() && shown["turn"].is_null()).await;
    let answer = json!({ "conversation": chat, "client_id": "b", "text": "On its way" });
    manager.rpc("message.send", answer).await.expect("it is queued");
    world.telegram.sent_reaches(1).await;

    // The other word gives the conversation back only if nobody has taken it.
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    world.telegram.customer_says(5550001, "/start");
    let shown = conversation(&api, &chat, |shown| shown["contact"]["opted_out_at"].is_null()).await;
    assert_eq!(shown["owner"], "human");
    let (status, _) = api.post(&format!("{path}/hand-back"), &json!({})).await;
    assert_eq!(status, 200);
    let turn = worker.offered().await;
    let reply = json!({ "turn": turn["id"], "lease": turn["lease"], "text": "Welcome back" });
    worker.rpc("turn.reply", reply).await.expect("the answer");
    let sent = world.telegram.sent_reaches(2).await;
    assert_eq!(sent[1].text.as_deref(), Some("Welcome back"));

    // A person notes it for the customer; what is queued for the AI does not leave.
    let (status, noted) = api.post(&format!("{path}/opt-out"), &json!({ "opted_out": true })).await;
    assert_eq!(status, 200, "{noted}");
    assert!(noted["conversation"]["contact"]["opted_out_at"].is_i64());
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    world.telegram.customer_says(5550001, "Hello?");
    let handed = |shown: &Value| shown["handoff_reason"] == "opted_out" && shown["turn"].is_null();
    conversation(&api, &chat, handed).await;
    let (_, back) = api.post(&format!("{path}/opt-out"), &json!({ "opted_out": false })).await;
    assert!(back["conversation"]["contact"]["opted_out_at"].is_null());
    manager.close().await;
    worker.close().await;
    world.finish().await;
});
