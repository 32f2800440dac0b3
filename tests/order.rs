//! What happens to a message is ordered by its own time, and of one time by delivery; repetitions come to nothing. An
//! edit may change everything.

use emulators::telegram;
use hubbub::accounts::tenants::SetStorage;
use serde_json::{Value, json};

use crate::kit::{Client, SESSION, World};
use crate::on_both;

const AT: i64 = 1_794_312_000;

fn person(id: i64) -> Value {
    json!({ "id": id, "is_bot": false, "first_name": "Lina" })
}

fn group() -> Value {
    json!({ "id": -1_005_550_181_i64, "type": "supergroup", "title": "Market" })
}

/// An update of the bot, posted as Telegram does.
async fn update(world: &World, id: i64, kind: &str, content: &Value) {
    assert_eq!(world.hook(&world.bot, &json!({ "update_id": id, kind: content })).await, 200);
}

fn text(chat: i64, message: i64, text: &str) -> Value {
    json!({ "message_id": message, "date": AT, "chat": { "id": chat, "type": "private" }, "from": person(chat), "text": text })
}

fn edited(mut message: Value, at: i64, changes: Value) -> Value {
    message["edit_date"] = at.into();
    if let (Some(message), Value::Object(changes)) = (message.as_object_mut(), changes) {
        message.extend(changes);
    }
    message
}

fn reaction(chat: &Value, from: i64, message: i64, at: i64, emoji: Option<&str>) -> Value {
    let new: Vec<Value> = emoji.iter().map(|emoji| json!({ "type": "emoji", "emoji": emoji })).collect();
    json!({ "chat": chat, "message_id": message, "user": person(from), "date": at, "old_reaction": [], "new_reaction": new })
}

async fn created(manager: &mut Client) -> Value {
    manager.event("message.created").await
}

/// The messages of the conversation that was made last.
async fn messages(world: &World, event: &Value) -> Vec<Value> {
    let api = world.api("agent@example.com").await;
    api.messages(event["conversation"]["id"].as_str().expect("an id")).await
}

on_both!(edits_of_one_second_stand_in_the_order_of_their_delivery, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let first = text(5550182, 1, "one box");
    update(&world, 1, "message", &first).await;
    let event = created(&mut manager).await;
    let two = edited(first.clone(), AT + 5, json!({ "text": "two boxes" }));
    let three = edited(first.clone(), AT + 5, json!({ "text": "three boxes" }));
    let older = edited(first, AT + 4, json!({ "text": "no box" }));
    update(&world, 2, "edited_message", &two).await;
    update(&world, 3, "edited_message", &three).await;
    // Telegram did not hear that it was taken, and one that it kept comes late.
    update(&world, 2, "edited_message", &two).await;
    update(&world, 4, "edited_message", &older).await;
    // Nor does what was overtaken within the second: the updates are numbered.
    let overtaken = edited(text(5550182, 1, "one box"), AT + 5, json!({ "text": "four boxes" }));
    update(&world, 0, "edited_message", &overtaken).await;
    let all = messages(&world, &event).await;
    assert_eq!((&all[0]["text"], &all[0]["edited_at"]), (&json!("three boxes"), &json!((AT + 5) * 1_000)));
    let inbox = world.api("agent@example.com").await.inbox().await;
    assert_eq!(inbox[0]["last_message"]["text"], "three boxes");
    world.finish().await;
});

on_both!(what_comes_before_its_message_is_put_in_order_with_it, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let (chat, message) = (json!({ "id": 5550183, "type": "private" }), text(5550183, 1, "first"));
    update(&world, 11, "message_reaction", &reaction(&chat, 5550183, 1, AT + 9, None)).await;
    update(&world, 12, "message_reaction", &reaction(&chat, 5550183, 1, AT + 8, Some("👍"))).await;
    update(&world, 13, "edited_message", &edited(message.clone(), AT + 7, json!({ "text": "third" }))).await;
    update(&world, 14, "edited_message", &edited(message.clone(), AT + 6, json!({ "text": "second" }))).await;
    update(&world, 15, "message", &message).await;
    let event = created(&mut manager).await;
    assert_eq!((&event["message"]["text"], &event["message"]["reactions"]), (&json!("third"), &json!([])));
    // And what overtakes only then finds the marks of those before.
    let chat = json!({ "id": 5550183, "type": "private" });
    update(&world, 16, "message_reaction", &reaction(&chat, 5550183, 1, AT + 8, Some("👎"))).await;
    assert_eq!(messages(&world, &event).await[0]["reactions"], json!([]));
    update(&world, 17, "message_reaction", &reaction(&chat, 5550183, 1, AT + 10, Some("❤"))).await;
    assert_eq!(messages(&world, &event).await[0]["reactions"][0]["emoji"], "❤");
    world.finish().await;
});

