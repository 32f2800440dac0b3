//! A send of which nobody can tell whether it left: what comes back settles it, once, whatever was thought of it.

use std::time::{Duration, Instant};

use emulators::Answer;
use serde_json::{Value, json};

use crate::kit::{Api, Client, SESSION, World, quick};
use crate::on_both;
use hubbub::error::Error;
use hubbub::model::ChannelSettings;
use hubbub::store::{Tx, Verb, queues};

const SEND: &str = "/api/sendText";

/// A customer has written on WhatsApp; gives the conversation.
async fn conversation(world: &World, manager: &mut Client, chat: &str) -> String {
    world.waha.customer_says(SESSION, chat, "Hello");
    let event = manager.event("message.created").await;
    event["conversation"]["id"].as_str().expect("an id").to_owned()
}

async fn send(manager: &mut Client, conversation: &str, text: &str) {
    let send = json!({ "conversation": conversation, "client_id": text.replace('\n', " "), "text": text });
    manager.rpc("message.send", send).await.expect("it is queued");
}

/// Waits until the message of that text has this status.
async fn becomes(manager: &mut Client, text: &str, statuses: &[&str]) -> Value {
    let is = |data: &Value| {
        data["message"]["text"] == text && statuses.iter().any(|status| data["message"]["status"] == *status)
    };
    manager.publication(is).await["message"].clone()
}

/// Waits until the message of that text was tried and waits for another try.
async fn waits(manager: &mut Client, text: &str) {
    let is = |data: &Value| {
        let message = &data["message"];
        message["text"] == text && message["status"] == "queued" && message["error"]["code"] == "503"
    };
    manager.publication(is).await;
}

/// What WhatsApp tells of a message that left the business.
fn echo(world: &World, chat: &str, source: &str, text: &str) {
    let id = format!("true_{chat}_{}", world.app.store.ids().next().simple());
    let payload = json!({ "id": id, "timestamp": world.app.store.clock().now_ms() / 1000, "from": chat, "to": chat,
        "fromMe": true, "source": source, "body": text, "hasMedia": false, "media": null, "_data": {} });
    world.waha.event(SESSION, "message.any", &payload);
}

fn outgoing(messages: &[Value]) -> Vec<&Value> {
    messages.iter().filter(|message| message["direction"] == "out").collect()
}

const LEFT: [&str; 3] = ["sent", "delivered", "read"];

on_both!(an_echo_settles_a_send_that_waits_for_another_try, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let chat = "12025550161@c.us";
    let id = conversation(&world, &mut manager, chat).await;
    // Busy, it says, and that it wants to be asked later: and yet the message has left.
    let mut busy = Answer::of(SEND, 503, json!({ "message": "busy" }));
    busy.headers.insert("retry-after".into(), "60".into());
    world.waha.answers(busy.after_leaving(Duration::from_millis(700)).times(1));
    send(&mut manager, &id, "only once").await;
    let begun = Instant::now();
    waits(&mut manager, "only once").await;
    send(&mut manager, &id, "after it").await;
    becomes(&mut manager, "only once", &LEFT).await;
    becomes(&mut manager, "after it", &LEFT).await;
    assert!(begun.elapsed() < Duration::from_secs(20), "what is behind it need not wait for its next try");
    world.waha.idle().await;
    let messages = world.api("agent@example.com").await.messages(&id).await;
    assert_eq!(outgoing(&messages).len(), 2, "{messages:?}");
    assert_eq!(world.waha.sent().len(), 2);
    world.finish().await;
});

