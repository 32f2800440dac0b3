//! A send of which nobody can tell whether it left: what comes back settles it, once, whatever was thought of it.

use std::time::{Duration, Instant};

use emulators::Answer;
use serde_json::{Value, json};

use crate::kit::{Client, SESSION, World, quick};
use crate::on_both;
use hubbub::model::ChannelSettings;

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
