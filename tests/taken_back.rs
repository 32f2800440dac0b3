//! A turn is what it holds when it is answered: customers delete and change what they have asked.

use std::sync::Arc;

use adapters::{Event, Fields, Kind};
use hubbub::inbox::receive::receive;
use hubbub::model::{Channel, ChannelSettings};
use serde_json::{Value, json};

use crate::kit::{SESSION, World, quick};
use crate::on_both;

const CHAT: &str = "12025550160@c.us";

/// What one of the channel's bodies says, changed, as if the adapter had understood it so.
pub async fn heard(world: &World, channel: &Channel, body: &Value, change: impl Fn(&mut Fields)) {
    let body = body.to_string();
    let provider = adapters::provider(&channel.kind).expect("a provider");
    let mut events = provider.fields(body.as_bytes(), &adapters::Context::default()).expect("JSON");
    events.iter_mut().for_each(change);
    let events = events.into_iter().map(Event::from).collect();
    let channel = Arc::new(channel.clone());
    receive(&world.app.store, channel, body.into(), Ok(events)).await.expect("it is stored");
}

/// As WAHA tells that a message is gone.
fn revoked(id: &str) -> Value {
    json!({
        "id": format!("evt_revoked_{id}"), "timestamp": 1_794_312_009_000_i64, "event": "message.revoked",
        "session": SESSION, "me": { "id": "12025550100@c.us" }, "engine": "GOWS",
        "payload": { "revokedMessageId": id, "before": null, "after": {
            "id": format!("false_{CHAT}_{id}"), "timestamp": 1_794_312_009, "from": CHAT, "fromMe": false,
            "to": "12025550100@c.us", "body": "", "hasMedia": false, "_data": { "type": "revoked" } } },
    })
}

fn said(id: &str, text: &str) -> Value {
    json!({
        "id": format!("evt_{id}"), "timestamp": 1_794_312_000_000_i64, "event": "message.any", "session": SESSION,
        "me": { "id": "12025550100@c.us" }, "engine": "GOWS",
        "payload": { "id": format!("false_{CHAT}_{id}"), "timestamp": 1_794_312_000, "from": CHAT,
            "to": "12025550100@c.us", "fromMe": false, "source": "app", "body": text, "hasMedia": false,
            "media": null, "_data": { "notifyName": "Dana", "type": "chat" } },
    })
}

on_both!(a_turn_of_which_nothing_is_left_ends_and_nobody_is_asked, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    assert_eq!(world.hook(&world.phone, &said("DE01", "I live at 12 Example Street")).await, 200);
    assert_eq!(world.hook(&world.phone, &revoked("DE01")).await, 200);
    let over = manager.publication(|data| data["turn"]["state"] == "cancelled").await;
    assert_eq!(over["turn"]["reason"], "taken_back");
    assert!(over["conversation"]["turn"].is_null() && over["conversation"]["waiting_since"].is_null());
    assert_eq!(over["conversation"]["owner"], "ai", "it answers again when there is something to answer");
    // The first offer is that of what is written afterwards, and it holds nothing else.
    let mut worker = world.worker(4).await;
    world.hook(&world.phone, &said("DE02", "Do you ship to Porto?")).await;
    let turn = worker.offered().await;
    assert_eq!(turn["messages"].as_array().map(Vec::len), Some(1));
    assert_eq!(turn["messages"][0]["text"], "Do you ship to Porto?");
    assert_eq!((&turn["first_seq"], &turn["last_seq"]), (&json!(2), &json!(2)));
    assert!(world.waha.sent().is_empty());
    world.finish().await;
});

on_both!(a_responder_is_told_that_its_turn_was_taken_back, |engine| async move {
    let world = World::start(engine).await;
    let mut worker = world.worker(4).await;
    let message = world.waha.customer_says(SESSION, CHAT, "my card is 5550");
    let turn = worker.offered().await;
    world.waha.customer_deletes(SESSION, CHAT, &message);
    let withdrawn = worker.publication(|data| data["type"] == "turn.withdrawn").await;
    assert_eq!((&withdrawn["turn"], &withdrawn["reason"]), (&turn["id"], &json!("taken_back")));
    let late = json!({ "turn": turn["id"], "lease": turn["lease"], "text": "Too late" });
    assert_eq!(worker.rpc("turn.delta", late.clone()).await, Err(410));
    assert_eq!(worker.rpc("turn.reply", late).await, Err(410));
    let inbox = world.api("viewer@example.com").await.inbox().await;
    assert!(inbox[0]["turn"].is_null() && inbox[0]["waiting_since"].is_null(), "{}", inbox[0]);
    assert!(world.waha.sent().is_empty());
    world.finish().await;
});

