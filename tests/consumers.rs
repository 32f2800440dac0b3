//! Consumers of the feed: each event has its effects once, whatever dies and however many processes follow; one that fails
//! is seen and stops nobody; one that is new, changed or too late builds itself from what is stored.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use hubbub::accounts::tenants::CreateTenant;
use hubbub::error::Error;
use hubbub::store::history::LetLeave;
use hubbub::store::{Engine, Event, Store, Tx, Verb, events, retention};
use hubbub::work::Env;
use hubbub::work::consumers::{Consumer, step};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::kit::{PATIENCE, World};
use crate::on_both;

/// Writes the cursor of each event into a table, in which none may be twice, and fails at one if it is told to.
#[derive(Default)]
struct Tally {
    fails_at: AtomicI64,
    gate: Option<Gate>,
}

/// Where a step stands, in its transaction, until it is let through.
#[derive(Default)]
struct Gate {
    reached: Notify,
    opened: Notify,
}

impl Consumer for Tally {
    const NAME: &'static str = "tally";
    const VERSION: i64 = 3;
    type Effects = Vec<i64>;

    fn prepare(&self, events: &[Event]) -> Result<Vec<i64>, Error> {
        Ok(events.iter().map(|event| event.cursor).collect())
    }

    async fn apply(
        &self,
        tx: &mut Tx<'_>,
        tenant: Uuid,
        effects: &Vec<i64>,
        _: Option<Uuid>,
    ) -> Result<(), Error> {
        if let Some(gate) = &self.gate {
            gate.reached.notify_one();
            gate.opened.notified().await;
        }
        for cursor in effects {
            if *cursor == self.fails_at.load(Ordering::SeqCst) {
                return Err(Error::conflict("on_purpose", "it fails here"));
            }
            tx.exec(
                "insert into tally (tenant, cursor_at) values ($1, $2)",
                &[tenant.into(), (*cursor).into()],
            )
            .await?;
        }
        Ok(())
    }

    async fn clear(&self, tx: &mut Tx<'_>, tenant: Uuid) -> Result<bool, Error> {
        let sql = "delete from tally where tenant = $1 and cursor_at in (select cursor_at from tally where tenant = $1 limit 3)";
        Ok(tx.exec(sql, &[tenant.into()]).await? == 0)
    }

    /// What is stored: a row for each message, below 0.
    async fn fill(&self, tx: &mut Tx<'_>, tenant: Uuid, before: Uuid) -> Result<Option<Uuid>, Error> {
        let sql = "select id from messages where tenant = $1 and id < $2 order by id desc limit 2";
        let some: Vec<(Uuid,)> = tx.all(sql, &[tenant.into(), before.into()]).await?;
        for (id,) in &some {
            let number = -((id.as_u128() >> 65) as i64).abs();
            tx.exec("insert into tally (tenant, cursor_at) values ($1, $2)", &[tenant.into(), number.into()])
                .await?;
        }
        Ok(some.last().map(|(id,)| *id))
    }
}

struct MakeTable;

impl Verb for MakeTable {
    type Out = ();

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        tx.exec(
            "create table tally (tenant uuid not null, cursor_at bigint not null, primary key (tenant, cursor_at))",
            &[],
        )
        .await?;
        Ok(())
    }
}

/// The rows of a tenant from a number on.
struct Tallied(Uuid, i64);

impl Verb for Tallied {
    type Out = Vec<i64>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<i64>, Error> {
        let sql = "select cursor_at from tally where tenant = $1 and cursor_at >= $2 order by cursor_at";
        let rows: Vec<(i64,)> = tx.all(sql, &[self.0.into(), self.1.into()]).await?;
        Ok(rows.into_iter().map(|(cursor,)| cursor).collect())
    }
}

/// Where the consumer is: state, cursor, failures, reason.
struct Place(Uuid);

impl Verb for Place {
    type Out = Option<(String, i64, i64, Option<String>)>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let sql = "select state, cursor_at, failures, reason from consumer_cursors where tenant = $1 and consumer = 'tally'";
        Ok(tx.one(sql, &[self.0.into()]).await?)
    }
}

struct Set(Uuid, &'static str);

impl Verb for Set {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        Some(self.0)
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        tx.exec(self.1, &[self.0.into()]).await?;
        Ok(())
    }
}

