//! Backups of SQLite while the server writes, and the way back.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Instant;

use hubbub::clock::Clock;
use hubbub::store::Engine;
use hubbub::store::backup::{backup, restore};
use rusqlite::Connection;

use crate::invariants::timelines;
use crate::kit::postgres::Cluster;
use crate::kit::{Client, PATIENCE, World, postgres};
use crate::operator::{Running, error_of, hubbub, serve};

/// A body with so much beside it that a backup takes several steps.
fn large(number: i64) -> serde_json::Value {
    let mut update = World::update(number, 5550160, number, &number.to_string());
    update["padding"] = "x".repeat(300_000).into();
    update
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_one_moment_and_holds_up_nobody() {
    let world = World::start(Engine::Sqlite).await;
    for number in 1..=60 {
        assert_eq!(world.hook(&world.bot, &large(number)).await, 200);
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (from, to) = (world.database.clone(), folder.path().join("copy.db"));
    let written = Arc::new(AtomicU64::new(0));
    let (seen, target) = (Arc::clone(&written), to.clone());
    let copying = tokio::task::spawn_blocking(move || {
        let mut steps = 0;
        let copied = backup(Path::new(&from), &target, &mut |_, _| {
            // Between two steps messages are committed.
            let (before, begun) = (seen.load(SeqCst), Instant::now());
            while seen.load(SeqCst) < before + 2 {
                assert!(begun.elapsed() < PATIENCE, "the writer is held up");
                std::thread::yield_now();
            }
            steps += 1;
        });
        (copied.expect("copied"), steps)
    });
    let mut number = 60;
    while !copying.is_finished() {
        number += 1;
        assert_eq!(world.hook(&world.bot, &World::update(number, 5550160, number, "more")).await, 200);
        written.fetch_add(1, SeqCst);
    }
    let (copied, steps) = copying.await.expect("it ends");
    assert!(steps > 3, "{steps} steps");
    let conn = Connection::open(&to).expect("opens");
    let of = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, i64>(0)).expect(sql);
    let messages = of("select count(*) from messages");
    assert!((60..number).contains(&messages), "{messages} of {number}");
    assert_eq!(messages, of("select last_seq from conversations"), "all of it is of one moment");
    assert_eq!(of("select max(cursor_at) from events"), of("select next_cursor from tenants"));
    assert!(copied.rows > messages);
    drop(conn);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&to).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let left: Vec<_> =
        std::fs::read_dir(&folder).expect("a folder").flatten().map(|file| file.file_name()).collect();
    assert_eq!(left, ["copy.db"], "nothing else is left");
    let again = backup(Path::new(&world.database), &to, &mut |_, _| {}).expect_err("refused").to_string();
    assert!(again.contains("copy.db is there already"), "{again}");
    // What a killed copy left is in nobody's way, although the number of the process is the same.
    let left = folder.path().join(format!("second.db.new-{}", std::process::id()));
    std::fs::write(left, "").expect("left");
    backup(Path::new(&world.database), &folder.path().join("second.db"), &mut |_, _| {}).expect("copied");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_feed_is_another_feed() {
    let world = World::start(Engine::Sqlite).await;
    assert_eq!(world.hook(&world.bot, &World::update(1, 5550161, 1, "kept")).await, 200);
    let folder = tempfile::tempdir().expect("a folder");
    let (database, file) = (world.database.clone(), folder.path().join("copy.db"));
    backup(Path::new(&database), &file, &mut |_, _| {}).expect("copied");
    assert_eq!(world.hook(&world.bot, &World::update(2, 5550161, 2, "lost")).await, 200);
    let room = format!("tenant:{}", world.tenant);
    let seen = world.person("agent@example.com").await.recovered(&room).clone();
    let position =
        (seen["offset"].as_u64().expect("an offset"), seen["epoch"].as_str().expect("an epoch").to_owned());
    world.app.stop().await;

    let restored = restore(&file, Path::new(&database), &Clock::System, &mut |_, _| {}).expect("restored");
    let world = world.restart().await;
    assert_eq!(timelines(&world).await.into_values().collect::<Vec<_>>(), [["kept"]]);
    let api = world.api("agent@example.com").await;
    let back = Client::resume(world.address, &api.token, &room, position).await;
    let sub = back.recovered(&room);
    assert_eq!((sub["was_recovering"].as_bool(), sub.get("recovered")), (Some(true), None), "{sub}");
    assert_eq!(sub["epoch"], restored.epoch.as_str());
    back.close().await;
    // The former database is whole.
    let former = Connection::open(restored.former.expect("kept")).expect("opens");
    let texts: i64 = former
        .query_row("select count(*) from messages where text = 'lost'", [], |row| row.get(0))
        .expect("read");
    assert_eq!(texts, 1);
    world.finish().await;
}

/// As root types it beside a server that is another user; says something only where root runs it.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_root_restores_can_be_opened_by_the_server() {
    use std::os::unix::fs::{MetadataExt as _, chown};
    let world = World::start(Engine::Sqlite).await;
    let folder = tempfile::tempdir().expect("a folder");
    let (database, file) = (world.database.clone(), folder.path().join("copy.db"));
    backup(Path::new(&database), &file, &mut |_, _| {}).expect("copied");
    world.app.stop().await;
    if std::fs::metadata(&folder).expect("there").uid() != 0 {
        return;
    }
    let owner = |file: &Path| {
        let about = std::fs::metadata(file).expect("there");
        (about.uid(), about.gid())
    };
    let database = Path::new(&database);
    chown(database, Some(10_001), Some(10_002)).expect("root may");
    restore(&file, database, &Clock::System, &mut |_, _| {}).expect("restored");
    assert_eq!(owner(database), (10_001, 10_002));
    // The first database of a place has its folder's.
    let place = folder.path().join("data");
    std::fs::create_dir(&place).expect("made");
    chown(&place, Some(10_003), Some(10_004)).expect("root may");
    let first = place.join("hubbub.db");
    restore(&file, &first, &Clock::System, &mut |_, _| {}).expect("restored");
    assert_eq!(owner(&first), (10_003, 10_004));
}

