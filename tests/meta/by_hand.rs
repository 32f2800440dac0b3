//! A number that is connected by what a person typed, and what its customers see of those who look and write.

use emulators::meta::Fields;
use serde_json::json;

use crate::kit::meta::{MetaWorld, NUMBER, send, status};
use crate::on_both;

const CUSTOMER: &str = "12025550147";

on_both!(a_number_without_its_account_works_as_well, |engine| async move {
    let all = MetaWorld::start(engine).await;
    // The app was subscribed on the provider's own page.
    all.meta.subscribe(NUMBER, Fields::All);
    let token = all.meta.number_token(NUMBER);
    let credentials = [("phone_number_id", NUMBER), ("access_token", token.as_str())];
    all.connect("whatsapp-cloud", &credentials).await;
    let mut manager = all.world.person("agent@example.com").await;
    all.meta.customer_says(NUMBER, CUSTOMER, "hello");
    let conversation = manager.event("message.created").await["conversation"]["id"].clone();
    let message = send(&mut manager, &conversation, "Hello yourself").await;
    status(&mut manager, &message, "delivered").await;
    manager.close().await;
    all.finish().await;
});

on_both!(a_customer_sees_typing_when_somebody_writes_and_not_when_one_looks, |engine| async move {
    let all = MetaWorld::start(engine).await;
    all.whatsapp().await;
    let mut manager = all.world.person("agent@example.com").await;
    let id = all.meta.customer_says(NUMBER, CUSTOMER, "hello");
    let event = manager.event("message.created").await;
    let conversation = event["conversation"]["id"].as_str().expect("an id").to_owned();
    let room = format!("conversation:{conversation}");
    assert!(manager.subscribe(&room).await.get("subscribe").is_some());
    let read = json!({ "conversation": conversation, "seq": event["message"]["seq"] });
    manager.rpc("conversation.read", read).await.expect("it is read");
    let typing = || all.meta.marks().iter().any(|mark| mark.action == "typing");
    assert!(!typing(), "nobody writes");
    manager.rpc("conversation.typing", json!({ "conversation": conversation })).await.expect("it is shown");
    let shown = async {
        while !typing() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(crate::kit::PATIENCE, shown).await.expect("typing is shown");
    let marks = all.meta.marks();
    assert!(marks.iter().all(|mark| mark.to == id), "under the newest message: {marks:?}");
    manager.close().await;
    all.finish().await;
});
