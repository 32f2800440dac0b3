//! A late event acts as of its time, and what the business app says by itself is no person.

use serde_json::{Value, json};

use crate::kit::{Client, SESSION, World, quick};
use crate::on_both;
use hubbub::error::Error;
use hubbub::model::ChannelSettings;
use hubbub::store::{Arg, Tx, Verb};
use uuid::Uuid;

const HOUR_S: i64 = 3_600;

fn now_s(world: &World) -> i64 {
    world.app.store.clock().now_ms() / 1_000
}

/// What was typed on the phone at that second.
async fn phone(world: &World, chat: &str, at_s: i64, text: &str) {
    said(world, chat, Some("app"), at_s, text).await;
}

/// What another program of the business sent at that second.
async fn other_program(world: &World, chat: &str, at_s: i64, text: &str) {
    said(world, chat, Some("api"), at_s, text).await;
}

/// What the customer wrote at that second.
async fn customer(world: &World, chat: &str, at_s: i64, text: &str) {
    said(world, chat, None, at_s, text).await;
}

/// `by`: how it was sent, if the business did.
async fn said(world: &World, chat: &str, by: Option<&str>, at_s: i64, text: &str) {
    let (from_me, source) = (by.is_some(), by.unwrap_or("app"));
    let id = world.app.store.ids().next().simple();
    let payload = json!({ "id": format!("{from_me}_{chat}_{id}"), "timestamp": at_s, "from": chat, "to": chat,
        "fromMe": from_me, "source": source, "body": text, "hasMedia": false, "media": null, "_data": {} });
    let body = json!({ "id": format!("evt_{id}"), "timestamp": now_s(world) * 1_000, "event": "message.any",
        "session": SESSION, "engine": "WEBJS", "payload": payload });
    assert_eq!(world.waha.post(SESSION, &body).await, 200);
}

async fn created(manager: &mut Client, text: &str) -> Value {
    manager.publication(|data| data["kind"] == "message.created" && data["message"]["text"] == text).await
}

on_both!(an_old_phone_message_takes_nothing_back, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let mut worker = world.worker(4).await;
    let (chat, now) = ("12025550171@c.us", now_s(&world));
    customer(&world, chat, now - 1_200, "Hello").await;
    let id = worker.offered().await["conversation"].clone();
    manager.rpc("conversation.take_over", json!({ "conversation": id })).await.expect("it is taken over");
    manager.rpc("conversation.hand_back", json!({ "conversation": id })).await.expect("it is handed back");
    let turn = worker.offered().await;
    phone(&world, chat, now - 600, "I wrote this before").await;
    let shown = created(&mut manager, "I wrote this before").await;
    assert_eq!(
        (&shown["conversation"]["owner"], &shown["message"]["author"]["kind"]),
        (&json!("ai"), &json!("phone"))
    );
    assert_eq!(shown["conversation"]["turn"]["id"], turn["id"], "and its turn goes on");
    let reply = json!({ "turn": turn["id"], "lease": turn["lease"], "text": "We are open" });
    worker.rpc("turn.reply", reply).await.expect("the answer");
    // What is typed now is a person's.
    phone(&world, chat, now_s(&world) + 1, "Now I am here").await;
    let shown = created(&mut manager, "Now I am here").await;
    assert_eq!(shown["conversation"]["owner"], "human");
    world.finish().await;
});

on_both!(an_old_phone_message_does_not_take_a_new_customer, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let mut worker = world.worker(4).await;
    let (chat, now) = ("12025550172@c.us", now_s(&world));
    // Of yesterday's: it opens a conversation, and does not answer for today.
    phone(&world, chat, now - 20 * HOUR_S, "See you tomorrow").await;
    let shown = created(&mut manager, "See you tomorrow").await;
    assert_eq!(shown["conversation"]["owner"], "ai");
    customer(&world, chat, now, "Here I am").await;
    assert_eq!(worker.offered().await["messages"][0]["text"], "Here I am");
    world.finish().await;
});

