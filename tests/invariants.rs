//! The design's invariants, each with a test named after it. (Ack after commit and a process that is killed
//! are also tried from the outside, by `loadtest chaos`; statuses that only move forward are in
//! `inbox/receipt.rs`; bounds of queues and frames are the engine's own tests.)

use std::collections::BTreeMap;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::kit::client::As;
use crate::kit::{Client, World};
use crate::on_both;
use hubbub::store::events::BeginAnew;

/// The text of every message of every conversation, by chat, in the order of `seq`, which must be gap-free.
pub async fn timelines(world: &World) -> BTreeMap<String, Vec<String>> {
    let api = world.api("owner@example.com").await;
    let mut found = BTreeMap::new();
    for conversation in api.inbox().await {
        let messages = api.messages(conversation["id"].as_str().expect("an id")).await;
        let seqs: Vec<_> = messages.iter().map(|one| one["seq"].as_i64().expect("a seq")).collect();
        assert_eq!(seqs, (1..=messages.len() as i64).collect::<Vec<_>>(), "seq is gap-free");
        let texts = messages.iter().map(|one| one["text"].as_str().unwrap_or_default().to_owned()).collect();
        let before = found.insert(conversation["contact"]["id"].to_string(), texts);
        assert!(before.is_none(), "a contact has one open conversation");
    }
    found
}

/// Every event of the feed, whose cursors must be 1, 2, 3, …
pub async fn feed(world: &World) -> Vec<Value> {
    let api = world.api("owner@example.com").await;
    let mut events = Vec::new();
    loop {
        let path = format!("/api/v1/events?tenant={}&after={}&limit=500", world.tenant, events.len());
        let (status, page) = api.get(&path).await;
        assert_eq!(status, 200);
        let more = page["events"].as_array().expect("events").clone();
        if more.is_empty() {
            break;
        }
        events.extend(more);
    }
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event["cursor"], number as i64 + 1, "cursors are gap-free");
    }
    events
}

on_both!(ack_after_commit, |engine| async move {
    let world = World::start(engine).await;
    for number in 1..=5 {
        let status = world
            .hook(&world.bot, &World::update(number, 5550101, number, &format!("message {number}")))
            .await;
        assert_eq!(status, 200);
        // What was answered is there for everybody who asks now, and for a new server on the same data.
        assert_eq!(timelines(&world).await.values().next().map(Vec::len), Some(number as usize));
    }
    let world = world.restart().await;
    assert_eq!(timelines(&world).await.values().next().map(Vec::len), Some(5));
    world.finish().await;
});

on_both!(once, |engine| async move {
    let world = World::start(engine).await;
    // The same twenty messages, each delivered four times, all at the same time.
    let bodies: Vec<_> =
        (1..=20).map(|n| World::update(n, 5550110 + n % 3, n, &format!("message {n}"))).collect();
    let deliveries = (0..4).flat_map(|_| bodies.iter()).map(|body| world.hook(&world.bot, body));
    assert!(join_all(deliveries).await.into_iter().all(|status| status == 200));
    // Under another envelope it is still the same message.
    let mut again = bodies[0].clone();
    again["update_id"] = json!(999);
    assert_eq!(world.hook(&world.bot, &again).await, 200);
    let all = timelines(&world).await;
    assert_eq!(all.len(), 3);
    let mut texts: Vec<_> = all.into_values().flatten().collect();
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), 20);
    let created = feed(&world).await.iter().filter(|event| event["kind"] == "message.created").count();
    assert_eq!(created, 20);

    // A client's own id makes a send happen once, however often and at the same time it is called.
    world.telegram.customer_says(5550119, "Hello");
    world.telegram.idle().await;
    let api = world.api("agent@example.com").await;
    let conversation = api.inbox().await[0]["id"].as_str().expect("an id").to_owned();
    let path = format!("/api/v1/conversations/{conversation}/messages");
    let body = json!({ "client_id": "same", "text": "Once" });
    let sends = join_all((0..8).map(|_| api.post(&path, &body))).await;
    let ids: std::collections::BTreeSet<_> =
        sends.iter().map(|(_, sent)| sent["message"]["id"].to_string()).collect();
    assert_eq!(ids.len(), 1, "{sends:?}");
    assert_eq!(sends.iter().filter(|(status, _)| *status == 201).count(), 1);
    let (status, refused) = api.post(&path, &json!({ "client_id": "same", "text": "Something else" })).await;
    assert_eq!((status, &refused["code"]), (409, &json!("client_id_reused")));
    world.telegram.sent_reaches(1).await;
    world.finish().await;
});

