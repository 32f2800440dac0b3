//! What a provider held and did not deliver is read when it can be, once and in its order.

use hubbub::model::ChannelSettings;
use hubbub::store::Engine;
use serde_json::Value;

use crate::kit::{Api, PATIENCE, SESSION, World, quick};
use crate::on_both;

const CHAT: &str = "12025550101@c.us";
const OTHER: &str = "12025550102@c.us";

async fn texts(api: &Api, chat: &str) -> Vec<String> {
    let inbox = api.inbox().await;
    let digits = chat.trim_end_matches("@c.us");
    let Some(found) = inbox.iter().find(|one| one["contact"].to_string().contains(digits)) else {
        return Vec::new();
    };
    let messages = api.messages(found["id"].as_str().expect("an id")).await;
    messages.iter().filter_map(|one| one["text"].as_str().map(str::to_owned)).collect()
}

/// Waits until a chat reads like this.
async fn reads(api: &Api, chat: &str, want: &[&str]) {
    let begin = std::time::Instant::now();
    loop {
        let seen = texts(api, chat).await;
        if seen == want {
            return;
        }
        assert!(begin.elapsed() < PATIENCE, "{seen:?}, not {want:?}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

on_both!(what_a_gateway_lost_while_it_was_down_is_read, |engine: Engine| async move {
    // What is typed on the phone is a person's at once.
    let world = World::with(engine, ChannelSettings { greeting_grace_ms: 0, ..quick() }).await;
    let api = world.api("agent@example.com").await;
    world.waha.customer_says(SESSION, CHAT, "one");
    reads(&api, CHAT, &["one"]).await;
    // Nothing is told of what comes now.
    world.waha.loses_events(true);
    for text in ["two", "three"] {
        world.waha.customer_says(SESSION, CHAT, text);
    }
    world.waha.customer_says(SESSION, OTHER, "hello there");
    world.waha.owner_types_on_phone(SESSION, CHAT, "from the phone");
    world.waha.loses_events(false);
    world.waha.idle().await;
    assert_eq!(texts(&api, CHAT).await, ["one"]);
    // The gateway is back: it says so, and is asked.
    world.waha.set_status(SESSION, "STARTING");
    world.waha.scan(SESSION);
    reads(&api, CHAT, &["one", "two", "three", "from the phone"]).await;
    reads(&api, OTHER, &["hello there"]).await;
    // Once: neither a repetition of its delivery nor another reading doubles it.
    world.waha.set_status(SESSION, "STARTING");
    world.waha.scan(SESSION);
    world.waha.customer_says(SESSION, CHAT, "four");
    reads(&api, CHAT, &["one", "two", "three", "from the phone", "four"]).await;
    let inbox = api.inbox().await;
    let owned: Vec<&Value> = inbox.iter().filter(|one| one["owner"] == "human").collect();
    assert_eq!(owned.len(), 1, "who wrote on the phone has the conversation: {inbox:?}");
    world.finish().await;
});