on_both!(a_backlog_is_shown_and_not_answered, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let mut worker = world.worker(4).await;
    let (chat, now) = ("12025550173@c.us", now_s(&world));
    for text in ["Are you open?", "Hello?"] {
        customer(&world, chat, now - 26 * HOUR_S, text).await;
        let shown = created(&mut manager, text).await;
        let conversation = &shown["conversation"];
        assert_eq!(
            (&conversation["owner"], &conversation["handoff_reason"]),
            (&json!("nobody"), &json!("backlog"))
        );
        assert!(conversation["waiting_since"].is_i64() && conversation["turn"].is_null(), "{conversation}");
        assert_eq!(conversation["bucket"], "unassigned_waiting");
    }
    // The business had answered on the phone, yesterday too: nobody waits, and nobody is silenced.
    phone(&world, chat, now - 25 * HOUR_S, "Until six").await;
    let answered = created(&mut manager, "Until six").await["conversation"].clone();
    assert_eq!((&answered["owner"], &answered["waiting_since"]), (&json!("nobody"), &json!(null)));
    // Telegram says nothing of when it tells.
    let mut update = World::update(900, 5550173, 1, "Yesterday");
    update["message"]["date"] = (now - 23 * HOUR_S).into();
    assert_eq!(world.hook(&world.bot, &update).await, 200);
    assert_eq!(created(&mut manager, "Yesterday").await["conversation"]["handoff_reason"], "backlog");
    // A clock that is ahead is no reason to be silent.
    customer(&world, "12025550174@c.us", now + 2 * HOUR_S, "From the future").await;
    assert_eq!(worker.offered().await["messages"][0]["text"], "From the future");
    // The customer is there again: the AI has it back, and knows what was said.
    customer(&world, chat, now, "I am here now").await;
    let turn = worker.offered().await;
    assert_eq!(turn["messages"][0]["text"], "I am here now");
    assert_eq!(turn["history"].as_array().map(Vec::len), Some(3));
    world.finish().await;
});

on_both!(a_greeting_that_comes_before_its_customer_silences_nobody, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let mut worker = world.worker(4).await;
    let (chat, now) = ("12025550175@c.us", now_s(&world));
    phone(&world, chat, now, "Thanks for writing to us!").await;
    assert_eq!(created(&mut manager, "Thanks for writing to us!").await["conversation"]["owner"], "human");
    customer(&world, chat, now - 1, "Do you ship?").await;
    let marked = manager.publication(|data| data["message"]["data"]["automatic"] == true).await;
    assert_eq!(marked["message"]["text"], "Thanks for writing to us!");
    let turn = worker.offered().await;
    assert_eq!(turn["messages"][0]["text"], "Do you ship?");
    // All of it came late, the answer of a person as well: who typed after the question was asked has answered it.
    let late = "12025550182@c.us";
    phone(&world, late, now - 600, "Thanks for writing!").await;
    customer(&world, late, now - 601, "Are you open?").await;
    assert_eq!(worker.offered().await["messages"][0]["text"], "Are you open?");
    phone(&world, late, now - 300, "Yes, until six").await;
    assert_eq!(created(&mut manager, "Yes, until six").await["conversation"]["owner"], "human");
    // And a person who begins a conversation is one.
    phone(&world, "12025550176@c.us", now - 60, "Good morning, your parcel is here").await;
    customer(&world, "12025550176@c.us", now, "Great!").await;
    assert_eq!(created(&mut manager, "Great!").await["conversation"]["owner"], "human");
    world.finish().await;
});

on_both!(a_known_text_silences_nobody_whenever_it_comes, |engine| async move {
    let away = "We are closed now. We answer at nine.".to_owned();
    let world = World::with(engine, ChannelSettings { automatic_texts: vec![away], ..quick() }).await;
    let mut manager = world.person("agent@example.com").await;
    let mut worker = world.worker(4).await;
    let (chat, now) = ("12025550177@c.us", now_s(&world));
    customer(&world, chat, now - 300, "Hello").await;
    let turn = worker.offered().await;
    phone(&world, chat, now, "We are *closed* now.\nWe answer at nine.").await;
    let shown = manager.publication(|data| data["message"]["author"]["kind"] == "phone").await;
    assert_eq!(
        (&shown["message"]["data"]["automatic"], &shown["conversation"]["owner"]),
        (&json!(true), &json!("ai"))
    );
    assert!(shown["conversation"]["waiting_since"].is_i64(), "and it is no answer");
    let reply = json!({ "turn": turn["id"], "lease": turn["lease"], "text": "How can I help?" });
    worker.rpc("turn.reply", reply).await.expect("the answer");
    world.finish().await;
});

/// Silences that would end within the hour are over.
struct AnHourLater;

impl Verb for AnHourLater {
    type Out = ();

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let sql =
            "update conversations set silent_until = silent_until - 3600000 where silent_until is not null";
        assert_eq!(tx.exec(sql, &[]).await?, 1, "the one that nobody took for good");
        Ok(())
    }
}

