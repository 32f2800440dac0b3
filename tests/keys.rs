//! Tenants are walls in the database: the catalogue of a migrated database is read on both engines, and a tenant's table
//! without the tenant first in every key is refused. What statements say is `statements.rs`'s.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hubbub::clock::Clock;
use hubbub::error::Error;
use hubbub::store::{Arg, Effects, Engine, Publisher, Store, StoreConfig, Tx, Verb};
use uuid::Uuid;

use crate::kit::World;
use crate::on_both;

/// Tables that are no tenant's, and why.
pub const OF_THE_INSTALLATION: &[(&str, &str)] = &[
    ("migrations", "what was applied to this database"),
    ("installation", "one row: the epoch and the identity"),
    ("tenants", "the tenants themselves; `id` is the tenant"),
    ("users", "a person may be a member of many tenants"),
    ("sessions", "of a person, not of a membership"),
    ("refresh_tokens", "of a session; found by digest before anybody is known"),
    ("hook_paths", "a directory: a webhook names nothing but its secret"),
    ("key_digests", "a directory: a program names nothing but its key"),
    ("claims", "an account of a provider belongs to one channel of all tenants"),
    (
        "shared_accounts",
        "a delivery about an account names nothing else; its channels may be of many tenants",
    ),
    ("link_codes", "a directory: a visitor's address names nothing but the code"),
    ("apps", "apps of providers: a pool, of which tenants get theirs"),
    ("nodes", "the servers themselves"),
    ("sign_ins", "a browser comes back from a provider with nothing but its state"),
];

/// Indexes of tenants' tables that begin with something else, and what looks through all tenants by them. None is unique.
const ACROSS_TENANTS: &[(&str, &str)] = &[
    ("companies_by_id", "the platform's people and the command line name it by its id alone"),
    ("api_keys_by_id", "as companies_by_id"),
    ("channels_by_id", "as companies_by_id"),
    ("channels_of_app", "a provider tells an app what concerns all its channels"),
    ("channels_to_look_at", "channels of all tenants are looked at in the order of their time"),
    ("channel_health_by_age", "sweep: what is kept for long enough"),
    ("conversations_by_id", "as companies_by_id"),
    ("attachments_by_id", "as companies_by_id"),
    ("files_by_id", "as companies_by_id"),
    ("uploads_by_id", "as companies_by_id"),
    ("files_unfinished", "sweep: uploads that broke off"),
    ("files_unused", "sweep: files that nothing uses"),
    ("uploads_by_age", "sweep: uploads of more than a day"),
    ("api_keys_by_revocation", "nodes look for rights that changed"),
    ("memberships_of_user", "the tenants of a person are asked for before any is known"),
    ("conversations_silent", "sweep: silences that are over"),
    ("pending_changes_by_age", "sweep: what has waited too long"),
    ("turns_due", "sweep: turns whose time has come"),
    ("turns_leased", "sweep: leases that ran out"),
    ("queues_due", "claiming: queues with something to do"),
    ("jobs_claimed", "sweep: jobs whose worker is gone"),
    ("lead_sources_by_id", "a signed lead names nothing but its landing page"),
    ("clicks_by_age", "sweep: references that nobody brought back"),
    ("visits_by_age", "sweep: what is kept for long enough"),
    ("jobs_by_age", "sweep: jobs that wait for too long"),
];

/// An index of PostgreSQL alone: each token begins with the number of a block, which is one tenant's.
const BY_TOKEN: &str = "search_tokens_by_token";

#[derive(Debug, Default, PartialEq, Eq)]
struct Table {
    /// Name and type.
    columns: BTreeSet<(String, String)>,
    primary: Vec<String>,
    /// By name; those of the primary key and of a column's `unique` have none that both engines share.
    indexes: BTreeMap<String, Vec<String>>,
    unique: BTreeSet<Vec<String>>,
    foreign: BTreeSet<(String, Vec<(String, String)>)>,
}