on_both!(a_quote_that_overtook_its_message_finds_it, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let first = text(5550191, 1, "Which one?");
    let mut second = text(5550191, 2, "This one");
    second["reply_to_message"] = first.clone();
    update(&world, 2, "message", &second).await;
    let event = created(&mut manager).await;
    assert!(event["message"]["reply_to"].is_null());
    update(&world, 1, "message", &first).await;
    let quoted = created(&mut manager).await["message"]["id"].clone();
    let shown = manager
        .publication(|data| data["message"]["text"] == "This one" && data["message"]["reply_to"] == quoted);
    shown.await;
    assert_eq!(messages(&world, &event).await[0]["reply_to"], quoted);
    world.finish().await;
});

on_both!(an_overtaken_message_gives_nobody_a_former_name, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let named = |number: i64, at: i64, name: &str| {
        let mut message = text(5550192, number, "Hello");
        message["date"] = at.into();
        message["from"]["first_name"] = name.into();
        message["chat"]["first_name"] = name.into();
        message
    };
    for (number, at, name, shown) in [
        (1, AT, "Mira", "Mira"),
        (3, AT + 20, "Mira Lee", "Mira Lee"),
        (2, AT + 10, "Mira", "Mira Lee"),
        (4, AT + 30, "M. Lee", "M. Lee"),
    ] {
        update(&world, number, "message", &named(number, at, name)).await;
        assert_eq!(created(&mut manager).await["conversation"]["contact"]["name"], shown);
    }
    world.finish().await;
});

on_both!(in_a_group_each_person_has_a_reaction, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let message = json!({ "message_id": 1, "date": AT, "chat": group(), "from": person(5550184), "text": "Who comes?" });
    update(&world, 21, "message", &message).await;
    let event = created(&mut manager).await;
    for (id, from, at, emoji) in [
        (22, 5550185, AT + 3, Some("👍")),
        (23, 5550186, AT + 2, Some("👍")),
        (24, 5550187, AT + 4, Some("🔥")),
        (25, 5550187, AT + 5, None),
        (26, 5550186, AT + 1, None),
    ] {
        update(&world, id, "message_reaction", &reaction(&group(), from, 1, at, emoji)).await;
    }
    let reactions = messages(&world, &event).await[0]["reactions"].clone();
    let shown: Vec<_> =
        reactions.as_array().expect("reactions").iter().map(|one| (&one["by"], &one["emoji"])).collect();
    assert_eq!(shown, [(&json!("5550185"), &json!("👍")), (&json!("5550186"), &json!("👍"))]);
    world.finish().await;
});

on_both!(a_place_that_moves_is_not_edited, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let mut place = text(5550188, 1, "");
    place.as_object_mut().expect("an object").remove("text");
    place["location"] = json!({ "latitude": 52.5, "longitude": 13.4, "live_period": 900 });
    update(&world, 31, "message", &place).await;
    let event = created(&mut manager).await;
    let moved = json!({ "location": { "latitude": 52.6, "longitude": 13.5, "live_period": 900 } });
    update(&world, 32, "edited_message", &edited(place.clone(), AT + 30, moved)).await;
    let back = json!({ "location": { "latitude": 52.1, "longitude": 13.1, "live_period": 900 } });
    update(&world, 33, "edited_message", &edited(place, AT + 20, back)).await;
    let shown = manager.event("message.updated").await["message"].clone();
    assert_eq!((&shown["data"]["latitude"], &shown["kind"]), (&json!(52.6), &json!("location")));
    assert!(shown["edited_at"].is_null());
    assert_eq!(messages(&world, &event).await[0]["data"]["latitude"], 52.6, "an older place came later");
    world.finish().await;
});

on_both!(a_new_caption_keeps_its_file_and_a_new_file_its_caption, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let chat = 5550189;
    let said = world.telegram.customer_sends(
        chat,
        telegram::File::photo(b"\x89PNG\r\n\x1a\nfirst".to_vec()),
        Some("Broken"),
    );
    created(&mut manager).await;
    let ready = manager.publication(|data| data["message"]["attachments"][0]["state"] == "ready").await;
    let file = ready["message"]["attachments"][0].clone();
    let asked = |world: &World| world.telegram.calls().iter().filter(|call| call.method == "getFile").count();
    assert_eq!(asked(&world), 1);
    // The same picture under other words: nothing is fetched again.
    let picture = world
        .telegram
        .calls()
        .iter()
        .find(|call| call.method == "getFile")
        .expect("it was asked for")
        .parameters["file_id"]
        .clone();
    let mut message = text(chat, said.message_id, "");
    message.as_object_mut().expect("an object").remove("text");
    message["photo"] = json!([{ "file_id": picture, "file_unique_id": picture, "width": 90, "height": 90 }]);
    message["caption"] = "Broken here".into();
    update(&world, 900_041, "edited_message", &edited(message.clone(), AT + 5, json!({}))).await;
    let shown = manager.publication(|data| data["message"]["text"] == "Broken here").await;
    assert_eq!(shown["message"]["attachments"], json!([file]));
    assert_eq!(asked(&world), 1);
    // Another picture, the caption taken away.
    let paths = json!({ "provider": "telegram", "method": "getFile", "file_paths": { "NEW": "photos/new.png" }, "bytes": "the second" });
    world.telegram.answers(serde_json::from_value(paths).expect("an answer"));
    message["photo"] = json!([{ "file_id": "NEW", "file_unique_id": "NEW-U", "width": 90, "height": 90 }]);
    message.as_object_mut().expect("an object").remove("caption");
    update(&world, 900_042, "edited_message", &edited(message, AT + 6, json!({}))).await;
    let shown = manager
        .publication(|data| {
            let files = &data["message"]["attachments"];
            files[0]["state"] == "ready" && files[0]["id"] != file["id"] && files[1].is_null()
        })
        .await;
    assert_eq!((&shown["message"]["text"], &shown["message"]["kind"]), (&json!(null), &json!("image")));
    // Only the one that is shown takes of the tenant's storage.
    let usage = SetStorage { scope: world.scope(), changes: [None, None] };
    let has = world.app.store.write(usage).await.expect("looked at").value;
    assert_eq!((has.bytes, has.files), (10, 1));
    world.finish().await;
});

