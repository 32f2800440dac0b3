//! Work that fails, waits or is given up: it ends in a state that a person sees, costs the others nothing, and goes
//! on when what was in its way is gone.

use std::time::{Duration, Instant};

use hubbub::error::Error;
use hubbub::store::jobs::Class;
use hubbub::store::queues::{self, QueueKey};
use hubbub::store::{Arg, Tx, Verb};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::kit::{Api, Client, SESSION, World};
use crate::on_both;

/// Changes rows as an operator with a shell would.
struct Sql {
    text: &'static str,
    ids: Vec<Uuid>,
}

impl Verb for Sql {
    type Out = u64;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<u64, Error> {
        let args: Vec<Arg<'_>> = self.ids.iter().map(|id| Arg::from(*id)).collect();
        Ok(tx.exec(self.text, &args).await?)
    }
}

async fn sql(world: &World, text: &'static str, ids: &[Uuid]) -> u64 {
    world.app.store.write(Sql { text, ids: ids.to_vec() }).await.expect("rows").value
}

/// Holds a channel's sends back, or lets them go on.
struct Hold {
    tenant: Uuid,
    channel: Uuid,
    on: bool,
}

impl Verb for Hold {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        Some(self.tenant)
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let key = QueueKey { tenant: self.tenant, id: self.channel, class: Class::Send };
        if self.on {
            queues::pause(tx, key, "held by a test").await?;
        } else {
            queues::resume(tx, key).await?;
        }
        Ok(())
    }
}

async fn hold(world: &World, on: bool) {
    let verb = Hold { tenant: world.tenant, channel: world.bot.id, on };
    world.app.store.write(verb).await.expect("held or not");
}

/// A customer has written; gives the conversation.
async fn conversation(world: &World, manager: &mut Client, chat: i64) -> String {
    world.telegram.customer_says(chat, "Hello");
    let event = manager.event("message.created").await;
    event["conversation"]["id"].as_str().expect("an id").to_owned()
}

async fn send(manager: &mut Client, conversation: &str, text: &str) -> Value {
    let send = json!({ "conversation": conversation, "client_id": text, "text": text });
    manager.rpc("message.send", send).await.expect("it is queued")["message"].clone()
}

async fn dead(owner: &Api, tenant: Uuid) -> Vec<Value> {
    let (status, page) = owner.get(&format!("/api/v1/jobs/dead?tenant={tenant}")).await;
    assert_eq!(status, 200, "{page}");
    page["jobs"].as_array().expect("jobs").clone()
}

/// Pauses the bot's channel, or lets it go on.
async fn set_state(world: &World, owner: &Api, state: &str) {
    let url = world.url(&format!("/api/v1/channels/{}", world.bot.id));
    let request = crate::kit::http().patch(url).bearer_auth(&owner.token);
    let answer = request.json(&json!({ "state": state })).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
}

/// What `/metrics` says of the dead of all classes.
struct CountDead;

impl Verb for CountDead {
    type Out = i64;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<i64, Error> {
        Ok(queues::count(tx).await?.iter().map(|(_, _, _, dead, _)| dead).sum())
    }
}

async fn count_dead(world: &World) -> i64 {
    world.app.store.read(CountDead).await.expect("a count")
}

on_both!(a_job_of_an_unknown_kind_stops_nobody_and_says_why, |engine| async move {
    let world = World::start(engine).await;
    let owner = world.api("owner@example.com").await;
    let mut manager = world.person("agent@example.com").await;
    let one = conversation(&world, &mut manager, 5550201).await;
    let two = conversation(&world, &mut manager, 5550202).await;
    // As a newer version would have left it, at the head of a lane, after many tries.
    hold(&world, true).await;
    let message = send(&mut manager, &one, "of a newer version").await;
    let changed = "update jobs set kind = 'weave', tries = 11 where state = 'ready' and kind = 'deliver'";
    assert_eq!(sql(&world, changed, &[]).await, 1);
    hold(&world, false).await;
    send(&mut manager, &two, "all the same").await;
    world.telegram.sent_reaches(1).await;
    let jobs = loop {
        let jobs = dead(&owner, world.tenant).await;
        if !jobs.is_empty() {
            break jobs;
        }
        manager.frame(|_| true).await;
    };
    assert!(jobs[0]["reason"].as_str().is_some_and(|why| why.contains("weave")), "{jobs:?}");
    assert_eq!(count_dead(&world).await, 1);
    // What comes after it in its lane leaves.
    send(&mut manager, &one, "after it").await;
    world.telegram.sent_reaches(2).await;
    // The newer version is back, and a person lets it be tried again.
    sql(&world, "update jobs set kind = 'deliver' where kind = 'weave'", &[]).await;
    sql(&world, "update deliveries set state = 'failed' where state = 'queued'", &[]).await;
    let id = jobs[0]["id"].as_str().expect("an id");
    assert_eq!(owner.post(&format!("/api/v1/jobs/{id}/retry"), &json!({})).await.0, 204);
    let sent = world.telegram.sent_reaches(3).await;
    assert_eq!(sent[2].text.as_deref(), message["text"].as_str());
    assert!(dead(&owner, world.tenant).await.is_empty());
    assert_eq!(count_dead(&world).await, 0);
    assert_eq!(owner.post(&format!("/api/v1/jobs/{id}/retry"), &json!({})).await.0, 404);
    world.finish().await;
});

