//! An installation moves from SQLite to PostgreSQL: every table, also after an interruption, and nothing else counts as
//! finished.

use std::path::Path;

use hubbub::clock::Clock;
use hubbub::error::StoreError;
use hubbub::store::Engine;
use hubbub::store::copy::{Copying, Done, Step, copy};
use rusqlite::Connection;
use tokio_postgres::NoTls;

use crate::invariants::{feed, timelines};
use crate::kit::postgres::database;
use crate::kit::{World, logs};

mod rows;

/// Small batches, so that tables are interrupted in the middle.
const COPYING: Copying = Copying { batch_rows: 3 };

async fn copied(from: &str, to: &str) -> Result<Done, StoreError> {
    copy(Path::new(from), to, &COPYING, &Clock::System, &mut |_| {}).await
}

/// Copies until so many rows of a table are there, and is then interrupted.
async fn interrupted(from: &str, to: &str, table: &str, rows: u64) {
    let there = tokio::sync::Notify::new();
    let mut tell = |step: &Step<'_>| {
        if matches!(step, Step::Rows { table: here, rows: done, .. } if *here == table && *done >= rows) {
            there.notify_one();
        }
    };
    tokio::select! {
        biased;
        () = there.notified() => {}
        done = copy(Path::new(from), to, &COPYING, &Clock::System, &mut tell) => panic!("not interrupted: {done:?}"),
    }
}

/// What PostgreSQL answers to one question, as a number.
async fn number(url: &str, sql: &str) -> i64 {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("connected");
    let asked = async move { client.query_one(sql, &[]).await.map(|row| row.get(0)) };
    let (found, _) = tokio::join!(asked, connection);
    found.expect(sql)
}

async fn change(url: &str, sql: &str) {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("connected");
    let asked = async move { client.batch_execute(sql).await };
    let (done, _) = tokio::join!(asked, connection);
    done.expect(sql);
}

