//! Customers see that somebody writes to them, for as long as somebody does.

use hubbub::model::ChannelSettings;
use serde_json::json;

use crate::kit::{SESSION, World, quick};
use crate::on_both;

on_both!(a_customer_sees_that_the_ai_writes, |engine| async move {
    let world = World::start(engine).await;
    let mut worker = world.worker(4).await;
    world.telegram.customer_says(5_550_121, "where is it?");
    let turn = worker.offered().await;
    let call = world.telegram.called("sendChatAction").await;
    assert_eq!(
        (&call.parameters["chat_id"], &call.parameters["action"]),
        (&json!(5_550_121), &json!("typing"))
    );
    let reply = json!({ "turn": turn["id"], "lease": turn["lease"], "text": "On its way" });
    worker.rpc("turn.reply", reply).await.expect("the answer");
    world.telegram.sent_reaches(1).await;
    let told = world.telegram.calls().iter().filter(|call| call.method == "sendChatAction").count();
    assert!(told <= 2, "{told} times within moments");
    world.finish().await;
});

on_both!(a_customer_sees_that_a_person_writes_until_he_stops, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let chat = "12025550152@c.us";
    world.waha.customer_says(SESSION, chat, "hello");
    let event = manager.event("message.created").await;
    let named = json!({ "conversation": event["conversation"]["id"] });
    for _ in 0..3 {
        manager.rpc("conversation.typing", named.clone()).await.expect("it is shown");
    }
    let call = world.waha.called("/api/startTyping").await;
    assert_eq!(call.body["chatId"], chat);
    let call = world.waha.called("/api/stopTyping").await;
    assert_eq!(call.body["chatId"], chat);
    let began = world.waha.calls().iter().filter(|call| call.path == "/api/startTyping").count();
    assert!((1..=2).contains(&began), "{began} times in five seconds");
    world.finish().await;
});

on_both!(a_paused_channel_shows_nothing, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let (paused, other) = ("12025550153@c.us", 5_550_122);
    world.waha.customer_says(SESSION, paused, "hello");
    let of_paused = manager.event("message.created").await["conversation"]["id"].clone();
    world.telegram.customer_says(other, "hello");
    let of_other = manager.event("message.created").await["conversation"]["id"].clone();
    let api = world.api("owner@example.com").await;
    let path = format!("/api/v1/channels/{}", world.phone.id);
    assert_eq!(api.patch(&path, &json!({ "state": "disabled" })).await.0, 200);
    for conversation in [of_paused, of_other] {
        let named = json!({ "conversation": conversation });
        manager.rpc("conversation.typing", named).await.expect("it is taken");
    }
    // Both were due at the same moment.
    world.telegram.called("sendChatAction").await;
    assert!(world.waha.calls().iter().all(|call| call.path != "/api/startTyping"));
    world.finish().await;
});

on_both!(what_a_customer_types_is_shown_and_waited_for, |engine| async move {
    let settings = ChannelSettings { quiet_ms: 3_000, max_wait_ms: 8_000, ..quick() };
    let world = World::with(engine, settings).await;
    let (api, mut manager) = (world.api("owner@example.com").await, world.person("owner@example.com").await);
    let chat = "12025550154@c.us";
    // A chat that never wrote is not made known by its presence.
    assert_eq!(world.waha.post(SESSION, &presence(chat, "typing")).await, 200);
    world.waha.customer_says(SESSION, chat, "I would like");
    let event = manager.event("message.created").await;
    let conversation = event["conversation"]["id"].as_str().expect("an id").to_owned();
    let (began, due) = (event["at"].as_i64().expect("a time"), &event["conversation"]["turn"]["due_at"]);
    let due = due.as_i64().expect("a due time");
    // The open turn is the reason to ask for it.
    world.waha.hears(SESSION, chat).await;
    manager.subscribe(&format!("conversation:{conversation}")).await;
    // The provider repeats it for as long as the customer types.
    let later = loop {
        world.waha.customer_types(SESSION, chat, true);
        let is_typing = |data: &serde_json::Value| data["kind"] == "customer.typing" && data["on"] == true;
        manager.publication(is_typing).await;
        let (_, now) = api.get(&format!("/api/v1/conversations/{conversation}")).await;
        let now = now["turn"]["due_at"].as_i64().expect("a due time");
        if now > due {
            break now;
        }
    };
    assert!(later <= began + 8_000, "the longest wait ends it: {later} after {began}");
    let told = manager.event("turn.updated").await;
    assert_eq!(
        (&told["turn"]["due_at"], &told["conversation"]["turn"]["due_at"]),
        (&json!(later), &json!(later))
    );
    world.waha.customer_types(SESSION, chat, false);
    manager.publication(|data| data["kind"] == "customer.typing" && data["on"] == false).await;
    world.waha.idle().await;
    // Nothing of it is stored: one conversation, one message, one body.
    assert_eq!(api.messages(&conversation).await.len(), 1);
    assert_eq!(api.inbox().await.len(), 1);
    let (_, log) =
        api.get(&format!("/api/v1/integration-log?tenant={}&channel={}", world.tenant, world.phone.id)).await;
    let bodies = log["entries"].as_array().expect("entries");
    assert!(bodies.iter().all(|entry| !entry.to_string().contains("presence")), "{log}");
    world.finish().await;
});

on_both!(a_person_who_opens_a_conversation_sees_the_customer_type, |engine| async move {
    let world = World::with(engine, ChannelSettings { ai: false, ..quick() }).await;
    let mut manager = world.person("agent@example.com").await;
    let chat = "12025550155@c.us";
    world.waha.customer_says(SESSION, chat, "Hello");
    let event = manager.event("message.created").await;
    let id = event["conversation"]["id"].as_str().expect("an id").to_owned();
    let asked = || world.waha.calls().iter().filter(|call| call.path.ends_with("/subscribe")).count();
    assert_eq!(asked(), 0, "nobody looks and no machine waits");
    manager.subscribe(&format!("conversation:{id}")).await;
    world.waha.hears(SESSION, chat).await;
    world.waha.customer_types(SESSION, chat, true);
    manager.publication(|data| data["kind"] == "customer.typing").await;
    let mut colleague = world.person("owner@example.com").await;
    colleague.subscribe(&format!("conversation:{id}")).await;
    world.waha.customer_types(SESSION, chat, true);
    colleague.publication(|data| data["kind"] == "customer.typing").await;
    assert_eq!(asked(), 1, "once in a while is enough");
    world.finish().await;
});

fn presence(chat: &str, state: &str) -> serde_json::Value {
    json!({ "event": "presence.update", "session": SESSION,
        "payload": { "id": chat, "presences": [{ "participant": chat, "lastKnownPresence": state }] } })
}