on_both!(a_payload_that_cannot_be_read_ends_its_job_and_its_message_says_so, |engine| async move {
    let world = World::start(engine).await;
    let owner = world.api("owner@example.com").await;
    let mut manager = world.person("agent@example.com").await;
    let one = conversation(&world, &mut manager, 5550211).await;
    hold(&world, true).await;
    let held = send(&mut manager, &one, "damaged").await;
    assert_eq!((&held["status"], &held["error"]["code"]), (&json!("queued"), &json!("channel_waits")));
    sql(&world, "update jobs set payload = '{' where state = 'ready' and kind = 'deliver'", &[]).await;
    send(&mut manager, &one, "behind it").await;
    hold(&world, false).await;
    let failed = manager.publication(|data| data["message"]["status"] == "failed").await;
    assert!(
        failed["message"]["error"]["reason"].as_str().is_some_and(|why| why.contains("payload")),
        "{failed}"
    );
    let sent = world.telegram.sent_reaches(1).await;
    assert_eq!(sent[0].text.as_deref(), Some("behind it"));
    let jobs = dead(&owner, world.tenant).await;
    let id = jobs[0]["id"].as_str().expect("an id").to_owned();
    // Only who manages the tenant may look or decide.
    let agent = world.api("agent@example.com").await;
    assert_eq!(agent.get(&format!("/api/v1/jobs/dead?tenant={}", world.tenant)).await.0, 403);
    assert_eq!(agent.post(&format!("/api/v1/jobs/{id}/retry"), &json!({})).await.0, 403);
    sql(&world, "update jobs set payload = null where state = 'dead'", &[]).await;
    assert_eq!(owner.post(&format!("/api/v1/jobs/{id}/retry"), &json!({})).await.0, 204);
    manager
        .publication(|data| data["message"]["text"] == "damaged" && data["message"]["status"] == "sent")
        .await;
    assert_eq!(world.telegram.sent_reaches(2).await[1].text.as_deref(), Some("damaged"));
    world.finish().await;
});

on_both!(an_error_in_a_job_is_tried_again_and_given_up_with_its_reason, |engine| async move {
    let world = World::start(engine).await;
    let owner = world.api("owner@example.com").await;
    let mut manager = world.person("agent@example.com").await;
    let one = conversation(&world, &mut manager, 5550221).await;
    // The channel's key does not open.
    let sealed = "update channels set sealed = 'damaged' where id = $1";
    assert_eq!(sql(&world, sealed, &[world.bot.id]).await, 1);
    world.app.channels.forget(world.bot.id);
    send(&mut manager, &one, "sealed").await;
    // It waits, and says why it does.
    let waits = manager.publication(|data| data["message"]["error"]["code"] == "not_sent_yet").await;
    assert_eq!(waits["message"]["status"], "queued");
    assert!(dead(&owner, world.tenant).await.is_empty());
    // At its last try it is given up.
    sql(&world, "update jobs set tries = 9, run_at = 0 where kind = 'deliver'", &[]).await;
    hold(&world, true).await;
    hold(&world, false).await;
    let failed = manager.publication(|data| data["message"]["status"] == "failed").await;
    assert!(failed["message"]["error"]["reason"].is_string());
    assert_eq!(dead(&owner, world.tenant).await.len(), 1);
    let id = dead(&owner, world.tenant).await[0]["id"].as_str().expect("an id").to_owned();
    let url = world.url(&format!("/api/v1/jobs/{id}"));
    let dropped = crate::kit::http().delete(url).bearer_auth(&owner.token).send().await.expect("an answer");
    assert_eq!(dropped.status(), 204);
    assert!(dead(&owner, world.tenant).await.is_empty());
    world.finish().await;
});