/// What the database says of its tables.
struct Catalogue(Engine);

type Found = BTreeMap<String, Table>;

/// The tokens of the search index, which each engine has in its own way; the tokens begin with the number of a block, which is
/// one tenant's. On SQLite it is a virtual table with tables of its own.
pub const TOKENS: &str = "search_tokens";

const LITE_COLUMNS: &str = "select t.name, c.name, lower(c.type), c.pk from sqlite_master t, pragma_table_info(t.name) c \
    where t.type = 'table' and t.name not like 'sqlite_%' order by t.name, c.pk";
const LITE_INDEXES: &str = "select t.name, l.name, l.\"unique\", c.name from sqlite_master t, pragma_index_list(t.name) l, \
    pragma_index_info(l.name) c where t.type = 'table' order by t.name, l.name, c.seqno";
const LITE_FOREIGN: &str = "select t.name, cast(f.id as text), f.\"table\", f.\"from\", f.\"to\" from sqlite_master t, \
    pragma_foreign_key_list(t.name) f where t.type = 'table' order by t.name, f.id, f.seq";

const PG_COLUMNS: &str = "select t.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod), \
    coalesce(array_position(x.indkey::int2[], a.attnum) + 1, 0)::bigint from pg_class t \
    join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped \
    left join pg_index x on x.indrelid = t.oid and x.indisprimary \
    where t.relkind = 'r' and t.relnamespace = current_schema()::regnamespace order by 1, 4";
const PG_INDEXES: &str = "select t.relname::text, i.relname::text, x.indisunique::int::bigint, a.attname::text \
    from pg_index x join pg_class t on t.oid = x.indrelid join pg_class i on i.oid = x.indexrelid \
    cross join lateral unnest(x.indkey::int2[]) with ordinality k (number, place) \
    join pg_attribute a on a.attrelid = t.oid and a.attnum = k.number \
    where t.relnamespace = current_schema()::regnamespace order by 1, 2, k.place";
const PG_FOREIGN: &str = "select t.relname::text, f.conname::text, r.relname::text, a.attname::text, b.attname::text \
    from pg_constraint f join pg_class t on t.oid = f.conrelid join pg_class r on r.oid = f.confrelid \
    cross join lateral unnest(f.conkey, f.confkey) with ordinality k (here, there, place) \
    join pg_attribute a on a.attrelid = t.oid and a.attnum = k.here \
    join pg_attribute b on b.attrelid = r.oid and b.attnum = k.there \
    where f.contype = 'f' and t.relnamespace = current_schema()::regnamespace order by 1, 2, k.place";

impl Verb for Catalogue {
    type Out = Found;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Found, Error> {
        let [columns, indexes, foreign] = match self.0 {
            Engine::Sqlite => [LITE_COLUMNS, LITE_INDEXES, LITE_FOREIGN],
            Engine::Postgres => [PG_COLUMNS, PG_INDEXES, PG_FOREIGN],
        };
        let mut found = Found::new();
        for (table, column, kind, place) in tx.all::<(String, String, String, i64)>(columns, &[]).await? {
            let table = found.entry(table).or_default();
            if place > 0 {
                table.primary.push(column.clone());
            }
            table.columns.insert((column, kind));
        }
        let mut by_index: BTreeMap<(String, String, bool), Vec<String>> = BTreeMap::new();
        for (table, index, unique, column) in tx.all::<(String, String, i64, String)>(indexes, &[]).await? {
            by_index.entry((table, index, unique == 1)).or_default().push(column);
        }
        for ((table, index, unique), columns) in by_index {
            let table = found.entry(table).or_default();
            if unique {
                table.unique.insert(columns.clone());
            }
            let made = index.starts_with("sqlite_") || index.ends_with("_pkey") || index.ends_with("_key");
            if !made {
                table.indexes.insert(index, columns);
            }
        }
        let mut by_key: BTreeMap<(String, String, String), Vec<(String, String)>> = BTreeMap::new();
        for (table, key, to, here, there) in
            tx.all::<(String, String, String, String, String)>(foreign, &[]).await?
        {
            by_key.entry((table, key, to)).or_default().push((here, there));
        }
        for ((table, _, to), columns) in by_key {
            found.entry(table).or_default().foreign.insert((to, columns));
        }
        Ok(found)
    }
}