/// As docs/backup.md says.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dump_of_postgres_is_restored_as_another_feed() {
    let world = World::start(Engine::Postgres).await;
    assert_eq!(world.hook(&world.bot, &World::update(1, 5550162, 1, "kept")).await, 200);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("hubbub.dump");
    let database = world.database.clone();
    let dumped = file.clone();
    tokio::task::spawn_blocking(move || postgres::dump_to(&database, &dumped)).await.expect("dumped");
    assert_eq!(world.hook(&world.bot, &World::update(2, 5550162, 2, "lost")).await, 200);
    let room = format!("tenant:{}", world.tenant);
    let seen = world.person("agent@example.com").await.recovered(&room).clone();
    let position =
        (seen["offset"].as_u64().expect("an offset"), seen["epoch"].as_str().expect("an epoch").to_owned());
    world.app.stop().await;

    let restored = postgres::database();
    postgres::restore_dump(&file, &restored);
    let key = &world.app.config.secrets.master_key_file;
    let mut command = hubbub(&["admin", "feed", "begin-anew"]);
    command.env("HUBBUB_DATABASE_URL", &restored).env("HUBBUB_MASTER_KEY_FILE", key);
    let anew = command.output().expect("it runs");
    assert!(anew.status.success(), "{anew:?}");

    let mut world = world;
    world.database = restored;
    let world = world.restart().await;
    assert_eq!(timelines(&world).await.into_values().collect::<Vec<_>>(), [["kept"]]);
    let api = world.api("agent@example.com").await;
    let back = Client::resume(world.address, &api.token, &room, position.clone()).await;
    assert_eq!(back.recovered(&room).get("recovered"), None);
    assert_ne!(back.recovered(&room)["epoch"], position.1.as_str());
    back.close().await;
    world.finish().await;
}

/// As docs/backup.md says.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_goes_back_to_a_point_in_time() {
    let mut cluster = Cluster::archiving();
    let world = World::on(cluster.database()).await;
    let says = async |number, text| {
        // The pool finds out by trying that its connections are gone.
        let body = World::update(number, 5550163, number, text);
        let taken = async { while world.hook(&world.bot, &body).await != 200 {} };
        tokio::time::timeout(PATIENCE, taken).await.expect("the webhook is taken");
    };
    says(1, "in the base backup").await;
    cluster.base();
    says(2, "in the archive").await;
    cluster.point();
    says(3, "too late").await;
    world.app.stop().await;
    cluster.recover();

    let key = &world.app.config.secrets.master_key_file;
    let mut command = hubbub(&["admin", "feed", "begin-anew"]);
    command.env("HUBBUB_DATABASE_URL", &world.database).env("HUBBUB_MASTER_KEY_FILE", key);
    let anew = command.output().expect("it runs");
    assert!(anew.status.success(), "{anew:?}");
    let world = world.restart().await;
    let found: Vec<_> = timelines(&world).await.into_values().collect();
    assert_eq!(found, [["in the base backup", "in the archive"]]);
    world.finish().await;
}