on_both!(one_event_that_cannot_be_applied_does_not_take_the_others_with_it, |engine| async move {
    let world = World::start(engine).await;
    let owner = world.api("owner@example.com").await;
    let chat = 5550231;
    for n in 1..=3 {
        let mut update = World::update(n, chat, n, &format!("message {n}"));
        // Deletions are told of business chats only, whose messages are known by their connection.
        update["business_message"] = update["message"].take();
        update["business_message"]["business_connection_id"] = "b".into();
        update.as_object_mut().expect("an update").remove("message");
        assert_eq!(world.hook(&world.bot, &update).await, 200);
    }
    let api = world.api("agent@example.com").await;
    let id = api.inbox().await[0]["id"].as_str().expect("an id").to_owned();
    let damage = "update messages set reactions = 'damaged' where seq = 2";
    assert_eq!(sql(&world, damage, &[]).await, 1);
    let deleted = json!({ "update_id": 9, "deleted_business_messages": { "business_connection_id": "b",
        "chat": { "id": chat, "type": "private", "first_name": "Mira" }, "message_ids": [1, 2, 3] } });
    assert_eq!(world.hook(&world.bot, &deleted).await, 200);
    let log = |page: Value| page["entries"].as_array().expect("entries")[0].clone();
    let path = format!("/api/v1/integration-log?tenant={}", world.tenant);
    let entry = log(owner.get(&path).await.1);
    assert_eq!(entry["outcome"], "failed", "{entry}");
    assert!(entry["error"].as_str().is_some_and(|why| why.starts_with("event 2:")), "{entry}");
    // Mended and replayed, the one that failed is made up for.
    sql(&world, "update messages set reactions = '[]' where seq = 2", &[]).await;
    let gone = |messages: &[Value]| messages.iter().map(|one| one["deleted_at"].is_i64()).collect::<Vec<_>>();
    assert_eq!(gone(&api.messages(&id).await), [true, false, true]);
    let replay = format!("/api/v1/integration-log/{}/replay", entry["id"].as_str().expect("an id"));
    assert_eq!(owner.post(&replay, &json!({})).await.0, 200);
    assert_eq!(gone(&api.messages(&id).await), [true, true, true]);
    assert_eq!(log(owner.get(&path).await.1)["outcome"], "events");
    world.finish().await;
});

on_both!(a_paused_channel_shows_what_customers_write_and_sends_nothing, |engine| async move {
    let world = World::start(engine).await;
    let owner = world.api("owner@example.com").await;
    let mut worker = world.worker(4).await;
    let mut manager = world.person("agent@example.com").await;
    set_state(&world, &owner, "disabled").await;
    world.telegram.customer_says(5550241, "Are you there?");
    let event = manager.event("message.created").await;
    assert_eq!(event["message"]["text"], "Are you there?");
    let id = event["conversation"]["id"].clone();
    let refused = json!({ "conversation": id, "client_id": "p", "text": "Yes" });
    let path = format!("/api/v1/conversations/{}/messages", id.as_str().expect("an id"));
    let body = json!({ "client_id": "p", "text": "Yes" });
    let (status, problem) = world.api("agent@example.com").await.post(&path, &body).await;
    assert_eq!((status, &problem["code"]), (409, &json!("channel_paused")));
    assert_eq!(manager.rpc("message.send", refused).await, Err(409));
    // The turn for the AI waits, with the reason; nobody is offered it.
    let waits = manager.publication(|data| data["turn"]["reason"] == "channel_paused").await;
    assert_eq!(waits["turn"]["state"], "collecting");
    assert!(!worker.unread().any(|frame| frame.to_string().contains("turn.offered")));
    set_state(&world, &owner, "active").await;
    let begun = Instant::now();
    let turn = worker.offered().await;
    assert_eq!(turn["messages"][0]["text"], "Are you there?");
    assert!(begun.elapsed() < Duration::from_secs(15), "it did not wait for the next look");
    world.finish().await;
});