on_both!(a_settled_send_says_nothing_of_a_server_that_is_away, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let chat = "12025550165@c.us";
    let id = conversation(&world, &mut manager, chat).await;
    // No id is given out before it.
    let reserve = format!("/api/{SESSION}/new-message-id");
    world.waha.answers(Answer::of(&reserve, 501, json!({})));
    let mut busy = Answer::of(SEND, 503, json!({ "message": "busy" }));
    busy.headers.insert("retry-after".into(), "60".into());
    world.waha.answers(busy.after_leaving(Duration::from_secs(2)).times(1));
    send(&mut manager, &id, "only once").await;
    waits(&mut manager, "only once").await;
    world.waha.answers(Answer::of(&reserve, 503, json!({ "message": "away" })));
    let sent = becomes(&mut manager, "only once", &LEFT).await;
    assert!(sent["error"].is_null(), "{sent}");
    world.waha.idle().await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let messages = world.api("agent@example.com").await.messages(&id).await;
    let shown = outgoing(&messages)[0];
    assert!(shown["error"].is_null() && LEFT.iter().any(|status| shown["status"] == *status), "{shown}");
    world.finish().await;
});

on_both!(an_echo_settles_a_send_that_was_given_up, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let mut worker = world.worker(4).await;
    let chat = "12025550162@c.us";
    let id = conversation(&world, &mut manager, chat).await;
    let turn = worker.offered().await;
    let mut busy = Answer::of(SEND, 503, json!({ "message": "busy" }));
    busy.headers.insert("retry-after".into(), "60".into());
    world.waha.answers(busy.after_leaving(Duration::from_secs(2)).times(1));
    let reply = json!({ "turn": turn["id"], "lease": turn["lease"], "text": "From the machine" });
    worker.rpc("turn.reply", reply).await.expect("it is queued");
    waits(&mut manager, "From the machine").await;
    // A person takes over: the next try will not be made. The first one had left, though.
    manager.rpc("conversation.take_over", json!({ "conversation": id })).await.expect("it is taken over");
    let silenced = becomes(&mut manager, "From the machine", &["failed"]).await;
    assert_eq!(silenced["error"]["code"], "taken_over");
    let sent = becomes(&mut manager, "From the machine", &LEFT).await;
    assert!(sent["error"].is_null(), "{sent}");
    world.waha.idle().await;
    let messages = world.api("agent@example.com").await.messages(&id).await;
    assert_eq!(outgoing(&messages).len(), 1, "{messages:?}");
    world.finish().await;
});

on_both!(what_comes_back_in_another_form_is_known_again, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let chat = "12025550163@c.us";
    let id = conversation(&world, &mut manager, chat).await;
    world.waha.answers(Answer::of(SEND, 500, json!({ "exception": { "message": "it broke late" } })));
    // Not under the id that was reserved for it, and with its marks and line ends changed.
    let text = "*Your order* is ready.\nSee you!";
    send(&mut manager, &id, text).await;
    let unknown = becomes(&mut manager, text, &["unknown"]).await;
    assert!(
        unknown["error"]["reason"].as_str().is_some_and(|reason| reason.contains("it broke late")),
        "{unknown}"
    );
    echo(&world, chat, "api", "Your order is ready.\r\nSee you! ");
    becomes(&mut manager, text, &LEFT).await;
    world.waha.idle().await;
    let messages = world.api("agent@example.com").await.messages(&id).await;
    assert_eq!(outgoing(&messages).len(), 1, "{messages:?}");
    world.finish().await;
});

on_both!(the_same_words_twice_are_settled_one_by_one, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let chat = "12025550164@c.us";
    let id = conversation(&world, &mut manager, chat).await;
    world.waha.answers(Answer::of(SEND, 500, json!({ "exception": { "message": "it broke late" } })));
    for client_id in ["one", "two"] {
        let send = json!({ "conversation": id, "client_id": client_id, "text": "ok" });
        manager.rpc("message.send", send).await.expect("it is queued");
        manager
            .publication(|data| {
                data["message"]["client_id"] == client_id && data["message"]["status"] == "unknown"
            })
            .await;
    }
    for client_id in ["one", "two"] {
        echo(&world, chat, "api", "ok");
        let settled = becomes(&mut manager, "ok", &LEFT).await;
        assert_eq!(settled["client_id"], client_id, "the one that began first");
    }
    // Nothing is open any more: another program of the business says the same.
    echo(&world, chat, "api", "ok");
    let theirs = manager.publication(|data| data["message"]["author"]["kind"] == "other_app").await;
    assert_eq!(theirs["message"]["text"], "ok");
    world.finish().await;
});