#[test]
fn only_a_database_of_this_version_or_an_older_one_is_put_in_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let [data, file, foreign] = ["data", "copy.db", "foreign.db"].map(|name| folder.path().join(name));
    let run = |args: &[&str]| hubbub(args).env("HUBBUB_DATA_DIR", &data).output().expect("it runs");
    let path = file.to_str().expect("a path");
    let error = error_of(&run(&["backup", "--to", path]));
    assert!(error.contains("there is no database"), "{error}");
    let mut server = Running::start(serve(&data));
    server.says("hubbub listens on ");
    let made = run(&["backup", "--to", path]);
    let said = String::from_utf8_lossy(&made.stdout).into_owned();
    assert!(made.status.success() && said.contains("hubbub.key"), "{made:?}");
    let error = error_of(&run(&["restore", "--from", path]));
    assert!(error.contains("another server works on the database"), "{error}");
    assert!(server.stop().0.success());

    Connection::open(&foreign).and_then(|conn| conn.execute_batch("create table a (b)")).expect("made");
    let error = error_of(&run(&["restore", "--from", foreign.to_str().expect("a path")]));
    assert!(error.contains("is not a database of this server"), "{error}");
    let error = error_of(&run(&["restore", "--from", data.join("hubbub.db").to_str().expect("a path")]));
    assert!(error.contains("is the database itself"), "{error}");
    let newer = "insert into migrations (version, name, digest, applied_at) values (9999, 'later', 'x', 0)";
    let note = |sql: &str| Connection::open(&file).and_then(|conn| conn.execute_batch(sql)).expect("noted");
    note(newer);
    let error = error_of(&run(&["restore", "--from", path]));
    assert!(error.contains("made by a newer version"), "{error}");
    note("delete from migrations where version = 9999");
    let done = run(&["restore", "--from", path]);
    assert!(done.status.success(), "{done:?}");
    let mut server = Running::start(serve(&data));
    server.says("hubbub listens on ");
    assert!(server.stop().0.success());
    let former = std::fs::read_dir(&data).expect("a folder").flatten();
    let former = former.filter(|file| file.file_name().to_string_lossy().contains(".before-")).count();
    assert_eq!(former, 1);
}

/// On a disk that is not mounted it would fill the one on which the folder is.
#[test]
fn a_backup_makes_no_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let [data, unmounted] = ["data", "unmounted"].map(|name| folder.path().join(name));
    let run = |args: &[&str]| hubbub(args).env("HUBBUB_DATA_DIR", &data).output().expect("it runs");
    assert!(run(&["admin", "tenant", "create", "--name", "A shop"]).status.success());
    let error = error_of(&run(&["backup", "--to", unmounted.join("hub.db").to_str().expect("a path")]));
    assert!(error.contains("there is no folder") && error.contains("unmounted"), "{error}");
    assert!(!unmounted.exists());
    // In the working folder.
    let here = hubbub(&["backup", "--to", "hub.db"])
        .current_dir(&folder)
        .env("HUBBUB_DATA_DIR", &data)
        .output()
        .expect("it runs");
    assert!(here.status.success(), "{here:?}");
    assert!(folder.path().join("hub.db").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_with_a_schema_of_somebody_else_is_not_put_in_place() {
    let world = World::start(Engine::Sqlite).await;
    let database = world.database.clone();
    world.app.stop().await;
    let folder = tempfile::tempdir().expect("a folder");
    let copy = |name: &str, sql: &str| {
        let file = folder.path().join(name);
        backup(Path::new(&database), &file, &mut |_, _| {}).expect("copied");
        Connection::open(&file).and_then(|conn| conn.execute_batch(sql)).expect(sql);
        file
    };
    let restored =
        |file: &Path| restore(file, Path::new(&database), &Clock::System, &mut |_, _| {}).map(drop);
    // All of it is in the file.
    let into_file = "pragma wal_checkpoint(truncate)";
    Connection::open(&database).and_then(|conn| conn.execute_batch(into_file)).expect(into_file);
    let before = std::fs::read(&database).expect("the database");
    for (name, sql) in [
        (
            "the trigger promote of installation",
            "create trigger promote after update on installation begin update users set platform_role = 'owner'; end",
        ),
        ("the view everybody", "create view everybody as select * from users"),
        ("the table notes", "create table notes (a text)"),
        ("the column shown of users", "alter table users add column shown text as (email)"),
    ] {
        let error = restored(&copy(name, sql)).expect_err(name).to_string();
        assert!(error.contains(name), "{error}");
    }
    assert_eq!(std::fs::read(&database).expect("the database"), before, "nothing was touched");
    // A backup of a database in which it is says so, long before it is needed.
    let noted = copy("noted.db", "create index by_name on users (name)");
    let again = folder.path().join("again.db");
    let copied = backup(&noted, &again, &mut |_, _| {}).expect("copied");
    assert_eq!(copied.foreign, ["the index by_name of users"]);
    assert!(
        backup(Path::new(&database), &folder.path().join("own.db"), &mut |_, _| {})
            .expect("copied")
            .foreign
            .is_empty()
    );
    let litestream = copy(
        "litestream",
        "create table _litestream_seq (id integer primary key, seq integer); create table _litestream_lock (id integer)",
    );
    restored(&litestream).expect("restored");
}