on_both!(a_pause_holds_though_sends_were_under_way, |engine| async move {
    let world = World::start(engine).await;
    let owner = world.api("owner@example.com").await;
    let mut manager = world.person("agent@example.com").await;
    let mut conversations = Vec::new();
    for chat in 0..12 {
        conversations.push(conversation(&world, &mut manager, 5550260 + chat).await);
    }
    // As many as run at a time are with the provider when it is paused.
    world.telegram.fail_next(8, emulators::Fail::Slow);
    hold(&world, true).await;
    for one in &conversations {
        send(&mut manager, one, &format!("to {one}")).await;
    }
    hold(&world, false).await;
    world.telegram.sent_reaches(8).await;
    set_state(&world, &owner, "disabled").await;
    for _ in 0..8 {
        manager.publication(|data| data["message"]["status"] == "sent").await;
    }
    // What was answered says that the provider works. That does not end the pause.
    let update = World::update(900, 5550299, 900, "Still there?");
    assert_eq!(world.hook(&world.bot, &update).await, 200);
    manager.publication(|data| data["message"]["text"] == "Still there?").await;
    assert_eq!(world.telegram.sent().len(), 8);
    set_state(&world, &owner, "active").await;
    world.telegram.sent_reaches(12).await;
    world.finish().await;
});

on_both!(chats_that_have_to_wait_do_not_hold_up_the_others_of_their_channel, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let mut conversations = Vec::new();
    for chat in 0..12 {
        conversations.push(conversation(&world, &mut manager, 5550280 + chat).await);
    }
    world.telegram.fail_next(8, emulators::Fail::TooManyRequests { retry_after: 60 });
    hold(&world, true).await;
    for one in &conversations {
        send(&mut manager, one, &format!("to {one}")).await;
    }
    let begun = Instant::now();
    hold(&world, false).await;
    world.telegram.sent_reaches(4).await;
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    world.finish().await;
});

on_both!(what_waits_for_another_try_goes_on_with_its_channel_or_its_customer, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let mut conversations = Vec::new();
    for chat in 0..3 {
        conversations.push(conversation(&world, &mut manager, 5550320 + chat).await);
    }
    // Two wait for their next try, which is far; the channel has been left alone.
    hold(&world, true).await;
    for one in &conversations[..2] {
        send(&mut manager, one, &format!("to {one}")).await;
    }
    let far = "update jobs set run_at = 9000000000000 where kind = 'deliver'";
    assert_eq!(sql(&world, far, &[]).await, 2);
    let open = "update queues set blocked_until = 1, failures = 5, next_at = 0 where class = 1 and id = $1";
    assert_eq!(sql(&world, open, &[world.bot.id]).await, 1);
    // The one that is tried tells that the provider answers.
    send(&mut manager, &conversations[2], "the one that is tried").await;
    world.telegram.sent_reaches(3).await;

    // A customer who blocked the bot lets it write again.
    hold(&world, true).await;
    send(&mut manager, &conversations[0], "as soon as I may").await;
    assert_eq!(sql(&world, far, &[]).await, 1);
    hold(&world, false).await;
    world.telegram.customer_blocks(5550320, true);
    world.telegram.customer_blocks(5550320, false);
    let sent = world.telegram.sent_reaches(4).await;
    assert_eq!(sent[3].text.as_deref(), Some("as soon as I may"));
    world.finish().await;
});

on_both!(what_waited_for_a_day_is_given_up_and_a_retry_begins_a_new_day, |engine| async move {
    let world = World::start(engine).await;
    let owner = world.api("owner@example.com").await;
    let mut manager = world.person("agent@example.com").await;
    let one = conversation(&world, &mut manager, 5550330).await;
    hold(&world, true).await;
    send(&mut manager, &one, "of yesterday").await;
    let overdue = async || {
        sql(&world, "update jobs set run_at = 0 where kind = 'end_overdue'", &[]).await;
        sql(&world, "update queues set next_at = 0 where class = 9", &[]).await;
    };
    sql(&world, "update jobs set created_at = 5 where kind = 'deliver'", &[]).await;
    overdue().await;
    let failed = manager.publication(|data| data["message"]["status"] == "failed").await;
    let why = failed["message"]["error"]["reason"].as_str().expect("a reason");
    assert!(why.contains("a day") && why.contains("held by a test"), "{why}");
    let id = dead(&owner, world.tenant).await[0]["id"].as_str().expect("an id").to_owned();
    let retry = format!("/api/v1/jobs/{id}/retry");
    assert_eq!(owner.post(&retry, &json!({})).await.0, 204);
    let (status, problem) = owner.post(&retry, &json!({})).await;
    assert_eq!((status, &problem["code"]), (409, &json!("not_dead")), "{problem}");
    // The next look does not find it too old again.
    overdue().await;
    hold(&world, false).await;
    manager.publication(|data| data["message"]["status"] == "sent").await;
    assert!(dead(&owner, world.tenant).await.is_empty());
    world.finish().await;
});