struct Top(Uuid);

impl Verb for Top {
    type Out = i64;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<i64, Error> {
        Ok(events::top(tx, self.0).await?)
    }
}

async fn through(store: &Store, consumer: &Arc<Tally>, tenant: Uuid) {
    while step(store, consumer, tenant).await.expect("a step").more {}
}

async fn says(world: &World, from: i64, count: i64) {
    for at in from..from + count {
        world.hook(&world.bot, &World::update(100 + at, 5550001, 10 + at, &format!("lamp {at}"))).await;
    }
}

on_both!(every_event_has_its_effects_once, |engine| async move {
    let world = World::start(engine).await;
    let store = world.app.store.clone();
    store.write(MakeTable).await.expect("a table");
    let consumer = Arc::new(Tally::default());
    through(&store, &consumer, world.tenant).await;
    let begun = store.read(Place(world.tenant)).await.expect("read").expect("a place").1;
    // Two follow at a time, and one is cut off again and again.
    let mut followers = Vec::new();
    for _ in 0..2 {
        let (store, consumer, tenant) = (store.clone(), Arc::clone(&consumer), world.tenant);
        followers.push(tokio::spawn(async move {
            loop {
                step(&store, &consumer, tenant).await.expect("a step");
                tokio::task::yield_now().await;
            }
        }));
    }
    let (cut, tenant) = (Arc::clone(&consumer), world.tenant);
    let cutter = {
        let store = store.clone();
        tokio::spawn(async move {
            loop {
                let _ = tokio::time::timeout(Duration::from_micros(700), step(&store, &cut, tenant)).await;
            }
        })
    };
    says(&world, 0, 40).await;
    cutter.abort();
    followers.iter().for_each(tokio::task::JoinHandle::abort);
    through(&store, &consumer, world.tenant).await;
    let top = store.read(Top(world.tenant)).await.expect("a top");
    let want: Vec<i64> =
        (begun + 1..=store.read(Place(world.tenant)).await.expect("read").expect("a place").1).collect();
    assert!(want.len() >= 40 && want.last() <= Some(&top), "{begun} to {top}");
    assert_eq!(store.read(Tallied(world.tenant, 1)).await.expect("rows"), want);
    world.finish().await;
});

/// (On SQLite everything has the one writer.)
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_do_not_wait_for_a_consumer() {
    let world = World::start(Engine::Postgres).await;
    let store = world.app.store.clone();
    store.write(MakeTable).await.expect("a table");
    through(&store, &Arc::new(Tally::default()), world.tenant).await;
    let begun = store.read(Place(world.tenant)).await.expect("read").expect("a place").1;
    says(&world, 0, 1).await;
    let consumer = Arc::new(Tally { gate: Some(Gate::default()), ..Tally::default() });
    let (stands, tenant) = (Arc::clone(&consumer), world.tenant);
    let standing = {
        let store = store.clone();
        tokio::spawn(async move { step(&store, &stands, tenant).await })
    };
    let gate = consumer.gate.as_ref().expect("a gate");
    gate.reached.notified().await;
    for n in 1..4 {
        let update = World::update(100 + n, 5550001, 10 + n, "a lamp, while the index is written");
        let taken = tokio::time::timeout(PATIENCE, world.hook(&world.bot, &update)).await;
        assert_eq!(taken, Ok(200), "message {n}");
    }
    gate.opened.notify_one();
    let stepped = standing.await.expect("no panic").expect("a step");
    let want: Vec<i64> = (begun + 1..=begun + stepped.events as i64).collect();
    assert!(!want.is_empty());
    assert_eq!(store.read(Tallied(world.tenant, 1)).await.expect("rows"), want);
    world.finish().await;
}

/// In the place of the search index.
struct Standing(Gate);

impl Consumer for Standing {
    const NAME: &'static str = "search";
    const VERSION: i64 = 1;
    type Effects = ();

    fn prepare(&self, _: &[Event]) -> Result<(), Error> {
        Ok(())
    }

    async fn apply(&self, _: &mut Tx<'_>, _: Uuid, (): &(), _: Option<Uuid>) -> Result<(), Error> {
        self.0.reached.notify_one();
        self.0.opened.notified().await;
        Ok(())
    }

