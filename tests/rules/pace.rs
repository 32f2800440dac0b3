//! Sending as a person would, where the gateway's makers advise it.

use hubbub::model::ChannelSettings;
use serde_json::{Value, json};

use crate::kit::{SESSION, World, quick};
use crate::on_both;

on_both!(an_answer_is_seen_typed_and_then_sent, |engine| async move {
    let world = World::with(engine, ChannelSettings { human_pace: true, ai: false, ..quick() }).await;
    let mut manager = world.person("agent@example.com").await;
    world.waha.customer_says(SESSION, "12025550143@c.us", "Hello");
    let shown = manager.publication(|data| data["message"]["text"] == "Hello").await;
    let answer = "A longer answer, which nobody writes within the blink of an eye";
    let send = json!({ "conversation": shown["conversation"]["id"], "client_id": "a", "text": answer });
    manager.rpc("message.send", send).await.expect("it is queued");
    let more = json!({ "conversation": shown["conversation"]["id"], "client_id": "b", "text": "And more" });
    manager.rpc("message.send", more).await.expect("it is queued");
    world.waha.sent_reaches(2).await;
    let paths: Vec<_> = world.waha.calls().into_iter().map(|call| call.path).collect();
    let of = |end: &str| {
        let is_it = |at: &usize| paths[*at].ends_with(end);
        (0..paths.len()).filter(is_it).collect::<Vec<_>>()
    };
    let (seen, typing, sent) = (of("/sendSeen"), of("/startTyping"), of("/sendText"));
    assert!(seen[0] < typing[0] && typing[0] < sent[0], "{paths:?}");
    assert!(typing.iter().any(|at| (sent[0]..sent[1]).contains(at)), "each for itself: {paths:?}");
    let is_ours = |one: &&Value| one["direction"] == "out";
    let api = world.api("agent@example.com").await;
    let messages = api.messages(shown["conversation"]["id"].as_str().expect("an id")).await;
    let texts: Vec<_> = messages.iter().filter(is_ours).map(|one| one["text"].clone()).collect();
    assert_eq!(texts, [json!(answer), json!("And more")]);
    manager.close().await;
    world.finish().await;
});