on_both!(a_silence_ends_by_itself_where_it_is_set_to, |engine| async move {
    let settings = ChannelSettings { silence_ms: 3_600_000, greeting_grace_ms: 0, ..quick() };
    let world = World::with(engine, settings).await;
    let mut manager = world.person("agent@example.com").await;
    let mut worker = world.worker(4).await;
    let (chat, kept, given) = ("12025550178@c.us", "12025550179@c.us", "12025550180@c.us");
    for (chat, text) in [(chat, "Hello"), (kept, "Good day"), (given, "Good evening")] {
        world.waha.customer_says(SESSION, chat, text);
        worker.offered().await;
        world.waha.owner_types_on_phone(SESSION, chat, "Hello myself");
        let silent = created(&mut manager, "Hello myself").await;
        assert_eq!(silent["conversation"]["owner"], "human");
    }
    let api = world.api("agent@example.com").await;
    let inbox = api.inbox().await;
    let of = |phone: &str| {
        let one = inbox.iter().find(|one| one["contact"]["handle"] == phone);
        one.expect("its conversation")["id"].clone()
    };
    let (taken, given) = (of("12025550179"), of("12025550180"));
    // Who takes it in the inbox keeps it.
    manager.rpc("conversation.take_over", json!({ "conversation": taken })).await.expect("it is taken over");
    // And who is given it.
    let me = api.get("/api/v1/me").await.1["user"]["id"].clone();
    let assign = json!({ "conversation": given, "assignee": me });
    manager.rpc("conversation.assign", assign).await.expect("it is assigned");
    world.waha.customer_says(SESSION, chat, "And the price?");
    assert_eq!(created(&mut manager, "And the price?").await["conversation"]["owner"], "human");
    world.app.store.write(AnHourLater).await.expect("the silence is over");
    let back = manager.publication(|data| data["conversation"]["handoff_reason"] == "silence_over").await;
    assert_eq!(back["conversation"]["owner"], "ai");
    assert_eq!(worker.offered().await["messages"][0]["text"], "And the price?");
    let inbox = world.api("agent@example.com").await.inbox().await;
    let owner = |id: &Value| inbox.iter().find(|one| one["id"] == *id).map(|one| one["owner"].clone());
    assert_eq!((owner(&taken), owner(&given)), (Some(json!("human")), Some(json!("human"))));
    world.finish().await;
});

on_both!(settings_that_cannot_be_are_refused, |engine| async move {
    let world = World::start(engine).await;
    let api = world.api("owner@example.com").await;
    let path = format!("/api/v1/channels/{}", world.phone.id);
    for (settings, field) in [
        (json!({ "backlog_ms": -1 }), "settings.backlog_ms"),
        (json!({ "greeting_grace_ms": 3_600_000 }), "settings.greeting_grace_ms"),
        (json!({ "silence_ms": -5 }), "settings.silence_ms"),
        (json!({ "automatic_texts": [" "] }), "settings.automatic_texts"),
    ] {
        let (status, problem) = api.patch(&path, &json!({ "settings": settings })).await;
        assert_eq!((status, &problem["field"]), (400, &json!(field)), "{problem}");
    }
    let settings = json!({ "silence_ms": 7_200_000, "automatic_texts": ["We are closed."] });
    let (status, channel) = api.patch(&path, &json!({ "settings": settings })).await;
    assert_eq!((status, &channel["settings"]["silence_ms"]), (200, &json!(7_200_000)), "{channel}");
    world.finish().await;
});

/// As if the message had been lost, though its body was kept.
struct Lose;

impl Verb for Lose {
    type Out = ();

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let changed =
            tx.exec("update messages set external_key = 'lost' where direction = 'in'", &[]).await?;
        assert_eq!(changed, 1);
        Ok(())
    }
}

on_both!(a_body_that_is_read_again_is_as_late_as_it_is_old, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let mut worker = world.worker(4).await;
    // Months ago, by all clocks but ours: that is a wrong clock.
    let update = World::update(950, 5550191, 1, "Hello");
    assert_eq!(world.hook(&world.bot, &update).await, 200);
    let turn = worker.offered().await;
    let reply = json!({ "turn": turn["id"], "lease": turn["lease"], "text": "Hello!" });
    worker.rpc("turn.reply", reply).await.expect("the answer");
    world.app.store.write(Lose).await.expect("lost");
    let owner = world.api("owner@example.com").await;
    let log = owner.get(&format!("/api/v1/integration-log?tenant={}", world.tenant)).await.1;
    let entry = log["entries"][0]["id"].as_str().expect("an entry").to_owned();
    let (status, replayed) = owner.post(&format!("/api/v1/integration-log/{entry}/replay"), &json!({})).await;
    assert_eq!(status, 200, "{replayed}");
    let shown = loop {
        let shown = created(&mut manager, "Hello").await;
        if shown["message"]["seq"] != 1 {
            break shown;
        }
    };
    assert_eq!(shown["conversation"]["handoff_reason"], "backlog");
    assert!(shown["conversation"]["turn"].is_null());
    world.finish().await;
});