    async fn clear(&self, _: &mut Tx<'_>, _: Uuid) -> Result<bool, Error> {
        Ok(true)
    }

    async fn fill(&self, _: &mut Tx<'_>, _: Uuid, _: Uuid) -> Result<Option<Uuid>, Error> {
        Ok(None)
    }
}

/// Or the index would get what it has read of a message that has left meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_leave_when_nobody_writes_the_index() {
    let world = World::configured(Engine::Postgres, |config| config.search.enabled = false).await;
    let (store, tenant) = (world.app.store.clone(), world.tenant);
    let index = Arc::new(Standing(Gate::default()));
    while step(&store, &index, tenant).await.expect("a step").more {}
    says(&world, 0, 1).await;
    let standing = {
        let (store, index) = (store.clone(), Arc::clone(&index));
        tokio::spawn(async move { step(&store, &index, tenant).await })
    };
    index.0.reached.notified().await;
    let leaving = {
        let before = store.clock().now_ms() + 60_000;
        tokio::spawn(async move { store.write(LetLeave { tenant, before, again_ms: 0, batch: 40 }).await })
    };
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!leaving.is_finished());
    index.0.opened.notify_one();
    standing.await.expect("no panic").expect("a step");
    leaving.await.expect("no panic").expect("a batch");
    world.finish().await;
}