on_both!(a_message_leaves_whole_or_not_at_all, |engine| async move {
    let world = World::start(engine).await;
    let owner = world.api("owner@example.com").await;
    let mut manager = world.person("agent@example.com").await;
    let one = conversation(&world, &mut manager, 5550295).await;
    hold(&world, true).await;
    let long = "A sentence of some words. ".repeat(400);
    send(&mut manager, &one, &long[..80]).await;
    let body = json!({ "conversation": one, "client_id": "long", "text": long });
    manager.rpc("message.send", body).await.expect("it is queued");
    let damage = "update jobs set payload = '{' where kind = 'deliver' and subject = (select d.id from deliveries d \
        where d.part = 0 and d.parts > 1)";
    assert_eq!(sql(&world, damage, &[]).await, 1);
    hold(&world, false).await;
    manager
        .publication(|data| data["message"]["client_id"] == "long" && data["message"]["status"] == "failed")
        .await;
    send(&mut manager, &one, "after it").await;
    let sent = world.telegram.sent_reaches(2).await;
    assert_eq!(sent[1].text.as_deref(), Some("after it"), "no part of it has left");
    // Let run again, all of it leaves, in order.
    sql(&world, "update jobs set payload = null where state = 'dead'", &[]).await;
    let id = dead(&owner, world.tenant).await[0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(owner.post(&format!("/api/v1/jobs/{id}/retry"), &json!({})).await.0, 204);
    manager
        .publication(|data| data["message"]["client_id"] == "long" && data["message"]["status"] == "sent")
        .await;
    let sent = world.telegram.sent();
    let parts: Vec<&str> = sent[2..].iter().filter_map(|part| part.text.as_deref()).collect();
    assert!(parts.len() > 1);
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(&parts.join(" ")), words(&long));
    world.finish().await;
});

on_both!(a_session_that_works_again_lets_what_waits_leave_at_once, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let chat = "12025550144@c.us";
    world.waha.customer_says(SESSION, chat, "Hello");
    let id = manager.event("message.created").await["conversation"]["id"].as_str().expect("an id").to_owned();
    world.waha.set_status(SESSION, "FAILED");
    manager.publication(|data| data["channel_state"]["health"]["state"] == "down").await;
    send(&mut manager, &id, "as soon as it works").await;
    let waits = manager.publication(|data| data["message"]["error"]["reason"].is_string()).await;
    assert_eq!(waits["message"]["status"], "queued", "{waits}");
    assert!(world.waha.sent().is_empty());
    let begun = Instant::now();
    world.waha.set_status(SESSION, "WORKING");
    world.waha.sent_reaches(1).await;
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    world.finish().await;
});

/// The operator's backup, or a shell, holds the file for longer than the writer waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_that_cannot_begin_says_so_and_goes_on() {
    let world = World::start(hubbub::store::Engine::Sqlite).await;
    let mut manager = world.person("agent@example.com").await;
    let one = conversation(&world, &mut manager, 5550251).await;
    // A send that has left while nothing can be written is not `unknown` by that.
    world.telegram.fail_next(1, emulators::Fail::Slow);
    send(&mut manager, &one, "left meanwhile").await;
    world.telegram.called("sendMessage").await;
    let file = world.app.config.store.data_dir.join("hubbub.db");
    let holder = rusqlite::Connection::open(file).expect("the file");
    holder.execute_batch("begin immediate").expect("held");
    let update = World::update(7, 5550252, 7, "while it is held");
    assert_eq!(world.hook(&world.bot, &update).await, 503);
    holder.execute_batch("rollback").expect("let go");
    assert_eq!(world.hook(&world.bot, &update).await, 200);
    let is_over = |status: &Value| ["sent", "unknown", "failed"].iter().any(|over| status == over);
    let sent = manager
        .publication(|data| {
            data["message"]["text"] == "left meanwhile" && is_over(&data["message"]["status"])
        })
        .await;
    assert_eq!(sent["message"]["status"], "sent", "{sent}");
    assert_eq!(reqwest::get(world.url("/health/live")).await.expect("an answer").status(), 200);
    world.finish().await;
}
