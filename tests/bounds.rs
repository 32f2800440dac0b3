//! One tenant's webhooks cost the others nothing: bodies of many events are bounded and applied in slices, what waits
//! for messages that never come has an end, and the writer's time is shared.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hubbub::error::Error;
use hubbub::store::pending_changes::MOST;
use hubbub::store::{Tx, Verb};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::kit::{self, World};
use crate::on_both;

const CHAT: i64 = 5_550_301;

fn deleted(update: i64, messages: impl Iterator<Item = i64>) -> Value {
    json!({ "update_id": update, "deleted_business_messages": { "business_connection_id": "bc1",
        "chat": { "id": CHAT, "type": "private" }, "message_ids": messages.collect::<Vec<_>>() } })
}

/// What the customer says through the connection whose deletions are told.
fn said(update: i64, message: i64, text: &str) -> Value {
    let mut body = World::update(update, CHAT, message, text);
    let mut message = body["message"].take();
    message["business_connection_id"] = "bc1".into();
    json!({ "update_id": body["update_id"], "business_message": message })
}

async fn newest_entry(world: &World) -> Value {
    let api = world.api("owner@example.com").await;
    let (_, log) = api.get(&format!("/api/v1/integration-log?tenant={}&limit=1", world.tenant)).await;
    log["entries"][0].clone()
}

/// What waits in the channel, by the tally and by looking.
struct Waiting(Uuid);

impl Verb for Waiting {
    type Out = (i64, i64);

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(i64, i64), Error> {
        let tally = "select amount from waiting_changes where channel = $1";
        let rows = "select count(*) from pending_changes where channel = $1";
        let tally = tx.one::<(i64,)>(tally, &[self.0.into()]).await?.map_or(0, |(amount,)| amount);
        Ok((tally, tx.one::<(i64,)>(rows, &[self.0.into()]).await?.map_or(0, |(count,)| count)))
    }
}

on_both!(a_body_of_many_events_is_applied_in_slices_and_bounded, |engine| async move {
    let world = World::start(engine).await;
    for message in 1..=4 {
        assert_eq!(world.hook(&world.bot, &said(message, message, "Hello")).await, 200);
    }
    // Several slices; one message in each, and one that is never deleted.
    let ids = [1].into_iter().chain(1_000..1_060).chain([2]).chain(2_000..2_050).chain([3]);
    assert_eq!(world.hook(&world.bot, &deleted(10, ids)).await, 200);
    let entry = newest_entry(&world).await;
    assert_eq!(
        (&entry["outcome"], &entry["error"], &entry["events"]),
        (&json!("events"), &Value::Null, &json!(113))
    );
    let api = world.api("agent@example.com").await;
    let conversation = api.inbox().await[0]["id"].as_str().expect("an id").to_owned();
    let gone: Vec<_> =
        api.messages(&conversation).await.iter().map(|message| !message["deleted_at"].is_null()).collect();
    assert_eq!(gone, [true, true, true, false]);
    assert_eq!(world.app.store.read(Waiting(world.bot.id)).await.expect("counts"), (110, 110));

    // Once more, by a person: what was seen stays as it is.
    let owner = world.api("owner@example.com").await;
    let path = format!("/api/v1/integration-log/{}/replay", entry["id"].as_str().expect("an id"));
    let (status, replayed) = owner.post(&path, &json!({})).await;
    assert_eq!((status, &replayed["outcome"]), (200, &json!("events")), "{replayed}");

    // Far more than a body may have: the beginning is applied, and the log says that there was more.
    assert_eq!(world.hook(&world.bot, &deleted(11, [4].into_iter().chain(1..20_000))).await, 200);
    let entry = newest_entry(&world).await;
    assert_eq!((&entry["outcome"], &entry["error"]), (&json!("events"), &json!("too_many_events")));
    assert!(entry["events"].as_i64().is_some_and(|events| (400..=1_001).contains(&events)), "{entry}");
    assert!(entry["body_preview"].as_str().is_some_and(|shown| shown.ends_with(" bytes")), "{entry}");
    assert!(!api.messages(&conversation).await[3]["deleted_at"].is_null());
    world.finish().await;
});