on_both!(what_a_person_types_on_the_phone_is_not_ours, |engine| async move {
    let world = World::with(engine, ChannelSettings { greeting_grace_ms: 0, ..quick() }).await;
    let mut manager = world.person("agent@example.com").await;
    let chat = "12025550165@c.us";
    let id = conversation(&world, &mut manager, chat).await;
    world.waha.answers(Answer::of(SEND, 500, json!({ "exception": { "message": "it broke late" } })));
    send(&mut manager, &id, "On my way").await;
    becomes(&mut manager, "On my way", &["unknown"]).await;
    world.waha.owner_types_on_phone(SESSION, chat, "On my way");
    let typed = manager.publication(|data| data["message"]["author"]["kind"] == "phone").await;
    assert_eq!(typed["message"]["text"], "On my way");
    let messages = world.api("agent@example.com").await.messages(&id).await;
    assert_eq!(messages[1]["status"], "unknown", "{messages:?}");
    world.finish().await;
});

on_both!(a_send_that_met_a_closed_page_is_not_repeated_and_the_next_one_waits, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let chat = "12025550166@c.us";
    let id = conversation(&world, &mut manager, chat).await;
    let words =
        "Protocol error (Runtime.callFunctionOn): Session closed. Most likely the page has been closed.";
    let closed = Answer::of(
        SEND,
        500,
        json!({ "statusCode": 500, "exception": { "message": words, "name": "Error" } }),
    );
    world.waha.answers(closed.after_leaving(Duration::from_secs(4)).times(1));
    send(&mut manager, &id, "only once").await;
    becomes(&mut manager, "only once", &["unknown"]).await;
    // The channel is down by it: what comes next is not lost in the same way.
    send(&mut manager, &id, "after it").await;
    let waits = becomes(&mut manager, "after it", &["queued"]).await;
    assert_eq!(waits["error"]["code"], "channel_waits", "{waits}");
    becomes(&mut manager, "after it", &LEFT).await;
    becomes(&mut manager, "only once", &LEFT).await;
    world.waha.idle().await;
    assert_eq!(world.waha.sent().len(), 2);
    world.finish().await;
});

/// As after so many tries.
struct Tried;

impl Verb for Tried {
    type Out = u64;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<u64, Error> {
        Ok(tx.exec("update deliveries set tries = 9", &[]).await?)
    }
}

/// Sends a text that may have left at its first try and is given up at its last one; gives the dead job.
async fn given_up(world: &World, owner: &Api, manager: &mut Client, id: &str, text: &str) -> String {
    let mut busy = Answer::of(SEND, 503, json!({ "message": "busy" }));
    busy.headers.insert("retry-after".into(), "60".into());
    world.waha.answers(busy.times(2));
    send(manager, id, text).await;
    waits(manager, text).await;
    assert_eq!(world.app.store.write(Tried).await.expect("tried").value, 1);
    // The session works, it is said: what waits is tried at once.
    world.waha.set_status(SESSION, "FAILED");
    world.waha.set_status(SESSION, "WORKING");
    becomes(manager, text, &["failed"]).await;
    let jobs = dead(world, owner).await;
    assert_eq!(jobs.len(), 1, "{jobs:?}");
    jobs[0]["id"].as_str().expect("an id").to_owned()
}

async fn dead(world: &World, owner: &Api) -> Vec<Value> {
    let (status, page) = owner.get(&format!("/api/v1/jobs/dead?tenant={}", world.tenant)).await;
    assert_eq!(status, 200, "{page}");
    page["jobs"].as_array().expect("jobs").clone()
}

