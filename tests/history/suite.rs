//! What holds for every implementation: after whatever happened, its pages are those of the model. MongoDB gets the events in
//! batches that are repeated and shuffled.

use hubbub::history::{End, History};
use hubbub::store::{Engine, Event};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::script::{Act, Stage};
use super::server::MongoServer;
use crate::kit::{World, size};
use crate::on_both;

/// Bytes around those from which on a message has a document of its own.
const LENGTHS: [usize; 5] = [0, 3, 700, 3_000, 5_000];

fn act() -> impl Strategy<Value = Act> {
    let length = || proptest::sample::select(LENGTHS.to_vec());
    prop_oneof![
        5 => length().prop_map(Act::Say),
        1 => length().prop_map(Act::Answer),
        2 => (0..300_usize, length()).prop_map(|(seq, bytes)| Act::Edit { seq, bytes }),
        1 => (0..300_usize).prop_map(Act::Delete),
        1 => (0..300_usize).prop_map(Act::Status),
        1 => (0..300_usize).prop_map(Act::React),
    ]
}

pub fn some<S: Strategy>(runner: &mut TestRunner, strategy: S) -> S::Value {
    strategy.new_tree(runner).expect("a value").current()
}

/// Batches in any order; some come twice, some overlap.
fn shuffled(runner: &mut TestRunner, events: &[Event]) -> Vec<Vec<Event>> {
    let mut batches = Vec::new();
    let mut at = 0;
    while at < events.len() {
        let (length, overlap, twice) = some(runner, (1..40_usize, 0..5_usize, any::<bool>()));
        let end = (at + length).min(events.len());
        let mut batch = events[at.saturating_sub(overlap)..end].to_vec();
        if twice {
            batches.push(batch.clone());
            batch.reverse();
        }
        batches.push(batch);
        at = end;
    }
    some(runner, Just(batches).prop_shuffle())
}

/// Pages of all shapes are those of the model.
pub async fn is_as_the_model(stage: &Stage, history: &History, runner: &mut TestRunner) {
    for conversation in &stage.conversations {
        let last = stage.last_seq(*conversation);
        for end in [End::Newest, End::Oldest] {
            let whole = stage.wanted(*conversation, end, (0, i64::MAX), 100);
            assert_eq!(history.page(whole).await.expect("a page"), stage.page(&whole), "{whole:?}");
            for _ in 0..6 {
                let (after, before, limit) = some(runner, (0..last + 2, 0..last + 2, 1..60_usize));
                let wanted = stage.wanted(*conversation, end, (after, before), limit);
                assert_eq!(history.page(wanted).await.expect("a page"), stage.page(&wanted), "{wanted:?}");
            }
        }
        let last = history.last((stage.world.tenant, *conversation), i64::MAX, 30).await.expect("messages");
        assert_eq!(last, stage.page(&stage.wanted(*conversation, End::Newest, (0, i64::MAX), 30)).messages);
    }
}

async fn conforms(stage: &mut Stage, history: &History) {
    let mut runner = TestRunner::deterministic();
    let tenant = stage.world.tenant;
    history.hold().await.expect("it is its own");
    assert!(history.is_owned() && history.is_up());
    for _ in 0..size(4, 10) {
        let acts = some(&mut runner, prop::collection::vec((0..3_usize, act()), 1..60));
        for (conversation, act) in acts {
            stage.perform(conversation, act).await;
        }
        let events = stage.news().await;
        for batch in shuffled(&mut runner, &events) {
            history.apply(tenant, &batch).await.expect("it is taken");
        }
        is_as_the_model(stage, history, &mut runner).await;
    }
    let nobody = stage.wanted(tenant, End::Newest, (0, i64::MAX), 5);
    assert_eq!(history.page(nobody).await.expect("a page"), stage.page(&nobody), "an unknown conversation");
}

on_both!(the_store_conforms, |engine| async move {
    let mut stage = Stage::of(World::start(engine).await, 3).await;
    let history = History::Store(stage.store().clone());
    conforms(&mut stage, &history).await;
    stage.world.finish().await;
});

on_both!(mongodb_conforms, |engine| async move {
    let Some(server) = MongoServer::shared() else { return };
    let mut stage = Stage::of(World::start(engine).await, 3).await;
    let history = server.history(stage.store()).await;
    conforms(&mut stage, &history).await;
    // What follows from the store's rows changes nothing of it.
    let mut before = uuid::Uuid::max();
    while let Some(next) = history.fill(stage.world.tenant, before).await.expect("filled") {
        before = next;
    }
    is_as_the_model(&stage, &history, &mut TestRunner::deterministic()).await;
    stage.world.finish().await;
});

/// What was there before it: filled in from the store, beside events that come late.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mongodb_is_filled_from_what_is_stored() {
    let Some(server) = MongoServer::shared() else { return };
    let mut stage = Stage::of(World::start(Engine::Sqlite).await, 3).await;
    let history = server.history(stage.store()).await;
    let mut runner = TestRunner::deterministic();
    let tenant = stage.world.tenant;
    for round in 0..330 {
        stage.perform(round, Act::Say(LENGTHS[round % LENGTHS.len()])).await;
    }
    let late = stage.news().await;
    let first = history.fill(tenant, uuid::Uuid::max()).await.expect("filled").expect("there is more");
    // Edited while it is filled: in what is filled already, and in what is not.
    for seq in (0..110).step_by(3) {
        stage.perform(seq, Act::Edit { seq, bytes: 5_000 }).await;
    }
    let edits = stage.news().await;
    history.apply(tenant, &edits).await.expect("it is taken");
    let mut before = first;
    while let Some(next) = history.fill(tenant, before).await.expect("filled") {
        before = next;
    }
    history.apply(tenant, &late).await.expect("it is taken");
    is_as_the_model(&stage, &history, &mut runner).await;
    stage.world.finish().await;
}
