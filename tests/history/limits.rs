//! Documents are bounded, end when the plan says so, and are gone when somebody is forgotten, whatever comes late.

use hubbub::config;
use hubbub::history::{End, Forgotten, History};
use hubbub::model::Message;
use hubbub::store::{Engine, Event};
use proptest::test_runner::TestRunner;
use uuid::Uuid;

use super::script::{Act, Stage};
use super::server::MongoServer;
use super::suite::is_as_the_model;
use crate::kit::World;

const DAY_MS: i64 = 24 * 3_600_000;

async fn stage() -> Stage {
    Stage::of(World::start(Engine::Sqlite).await, 3).await
}

/// Takes in what happened since the last call; gives it back.
async fn follow(stage: &mut Stage, history: &History) -> Vec<Event> {
    let events = stage.news().await;
    for batch in events.chunks(256) {
        history.apply(stage.world.tenant, batch).await.expect("it is taken");
    }
    events
}

fn mongo(history: &History) -> &mongo::History {
    match history {
        History::Mongo(mongo) => mongo.inner(),
        History::Store(_) => panic!("it is the store"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_are_bounded_in_messages_and_bytes() {
    let Some(server) = MongoServer::shared() else { return };
    let mut stage = stage().await;
    let history = server.history(stage.store()).await;
    // As long as fits, and longer: signs have two bytes.
    for at in 0..200 {
        let signs = if at % 20 == 7 { 60_000 } else { 1_700 };
        stage.perform(0, Act::Say(signs)).await;
    }
    follow(&mut stage, &history).await;
    let sizes = mongo(&history).sizes(stage.world.tenant).await.expect("sizes");
    assert!(sizes.iter().any(|(count, bytes)| *count == 64 && *bytes > 100 * 1024), "{sizes:?}");
    assert_eq!(
        sizes.iter().filter(|(_, bytes)| *bytes > 60_000).filter(|(count, _)| *count == 1).count(),
        10
    );
    for (count, bytes) in sizes {
        assert!(
            count <= 64 && (bytes <= 256 * 1024 || count == 1) && bytes < 1024 * 1024,
            "{count}, {bytes}"
        );
    }
    // A page is bounded too, and goes on.
    let wanted = stage.wanted(stage.conversations[0], End::Newest, (0, i64::MAX), 200);
    let (mut before, mut found) = (i64::MAX, Vec::new());
    loop {
        let page = history.page(hubbub::history::Wanted { before, ..wanted }).await.expect("a page");
        let bytes: usize = page.messages.iter().filter_map(|one| Some(one.text.as_ref()?.len())).sum();
        assert!(bytes < 1024 * 1024 + 130_000, "{bytes}");
        before = page.messages.first().map_or(0, |first| first.seq);
        found.splice(..0, page.messages);
        if !page.more {
            break;
        }
    }
    let all = hubbub::history::Wanted { limit: 1_000, ..wanted };
    assert_eq!(found, stage.page(&all).messages);
    stage.world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_forgotten_does_not_come_back_with_what_is_late() {
    let Some(server) = MongoServer::shared() else { return };
    let mut stage = stage().await;
    let history = server.history(stage.store()).await;
    let mut runner = TestRunner::deterministic();
    for at in 0..210 {
        stage.perform(at, Act::Say(if at % 9 == 0 { 6_000 } else { 90 })).await;
    }
    let early = follow(&mut stage, &history).await;
    let tenant = stage.world.tenant;
    for what in [Forgotten::Conversation(stage.conversations[0]), Forgotten::Contact(stage.contacts[1])] {
        stage.forget(what);
        for _ in 0..2 {
            history.forget(tenant, what).await.expect("forgotten");
            // Another process has been on its way with it for a while.
            for batch in early.chunks(100) {
                history.apply(tenant, batch).await.expect("it is taken");
            }
            is_as_the_model(&stage, &history, &mut runner).await;
        }
    }
    // What is said later is new.
    for at in 0..9 {
        stage.perform(at, Act::Say(6_000 - 600 * at)).await;
    }
    follow(&mut stage, &history).await;
    is_as_the_model(&stage, &history, &mut runner).await;
    history.forget(tenant, Forgotten::Tenant).await.expect("forgotten");
    stage.forget(Forgotten::Tenant);
    is_as_the_model(&stage, &history, &mut runner).await;
    assert!(mongo(&history).sizes(tenant).await.expect("sizes").is_empty());
    stage.world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_tenant_with_the_same_ids_is_another_one() {
    let Some(server) = MongoServer::shared() else { return };
    let mut stage = stage().await;
    let history = server.history(stage.store()).await;
    stage.perform(0, Act::Say(20)).await;
    let events = follow(&mut stage, &history).await;
    let wanted = stage.wanted(stage.conversations[0], End::Newest, (0, i64::MAX), 10);
    let other = hubbub::history::Wanted { tenant: Uuid::from_u128(7), ..wanted };
    assert!(history.page(other).await.expect("a page").messages.is_empty());
    history.apply(other.tenant, &events).await.expect("it is taken");
    history.forget(other.tenant, Forgotten::Tenant).await.expect("forgotten");
    assert_eq!(history.page(wanted).await.expect("a page"), stage.page(&wanted));
    stage.world.finish().await;
}

/// Its document is there as long as a newer one of it may be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_older_than_the_days_is_not_shown() {
    let Some(server) = MongoServer::shared() else { return };
    let mut stage = stage().await;
    let config = config::History { days: 10, ..server.config() };
    let history = History::open(&config, stage.store()).await.expect("an address");
    for _ in 0..8 {
        stage.perform(0, Act::Say(20)).await;
    }
    let wanted = stage.wanted(stage.conversations[0], End::Newest, (0, i64::MAX), 100);
    let messages = stage.page(&wanted).messages;
    let half = messages.len() / 2;
    assert!(half > 2);
    let aged = |(place, message): (usize, &Message)| {
        let at = message.created_at - if place < half { 11 * DAY_MS } else { 0 };
        let mut body = serde_json::to_value(message).expect("JSON");
        body["created_at"] = at.into();
        mongo::Entry {
            conversation: wanted.conversation,
            contact: Uuid::from_u128(1),
            seq: message.seq,
            version: mongo::Version { epoch: "an epoch".to_owned(), cursor: 1 },
            at,
            body: body.to_string(),
            is_new: true,
        }
    };
    let entries: Vec<_> = messages.iter().enumerate().map(aged).collect();
    mongo(&history).write(wanted.tenant, &entries, 10).await.expect("written");
    for end in [End::Newest, End::Oldest] {
        for limit in [100, 2] {
            let page = history.page(hubbub::history::Wanted { end, limit, ..wanted }).await.expect("a page");
            let (shown, kept) = (page.messages, &messages[half..]);
            let fits = if end == End::Newest { kept.ends_with(&shown) } else { kept.starts_with(&shown) };
            assert!(fits && !shown.is_empty(), "{end:?} {limit}: {shown:?}");
            assert_eq!(page.more, shown.len() < kept.len(), "{end:?} {limit}");
        }
    }
    stage.world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_ends_so_long_after_its_newest_message() {
    let Some(server) = MongoServer::shared() else { return };
    let mut stage = stage().await;
    let config = config::History { days: 10, ..server.config() };
    let history = History::open(&config, stage.store()).await.expect("an address");
    stage.perform(0, Act::Say(20)).await;
    stage.perform(0, Act::Say(20)).await;
    follow(&mut stage, &history).await;
    let wanted = stage.wanted(stage.conversations[0], End::Newest, (0, i64::MAX), 1);
    let newest = stage.page(&wanted).messages[0].created_at;
    let tenant = stage.world.tenant;
    let ends = async || mongo(&history).ends(tenant).await.expect("ends");
    let all = ends().await;
    assert!(all.len() == 3 && all.contains(&Some(newest + 10 * DAY_MS)), "{all:?}");
    // A repeated message ends nothing later, another plan does.
    history.keep_for(tenant, Some(2)).await.expect("kept");
    assert!(ends().await.contains(&Some(newest + 2 * DAY_MS)));
    history.keep_for(tenant, Some(0)).await.expect("kept");
    assert_eq!(ends().await, [None; 3]);
    history.keep_for(tenant, None).await.expect("kept");
    assert_eq!(ends().await, all);
    stage.world.finish().await;
}