fn is_of_the_installation(table: &str) -> bool {
    OF_THE_INSTALLATION.iter().any(|(name, _)| *name == table)
}

fn begins_with_tenant(columns: &[String]) -> bool {
    columns.first().is_some_and(|column| column == "tenant")
}

/// What is wrong with the keys of these tables.
fn faults(found: &Found) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, table) in found {
        let ours = is_of_the_installation(name);
        for (to, columns) in &table.foreign {
            let into_tenant = !is_of_the_installation(to);
            let composite =
                columns.first().is_some_and(|(here, there)| here == "tenant" && there == "tenant");
            if into_tenant && (ours || !composite) {
                faults.push(format!("{name} has a foreign key into {to} by {columns:?}"));
            }
        }
        if ours {
            continue;
        }
        if !begins_with_tenant(&table.primary) {
            faults.push(format!("the primary key of {name} is {:?}", table.primary));
        }
        for columns in table.unique.iter().filter(|columns| !begins_with_tenant(columns)) {
            faults.push(format!("a unique index of {name} is {columns:?}"));
        }
        for (index, columns) in table.indexes.iter().filter(|(_, columns)| !begins_with_tenant(columns)) {
            if index != BY_TOKEN && !ACROSS_TENANTS.iter().any(|(known, _)| known == index) {
                faults.push(format!("the index {index} of {name} is {columns:?}"));
            }
        }
    }
    faults
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tenant_is_first_in_every_key() {
    let mut both = Vec::new();
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let world = World::start(engine).await;
        let found = world.app.store.read(Catalogue(engine)).await.expect("the catalogue");
        world.finish().await;
        assert!(found.len() > 25, "{:?}", found.keys());
        let mut found = found;
        if engine == Engine::Sqlite {
            found.retain(|table, _| !table.starts_with(TOKENS));
        }
        let faults = faults(&found);
        assert!(faults.is_empty(), "{engine:?}:\n{}", faults.join("\n"));
        // The lists name nothing that is not there.
        for (table, _) in OF_THE_INSTALLATION {
            assert!(found.contains_key(*table), "{table}");
        }
        for (index, _) in ACROSS_TENANTS {
            let columns = found.values().find_map(|table| table.indexes.get(*index));
            assert!(!begins_with_tenant(columns.unwrap_or_else(|| panic!("{index}"))), "{index}");
        }
        both.push(found);
    }
    for found in &mut both {
        found.retain(|table, _| !table.starts_with(TOKENS));
    }
    let (lite, postgres) = (&both[0], &both[1]);
    assert_eq!(lite.keys().collect::<Vec<_>>(), postgres.keys().collect::<Vec<_>>());
    for (name, table) in lite {
        assert_eq!(table, &postgres[name], "{name} is another on PostgreSQL");
    }
}

/// The test before is one that can fail.
#[test]
fn a_key_without_the_tenant_is_refused() {
    let strings = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let pairs = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), "id".to_owned())).collect();
    let mut found = Found::new();
    let mut notes = Table { primary: strings(&["id"]), ..Table::default() };
    notes.unique.insert(strings(&["conversation", "tenant"]));
    notes.indexes.insert("notes_by_time".into(), strings(&["created_at"]));
    notes.foreign.insert(("conversations".into(), pairs(&["conversation"])));
    notes.foreign.insert(("users".into(), pairs(&["user_id"])));
    found.insert("notes".into(), notes);
    let mut claims = Table { primary: strings(&["claim"]), ..Table::default() };
    claims.foreign.insert(("channels".into(), pairs(&["tenant", "channel"])));
    found.insert("claims".into(), claims);
    assert_eq!(faults(&found).len(), 5, "{:?}", faults(&found));
}

