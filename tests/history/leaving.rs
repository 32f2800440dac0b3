//! Messages that have left the store are read in the same pages, and are still known.

use std::sync::Arc;

use hubbub::clock::Clock;
use hubbub::doctor::{Level, examine};
use hubbub::error::Error;
use hubbub::history::{End, History};
use hubbub::store::history::{Leaving, LetLeave};
use hubbub::store::{Engine, Tx, Verb};
use hubbub::work::HistoryFeed;
use hubbub::work::consumers::step;
use serde_json::Value;
use uuid::Uuid;

use super::outage::{caught_up, until};
use super::script::{Act, Stage};
use super::server::MongoServer;
use crate::kit::{Api, World};
use crate::on_both;

struct Count(Uuid);

impl Verb for Count {
    type Out = i64;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<i64, Error> {
        let sql = "select count(*) from messages where tenant = $1";
        Ok(tx.one::<(i64,)>(sql, &[self.0.into()]).await?.map_or(0, |(count,)| count))
    }
}

/// Lets leave what may.
async fn let_leave(stage: &Stage) -> u64 {
    let (store, mut removed) = (stage.store(), 0);
    loop {
        let before = store.clock().now_ms() + 60_000;
        let batch = LetLeave { tenant: stage.world.tenant, before, again_ms: 0, batch: 40 };
        let left: Leaving = store.write(batch).await.expect("a batch").value;
        removed += left.removed;
        if !left.more {
            return removed;
        }
    }
}

/// The `seq` of a page, and whether there is more.
fn seqs(page: &Value) -> (Vec<i64>, bool) {
    let messages = page["messages"].as_array().expect("messages");
    (messages.iter().map(|one| one["seq"].as_i64().expect("a seq")).collect(), page["more"] == true)
}

/// All pages of a conversation from both ends are those of the model.
async fn is_whole(stage: &Stage, api: &Api, conversation: Uuid) {
    let last = stage.last_seq(conversation);
    for (end, key) in [(End::Newest, "before_seq"), (End::Oldest, "after_seq")] {
        let mut at = if end == End::Newest { last + 1 } else { 0 };
        loop {
            let path = format!("/api/v1/conversations/{conversation}/messages?limit=23&{key}={at}");
            let (status, page) = api.get(&path).await;
            assert_eq!(status, 200, "{page}");
            let range = if end == End::Newest { (0, at) } else { (at, i64::MAX) };
            let want = stage.page(&stage.wanted(conversation, end, range, 23));
            let got: Vec<hubbub::model::Message> =
                serde_json::from_value(page["messages"].clone()).expect("messages");
            assert_eq!((got, page["more"] == true), (want.messages.clone(), want.more), "{path}");
            if !want.more {
                break;
            }
            let next = if end == End::Newest { want.messages.first() } else { want.messages.last() };
            at = next.expect("a page that has more is not empty").seq;
        }
    }
}

on_both!(what_left_is_read_in_the_same_pages, |engine| async move {
    let Some(mut server) = MongoServer::start() else { return };
    let config = server.config();
    let world = World::configured(engine, |all| all.history = config.clone()).await;
    let mut stage = Stage::of(world, 2).await;
    let (tenant, conversation) = (stage.world.tenant, stage.conversations[0]);
    for at in 0..150 {
        stage
            .perform(
                0,
                if at % 5 == 4 { Act::Answer(40) } else { Act::Say(if at == 60 { 6_000 } else { 40 }) },
            )
            .await;
    }
    // 151 messages, of which the last is an answer.
    for at in 0..20 {
        stage.perform(1, Act::Say(at)).await;
    }
    caught_up(stage.store(), tenant).await;
    let before = stage.store().read(Count(tenant)).await.expect("a count");
    let removed = let_leave(&stage).await;
    // The first stays, so do the answer and the thirty before it; nobody answered in the other one.
    assert_eq!(removed, 151 - 1 - 31);
    assert_eq!(stage.store().read(Count(tenant)).await.expect("a count"), before - removed as i64);
    assert_eq!(let_leave(&stage).await, 0);
    let api = stage.world.api("owner@example.com").await;
    for conversation in stage.conversations.clone() {
        is_whole(&stage, &api, conversation).await;
    }
    let path = |query: &str| format!("/api/v1/conversations/{conversation}/messages?{query}");

    server.kill();
    let (status, page) = api.get(&path("limit=20")).await;
    assert_eq!((status, seqs(&page)), (200, ((132..=151).collect(), true)), "what is here is shown");
    let (status, page) = api.get(&path("limit=50")).await;
    assert_eq!((status, seqs(&page)), (200, ((121..=151).collect(), true)), "up to what is not");
    for query in ["limit=20&before_seq=121", "limit=20&before_seq=60", "limit=20&after_seq=40"] {
        let (status, page) = api.get(&path(query)).await;
        assert_eq!((status, &page["code"]), (503, &"history_away".into()), "{query}: {page}");
    }
    server.start_again();
    until("it is back", async || api.get(&path("limit=20&before_seq=121")).await.0 == 200).await;
    is_whole(&stage, &api, conversation).await;

    stage.world.finish().await;
});