struct Pretend(Uuid);

impl Verb for Pretend {
    type Out = ();

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let sql = "update waiting_changes set amount = $2 where channel = $1";
        tx.exec(sql, &[self.0.into(), MOST.into()]).await?;
        Ok(())
    }
}

on_both!(what_waits_for_messages_that_never_come_has_an_end, |engine| async move {
    let world = World::start(engine).await;
    assert_eq!(world.hook(&world.bot, &deleted(1, 1..=200)).await, 200);
    assert_eq!(world.app.store.read(Waiting(world.bot.id)).await.expect("counts"), (200, 200));
    // A message that is awaited takes what waited for it.
    assert_eq!(world.hook(&world.bot, &said(2, 200, "Hello")).await, 200);
    assert_eq!(world.app.store.read(Waiting(world.bot.id)).await.expect("counts"), (199, 199));
    // As if all places were taken: the oldest make room.
    world.app.store.write(Pretend(world.bot.id)).await.expect("written");
    assert_eq!(world.hook(&world.bot, &deleted(3, 300..=300)).await, 200);
    assert_eq!(world.app.store.read(Waiting(world.bot.id)).await.expect("counts"), (MOST - 99, 100));
    assert_eq!(world.hook(&world.bot, &said(4, 1, "Forgotten")).await, 200);
    assert_eq!(world.hook(&world.bot, &said(5, 300, "Awaited")).await, 200);
    let api = world.api("agent@example.com").await;
    let conversation = api.inbox().await[0]["id"].as_str().expect("an id").to_owned();
    let gone: Vec<_> =
        api.messages(&conversation).await.iter().map(|message| !message["deleted_at"].is_null()).collect();
    assert_eq!(gone, [true, false, true]);
    world.finish().await;
});

on_both!(a_body_out_of_proportion_is_kept_with_its_reason, |engine| async move {
    let world = World::start(engine).await;
    let row: Value = vec![json!([0]); 900].into();
    let body = json!({ "update_id": 1, "message": vec![row; 150] });
    assert_eq!(world.hook(&world.bot, &body).await, 200);
    let entry = newest_entry(&world).await;
    assert_eq!(entry["outcome"], "unparsable");
    assert!(
        entry["error"].as_str().is_some_and(|why| why.contains("more values than its size allows")),
        "{entry}"
    );
    let long = json!({ "update_id": 2, "message": "x".repeat(world.app.config.limits.max_hook_bytes) });
    assert_eq!(world.hook(&world.bot, &long).await, 413);
    // Bodies of some length are looked at beside the requests, and stored as all are.
    let mut said = World::update(3, CHAT, 1, "Hello");
    said["message"]["padding"] = "x".repeat(200_000).into();
    assert_eq!(world.hook(&world.bot, &said).await, 200);
    assert_eq!(world.api("agent@example.com").await.inbox().await.len(), 1);
    world.finish().await;
});

/// Takes a while, and says when it ran.
struct Slow {
    tenant: Uuid,
    ran: Arc<Mutex<Vec<Uuid>>>,
}

impl Verb for Slow {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        Some(self.tenant)
    }

    async fn run(&self, _: &mut Tx<'_>) -> Result<(), Error> {
        std::thread::sleep(Duration::from_millis(1));
        self.ran.lock().expect("unpoisoned").push(self.tenant);
        Ok(())
    }
}

