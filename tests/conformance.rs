//! The store on both engines: every statement prepares, batches undo only what failed, reads change nothing.

use hubbub::accounts::tenants::CreateTenant;
use hubbub::error::Error;
use hubbub::store::{Prepare, Tx, Verb, statements, statements_of};

use crate::kit::World;
use crate::on_both;

on_both!(every_statement_prepares, |engine| async move {
    let world = World::start(engine).await;
    let mut count = 0;
    for (file, all) in statements().into_iter().chain([("search", statements_of(engine))]) {
        assert!(!all.is_empty(), "{file} lists no statement");
        for sql in all {
            count += 1;
            let prepared = world.app.store.read(Prepare(sql)).await;
            prepared.unwrap_or_else(|error| panic!("{file}: {error}\n{sql}"));
        }
    }
    assert!(count > 80, "only {count} statements are listed");
    world.finish().await;
});

/// Makes a tenant, and then fails if it is told to.
struct MakeAndFail {
    name: String,
    fail: bool,
}

impl Verb for MakeAndFail {
    type Out = ();

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        CreateTenant { name: self.name.clone() }.run(tx).await?;
        if self.fail { Err(Error::conflict("told_to", "told to")) } else { Ok(()) }
    }
}

struct Names;

impl Verb for Names {
    type Out = Vec<String>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let found = hubbub::accounts::tenants::ListTenants { after: None, limit: 1_000 }.run(tx).await?;
        Ok(found.into_iter().map(|tenant| tenant.name).collect())
    }
}

on_both!(a_failing_verb_undoes_only_itself, |engine| async move {
    let world = World::start(engine).await;
    let store = &world.app.store;
    let writes = (0..60).map(|n| store.write(MakeAndFail { name: format!("tenant {n}"), fail: n % 3 == 0 }));
    for (n, written) in futures_util::future::join_all(writes).await.into_iter().enumerate() {
        assert_eq!(written.is_err(), n % 3 == 0);
    }
    let names = store.read(Names).await.expect("names");
    for n in 0..60 {
        assert_eq!(names.contains(&format!("tenant {n}")), n % 3 != 0, "tenant {n}");
    }
    world.finish().await;
});

on_both!(reading_changes_nothing, |engine| async move {
    let world = World::start(engine).await;
    let refused = world.app.store.read(MakeAndFail { name: "sneaked in".into(), fail: false }).await;
    assert!(refused.is_err());
    assert!(!world.app.store.read(Names).await.expect("names").contains(&"sneaked in".to_owned()));
    world.finish().await;
});

/// A verb that panics must not take the writer, or its neighbours in the batch, along.
struct Panics;

impl Verb for Panics {
    type Out = ();

    async fn run(&self, _: &mut Tx<'_>) -> Result<(), Error> {
        panic!("a verb that panics, on purpose")
    }
}

on_both!(a_verb_that_panics_harms_nobody, |engine| async move {
    let world = World::start(engine).await;
    let store = &world.app.store;
    let (panicked, written) =
        tokio::join!(store.write(Panics), store.write(MakeAndFail { name: "beside".into(), fail: false }));
    assert!(panicked.is_err() && written.is_ok());
    assert!(store.read(Names).await.expect("names").contains(&"beside".to_owned()));
    world.finish().await;
});

/// A tenant with a very long name, straight into the table.
struct Bulky {
    name: String,
}

impl Verb for Bulky {
    type Out = ();

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let (id, now) = (tx.new_id(), tx.now());
        let insert = "insert into tenants (id, name, created_at) values ($1, $2, $3)";
        tx.exec(insert, hubbub::args![id, &self.name, now]).await?;
        Ok(())
    }
}

/// Bounds the file of a SQLite store, as a full disk does.
struct Bound {
    pages: i64,
}

impl Verb for Bound {
    type Out = ();

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let set =
            if self.pages == 0 { "pragma max_page_count = 100000" } else { "pragma max_page_count = 1" };
        tx.one::<(i64,)>(set, &[]).await?;
        Ok(())
    }
}

/// A full disk makes SQLite roll back the whole batch by itself. Nothing of it may be called written, and
/// nothing may be written that was refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_and_loses_nothing() {
    let world = World::start(hubbub::store::Engine::Sqlite).await;
    let store = &world.app.store;
    store.write(Bound { pages: 1 }).await.expect("the bound is set");
    let writes = (0..200).map(|n| store.write(Bulky { name: format!("bulky {n} {}", "x".repeat(20_000)) }));
    let answers = futures_util::future::join_all(writes).await;
    assert!(answers.iter().any(Result::is_err), "the disk is full");
    store.write(Bound { pages: 0 }).await.expect("there is room again");
    let names = store.read(Names).await.expect("names");
    for (n, answer) in answers.iter().enumerate() {
        let stored = names.iter().any(|name| name.starts_with(&format!("bulky {n} ")));
        assert_eq!(stored, answer.is_ok(), "bulky {n}: {answer:?}");
    }
    store.write(Bulky { name: "after".into() }).await.expect("it goes on");
    world.finish().await;
}

/// Leaves a part of its own open when it fails: nothing of it may stay, whoever fails beside it.
struct FailsInside {
    tenant: uuid::Uuid,
    number: i64,
}

impl Verb for FailsInside {
    type Out = ();

    fn tenant(&self) -> Option<uuid::Uuid> {
        Some(self.tenant)
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let insert =
            "insert into contacts (id, tenant, name, created_at, updated_at) values ($1, $2, 'inside', 0, 0)";
        let id = tx.new_id();
        tx.exec(insert, &[id.into(), self.tenant.into()]).await?;
        let part = tx.savepoint().await?;
        let id = tx.new_id();
        tx.put(insert, &[id.into(), self.tenant.into()]).await?;
        match self.number % 3 {
            0 => Err(Error::conflict("told_to", "told to")),
            1 => Ok(tx.undo(part).await?),
            _ => Ok(tx.keep(part).await?),
        }
    }
}

struct Inside;

impl Verb for Inside {
    type Out = i64;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<i64, Error> {
        let count = tx.one::<(i64,)>("select count(*) from contacts where name = 'inside'", &[]).await?;
        Ok(count.map_or(0, |(count,)| count))
    }
}

on_both!(a_verb_that_fails_inside_of_a_part_leaves_nothing, |engine| async move {
    let world = World::start(engine).await;
    let store = &world.app.store;
    let writes = (0..60).map(|number| store.write(FailsInside { tenant: world.tenant, number }));
    for (number, written) in futures_util::future::join_all(writes).await.into_iter().enumerate() {
        assert_eq!(written.is_err(), number % 3 == 0, "{number}: {written:?}");
    }
    // Of every three one leaves nothing, one a row, one two rows.
    assert_eq!(store.read(Inside).await.expect("a count"), 60);
    world.finish().await;
});
