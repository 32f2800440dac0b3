//! Customers see that somebody writes to them, for as long as somebody does.

use serde_json::json;

use crate::kit::{SESSION, World};
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