on_both!(what_a_gateway_tells_of_a_caption_alone_keeps_the_picture, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let chat = "12025550190@c.us";
    let picture = emulators::waha::File::image(b"\xff\xd8\xff\xe0picture".to_vec());
    let id = world.waha.customer_sends(SESSION, chat, picture, Some("Broken"));
    created(&mut manager).await;
    manager.publication(|data| data["message"]["attachments"][0]["state"] == "ready").await;
    world.waha.customer_edits(SESSION, chat, &id, "Broken here");
    let shown = manager.publication(|data| data["message"]["text"] == "Broken here").await;
    assert_eq!(
        (&shown["message"]["kind"], &shown["message"]["attachments"][0]["state"]),
        (&json!("image"), &json!("ready"))
    );
    world.finish().await;
});

/// A text of a group or a person on WhatsApp; `data` is the engine's own.
async fn whatsapp(world: &World, id: &str, event: &str, payload: Value) {
    let mut payload = payload;
    for (name, value) in [("timestamp", json!(AT)), ("fromMe", json!(false)), ("source", json!("app"))] {
        payload.as_object_mut().expect("an object").entry(name).or_insert(value);
    }
    let body = json!({ "id": format!("evt_{id}"), "timestamp": AT * 1_000, "event": event, "session": SESSION,
        "engine": "GOWS", "payload": payload });
    assert_eq!(world.hook(&world.phone, &body).await, 200);
}

on_both!(a_person_of_a_group_has_one_reaction_under_all_their_ids, |engine| async move {
    const GROUP: &str = "120363000000000181@g.us";
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    // Two of them have written by themselves, and are known under both of their ids.
    for (lid, phone) in [("187650000000001", "12025550151"), ("187650000000002", "12025550152")] {
        let said = json!({ "id": format!("false_{lid}@lid_{lid}"), "from": format!("{lid}@lid"), "body": "Hello",
            "_data": { "Info": { "SenderAlt": format!("{phone}@s.whatsapp.net") } } });
        whatsapp(&world, lid, "message.any", said).await;
        created(&mut manager).await;
    }
    let asked = json!({ "id": format!("false_{GROUP}_GR01_12025550153@c.us"), "from": GROUP, "body": "Who comes?",
        "participant": "12025550153@c.us" });
    whatsapp(&world, "GR01", "message.any", asked).await;
    let event = created(&mut manager).await;
    let react = async |n: i64, person: &str, other: Option<&str>, text: &str| {
        let id = format!("RE{n:02}");
        let mut payload = json!({ "id": format!("false_{GROUP}_{id}_{person}"), "from": GROUP, "participant": person,
            "timestamp": AT + n,
            "reaction": { "text": text, "messageId": format!("false_{GROUP}_GR01_12025550153@c.us") } });
        if let Some(other) = other {
            payload["_data"] = json!({ "Info": { "SenderAlt": other } });
        }
        whatsapp(&world, &id, "message.reaction", payload).await;
        let all = messages(&world, &event).await;
        let reactions = all[0]["reactions"].as_array().expect("reactions");
        let emoji = |one: &Value| one["emoji"].as_str().expect("an emoji").to_owned();
        reactions.iter().map(emoji).collect::<Vec<_>>()
    };
    assert_eq!(react(1, "187650000000001@lid", None, "👍").await, ["👍"]);
    assert_eq!(react(2, "12025550151@c.us", None, "❤").await, ["❤"]);
    assert_eq!(react(3, "12025550152@c.us", None, "🔥").await, ["❤", "🔥"]);
    // What the event says itself is enough, and what it does not say of a stranger is not made up.
    assert_eq!(react(4, "187650000000009@lid", None, "👏").await, ["❤", "🔥", "👏"]);
    let both = react(5, "12025550159@c.us", Some("187650000000009@lid"), "🎉").await;
    assert_eq!(both, ["❤", "🔥", "🎉"]);
    // Taken back under the other id; and what was older has nothing to say under any.
    assert_eq!(react(7, "187650000000002@lid", None, "").await, ["❤", "🎉"]);
    assert_eq!(react(6, "12025550152@c.us", None, "👎").await, ["❤", "🎉"]);
    world.finish().await;
});