on_both!(a_given_up_send_that_is_settled_is_no_dead_job_any_more, |engine| async move {
    let world = World::start(engine).await;
    let owner = world.api("owner@example.com").await;
    let mut manager = world.person("agent@example.com").await;
    let chat = "12025550167@c.us";
    let id = conversation(&world, &mut manager, chat).await;
    let job = given_up(&world, &owner, &mut manager, &id, "it had left").await;
    echo(&world, chat, "api", "it had left");
    becomes(&mut manager, "it had left", &LEFT).await;
    assert!(dead(&world, &owner).await.is_empty());
    assert_eq!(world.app.store.read(CountDead).await.expect("a count"), 0);
    assert_eq!(owner.post(&format!("/api/v1/jobs/{job}/retry"), &json!({})).await.0, 404);
    world.waha.idle().await;
    assert!(world.waha.sent().is_empty());
    world.finish().await;
});

/// What the queues say of their dead.
struct CountDead;

impl Verb for CountDead {
    type Out = i64;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<i64, Error> {
        Ok(queues::count(tx).await?.iter().map(|(_, _, _, dead, _)| dead).sum())
    }
}

on_both!(a_refusal_after_a_retry_says_nothing_of_the_tries_before_it, |engine| async move {
    let world = World::start(engine).await;
    let owner = world.api("owner@example.com").await;
    let mut manager = world.person("agent@example.com").await;
    let chat = "12025550168@c.us";
    let id = conversation(&world, &mut manager, chat).await;
    let job = given_up(&world, &owner, &mut manager, &id, "it had left").await;
    world.waha.answers(Answer::of(SEND, 400, json!({ "message": "no" })));
    assert_eq!(owner.post(&format!("/api/v1/jobs/{job}/retry"), &json!({})).await.0, 204);
    let refused =
        |data: &Value| data["message"]["status"] == "failed" && data["message"]["error"]["code"] == "400";
    manager.publication(refused).await;
    echo(&world, chat, "api", "it had left");
    becomes(&mut manager, "it had left", &LEFT).await;
    let messages = world.api("agent@example.com").await.messages(&id).await;
    assert_eq!(outgoing(&messages).len(), 1, "{messages:?}");
    world.finish().await;
});

// NOWEB tells what our own account wrote in a group with `fromMe: false`, and names our account as the participant.
on_both!(what_comes_back_from_a_group_as_a_strangers_is_ours, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let group = "120363000000000123@g.us";
    world.waha.participant_says(SESSION, group, "12025550166@c.us", "Hello all");
    let event = manager.event("message.created").await;
    let id = event["conversation"]["id"].as_str().expect("an id").to_owned();
    world.waha.answers(Answer::of(SEND, 500, json!({ "exception": { "message": "it broke late" } })));
    send(&mut manager, &id, "To all of you").await;
    becomes(&mut manager, "To all of you", &["unknown"]).await;
    let own = "12025550100@c.us";
    for (bare, source, text) in [("OWN1", "api", "To all of you"), ("OWN2", "app", "And from the phone")] {
        let payload = json!({ "id": format!("false_{group}_{bare}_{own}"), "from": group, "participant": own,
            "timestamp": world.app.store.clock().now_ms() / 1000, "fromMe": false, "source": source, "body": text,
            "hasMedia": false, "media": null, "_data": {} });
        world.waha.event(SESSION, "message.any", &payload);
        if source == "api" {
            becomes(&mut manager, text, &LEFT).await;
        }
    }
    let typed = manager.publication(|data| data["message"]["author"]["kind"] == "phone").await;
    assert_eq!(typed["message"]["text"], "And from the phone");
    world.waha.idle().await;
    let messages = world.api("agent@example.com").await.messages(&id).await;
    assert_eq!((messages.len(), outgoing(&messages).len()), (3, 2), "{messages:?}");
    world.finish().await;
});
