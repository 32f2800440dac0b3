//! What `hubbub doctor` finds in a sound installation, and in one of which each part is wrong.

use std::path::Path;

use hubbub::clock::Clock;
use hubbub::config::Config;
use hubbub::doctor::{CHECKS, Finding, Level, examine};
use hubbub::error::Error;
use hubbub::store::{Engine, Tx, Verb};
use rusqlite::Connection;

use crate::kit::World;
use crate::kit::node::Redis;
use crate::on_both;
use crate::operator::{Running, hubbub, serve};

async fn of(config: &Config, check: &str) -> Vec<Finding> {
    let found = examine(config, &Clock::System, &[check.to_owned()]).await;
    assert!(found.iter().all(|finding| finding.check == check && !finding.what.is_empty()), "{found:?}");
    assert!(
        found.iter().all(|finding| finding.level != Level::Fail || !finding.advice.is_empty()),
        "{found:?}"
    );
    found
}

async fn level(config: &Config, check: &str) -> Level {
    of(config, check).await.iter().map(|finding| finding.level).max().expect("a finding")
}

/// The configuration of a world's server, as an operator has it: with the address that was free.
fn config_of(world: &World) -> Config {
    let mut config = (*world.app.config).clone();
    config.server.listen = world.address;
    config
}

on_both!(a_sound_installation_has_no_failure, |engine| async move {
    let world = World::start(engine).await;
    let mut config = config_of(&world);
    for finding in examine(&config, &Clock::System, &[]).await {
        assert!(finding.level != Level::Fail || finding.check == "descriptors", "{finding:?}");
    }
    for check in ["database", "migrations", "master-key", "clock", "server"] {
        assert_eq!(level(&config, check).await, Level::Ok, "{check}");
    }
    // As if a proxy stood there.
    let other = format!("http://localhost:{}", world.address.port());
    config.server.public_url.clone_from(&other);
    assert_eq!(level(&config, "public-url").await, Level::Ok);
    assert!(of(&config, "webhooks").await[0].what.contains(&other));

    config.secrets.master_key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".into();
    let found = of(&config, "master-key").await;
    assert!(found[0].level == Level::Fail && found[0].what.contains("does not have"), "{found:?}");
    config.secrets.master_key.clear();
    config.secrets.master_key_file = "/nowhere/hubbub.key".into();
    assert_eq!(level(&config, "master-key").await, Level::Fail);
    assert!(!Path::new("/nowhere").exists(), "nothing is made");
    world.finish().await;
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_answer_is_told() {
    let world = World::start(Engine::Postgres).await;
    let mut config = config_of(&world);
    let nobody = {
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        free.local_addr().expect("its address")
    };
    config.server.public_url = format!("http://{nobody}");
    // The server answers, its public address does not.
    assert_eq!(level(&config, "public-url").await, Level::Fail);
    assert_eq!(level(&config, "webhooks").await, Level::Fail);
    config.server.listen = nobody;
    config.server.public_url = format!("http://localhost:{}", nobody.port());
    // Nothing runs: start it first.
    for check in ["server", "public-url", "webhooks"] {
        assert_eq!(level(&config, check).await, Level::Warn, "{check}");
    }
    config.store.database_url = format!("postgres://hub@{nobody}/hub");
    assert_eq!(level(&config, "database").await, Level::Fail);
    for check in ["migrations", "master-key", "clock"] {
        assert_eq!(level(&config, check).await, Level::Warn, "{check}");
    }
    config.files.s3_bucket = "files".into();
    config.files.s3_endpoint = format!("http://{nobody}");
    let found = of(&config, "files").await;
    assert!(found[0].level == Level::Fail && found[0].advice.contains("s3_endpoint"), "{found:?}");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schema_that_is_not_ours_is_told() {
    let world = World::start(Engine::Sqlite).await;
    let config = config_of(&world);
    world.app.stop().await;
    let change =
        |sql: &str| Connection::open(&world.database).and_then(|conn| conn.execute_batch(sql)).expect(sql);
    change("insert into migrations (version, name, digest, applied_at) values (9999, 'later', 'x', 0)");
    assert_eq!(level(&config, "migrations").await, Level::Fail);
    change("delete from migrations where version = 9999");
    assert_eq!(level(&config, "migrations").await, Level::Ok);
    change("create trigger noting after update on users begin select 1; end");
    let found = of(&config, "migrations").await;
    assert!(
        found[1].level == Level::Warn && found[1].what.contains("the trigger noting of users"),
        "{found:?}"
    );
    change("drop trigger noting");
    change("delete from migrations where version = (select max(version) from migrations)");
    assert_eq!(level(&config, "migrations").await, Level::Warn);

    let mut config = config;
    assert_eq!(level(&config, "bus").await, Level::Ok);
    config.bus.url = "redis://127.0.0.1:1".to_owned();
    assert_eq!(level(&config, "bus").await, Level::Fail);

    let nothing = tempfile::tempdir().expect("a folder");
    let empty = Config::embedded(&nothing.path().join("data"));
    assert_eq!(level(&empty, "database").await, Level::Warn);
    assert!(examine(&empty, &Clock::System, &["database".into(), "disk".into()]).await.len() == 2);
    assert!(!nothing.path().join("data").exists(), "looking makes nothing");
}

/// A statement of whoever keeps the database.
struct Statement(&'static str);

impl Verb for Statement {
    type Out = ();

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        tx.exec(self.0, &[]).await?;
        Ok(())
    }
}

/// How a commit of the server waits.
struct CommitSetting;

impl Verb for CommitSetting {
    type Out = String;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<String, Error> {
        let found = tx.one::<(String,)>("select current_setting('synchronous_commit')", &[]).await?;
        Ok(found.expect("a setting").0)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_answered_is_durable_on_a_database_that_does_not_wait() {
    let world = World::start(Engine::Postgres).await;
    let off = "do $$ begin execute format('alter database %I set synchronous_commit = off', current_database()); end $$";
    let strict = "do $$ begin execute format('alter database %I set synchronous_commit = remote_apply', current_database()); end $$";
    world.app.store.write(Statement(off)).await.expect("set");
    let world = world.restart().await;
    assert_eq!(world.app.store.write(CommitSetting).await.expect("asked").value, "on");
    let mut config = config_of(&world);
    let has =
        |found: &[Finding], text| found.iter().any(|one| one.level == Level::Warn && one.what.contains(text));
    let found = of(&config, "database").await;
    assert!(has(&found, "synchronous_commit = off") && !has(&found, "lossless_failover"), "{found:?}");
    config.store.lossless_failover = true;
    let found = of(&config, "database").await;
    assert!(has(&found, "synchronous_standby_names is empty"), "{found:?}");

    world.app.store.write(Statement(strict)).await.expect("set");
    let world = world.restart().await;
    assert_eq!(world.app.store.write(CommitSetting).await.expect("asked").value, "remote_apply");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_who_may_make_no_tables_is_told_before_the_start() {
    let world = World::start(Engine::Postgres).await;
    let store = &world.app.store;
    for sql in [
        "do $$ begin create role hubbub_test_reader; exception when duplicate_object then null; end $$",
        "grant select on all tables in schema public to hubbub_test_reader",
        "revoke create on schema public from public",
    ] {
        store.write(Statement(sql)).await.expect(sql);
    }
    let mut config = config_of(&world);
    config.store.database_url = format!("{}?options=-c%20role%3Dhubbub_test_reader", world.database);
    assert_eq!(level(&config, "migrations").await, Level::Ok, "nothing is to be made");
    let last = "delete from migrations where version = (select max(version) from migrations)";
    store.write(Statement(last)).await.expect(last);
    let found = of(&config, "migrations").await;
    assert_eq!(found[0].level, Level::Fail, "{found:?}");
    assert!(found[0].advice.contains("grant create on schema public to hubbub_test_reader"), "{found:?}");
    config.store.database_url.clone_from(&world.database);
    assert_eq!(level(&config, "migrations").await, Level::Warn, "its owner may");
    world.finish().await;
}

#[test]
fn the_exit_code_says_whether_something_is_to_be_done() {
    let folder = tempfile::tempdir().expect("a folder");
    let ask = |listen: &str, args: &[&str]| {
        let mut command = hubbub(&[&["doctor"], args].concat());
        let done = command
            .env("HUBBUB_DATA_DIR", folder.path())
            .env("HUBBUB_LISTEN", listen)
            .output()
            .expect("it runs");
        (done.status.success(), String::from_utf8_lossy(&done.stdout).into_owned())
    };
    let mut server = Running::start(serve(folder.path()));
    let url = server.says("hubbub listens on ");
    let address = url.trim_start_matches("http://");
    let (is_well, said) = ask(address, &["--only", "server", "--strict"]);
    assert!(is_well && said.starts_with("ok    server"), "{said}");
    let (_, said) = ask(address, &[]);
    assert!(CHECKS.iter().all(|(name, _)| said.contains(name)), "{said}");
    assert!(server.stop().0.success());
    let (is_well, said) = ask(address, &["--only", "server"]);
    assert!(is_well && said.contains("-> start it"), "{said}");
    assert!(!ask(address, &["--only", "server", "--strict"]).0);
    let (is_well, said) = ask("nonsense", &[]);
    assert!(!is_well && said.starts_with("fail  configuration  HUBBUB_LISTEN"), "{said}");
}

/// A server that answers need not carry what nodes tell each other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_answers_and_carries_nothing_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = Config::embedded(folder.path());
    let deaf =
        ["--user", "deaf", "on", ">secret", "~*", "+@all", "resetchannels"].map(str::to_owned).to_vec();
    let Some(redis) = Redis::with(deaf) else { return };
    let Some(sentinel) = Redis::sentinel_of(&redis, "") else { return };
    let of_sentinel = sentinel.url().replace("redis://", "redis-sentinel://");
    for good in [redis.url(), format!("{of_sentinel}/main")] {
        config.bus.url = good;
        let found = of(&config, "bus").await;
        assert_eq!(found[0].level, Level::Ok, "{found:?}");
    }
    config.bus.url = redis.url().replace("redis://", "redis://deaf:secret@");
    let found = of(&config, "bus").await;
    assert!(found[0].level == Level::Fail && found[0].what.contains("permission"), "{found:?}");
    // Of a master that is not there.
    redis.command("REPLICAOF 127.0.0.1 1");
    config.bus.url = redis.url();
    let found = of(&config, "bus").await;
    assert!(found[0].level == Level::Fail && found[0].what.contains("replica"), "{found:?}");
}