on_both!(a_late_message_joins_the_turn_that_is_open, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let (chat, now) = ("12025550183@c.us", now_s(&world));
    // Nobody is there to answer yet, and another program of the business says something meanwhile.
    customer(&world, chat, now, "Are you there?").await;
    customer(&world, chat, now - 5 * HOUR_S, "I would like two lamps").await;
    let shown = created(&mut manager, "I would like two lamps").await;
    assert_eq!(shown["conversation"]["owner"], "ai");
    other_program(&world, chat, now, "Your points: 12").await;
    created(&mut manager, "Your points: 12").await;
    let mut worker = world.worker(4).await;
    let turn = worker.offered().await;
    assert_eq!(texts(&turn["messages"]), ["Are you there?", "I would like two lamps"]);
    assert_eq!(texts(&turn["history"]), ["Your points: 12"], "the responder sees what people see");
    // While it is being answered: it is taken back, and comes again with what came late.
    customer(&world, chat, now - 4 * HOUR_S, "Or rather three").await;
    let withdrawn = worker.publication(|data| data["type"] == "turn.withdrawn").await;
    assert_eq!((&withdrawn["turn"], &withdrawn["reason"]), (&turn["id"], &json!("superseded")));
    let turn = worker.offered().await;
    assert_eq!(texts(&turn["messages"]), ["Are you there?", "I would like two lamps", "Or rather three"]);
    let reply = json!({ "turn": turn["id"], "lease": turn["lease"], "text": "Three lamps it is" });
    worker.rpc("turn.reply", reply).await.expect("the answer");
    let answer = created(&mut manager, "Three lamps it is").await;
    assert!(answer["conversation"]["waiting_since"].is_null(), "all of it is answered");
    world.finish().await;
});

on_both!(who_wrote_while_another_answer_was_written_still_waits, |engine| async move {
    let settings = ChannelSettings { supersede: false, ..quick() };
    let world = World::with(engine, settings).await;
    let mut manager = world.person("agent@example.com").await;
    let mut worker = world.worker(4).await;
    let (chat, now) = ("12025550184@c.us", now_s(&world));
    customer(&world, chat, now, "What does it cost?").await;
    let turn = worker.offered().await;
    customer(&world, chat, now - 5 * HOUR_S, "The green one").await;
    created(&mut manager, "The green one").await;
    let reply = json!({ "turn": turn["id"], "lease": turn["lease"], "text": "Which one?" });
    worker.rpc("turn.reply", reply).await.expect("the answer");
    let answer = created(&mut manager, "Which one?").await;
    let conversation = &answer["conversation"];
    assert!(conversation["waiting_since"].is_i64(), "{conversation}");
    let next = worker.offered().await;
    assert_eq!(texts(&next["messages"]), ["The green one"]);
    assert_eq!(texts(&next["history"]), ["What does it cost?", "Which one?"]);
    // Not answered: people have it among those who wait, and the AI answers it if it gets it back.
    let give_up = json!({ "turn": next["id"], "lease": next["lease"], "reason": "no prices" });
    worker.rpc("turn.handoff", give_up).await.expect("it is given to people");
    let handed = manager.publication(|data| data["turn"]["state"] == "handed_off").await;
    assert_eq!(handed["conversation"]["bucket"], "unassigned_waiting");
    let id = handed["conversation"]["id"].clone();
    manager.rpc("conversation.hand_back", json!({ "conversation": id })).await.expect("it is handed back");
    assert_eq!(texts(&worker.offered().await["messages"]), ["The green one"]);
    world.finish().await;
});

fn texts(messages: &Value) -> Vec<&str> {
    let all = messages.as_array().expect("messages").iter();
    all.map(|message| message["text"].as_str().unwrap_or_default()).collect()
}

/// Whose a message of the phone is taken to be.
async fn owner_after(manager: &mut Client, text: &str) -> Value {
    let shown = created(manager, text).await;
    let automatic = shown["message"]["data"]["automatic"] == true;
    assert_eq!(automatic, shown["conversation"]["owner"] == "ai", "{shown}");
    shown["conversation"]["owner"].clone()
}