/// A row of one tenant that names a thing of another.
struct Stray {
    sql: &'static str,
    tenant: Uuid,
    of_another: Uuid,
}

impl Verb for Stray {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        Some(self.tenant)
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let args = [Arg::from(self.tenant), Arg::from(tx.new_id()), Arg::from(self.of_another)];
        tx.exec(self.sql, &args).await?;
        Ok(())
    }
}

on_both!(no_row_points_into_another_tenant, |engine| async move {
    let world = World::start(engine).await;
    let other = hubbub::accounts::tenants::CreateTenant { name: "Other".into() };
    let tenant = world.app.store.write(other).await.expect("a tenant").value.id;
    world.telegram.customer_says(5550001, "Hello");
    let mut manager = world.person("agent@example.com").await;
    let api = world.api("agent@example.com").await;
    let conversation = loop {
        if let Some(one) = api.inbox().await.first() {
            break one["id"].as_str().expect("an id").parse().expect("an id");
        }
        manager.event("message.created").await;
    };
    let strays = [
        (
            "insert into messages (tenant, id, conversation, channel, seq, direction, kind, author_kind, status, created_at, \
             reactions) values ($1, $2, $3, $2, 1, 'in', 'text', 'customer', 'received', 0, '[]')",
            conversation,
        ),
        (
            "insert into turns (tenant, id, company, channel, conversation, state, epoch, first_seq, last_seq, message_count, \
             window_at, due_at, attempt, supersedes, opened_at) \
             values ($1, $2, $2, $2, $3, 'answered', 1, 1, 1, 1, 0, 0, 0, 0, 0)",
            conversation,
        ),
        (
            "insert into connections (tenant, channel, external_id, enabled, updated_at) \
             select $1, $3, 'x', true, 0 from tenants where id = $1 and id <> $2",
            world.bot.id,
        ),
        (
            "insert into channels (tenant, id, company, kind, name, state, hook_token, sealed, settings, created_at, updated_at) \
             values ($1, $2, $3, 'telegram', 'x', 'active', 'x', '', '{}', 0, 0)",
            world.bot.company,
        ),
    ];
    for (sql, of_another) in strays {
        let refused = world.app.store.write(Stray { sql, tenant, of_another }).await;
        let Err(error) = refused else { panic!("it was written: {sql}") };
        let error = error.to_string().to_lowercase();
        assert!(error.contains("foreign key") || error.contains("internal"), "{error}\n{sql}");
    }
    world.finish().await;
});

struct Nobody;

impl Publisher for Nobody {
    fn publish(&self, _: Effects) {}
}

/// Makes a database that of the versions before the first release.
struct Before(&'static str, i64);

impl Verb for Before {
    type Out = ();

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        tx.exec(
            "update migrations set name = $1, version = $2 where version = 1",
            &[self.0.into(), self.1.into()],
        )
        .await?;
        Ok(())
    }
}

on_both!(a_database_of_other_migrations_is_refused_at_the_start, |engine| async move {
    for (name, version, says) in [
        ("0001_accounts", 1, "before the first release (its migration 1 is 0001_accounts)"),
        ("9999_threads", 9_999, "newer version (it has the migration 9999_threads)"),
    ] {
        let world = World::start(engine).await;
        world.app.store.write(Before(name, version)).await.expect("another set");
        world.app.stop().await;
        let config = StoreConfig::new(world.database.clone(), 2);
        let refused =
            Store::open(&config, Clock::System, Arc::new(Nobody)).await.err().expect("a refusal").to_string();
        assert!(refused.contains(says), "{refused}");
        assert!(refused.contains("database_url"), "{refused}");
    }
});