/// A stopped server's file with rows in every table.
async fn full() -> World {
    let world = World::start(Engine::Sqlite).await;
    for number in 1..=10 {
        assert_eq!(world.hook(&world.bot, &World::update(number, 5550150, number, "Ünï — код")).await, 200);
    }
    world.app.stop().await;
    rows::fill(&world.database, world.tenant);
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_table_is_copied_and_an_interrupted_copy_goes_on() {
    let (world, to) = (full().await, database());
    interrupted(&world.database, &to, "events", 3).await;
    let refused = hubbub_refuses(&to).await;
    assert!(refused.contains("unfinished copy"), "{refused}");
    interrupted(&world.database, &to, "messages", 6).await;
    assert_eq!(number(&to, "select count(*) from messages").await, 6);

    let mut resumed = 0;
    let mut told = |step: &Step| match step {
        Step::Resumes { rows } => resumed = *rows,
        Step::Rows { table, .. } => assert_ne!(*table, "tenants", "it is there already"),
        Step::Verifies => {}
        Step::LeavesOut { objects } => panic!("{objects:?} are the server's own"),
    };
    let done =
        copy(Path::new(&world.database), &to, &COPYING, &Clock::System, &mut told).await.expect("copied");
    assert!(resumed > 10 && done.rows > resumed, "{resumed} {done:?}");

    let conn = Connection::open(&world.database).expect("opens");
    for table in rows::tables(&conn) {
        let sql = format!("select count(*) from {}", table.name);
        let here: i64 = conn.query_row(&sql, [], |row| row.get(0)).expect("counted");
        let there = number(&to, &sql).await;
        let expected = match table.name.as_str() {
            // The index is built anew, and nodes enter themselves.
            "search_blocks" | "search_documents" | "nodes" => 0,
            "consumer_cursors" => {
                let other = "select count(*) from consumer_cursors where consumer <> 'search'";
                conn.query_row(other, [], |row| row.get(0)).expect("counted")
            }
            _ => here,
        };
        assert!(here > 0, "{} has no row in this test", table.name);
        assert_eq!(there, expected, "{}", table.name);
    }
    let again = copied(&world.database, &to).await.expect_err("refused").to_string();
    assert!(again.contains("is not empty"), "{again}");
}

/// What a server says that is to start there.
async fn hubbub_refuses(url: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = hubbub::config::Config::embedded(folder.path());
    config.store.database_url = url.to_owned();
    let started = hubbub::app::App::start(config, Clock::System).await;
    format!("{:#}", started.err().expect("refused"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_other_tools_put_into_the_file_is_told_and_left_out() {
    let (world, to) = (full().await, database());
    let conn = Connection::open(&world.database).expect("opens");
    conn.execute_batch(
        "create table _litestream_seq (id integer primary key, seq integer); \
         create table _litestream_lock (id integer); \
         create table notes (id text primary key, a text); insert into notes values ('1', 'x'); \
         create trigger noting after insert on notes begin delete from notes; end",
    )
    .expect("made");
    let (mut told, mut rows) = (Vec::new(), 0);
    let mut tell = |step: &Step| match step {
        Step::LeavesOut { objects } => {
            assert_eq!(rows, 0, "before anything is copied");
            told = objects.to_vec();
        }
        Step::Rows { .. } => rows += 1,
        Step::Resumes { .. } | Step::Verifies => {}
    };
    copy(Path::new(&world.database), &to, &COPYING, &Clock::System, &mut tell).await.expect("copied");
    for name in ["_litestream_seq", "_litestream_lock", "notes", "the trigger noting of notes"] {
        assert!(told.iter().any(|one| one.contains(name)), "{name}: {told:?}");
    }
    assert_eq!(number(&to, "select count(*) from pg_class where relname = 'notes'").await, 0);

    // What stands in our own tables would be lost: that is refused, and nothing begins.
    conn.execute_batch("alter table contacts add column shoe_size bigint").expect("changed");
    let other = database();
    let error = copied(&world.database, &other).await.expect_err("refused").to_string();
    assert!(error.contains("the column shoe_size of contacts"), "{error}");
    assert_eq!(number(&other, "select count(*) from pg_class where relname = 'migrations'").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_differs_is_found() {
    let (world, to) = (full().await, database());
    interrupted(&world.database, &to, "messages", 6).await;
    change(&to, "update contacts set name = 'Somebody else'").await;
    let error = copied(&world.database, &to).await.expect_err("found").to_string();
    assert!(error.contains("contacts (") && error.contains("some differ"), "{error}");
    assert!(!error.contains("messages ("), "{error}");
    assert!(hubbub_refuses(&to).await.contains("unfinished copy"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_an_empty_target_and_the_same_source_will_do() {
    let (world, to) = (full().await, database());
    let foreign = database();
    change(&foreign, "create table theirs (id int)").await;
    let error = copied(&world.database, &foreign).await.expect_err("refused").to_string();
    assert!(error.contains("is not empty") && error.contains("theirs"), "{error}");
    assert_eq!(number(&foreign, "select count(*) from pg_class where relname = 'migrations'").await, 0);

    interrupted(&world.database, &to, "messages", 6).await;
    let conn = Connection::open(&world.database).expect("opens");
    // As a server does that was started again on the source.
    conn.execute_batch("update tenants set next_cursor = next_cursor + 1").expect("changed");
    let error = copied(&world.database, &to).await.expect_err("refused").to_string();
    assert!(error.contains("has changed since"), "{error}");

    let unmade = "delete from migrations where version = (select max(version) from migrations)";
    conn.execute_batch(unmade).expect("changed");
    let error = copied(&world.database, &database()).await.expect_err("refused").to_string();
    assert!(error.contains("start `hubbub serve` on it once"), "{error}");

    let used = World::start(Engine::Postgres).await;
    let other = full().await;
    let error = copied(&other.database, &used.database).await.expect_err("refused").to_string();
    assert!(error.contains("used by a server"), "{error}");
    used.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_goes_on_with_the_copy() {
    logs::init();
    let world = World::start(Engine::Sqlite).await;
    for (number, chat, text) in [(1, 5550151, "One"), (2, 5550152, "Two lanterns"), (3, 5550151, "Three")] {
        assert_eq!(world.hook(&world.bot, &World::update(number, chat, number, text)).await, 200);
    }
    let (before, events) = (timelines(&world).await, feed(&world).await);
    world.app.stop().await;
    let to = database();
    copied(&world.database, &to).await.expect("copied");

    let mut world = world;
    world.database = to;
    let world = world.restart().await;
    assert_eq!(timelines(&world).await, before);
    assert_eq!(feed(&world).await[..events.len()], events[..]);
    // The secrets open, and the next message is next in its conversation.
    assert_eq!(world.hook(&world.bot, &World::update(4, 5550151, 4, "Four")).await, 200);
    assert!(timelines(&world).await.into_values().any(|texts| texts == ["One", "Three", "Four"]));
    let api = world.api("owner@example.com").await;
    let path = format!("/api/v1/search?q=lanterns&tenant={}", world.tenant);
    let found = async {
        loop {
            let (status, page) = api.get(&path).await;
            assert_eq!(status, 200, "{page}");
            if page["hits"].as_array().is_some_and(|hits| hits.len() == 1) {
                break;
            }
        }
    };
    tokio::time::timeout(crate::kit::PATIENCE, found).await.expect("the index is built anew");
    world.finish().await;
}