on_both!(a_known_customer_is_greeted_after_two_weeks_and_not_before, |engine| async move {
    let world = World::with(engine, ChannelSettings { backlog_ms: 0, ..quick() }).await;
    let mut manager = world.person("agent@example.com").await;
    let now = now_s(&world);
    let weeks = |days: i64| now - days * 24 * HOUR_S;
    // For the first time, and who is slower than the app is a person.
    customer(&world, "12025550192@c.us", now - 3, "Hello").await;
    phone(&world, "12025550192@c.us", now, "A person, in three seconds").await;
    assert_eq!(owner_after(&mut manager, "A person, in three seconds").await, "human");
    customer(&world, "12025550193@c.us", now - 2, "Hello").await;
    phone(&world, "12025550193@c.us", now, "Thanks for writing").await;
    assert_eq!(owner_after(&mut manager, "Thanks for writing").await, "ai");
    // After fifteen days, in the same conversation, and however the two arrive.
    customer(&world, "12025550194@c.us", weeks(15), "Hello").await;
    customer(&world, "12025550194@c.us", now - 1, "Me again").await;
    customer(&world, "12025550194@c.us", now, "Are you there?").await;
    phone(&world, "12025550194@c.us", now, "Thanks for writing again").await;
    assert_eq!(owner_after(&mut manager, "Thanks for writing again").await, "ai");
    customer(&world, "12025550195@c.us", weeks(15), "Hello").await;
    phone(&world, "12025550195@c.us", now, "Thanks, before the question").await;
    assert_eq!(created(&mut manager, "Thanks, before the question").await["conversation"]["owner"], "human");
    customer(&world, "12025550195@c.us", now - 1, "Back after two weeks").await;
    let marked = manager.publication(|data| data["message"]["data"]["automatic"] == true).await;
    assert_eq!(marked["message"]["text"], "Thanks, before the question");
    assert_eq!(created(&mut manager, "Back after two weeks").await["conversation"]["owner"], "ai");
    // After thirteen, and in a new conversation of a contact that is known, nobody is greeted.
    customer(&world, "12025550196@c.us", weeks(13), "Hello").await;
    customer(&world, "12025550196@c.us", now - 1, "Me again").await;
    phone(&world, "12025550196@c.us", now, "A quick person").await;
    assert_eq!(owner_after(&mut manager, "A quick person").await, "human");
    let closed = "12025550197@c.us";
    customer(&world, closed, now - 600, "Thanks, that is all").await;
    let id = created(&mut manager, "Thanks, that is all").await["conversation"]["id"].clone();
    manager.rpc("conversation.close", json!({ "conversation": id })).await.expect("it is closed");
    customer(&world, closed, now - 1, "One more thing").await;
    phone(&world, closed, now, "Yes?").await;
    assert_eq!(owner_after(&mut manager, "Yes?").await, "human");
    world.finish().await;
});

/// Conversations whose row cannot be read, and whose silence is over before that of the one that can be.
struct Damage {
    like: Uuid,
    ids: Vec<Uuid>,
}

impl Verb for Damage {
    type Out = ();

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let copy = "insert into conversations (id, tenant, company, channel, contact, external_id, is_group, state, owner, \
            epoch, last_seq, inbound_count, opened_at, updated_at, bucket, thread, last_message, silent_until) \
            select $1, tenant, company, channel, contact, external_id, is_group, 'closed', 'human', 1, 0, 0, opened_at, \
            updated_at, 'closed', thread, '{', 1 from conversations where id = $2";
        for id in &self.ids {
            assert_eq!(tx.exec(copy, &[Arg::from(*id), Arg::from(self.like)]).await?, 1);
        }
        let over = "update conversations set silent_until = 2 where id = $1";
        assert_eq!(tx.exec(over, &[Arg::from(self.like)]).await?, 1);
        Ok(())
    }
}

on_both!(silences_that_cannot_be_ended_keep_no_other_from_ending, |engine| async move {
    let settings = ChannelSettings { silence_ms: 3_600_000, greeting_grace_ms: 0, ..quick() };
    let world = World::with(engine, settings).await;
    let mut manager = world.person("agent@example.com").await;
    let (chat, now) = ("12025550198@c.us", now_s(&world));
    customer(&world, chat, now, "Hello").await;
    phone(&world, chat, now + 1, "Hello myself").await;
    let shown = created(&mut manager, "Hello myself").await;
    assert_eq!(shown["conversation"]["owner"], "human");
    let like = shown["conversation"]["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
    let ids = (0..450).map(|_| world.app.store.ids().next()).collect();
    world.app.store.write(Damage { like, ids }).await.expect("damaged");
    let back = manager.publication(|data| data["conversation"]["handoff_reason"] == "silence_over").await;
    assert_eq!(back["conversation"]["id"], shown["conversation"]["id"]);
    world.finish().await;
});