on_both!(the_same_message_under_a_phone_and_a_hidden_id_is_one, |engine| async move {
    let world = World::start(engine).await;
    let body = |chat: &str, id: &str, text: &str| {
        json!({
            "id": format!("evt_{id}"), "timestamp": 1_794_312_000_000_i64, "event": "message.any", "session": crate::kit::SESSION,
            "me": { "id": "12025550100@c.us", "pushName": "Shop" }, "engine": "GOWS", "environment": {},
            "payload": { "id": format!("false_{chat}_{id}"), "timestamp": 1_794_312_000, "from": chat, "fromMe": false,
                "source": "app", "to": "12025550100@c.us", "body": text, "hasMedia": false, "ack": 1, "replyTo": null },
        })
    };
    let copies = [body("12025550170@c.us", "3EB0AA", "Hi"), body("55500000000001@lid", "3EB0AA", "Hi")];
    let hooks = copies.iter().chain(&copies).map(|copy| world.hook(&world.phone, copy));
    assert!(join_all(hooks).await.into_iter().all(|status| status == 200));
    let texts: Vec<_> = timelines(&world).await.into_values().flatten().collect();
    assert_eq!(texts, ["Hi"]);
    world.finish().await;
});

on_both!(one_open_conversation, |engine| async move {
    let world = World::start(engine).await;
    // An album: ten messages of a new contact at the same moment.
    let bodies: Vec<_> = (1..=10).map(|n| World::update(n, 5550120, n, &format!("photo {n}"))).collect();
    join_all(bodies.iter().map(|body| world.hook(&world.bot, body))).await;
    let all = timelines(&world).await;
    assert_eq!(all.len(), 1);
    assert_eq!(all.into_values().next().map(|texts| texts.len()), Some(10));

    // Closed, the next message opens another; the old one cannot be opened beside it.
    let api = world.api("agent@example.com").await;
    let first = api.inbox().await[0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(api.post(&format!("/api/v1/conversations/{first}/close"), &json!({})).await.0, 200);
    assert_eq!(world.hook(&world.bot, &World::update(50, 5550120, 50, "me again")).await, 200);
    let second = api.inbox().await[0]["id"].as_str().expect("an id").to_owned();
    assert_ne!(first, second);
    let (status, refused) = api.post(&format!("/api/v1/conversations/{first}/reopen"), &json!({})).await;
    assert_eq!((status, &refused["code"]), (409, &json!("another_is_open")));
    assert_eq!(api.post(&format!("/api/v1/conversations/{second}/close"), &json!({})).await.0, 200);
    assert_eq!(api.post(&format!("/api/v1/conversations/{first}/reopen"), &json!({})).await.0, 200);
    world.finish().await;
});

on_both!(order, |engine| async move {
    let world = World::start(engine).await;
    let mut watcher = world.person("owner@example.com").await;
    let bodies: Vec<_> =
        (1..=60).map(|n| World::update(n, 5550130 + n % 4, n, &format!("message {n}"))).collect();
    join_all(bodies.iter().map(|body| world.hook(&world.bot, body))).await;
    let start = watcher.recovered(&format!("tenant:{}", world.tenant))["offset"].as_i64().unwrap_or_default();
    let log: Vec<_> =
        feed(&world).await.into_iter().filter(|event| event["cursor"].as_i64() > Some(start)).collect();
    // Everybody sees the log's order: the socket, event by event.
    for expected in &log {
        let frame = watcher.frame(|frame| frame["push"]["pub"]["offset"].is_u64()).await;
        assert_eq!(frame["push"]["pub"]["offset"], expected["cursor"]);
        assert_eq!(&frame["push"]["pub"]["data"], expected);
    }
    let mut seqs = BTreeMap::<String, i64>::new();
    for event in log.iter().filter(|event| event["kind"] == "message.created") {
        let seq = seqs.entry(event["conversation"]["id"].to_string()).or_default();
        *seq += 1;
        assert_eq!(event["message"]["seq"], *seq);
    }
    timelines(&world).await;
    world.finish().await;
});

on_both!(commit_then_publish, |engine| async move {
    let world = World::start(engine).await;
    let room = format!("tenant:{}", world.tenant);
    let api = world.api("owner@example.com").await;
    let first = Client::connect(world.address, As::Token(api.token.clone())).await;
    let start = first.recovered(&room).clone();
    let epoch = start["epoch"].as_str().expect("an epoch").to_owned();
    let mut cursor = start["offset"].as_u64().unwrap_or_default();
    first.close().await;
    // Clients come and go in the middle of a stream of messages; each goes on from its cursor.
    let mut seen = Vec::new();
    for round in 0..6 {
        let bodies: Vec<_> =
            (1..=15).map(|n| World::update(round * 15 + n, 5550140 + n % 2, round * 15 + n, "x")).collect();
        let writing = join_all(bodies.iter().map(|body| world.hook(&world.bot, body)));
        let resuming = async {
            let mut client = Client::resume(world.address, &api.token, &room, (cursor, epoch.clone())).await;
            let sub = client.recovered(&room).clone();
            assert_eq!(sub["recovered"], true, "{sub}");
            let mut got: Vec<u64> = sub["publications"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|one| one["offset"].as_u64())
                .collect();
            while got.len() < 10 {
                let frame = client.frame(|frame| frame["push"]["pub"]["offset"].is_u64()).await;
                got.push(frame["push"]["pub"]["offset"].as_u64().expect("an offset"));
            }
            client.close().await;
            got
        };
        let (statuses, got) = tokio::join!(writing, resuming);
        assert!(statuses.into_iter().all(|status| status == 200));
        cursor = *got.last().expect("events");
        seen.extend(got);
    }
    let expected: Vec<u64> = (start["offset"].as_u64().unwrap_or_default() + 1..=cursor).collect();
    assert_eq!(seen, expected, "every event once, in order");

    // A position of another store is not believed.
    let client = Client::resume(world.address, &api.token, &room, (cursor, "another".to_owned())).await;
    let sub = client.recovered(&room);
    assert_eq!((&sub["was_recovering"], sub.get("recovered")), (&json!(true), None));

    // Nor is one of before the operator put an older copy of the database back, and said so.
    let anew = world.app.store.write(BeginAnew).await.expect("a new epoch").value;
    let world = world.restart().await;
    let api = world.api("viewer@example.com").await;
    let client = Client::resume(world.address, &api.token, &room, (cursor, epoch)).await;
    let sub = client.recovered(&room);
    assert_eq!((&sub["epoch"], sub.get("recovered")), (&json!(anew), None));
    world.finish().await;
});

on_both!(one_answer_per_turn, |engine| async move {
    let world = World::start(engine).await;
    let mut worker = world.worker(4).await;
    let mut manager = world.person("agent@example.com").await;
    for round in 0..6_i64 {
        let chat = 5550150 + round;
        world.telegram.customer_says(chat, "Hello");
        let turn = worker.offered().await;
        let reply = json!({ "turn": turn["id"], "lease": turn["lease"], "text": format!("answer {round}") });
        let send = json!({ "conversation": turn["conversation"], "client_id": "p", "text": format!("person {round}") });
        // The AI answers, and answers again, at the moment in which a person does.
        let (first, person) =
            tokio::join!(worker.rpc("turn.reply", reply.clone()), manager.rpc("message.send", send));
        person.expect("a person can always answer");
        let second = worker.rpc("turn.reply", reply).await;
        match first {
            Ok(first) => assert_eq!(second, Ok(first), "the repeated answer is the first one"),
            Err(code) => assert_eq!((code, second), (410, Err(410)), "refused once, refused for good"),
        }
        let api = world.api("agent@example.com").await;
        let messages = api.messages(turn["conversation"].as_str().expect("an id")).await;
        let by = |kind: &str| messages.iter().filter(|one| one["author"]["kind"] == kind).count();
        assert!(by("responder") <= 1, "{messages:?}");
        assert_eq!(by("manager"), 1);
        // After the person nothing of the AI's may leave that was not on its way already.
        let (_, conversation) = api
            .get(&format!("/api/v1/conversations/{}", turn["conversation"].as_str().expect("an id")))
            .await;
        assert_eq!(conversation["owner"], "human");
    }
    world.finish().await;
});

on_both!(jobs_are_born_in_the_transaction_and_a_lane_runs_one_at_a_time, |engine| async move {
    let world = World::start(engine).await;
    let api = world.api("agent@example.com").await;
    for chat in 0..4_i64 {
        world.telegram.customer_says(5550160 + chat, "Hello");
    }
    world.telegram.idle().await;
    let conversations = api.inbox().await;
    assert_eq!(conversations.len(), 4);
    // Ten messages into each of four conversations, at the same time; then the server stops in the middle.
    let posts = conversations.iter().map(|conversation| async {
        for number in 0..10 {
            let path =
                format!("/api/v1/conversations/{}/messages", conversation["id"].as_str().expect("an id"));
            let body = json!({ "client_id": format!("c{number}"), "text": format!("{number}") });
            assert_eq!(api.post(&path, &body).await.0, 201);
        }
    });
    join_all(posts).await;
    let world = world.restart().await;
    let sent = world.telegram.sent_reaches(40).await;
    for chat in 0..4_i64 {
        let texts: Vec<_> =
            sent.iter().filter(|one| one.chat == 5550160 + chat).filter_map(|one| one.text.clone()).collect();
        assert_eq!(texts, (0..10).map(|number| number.to_string()).collect::<Vec<_>>());
    }
    world.finish().await;
});

on_both!(a_send_is_never_repeated_blindly, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    world.telegram.customer_says(5550170, "Hello");
    let conversation = manager.event("message.created").await["conversation"]["id"].clone();
    // The provider takes the request and never answers.
    world.telegram.fail_next(1, emulators::Fail::Hang);
    let send = json!({ "conversation": conversation, "client_id": "u1", "text": "Did it leave?" });
    manager.rpc("message.send", send).await.expect("it is queued");
    let unknown = manager.publication(|data| data["message"]["status"] == "unknown").await;
    assert!(unknown["message"]["error"]["reason"].is_string(), "{unknown}");
    // What comes after it leaves; it itself is not sent again, not even by a new server.
    let send = json!({ "conversation": conversation, "client_id": "u2", "text": "Next" });
    manager.rpc("message.send", send).await.expect("it is queued");
    manager.publication(|data| data["message"]["status"] == "sent").await;
    let world = world.restart().await;
    let api = world.api("agent@example.com").await;
    let messages = api.messages(conversation.as_str().expect("an id")).await;
    let states: Vec<_> = messages.iter().map(|one| one["status"].as_str().unwrap_or_default()).collect();
    assert_eq!(states, ["received", "unknown", "sent"]);
    let texts: Vec<_> = world.telegram.sent().into_iter().filter_map(|one| one.text).collect();
    assert_eq!(texts, ["Did it leave?", "Next"], "each exactly once");
    world.finish().await;
});

