//! The filling of a database and its check, on the real schema: what is made keeps every promise, and what is broken
//! afterwards is named.

use std::path::{Path, PathBuf};
use std::process::Command;

use rusqlite::Connection;
use serde_json::Value;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("loadtest-grow-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The statements of all migrations, cut as the server cuts them, and those that note them as applied.
fn schema() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut all = vec![
        "create table migrations (version bigint primary key, name text not null, digest text not null, \
         applied_at bigint not null)"
            .to_owned(),
    ];
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap();
        let says_something = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with("--");
        let cut = text.split(";\n").filter(|statement| statement.lines().any(says_something));
        all.extend(cut.map(|statement| statement.trim().trim_end_matches(';').to_owned()));
        let name = file.file_stem().unwrap().display();
        let version: i64 = name.to_string()[..4].parse().unwrap();
        all.push(format!("insert into migrations values ({version}, '{name}', '', 0)"));
    }
    all.push("insert into installation (id, epoch, created_at) values (1, 'e', 0)".to_owned());
    all
}

/// Tenant, company, channel and owner, as the operator makes them.
const SHOP: [&str; 6] = [
    "insert into tenants (id, name, next_cursor, created_at) values ({1}, 'Shop', 1, 0)",
    "insert into companies (tenant, id, name, kind, created_at) values ({1}, {2}, 'Shop', 'product', 0)",
    "insert into channels (id, tenant, company, kind, name, state, hook_token, sealed, settings, health, created_at, updated_at) \
     values ({3}, {1}, {2}, 'telegram', 'Bot', 'active', 'h', 's', '{}', null, 0, 0)",
    "insert into hook_paths (token, tenant, channel) values ('h', {1}, {3})",
    "insert into users values ({4}, 'owner@example.com', 'Owner', 'x', null, true, 0, 0)",
    "insert into memberships values ({1}, {4}, 'owner', null, 0)",
];
const TENANT: &str = "01900000-0000-7000-8000-000000000001";
const CHANNEL: &str = "01900000-0000-7000-8000-000000000003";

fn shop(id: impl Fn(&str) -> String) -> Vec<String> {
    let put = |statement: &&str| {
        (1..=4).fold((*statement).to_owned(), |text, number| {
            let whole = format!("01900000-0000-7000-8000-00000000000{number}");
            text.replace(&format!("{{{number}}}"), &id(&whole))
        })
    };
    SHOP.iter().map(put).collect()
}

/// Exit code and JSON report.
fn loadtest(folder: &Folder, database: &str, more: &[&str]) -> (Option<i32>, Value, String) {
    let report = folder.file("report.json");
    let output = Command::new(env!("CARGO_BIN_EXE_loadtest"))
        .args(["grow", "--database", database, "--json", &report])
        .args(more)
        .output()
        .unwrap();
    let text = std::fs::read_to_string(&report).unwrap_or_default();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), serde_json::from_str(&text).unwrap_or_default(), said)
}

const SMALL: &[&str] = &[
    "--conversations",
    "250",
    "--messages",
    "2000",
    "--turns",
    "500",
    "--tenants",
    "10",
    "--dead-channel-jobs",
    "30",
];

