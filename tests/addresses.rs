//! An address is more than a chat: a topic, a business connection. It is a part of what a conversation is.

use adapters::Event;
use serde_json::json;

use crate::kit::World;
use crate::on_both;
use crate::taken_back::heard;

fn in_thread(thread: &'static str) -> impl Fn(&mut Event) {
    move |event| event.thread = Some(thread.to_owned())
}

on_both!(each_thread_of_a_customer_is_a_conversation, |engine| async move {
    let world = World::start(engine).await;
    let mut worker = world.worker(4).await;
    let update = |update, text| World::update(update, 5_550_113, update, text);
    heard(&world, &world.bot, &update(1, "where is my parcel?"), in_thread("4242")).await;
    heard(&world, &world.bot, &update(2, "and a refund"), in_thread("77")).await;
    heard(&world, &world.bot, &update(3, "in general"), |_| {}).await;
    heard(&world, &world.bot, &update(4, "it is late"), in_thread("4242")).await;
    let api = world.api("agent@example.com").await;
    let inbox = api.inbox().await;
    assert_eq!(inbox.len(), 3, "{inbox:?}");
    let contacts: std::collections::BTreeSet<_> =
        inbox.iter().map(|one| one["contact"]["id"].to_string()).collect();
    assert_eq!(contacts.len(), 1, "one customer");
    let of =
        |thread: serde_json::Value| inbox.iter().find(|one| one["thread"] == thread).expect("it is there");
    assert_eq!((&of(json!("4242"))["last_seq"], &of(json!("77"))["last_seq"]), (&json!(2), &json!(1)));
    assert_eq!(of(json!(null))["last_message"]["text"], "in general");
    // Three trains of thought, each with its own past.
    for _ in 0..3 {
        let turn = worker.offered().await;
        let conversation = inbox.iter().find(|one| one["id"] == turn["conversation"]).expect("it is there");
        let asked = turn["messages"].as_array().map_or(0, Vec::len);
        assert_eq!(asked, if conversation["thread"] == "4242" { 2 } else { 1 });
        assert_eq!(turn["history"], json!([]));
    }
    world.finish().await;
});

on_both!(a_closed_thread_is_opened_beside_the_others, |engine| async move {
    let world = World::start(engine).await;
    let api = world.api("agent@example.com").await;
    heard(&world, &world.bot, &World::update(1, 5_550_114, 1, "one"), in_thread("1")).await;
    let first = api.inbox().await[0]["id"].as_str().expect("an id").to_owned();
    let path = format!("/api/v1/conversations/{first}");
    assert_eq!(api.post(&format!("{path}/close"), &json!({})).await.0, 200);
    heard(&world, &world.bot, &World::update(2, 5_550_114, 2, "two"), in_thread("2")).await;
    assert_eq!(
        api.post(&format!("{path}/reopen"), &json!({})).await.0,
        200,
        "the other is of another thread"
    );
    assert_eq!(api.post(&format!("{path}/close"), &json!({})).await.0, 200);
    heard(&world, &world.bot, &World::update(3, 5_550_114, 3, "three"), in_thread("1")).await;
    let (status, refused) = api.post(&format!("{path}/reopen"), &json!({})).await;
    assert_eq!((status, &refused["code"]), (409, &json!("another_is_open")));
    assert_eq!(api.inbox().await.len(), 2);
    world.finish().await;
});

on_both!(a_user_name_tells_two_customers_apart, |engine| async move {
    let world = World::start(engine).await;
    let api = world.api("agent@example.com").await;
    let named = |name: &'static str| move |event: &mut Event| event.contact_handle = Some(name.to_owned());
    heard(&world, &world.bot, &World::update(1, 5_550_125, 1, "hi"), named("ana_example")).await;
    heard(&world, &world.bot, &World::update(2, 5_550_126, 2, "hi"), named("ana_other")).await;
    for typed in ["%40ana_example", "ana_example", "ANA_ex"] {
        let (_, found) = api.get(&format!("/api/v1/contacts?q={typed}")).await;
        let found = found["contacts"].as_array().expect("contacts").clone();
        assert_eq!(found.len(), 1, "{typed}: {found:?}");
        assert_eq!(found[0]["contact"]["handle"], "ana_example");
    }
    // The number that she gives later is her handle, and her name is still found.
    let number = |event: &mut Event| event.contact_phone = Some("15550100123".into());
    heard(&world, &world.bot, &World::update(3, 5_550_125, 3, "my number"), number).await;
    for typed in ["ana_example", "0100123"] {
        let (_, found) = api.get(&format!("/api/v1/contacts?q={typed}")).await;
        assert_eq!(found["contacts"][0]["contact"]["handle"], "15550100123", "{typed}: {found}");
    }
    world.finish().await;
});

on_both!(a_group_is_called_by_its_title, |engine| async move {
    let world = World::start(engine).await;
    let api = world.api("agent@example.com").await;
    let titled = |title: &'static str| {
        move |event: &mut Event| {
            event.is_group = true;
            event.chat_title = Some(title.to_owned());
        }
    };
    heard(&world, &world.bot, &World::update(1, -5_550_001, 1, "hi"), titled("Lantern lovers")).await;
    assert_eq!(api.inbox().await[0]["contact"]["name"], "Lantern lovers");
    heard(&world, &world.bot, &World::update(2, -5_550_001, 2, "hi"), titled("Lamp lovers")).await;
    let one = api.inbox().await.remove(0);
    assert_eq!((&one["contact"]["name"], &one["contact"]["handle"]), (&json!("Lamp lovers"), &json!(null)));
    assert_eq!(one["last_message"]["author"]["name"], "Mira", "who wrote is still said");
    world.finish().await;
});