on_both!(a_tenant_that_writes_as_fast_as_it_can_waits_behind_itself, |engine| async move {
    let world = World::start(engine).await;
    let (greedy, modest) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let ran: Arc<Mutex<Vec<Uuid>>> = Arc::default();
    let write = |tenant| {
        let (store, ran) = (world.app.store.clone(), Arc::clone(&ran));
        tokio::spawn(async move { store.write(Slow { tenant, ran }).await.map(drop) })
    };
    let many: Vec<_> = (0..600).map(|_| write(greedy)).collect();
    while ran.lock().expect("unpoisoned").is_empty() {
        tokio::task::yield_now().await;
    }
    for _ in 0..3 {
        write(modest).await.expect("no panic").expect("written");
    }
    let before = ran.lock().expect("unpoisoned").len();
    assert!(before < 400, "{before} of the other's ran before three of this one");
    for one in many {
        one.await.expect("no panic").expect("written");
    }
    world.finish().await;
});

on_both!(long_texts_make_short_pages, |engine| async move {
    let world = World::start(engine).await;
    let long = "long ".repeat(12_000);
    for message in 1..=60 {
        assert_eq!(world.hook(&world.bot, &World::update(message, CHAT, message, &long)).await, 200);
    }
    let api = world.api("owner@example.com").await;
    let conversation = api.inbox().await[0]["id"].as_str().expect("an id").to_owned();
    for (from, edge) in [("after_seq=0", "after_seq"), ("before_seq=1000", "before_seq")] {
        let (mut seqs, mut query, mut pages) = (Vec::new(), from.to_owned(), 0);
        loop {
            let path = format!("/api/v1/conversations/{conversation}/messages?limit=200&{query}");
            let (status, page) = api.get(&path).await;
            assert_eq!(status, 200, "{page}");
            pages += 1;
            let messages = page["messages"].as_array().expect("messages");
            seqs.extend(messages.iter().filter_map(|message| message["seq"].as_i64()));
            if page["more"] == false {
                break;
            }
            let last = if edge == "after_seq" { messages.last() } else { messages.first() };
            query = format!("{edge}={}", last.expect("a page that goes on has messages")["seq"]);
        }
        seqs.sort_unstable();
        assert_eq!(seqs, (1..=60).collect::<Vec<_>>(), "{edge}");
        assert!(pages > 1, "all came in one page");
    }
    let (mut after, mut seen) = (0, Vec::new());
    loop {
        let path = format!("/api/v1/events?tenant={}&limit=1000&after={after}", world.tenant);
        let (_, page) = api.get(&path).await;
        let events = page["events"].as_array().expect("events");
        let bytes: usize = events.iter().map(|event| event.to_string().len()).sum();
        assert!(bytes < 3_300_000, "{} events of {bytes} bytes in one page", events.len());
        seen.extend(events.iter().filter_map(|event| event["cursor"].as_i64()));
        after = page["next"].as_i64().expect("a cursor");
        if page["top"] == after {
            break;
        }
    }
    assert!(seen.len() >= 60 && seen.windows(2).all(|pair| pair[0] < pair[1]), "{} events", seen.len());
    world.finish().await;
});

// Each label of a figure is kept for as long as the server runs, and told with every look at the figures.
on_both!(methods_that_strangers_make_up_leave_one_trace_in_the_figures, |engine| async move {
    let token = "0123456789abcdef";
    hubbub::telemetry::start_metrics();
    let world = World::configured(engine, |config| config.metrics.token = token.into()).await;
    for number in 0..40 {
        let method = Method::from_bytes(format!("MADEUP{number}").as_bytes()).expect("a method");
        for path in ["/health/live", "/nowhere"] {
            let answer =
                kit::http().request(method.clone(), world.url(path)).send().await.expect("an answer");
            assert!(answer.status().is_client_error(), "{}", answer.status());
        }
    }
    let figures = kit::http().get(world.url("/metrics")).bearer_auth(token);
    let figures = figures.send().await.expect("an answer").text().await.expect("numbers");
    assert!(figures.contains(r#"method="_OTHER""#), "{figures}");
    assert!(!figures.contains("MADEUP"), "{figures}");
    world.finish().await;
});