#[test]
fn a_grown_database_keeps_its_promises_and_a_broken_one_is_named() {
    let folder = Folder::new("sqlite");
    let file = folder.file("hub.db");
    let conn = Connection::open(&file).unwrap();
    conn.execute_batch("pragma journal_mode = wal").unwrap();
    let (code, _, said) = loadtest(&folder, &file, SMALL);
    assert_eq!(code, Some(2));
    assert!(said.contains("start the server once"), "{said}");
    let literal = |id: &str| format!("x'{}'", id.replace('-', ""));
    for statement in schema().into_iter().chain(shop(literal)) {
        conn.execute_batch(&statement).unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    let indexes = |conn: &Connection| -> Vec<String> {
        let sql = "select sql from sqlite_master where sql is not null order by name";
        let mut found = conn.prepare(sql).unwrap();
        found.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let before = indexes(&conn);
    drop(conn);

    let into = ["--into-tenant", TENANT, "--into-channel", CHANNEL];
    let (code, report, said) = loadtest(&folder, &file, &[SMALL, &into].concat());
    assert_eq!(code, Some(0), "{said}\n{report:#}");
    let rows = |table: &str| report["rows"][table].as_u64().unwrap();
    assert_eq!((rows("messages"), rows("conversations"), rows("jobs")), (2_000, 250, 30));
    assert!((300..=600).contains(&rows("turns")), "{} turns", rows("turns"));
    for (table, rows) in report["rows"].as_object().unwrap() {
        assert!(rows.as_u64() > Some(0), "nothing in {table}");
    }
    let conn = Connection::open(&file).unwrap();
    assert_eq!(indexes(&conn), before);
    let number = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(number("select count(*) from pragma_foreign_key_check"), 0);
    let share = number(&format!("select count(*) from conversations where tenant = {}", literal(TENANT)));
    assert!((40..=110).contains(&share), "{share} conversations of the tenant that was there");
    assert!(number("select count(*) from conversations where state = 'open'") > 30);
    assert_eq!(conn.query_row("pragma journal_mode", [], |row| row.get::<_, String>(0)).unwrap(), "wal");

    let (code, _, said) = loadtest(&folder, &file, SMALL);
    assert_eq!(code, Some(2));
    assert!(said.contains("only a fresh installation"), "{said}");
    drop(conn);
    let copy = folder.file("broken.db");
    for (broken, named) in [
        ("update messages set seq = seq + 100000 where rowid = 500", "seq is gap-free"),
        ("update messages set inbound_count = inbound_count + 1 where rowid = 500", "inbound_count"),
        (
            "update conversations set waiting_since = 1 where rowid = (select min(rowid) from conversations \
             where waiting_since is null)",
            "nobody else",
        ),
        ("update conversations set bucket = 'x' where rowid = 3", "buckets follow"),
        ("update conversations set last_message = replace(last_message, '#', '%')", "last_message is"),
        ("update tallies set amount = amount + 1 where rowid = 1", "tallies are"),
        ("update tenants set next_cursor = next_cursor + 1 where rowid = 2", "no gaps up to"),
        (
            "delete from events where (tenant, cursor_at) in (select tenant, max(cursor_at) - 1 from events \
             group by tenant having count(*) > 2)",
            "no gaps up to",
        ),
        ("delete from jobs where rowid = (select min(rowid) from jobs)", "queues know"),
        ("update reads set inbound_count = inbound_count + 1 where rowid = 1", "read marks"),
        ("delete from deliveries where rowid = 7", "has its parts"),
        ("update contact_merges set state = 'undone'", "for a reason that holds"),
        ("delete from file_uses", "used by its attachment"),
        ("update links set visits = 0", "know their visits"),
        ("update turns set message_count = 9 where rowid = 1", "a turn holds"),
        ("delete from contact_terms where contact = (select min(id) from contacts)", "found by something"),
    ] {
        std::fs::copy(&file, &copy).unwrap();
        let conn = Connection::open(&copy).unwrap();
        conn.execute_batch(&format!("pragma foreign_keys = off; {broken}")).unwrap();
        drop(conn);
        let (code, report, _) = loadtest(&folder, &copy, &["--check"]);
        assert_eq!(code, Some(1), "{broken}");
        assert!(report["problems"].to_string().contains(named), "{broken}: {}", report["problems"]);
    }
}

#[tokio::test]
async fn postgres_is_grown_alike() {
    let Ok(server) = std::env::var("HUBBUB_TEST_POSTGRES") else {
        eprintln!("skipped: HUBBUB_TEST_POSTGRES names no server");
        return;
    };
    let folder = Folder::new("postgres");
    let name = format!("loadtest_grow_{}", std::process::id());
    let connect = async |url: &str| {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    };
    let root = connect(&server).await;
    root.batch_execute(&format!("create database {name}")).await.unwrap();
    let (base, _) = server.rsplit_once('/').unwrap();
    let url = format!("{base}/{name}");
    let client = connect(&url).await;
    for statement in schema().into_iter().chain(shop(|id| format!("'{id}'"))) {
        client.batch_execute(&statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    let indexes = "select count(*) from pg_indexes where schemaname = 'public'";
    let before: i64 = client.query_one(indexes, &[]).await.unwrap().get(0);
    let into = ["--into-tenant", TENANT, "--into-channel", CHANNEL];
    let (code, report, said) = loadtest(&folder, &url, &[SMALL, &into].concat());
    let after: i64 = client.query_one(indexes, &[]).await.unwrap().get(0);
    drop(client);
    let _ = root.batch_execute(&format!("drop database {name} with (force)")).await;
    assert_eq!(code, Some(0), "{said}\n{report:#}");
    assert_eq!((report["rows"]["messages"].as_u64(), after), (Some(2_000), before));
}
