//! An address is more than a chat: a topic, a business connection. It is a part of what a conversation is.

use adapters::Fields;
use emulators::telegram::Place;
use hubbub::model::ChannelSettings;
use serde_json::json;

use crate::kit::{Client, SESSION, World, quick};
use crate::on_both;
use crate::taken_back::heard;

fn in_thread(thread: &'static str) -> impl Fn(&mut Fields) {
    move |event| event.thread = Some(thread.to_owned())
}

on_both!(each_thread_of_a_customer_is_a_conversation, |engine| async move {
    let world = World::start(engine).await;
    let mut worker = world.worker(4).await;
    let update = |update, text| World::update(update, 5_550_113, update, text);
    // The two of one thread one straight after the other, so that one turn has both.
    heard(&world, &world.bot, &update(1, "where is my parcel?"), in_thread("4242")).await;
    heard(&world, &world.bot, &update(2, "it is late"), in_thread("4242")).await;
    heard(&world, &world.bot, &update(3, "and a refund"), in_thread("77")).await;
    heard(&world, &world.bot, &update(4, "in general"), |_| {}).await;
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
    let named = |name: &'static str| move |event: &mut Fields| event.contact_handle = Some(name.to_owned());
    heard(&world, &world.bot, &World::update(1, 5_550_125, 1, "hi"), named("ana_example")).await;
    heard(&world, &world.bot, &World::update(2, 5_550_126, 2, "hi"), named("ana_other")).await;
    for typed in ["%40ana_example", "ana_example", "ANA_ex"] {
        let (_, found) = api.get(&format!("/api/v1/contacts?q={typed}")).await;
        let found = found["contacts"].as_array().expect("contacts").clone();
        assert_eq!(found.len(), 1, "{typed}: {found:?}");
        assert_eq!(found[0]["contact"]["handle"], "ana_example");
    }
    // The number that she gives later is her handle, and her name is still found.
    let number = |event: &mut Fields| event.contact_phone = Some("15550100123".into());
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
        move |event: &mut Fields| {
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

on_both!(an_answer_reaches_the_place_where_the_question_is, |engine| async move {
    let world = World::start(engine).await;
    let mut worker = world.worker(4).await;
    let channel = -1_005_550_009;
    let mut places = vec![
        (5_550_115, Place::Topic(42)),
        (5_550_115, Place::Topic(43)),
        // Two customers of a channel: one chat, and two people.
        (channel, Place::Direct(11)),
        (channel, Place::Direct(12)),
    ];
    for (chat, place) in &places {
        world.telegram.customer_says_at(*chat, place, "where is it?");
    }
    for _ in &places {
        let turn = worker.offered().await;
        assert_eq!(turn["messages"].as_array().map(Vec::len), Some(1));
        let reply = json!({ "turn": turn["id"], "lease": turn["lease"], "text": "On its way" });
        worker.rpc("turn.reply", reply).await.expect("the answer");
    }
    let sent = world.telegram.sent_reaches(places.len()).await;
    let mut reached: Vec<_> =
        sent.iter().map(|one| (one.chat, one.place.clone().expect("a place"))).collect();
    reached.sort();
    places.sort();
    assert_eq!(reached, places);
    let inbox = world.api("viewer@example.com").await.inbox().await;
    let contacts: std::collections::BTreeSet<_> =
        inbox.iter().map(|one| one["contact"]["id"].to_string()).collect();
    assert_eq!((inbox.len(), contacts.len()), (4, 3));
    world.finish().await;
});

on_both!(a_topic_is_called_by_its_name, |engine| async move {
    let world = World::start(engine).await;
    let api = world.api("agent@example.com").await;
    let mut manager = world.person("agent@example.com").await;
    let group =
        json!({ "id": -1_005_550_012, "type": "supergroup", "title": "Lantern lovers", "is_forum": true });
    let mira = json!({ "id": 5_550_120, "first_name": "Mira", "is_bot": false });
    let update = async |number: i64, topic: i64, extra: serde_json::Value| {
        let mut message = json!({ "message_id": number, "date": 1_794_312_000 + number, "chat": group, "from": mira,
            "message_thread_id": topic, "is_topic_message": true });
        message.as_object_mut().expect("an object").extend(extra.as_object().expect("an object").clone());
        assert_eq!(world.hook(&world.bot, &json!({ "update_id": number, "message": message })).await, 200);
    };
    let root =
        |topic: i64, name: &str| json!({ "message_id": topic, "forum_topic_created": { "name": name } });
    let titles = async || {
        let mut titles: Vec<_> = api
            .inbox()
            .await
            .iter()
            .map(|one| {
                (one["thread"].as_str().map(str::to_owned), one["thread_title"].as_str().map(str::to_owned))
            })
            .collect();
        titles.sort();
        titles
    };
    let called = |topic: &str, title: &str| (Some(topic.to_owned()), Some(title.to_owned()));
    // One is known from its making, one from what its messages say.
    update(1, 1, json!({ "forum_topic_created": { "name": "Sizes", "icon_color": 1 } })).await;
    assert_eq!(api.inbox().await.len(), 0, "nobody wrote");
    update(2, 1, json!({ "text": "how large?", "reply_to_message": root(1, "Sizes") })).await;
    update(3, 9, json!({ "text": "in red?", "reply_to_message": root(9, "Colours") })).await;
    assert_eq!(titles().await, [called("topic:1", "Sizes"), called("topic:9", "Colours")]);
    // A new name is seen at once, and by what is opened later. The first name in the messages stays what it was.
    update(5, 9, json!({ "forum_topic_edited": { "name": "Shades" } })).await;
    let event = manager.publication(|data| data["conversation"]["thread_title"] == "Shades").await;
    assert_eq!(event["kind"], "conversation.updated");
    update(4, 9, json!({ "forum_topic_edited": { "name": "an older one" } })).await;
    update(6, 9, json!({ "text": "and in blue?", "reply_to_message": root(9, "Colours") })).await;
    assert_eq!(titles().await, [called("topic:1", "Sizes"), called("topic:9", "Shades")]);
    let inbox = api.inbox().await;
    let old = inbox.iter().find(|one| one["thread"] == "topic:9").expect("it is there");
    let path = format!("/api/v1/conversations/{}/close", old["id"].as_str().expect("an id"));
    assert_eq!(api.post(&path, &json!({})).await.0, 200);
    update(7, 9, json!({ "text": "still there?", "reply_to_message": root(9, "Colours") })).await;
    assert_eq!(titles().await, [called("topic:1", "Sizes"), called("topic:9", "Shades")]);
    update(8, 1, json!({ "new_chat_title": "Lamp lovers" })).await;
    assert!(api.inbox().await.iter().all(|one| one["contact"]["name"] == "Lamp lovers"));
    world.finish().await;
});

on_both!(a_whatsapp_group_is_called_by_its_title, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let (group, unknown, person) = ("120363000000000123@g.us", "120363000000000124@g.us", "12025550151@c.us");
    world.waha.names_group(group, "Bag lovers");
    world.waha.participant_says(SESSION, group, person, "hello all");
    let named = async |manager: &mut Client, name: &str| {
        manager
            .publication(|data| {
                data["kind"] == "conversation.updated" && data["conversation"]["contact"]["name"] == name
            })
            .await
    };
    named(&mut manager, "Bag lovers").await;
    world.waha.renames_group(SESSION, group, "Bag friends");
    named(&mut manager, "Bag friends").await;
    let asked = |group: &'static str| {
        let path = format!("/api/{SESSION}/groups/{}", group.replace('@', "%40").replace('.', "%2E"));
        world.waha.calls().iter().filter(|call| call.path == path).count()
    };
    assert_eq!(asked(group), 1);
    // What cannot be had is not asked for with every message.
    for text in ["one", "two"] {
        world.waha.participant_says(SESSION, unknown, person, text);
        manager.publication(|data| data["message"]["text"] == text).await;
        world.waha.called("groups/120363000000000124%40g%2Eus").await;
    }
    assert_eq!(asked(unknown), 1);
    world.finish().await;
});

on_both!(a_press_below_an_old_message_is_in_its_conversation, |engine| async move {
    let world = World::start(engine).await;
    let api = world.api("agent@example.com").await;
    let (shop, forum, channel) =
        (json!({ "id": 1, "is_bot": true, "first_name": "Shop" }), -1_005_550_010, -1_005_550_011);
    let mira = json!({ "id": 5_550_119, "first_name": "Mira", "is_bot": false });
    let group = json!({ "id": forum, "type": "supergroup", "title": "Lantern lovers", "is_forum": true });
    let direct = json!({ "id": channel, "type": "supergroup", "title": "Shop", "is_direct_messages": true });
    let asked = |update: i64, chat: &serde_json::Value, extra: serde_json::Value| {
        let mut message =
            json!({ "message_id": 7, "date": 1_794_312_000, "chat": chat, "from": mira, "text": "hi" });
        message.as_object_mut().expect("an object").extend(extra.as_object().expect("an object").clone());
        json!({ "update_id": update, "message": message })
    };
    // What is left of a message after two days: its chat, its id, and no date.
    let pressed = |update: i64, chat: &serde_json::Value, message: i64| {
        json!({ "update_id": update, "callback_query": { "id": update.to_string(), "from": mira, "data": "y",
            "chat_instance": "1", "message": { "chat": chat, "message_id": message, "date": 0, "from": shop } } })
    };
    let topic = json!({ "message_thread_id": 42, "is_topic_message": true });
    let customer = json!({ "direct_messages_topic": { "topic_id": 9, "user": mira } });
    let bodies = [
        asked(1, &group, topic),
        pressed(2, &group, 7),
        asked(3, &direct, customer),
        pressed(4, &direct, 7),
        // Of a message that nobody knows only the chat is known.
        pressed(5, &group, 8),
    ];
    for body in bodies {
        assert_eq!(world.hook(&world.bot, &body).await, 200);
    }
    let inbox = api.inbox().await;
    let mut seen: Vec<_> = inbox
        .iter()
        .map(|one| (one["thread"].as_str(), one["contact"]["name"].as_str(), one["last_seq"].as_i64()))
        .collect();
    seen.sort_unstable();
    let lovers = Some("Lantern lovers");
    assert_eq!(
        seen,
        [(None, lovers, Some(1)), (None, Some("Mira"), Some(2)), (Some("topic:42"), lovers, Some(2))]
    );
    world.finish().await;
});

on_both!(a_business_is_answered_for_and_its_own_words_are_known, |engine| async move {
    // Nothing is taken for an automatic greeting here.
    let world = World::with(engine, ChannelSettings { greeting_grace_ms: 0, ..quick() }).await;
    let mut manager = world.person("agent@example.com").await;
    let mut worker = world.worker(4).await;
    // The very first message through a new connection is the owner's own.
    world.telegram.business_connects("bc-1", 777, true);
    world.telegram.owner_says(5_550_116, "bc-1", "I will write to you later");
    let first = manager.event("message.created").await;
    assert_eq!(
        (&first["message"]["direction"], &first["conversation"]["owner"]),
        (&json!("out"), &json!("human"))
    );
    let through = Place::Business("bc-1".into());
    world.telegram.customer_says_at(5_550_117, &through, "hello");
    let turn = worker.offered().await;
    let reply = json!({ "turn": turn["id"], "lease": turn["lease"], "text": "Hello yourself" });
    worker.rpc("turn.reply", reply).await.expect("the answer");
    let sent = world.telegram.sent_reaches(1).await;
    assert_eq!((sent[0].chat, sent[0].place.as_ref()), (5_550_117, Some(&through)));
    // Its echo is ours; what the owner types is a person's.
    world.telegram.owner_says(5_550_117, "bc-1", "this is me");
    let event = manager.publication(|data| data["message"]["text"] == "this is me").await;
    assert_eq!(event["message"]["author"]["kind"], "phone");
    assert_eq!(event["conversation"]["owner"], "human");
    let conversation = turn["conversation"].as_str().expect("an id");
    let api = world.api("viewer@example.com").await;
    assert_eq!(api.messages(conversation).await.len(), 3, "the question, the answer and the owner");

    world.telegram.business_connects("bc-1", 777, false);
    let send = json!({ "conversation": conversation, "client_id": "off", "text": "Still there?" });
    manager.rpc("message.send", send).await.expect("it is queued");
    let failed = manager.publication(|data| data["message"]["status"] == "failed").await;
    assert_eq!(failed["message"]["error"]["code"], "connection_gone", "{failed}");
    world.finish().await;
});

on_both!(what_is_around_a_message_reaches_the_responder, |engine| async move {
    // Both are of one turn, however slow the machine is.
    let world = World::with(engine, ChannelSettings { quiet_ms: 2_000, ..quick() }).await;
    let mut worker = world.worker(4).await;
    let person = json!({ "id": 5_550_118, "first_name": "Mira", "is_bot": false });
    let chat = json!({ "id": 5_550_118, "type": "private", "first_name": "Mira" });
    let buttons = json!({ "inline_keyboard": [[{ "text": "Yes, please", "callback_data": "y1" }]] });
    let press = json!({ "update_id": 1, "callback_query": { "id": "99", "from": person, "data": "y1", "chat_instance": "1",
        "message": { "message_id": 1, "date": 1_794_312_000, "chat": chat, "text": "Shall we?", "reply_markup": buttons,
            "from": { "id": 1, "is_bot": true, "first_name": "Shop" } } } });
    let mut quote = World::update(2, 5_550_118, 3, "");
    quote["message"]["text"] = serde_json::Value::Null;
    quote["message"]["caption"] = json!("like this, in red");
    quote["message"]["caption_entities"] =
        json!([{ "type": "text_link", "offset": 5, "length": 4, "url": "https://shop.example.com/p/1" }]);
    quote["message"]["photo"] = json!([{ "file_id": "F", "file_unique_id": "U", "width": 9, "height": 9 }]);
    quote["message"]["external_reply"] = json!({ "origin": { "type": "hidden_user", "date": 1,
        "sender_user_name": "Cy" } });
    quote["message"]["quote"] = json!({ "text": "Canvas bag", "position": 0 });
    for body in [press, quote] {
        assert_eq!(world.hook(&world.bot, &body).await, 200);
    }
    let turn = worker.offered().await;
    let (pressed, quoting) = (&turn["messages"][0], &turn["messages"][1]);
    assert_eq!((&pressed["text"], &pressed["data"]["label"]), (&json!("Yes, please"), &json!("Yes, please")));
    assert_eq!(
        quoting["data"]["quoted"],
        json!({ "text": "Canvas bag", "author": "Cy", "kind": "text", "elsewhere": true })
    );
    assert_eq!(quoting["data"]["links"], json!([{ "text": "this", "url": "https://shop.example.com/p/1" }]));
    let inbox = world.api("viewer@example.com").await.inbox().await;
    assert_eq!(inbox[0]["last_message"]["text"], "like this, in red");
    world.finish().await;
});