on_both!(one_that_fails_is_seen_and_stops_nobody, |engine| async move {
    let world = World::start(engine).await;
    let store = world.app.store.clone();
    store.write(MakeTable).await.expect("a table");
    let other = store.write(CreateTenant { name: "Other".into() }).await.expect("a tenant").value.id;
    let app = &world.app;
    let env = Arc::new(Env {
        chat_paces: hubbub::work::ChatPaces::default(),
        human_paces: hubbub::work::HumanPaces::default(),
        config: Arc::clone(&app.config),
        store: store.clone(),
        channels: app.channels.clone(),
        files: app.files.clone(),
        history: app.history.clone(),
        http: app.http.clone(),
        nodes: Arc::clone(&app.nodes),
        sends: app.sends.clone(),
        retained: Arc::clone(&app.retained),
        soft: app.soft.clone(),
        hard: app.hard.clone(),
        tasks: app.tasks.clone(),
    });
    says(&world, 0, 3).await;
    let top = store.read(Top(world.tenant)).await.expect("a top");
    // The cursor is behind: what comes next is followed, and something among it fails.
    let tally = Tally { fails_at: AtomicI64::new(top + 4), ..Tally::default() };
    app.consumers.follow(&env, tally);
    let begun = tokio::time::Instant::now();
    let mut written = 3;
    let (state, cursor, failures, reason) = loop {
        assert!(begun.elapsed() < PATIENCE);
        if let Some(place) = store.read(Place(world.tenant)).await.expect("read") {
            if place.0 == "following" && written == 3 {
                says(&world, 3, 5).await;
                written = 8;
            }
            // After some failures the events before it are through one by one.
            if place.2 >= 1 && place.1 == top + 3 {
                break place;
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!((state.as_str(), cursor), ("following", top + 3));
    assert!(
        failures >= 1 && reason.as_deref().is_some_and(|text| text.contains("it fails here")),
        "{reason:?}"
    );
    // The other tenant is followed, and messages come in.
    while store.read(Place(other)).await.expect("read").is_none_or(|place| place.0 != "following") {
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(begun.elapsed() < PATIENCE);
    }
    says(&world, 20, 1).await;
    world.finish().await;
});

/// Removes the old events of a tenant as the retention does.
struct Retain {
    tenant: Uuid,
    patience_ms: i64,
}

impl Verb for Retain {
    type Out = u64;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.tenant)
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<u64, Error> {
        // All are older than this.
        let before = tx.now() + 1_000;
        Ok(retention::remove_events(tx, self.tenant, before, self.patience_ms, 40).await?)
    }
}

on_both!(events_wait_for_a_consumer_and_not_for_ever, |engine| async move {
    let world = World::start(engine).await;
    let store = world.app.store.clone();
    store.write(MakeTable).await.expect("a table");
    let (consumer, tenant) = (Arc::new(Tally::default()), world.tenant);
    through(&store, &consumer, tenant).await;
    let seen = store.read(Place(tenant)).await.expect("read").expect("a place").1;
    says(&world, 0, 6).await;
    while store.write(Retain { tenant, patience_ms: 60_000 }).await.expect("retained").value > 0 {}
    // What it has not seen is there: it goes on.
    let next = step(&store, &consumer, tenant).await.expect("a step");
    assert!(next.events > 0 && !next.builds, "{next:?}");
    through(&store, &consumer, tenant).await;
    assert_eq!(store.read(Tallied(tenant, 1)).await.expect("rows").first(), Some(&(seen + 1)));
    // Waited for too long: it begins anew from what is stored.
    says(&world, 10, 6).await;
    while store.write(Retain { tenant, patience_ms: -60_000 }).await.expect("retained").value > 0 {}
    let next = step(&store, &consumer, tenant).await.expect("a step");
    assert!(next.builds, "{next:?}");
    through(&store, &consumer, tenant).await;
    let rows = store.read(Tallied(tenant, i64::MIN)).await.expect("rows");
    assert_eq!(rows.iter().filter(|row| **row < 0).count(), 12, "each message, and nothing of before");
    world.finish().await;
});

on_both!(one_fills_in_while_its_tenant_is_busy, |engine| async move {
    let world = World::start(engine).await;
    let store = world.app.store.clone();
    store.write(MakeTable).await.expect("a table");
    says(&world, 0, 9).await;
    let (consumer, tenant) = (Arc::new(Tally::default()), world.tenant);
    step(&store, &consumer, tenant).await.expect("a step");
    let begun = store.read(Place(tenant)).await.expect("read").expect("a place");
    assert_eq!(begun.0, "filling");
    let mut said = 9;
    // No step finds its tenant without an event.
    while store.read(Place(tenant)).await.expect("read").is_some_and(|place| place.0 == "filling") {
        assert!(said < 100, "it is never filled in");
        says(&world, said, 1).await;
        said += 1;
        let one = step(&store, &consumer, tenant).await.expect("a step");
        assert!(one.events > 0, "{one:?}");
    }
    through(&store, &consumer, tenant).await;
    let rows = store.read(Tallied(tenant, i64::MIN)).await.expect("rows");
    assert!(rows.iter().filter(|row| **row < 0).count() >= 9, "{rows:?}");
    let followed: Vec<i64> = rows.into_iter().filter(|row| *row > 0).collect();
    let place = store.read(Place(tenant)).await.expect("read").expect("a place");
    assert_eq!(followed, (begun.1 + 1..=place.1).collect::<Vec<_>>());
    world.finish().await;
});

on_both!(one_of_another_version_clears_and_builds_itself_beside_following, |engine| async move {
    let world = World::start(engine).await;
    let store = world.app.store.clone();
    store.write(MakeTable).await.expect("a table");
    says(&world, 0, 5).await;
    let (consumer, tenant) = (Arc::new(Tally::default()), world.tenant);
    // New on old data, and cut off on the way.
    for _ in 0..3 {
        step(&store, &consumer, tenant).await.expect("a step");
    }
    let place = store.read(Place(tenant)).await.expect("read").expect("a place");
    assert_eq!(place.0, "filling");
    says(&world, 5, 2).await;
    through(&store, &consumer, tenant).await;
    let rows = store.read(Tallied(tenant, i64::MIN)).await.expect("rows");
    assert!(rows.iter().filter(|row| **row < 0).count() >= 5, "{rows:?}");
    let followed: Vec<i64> = rows.into_iter().filter(|row| *row > 0).collect();
    assert!(followed.first().is_some_and(|first| *first == place.1 + 1), "{followed:?}");
    let sql = "update consumer_cursors set version = 2 where tenant = $1 and consumer = 'tally'";
    store.write(Set(tenant, sql)).await.expect("set");
    through(&store, &consumer, tenant).await;
    let rows = store.read(Tallied(tenant, i64::MIN)).await.expect("rows");
    assert_eq!(rows.iter().filter(|row| **row < 0).count(), 7, "{rows:?}");
    world.finish().await;
});