on_both!(what_comes_before_its_message_waits_for_it, |engine| async move {
    let world = World::start(engine).await;
    let chat = 5550180;
    let mut edited = World::update(1, chat, 7, "corrected");
    edited["edited_message"] = edited["message"].take();
    edited["edited_message"]["edit_date"] = json!(1_794_312_050);
    edited.as_object_mut().expect("an object").remove("message");
    assert_eq!(world.hook(&world.bot, &edited).await, 200);
    let reaction = json!({ "update_id": 2, "message_reaction": { "chat": { "id": chat, "type": "private" }, "message_id": 7,
        "user": { "id": chat, "first_name": "Mira", "is_bot": false }, "date": 1_794_312_060, "old_reaction": [],
        "new_reaction": [{ "type": "emoji", "emoji": "👍" }] } });
    assert_eq!(world.hook(&world.bot, &reaction).await, 200);
    assert!(timelines(&world).await.is_empty(), "nothing is shown yet");
    assert_eq!(world.hook(&world.bot, &World::update(3, chat, 7, "original")).await, 200);
    let api = world.api("agent@example.com").await;
    let conversation = api.inbox().await[0].clone();
    let messages = api.messages(conversation["id"].as_str().expect("an id")).await;
    assert_eq!(messages[0]["text"], "corrected");
    assert!(messages[0]["edited_at"].is_i64());
    assert_eq!(messages[0]["reactions"][0]["emoji"], "👍");
    world.finish().await;
});