/// What a provider repeats is known, though its message has left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_left_does_not_come_again() {
    let Some(server) = MongoServer::shared() else { return };
    let config = server.config();
    let world = World::configured(Engine::Sqlite, |all| all.history = config.clone()).await;
    let updates: Vec<Value> =
        (1..60).map(|at| World::update(200 + at, 5_550_001, 300 + at, &format!("lamp {at}"))).collect();
    let mut stage = Stage::of(world, 1).await;
    for update in &updates {
        assert_eq!(stage.world.hook(&stage.world.bot, update).await, 200);
    }
    let api = stage.world.api("owner@example.com").await;
    let conversation = stage.conversations[0];
    let send = serde_json::json!({ "client_id": "one", "text": "yes" });
    let (status, sent) = api.post(&format!("/api/v1/conversations/{conversation}/messages"), &send).await;
    assert!(status < 300, "{sent}");
    let is_settled = async || {
        let all = api.messages(&conversation.to_string()).await;
        // The emulated provider does not know the chat: an attempt, and an answer.
        all.last().is_some_and(|last| last["status"] == "failed")
    };
    until("it is settled", is_settled).await;
    for at in 0..40 {
        stage.perform(0, Act::Say(at)).await;
    }
    stage.perform(0, Act::Answer(3)).await;
    caught_up(stage.store(), stage.world.tenant).await;
    let all = api.messages(&conversation.to_string()).await;
    // The send leaves too, with its part and its attempt.
    assert_eq!(let_leave(&stage).await, 102 - 1 - 31);
    for update in &updates {
        assert_eq!(stage.world.hook(&stage.world.bot, update).await, 200);
    }
    assert_eq!(api.messages(&conversation.to_string()).await, all);
    stage.world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_leaves_that_mongodb_has_not_acknowledged() {
    let Some(mut server) = MongoServer::start() else { return };
    let config = server.config();
    let world = World::configured(Engine::Sqlite, |all| all.history = config.clone()).await;
    let mut stage = Stage::of(world, 1).await;
    for at in 0..60 {
        stage.perform(0, Act::Say(at)).await;
    }
    stage.perform(0, Act::Answer(3)).await;
    caught_up(stage.store(), stage.world.tenant).await;
    server.kill();
    // Old ones that change, and a new one.
    for seq in [3, 9, 17] {
        stage.perform(0, Act::Edit { seq, bytes: 5 }).await;
    }
    stage.perform(0, Act::Say(4)).await;
    let removed = let_leave(&stage).await;
    assert_eq!(removed, 62 - 1 - 31 - 3);
    server.start_again();
    caught_up(stage.store(), stage.world.tenant).await;
    assert_eq!(let_leave(&stage).await, 3);
    let api = stage.world.api("owner@example.com").await;
    is_whole(&stage, &api, stage.conversations[0]).await;
    stage.world.finish().await;
}

// Whoever looked and found nothing that may leave can go back to a configuration without MongoDB.
on_both!(only_what_left_needs_mongodb, |engine| async move {
    let mut stage = Stage::of(World::start(engine).await, 1).await;
    let (store, tenant, config) =
        (stage.store().clone(), stage.world.tenant, Arc::clone(&stage.world.app.config));
    let feed = Arc::new(HistoryFeed(stage.world.app.history.clone()));
    let through = async || while step(&store, &feed, tenant).await.expect("a step").more {};
    let only = ["history".to_owned()];
    through().await;
    assert_eq!(let_leave(&stage).await, 0);
    assert!(History::open(&config.history, &store).await.is_ok(), "nothing has left");
    let found = examine(&config, &Clock::System, &only).await;
    assert!(found[0].level == Level::Ok, "{found:?}");
    for at in 0..60 {
        stage.perform(0, Act::Say(at)).await;
    }
    stage.perform(0, Act::Answer(3)).await;
    through().await;
    assert!(let_leave(&stage).await > 0);
    let refused = History::open(&config.history, &store).await.err().map(|error| error.to_string());
    assert!(refused.is_some_and(|why| why.contains("have left")), "it is refused");
    let found = examine(&config, &Clock::System, &only).await;
    assert!(found[0].level == Level::Fail && found[0].what.contains("left"), "{found:?}");
    stage.world.finish().await;
});