on_both!(what_is_left_of_a_turn_is_offered, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let mut worker = world.worker(4).await;
    for (id, text) in [("A1", "first"), ("A2", "second"), ("A3", "third")] {
        world.hook(&world.phone, &said(id, text)).await;
    }
    world.hook(&world.phone, &revoked("A1")).await;
    let turn = worker.offered().await;
    let texts = |turn: &Value| -> Vec<String> {
        let messages = turn["messages"].as_array().expect("messages");
        messages.iter().map(|one| one["text"].as_str().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(texts(&turn), ["second", "third"]);
    assert_eq!((&turn["first_seq"], &turn["last_seq"]), (&json!(2), &json!(3)));
    // While it is being answered: the responder sees what is left.
    world.hook(&world.phone, &revoked("A3")).await;
    let withdrawn = worker.publication(|data| data["type"] == "turn.withdrawn").await;
    assert_eq!((&withdrawn["lease"], &withdrawn["reason"]), (&turn["lease"], &json!("superseded")));
    let again = worker.offered().await;
    assert_eq!((texts(&again), &again["id"]), (vec!["second".to_owned()], &turn["id"]));
    assert_eq!((&again["first_seq"], &again["last_seq"]), (&json!(2), &json!(2)));
    let offered =
        manager.publication(|data| data["turn"]["state"] == "offered" && data["turn"]["attempt"] == 2).await;
    assert_eq!(offered["turn"]["count"], 1);
    let reply = json!({ "turn": again["id"], "lease": again["lease"], "text": "Two" });
    worker.rpc("turn.reply", reply).await.expect("the answer");
    world.finish().await;
});

on_both!(an_edit_is_seen_by_the_responder_so_many_times, |engine| async move {
    let world = World::with(engine, ChannelSettings { max_supersedes: 1, ..quick() }).await;
    let mut worker = world.worker(4).await;
    let message = world.telegram.customer_says(5550161, "two boxes");
    let first = worker.offered().await;
    world.telegram.customer_edits(5550161, message.message_id, "three boxes");
    let withdrawn = worker.publication(|data| data["type"] == "turn.withdrawn").await;
    assert_eq!((&withdrawn["lease"], &withdrawn["reason"]), (&first["lease"], &json!("superseded")));
    let stale = json!({ "turn": first["id"], "lease": first["lease"], "text": "Two it is" });
    assert_eq!(worker.rpc("turn.reply", stale).await, Err(410));
    let second = worker.offered().await;
    assert_eq!(second["messages"][0]["text"], "three boxes");
    // Somebody who edits for ever is answered all the same.
    let mut edited = World::update(90_001, 5_550_161, message.message_id, "four boxes");
    edited["edited_message"] = edited["message"].take();
    edited["edited_message"]["edit_date"] = json!(1_894_312_100);
    edited.as_object_mut().expect("an object").remove("message");
    assert_eq!(world.hook(&world.bot, &edited).await, 200);
    let reply = json!({ "turn": second["id"], "lease": second["lease"], "text": "Three it is" });
    worker.rpc("turn.reply", reply).await.expect("the answer");
    world.telegram.sent_reaches(1).await;
    world.finish().await;
});

on_both!(what_was_taken_back_before_it_came_is_no_question, |engine| async move {
    let world = World::start(engine).await;
    let mut worker = world.worker(4).await;
    assert_eq!(world.hook(&world.phone, &revoked("B1")).await, 200);
    assert_eq!(world.hook(&world.phone, &said("B1", "never mind")).await, 200);
    let inbox = world.api("viewer@example.com").await.inbox().await;
    assert!(inbox[0]["turn"].is_null() && inbox[0]["waiting_since"].is_null(), "{}", inbox[0]);
    world.hook(&world.phone, &said("B2", "hello")).await;
    assert_eq!(worker.offered().await["messages"].as_array().map(Vec::len), Some(1));
    world.finish().await;
});

on_both!(what_is_taken_back_after_people_have_it_waits_no_more, |engine| async move {
    let world = World::start(engine).await;
    let api = world.api("agent@example.com").await;
    world.hook(&world.phone, &said("C1", "one")).await;
    let conversation = api.inbox().await[0]["id"].as_str().expect("an id").to_owned();
    let path = format!("/api/v1/conversations/{conversation}");
    assert_eq!(api.post(&format!("{path}/take-over"), &json!({})).await.0, 200);
    world.hook(&world.phone, &said("C2", "two")).await;
    world.hook(&world.phone, &revoked("C1")).await;
    assert!(api.inbox().await[0]["waiting_since"].is_i64(), "the other still waits");
    world.hook(&world.phone, &revoked("C2")).await;
    let one = api.inbox().await.remove(0);
    assert!(one["waiting_since"].is_null(), "{one}");
    assert_eq!(one["bucket"], "assigned");
    // Handed back there is nothing to answer.
    assert_eq!(api.post(&format!("{path}/hand-back"), &json!({})).await.0, 200);
    assert!(api.inbox().await[0]["turn"].is_null());
    world.finish().await;
});

on_both!(a_turn_that_nobody_can_read_goes_to_people, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let mut worker = world.worker(4).await;
    let unsupported = |event: &mut Fields| {
        event.kind = Kind::Unsupported;
        event.text = None;
    };
    heard(&world, &world.bot, &World::update(1, 5_550_162, 1, "?"), unsupported).await;
    let event = manager.publication(|data| data["turn"]["state"] == "handed_off").await;
    assert_eq!(event["conversation"]["owner"], "nobody");
    assert_eq!(event["conversation"]["handoff_reason"], "unreadable");
    // With words beside it, it can be answered.
    heard(&world, &world.bot, &World::update(2, 5_550_163, 1, "?"), unsupported).await;
    world.hook(&world.bot, &World::update(3, 5_550_163, 2, "do you see it?")).await;
    assert_eq!(worker.offered().await["messages"].as_array().map(Vec::len), Some(2));
    world.finish().await;
});
