//! Migrates a database to the newest schema. One portable set of files serves both engines. An applied file must
//! never be changed: its digest is checked at start.
//!
//! A database with migrations that this version does not know is refused before anything in it is changed.

use aws_lc_rs::digest;

use super::{Engine, StoreError, Tx};
use crate::args;

const FILES: &[(i64, &str, &str)] = &[
    (1, "0001_installation", include_str!("../../migrations/0001_installation.sql")),
    (2, "0002_accounts", include_str!("../../migrations/0002_accounts.sql")),
    (3, "0003_inbox", include_str!("../../migrations/0003_inbox.sql")),
    (4, "0004_work", include_str!("../../migrations/0004_work.sql")),
    (5, "0005_channels", include_str!("../../migrations/0005_channels.sql")),
    (6, "0006_sending", include_str!("../../migrations/0006_sending.sql")),
    (7, "0007_files", include_str!("../../migrations/0007_files.sql")),
    (8, "0008_rules", include_str!("../../migrations/0008_rules.sql")),
    (9, "0009_sources", include_str!("../../migrations/0009_sources.sql")),
    (10, "0010_people", include_str!("../../migrations/0010_people.sql")),
    (11, "0011_reading", include_str!("../../migrations/0011_reading.sql")),
    (12, "0012_leads_and_companies", include_str!("../../migrations/0012_leads_and_companies.sql")),
    (13, "0013_leads", include_str!("../../migrations/0013_leads.sql")),
    (14, "0014_labelled", include_str!("../../migrations/0014_labelled.sql")),
    (15, "0015_nodes", include_str!("../../migrations/0015_nodes.sql")),
    (16, "0016_history", include_str!("../../migrations/0016_history.sql")),
    (17, "0017_standing", include_str!("../../migrations/0017_standing.sql")),
    (18, "0018_history_owner", include_str!("../../migrations/0018_history_owner.sql")),
];

/// The migrations that also create what is the engine's own: its part of the search index, and its statistics.
const SEARCH: i64 = 3;
const STATISTICS: i64 = 13;

const CREATE: &str = "create table if not exists migrations \
    (version bigint primary key, name text not null, digest text not null, applied_at bigint not null)";
const APPLIED: &str = "select version, name, digest from migrations order by version limit 1000";
const NOTE: &str = "insert into migrations (version, name, digest, applied_at) values ($1, $2, $3, $4)";
const INSTALLATION: &str =
    "insert into installation (id, epoch, created_at) values (1, $1, $2) on conflict (id) do nothing";
/// Generated once: browsers recognise the installation by it.
pub(super) const IDENTIFY: &str = "update installation set identity = $1 where id = 1 and identity is null";

/// Fails with [`StoreError::Retry`] if others hold a table for too long.
pub(super) async fn run(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    if let Some(limit) = tx.engine().migration_limit() {
        tx.exec(limit, &[]).await?;
    }
    if let Some(lock) = tx.engine().migration_lock() {
        tx.exec(lock, &[]).await?;
    }
    tx.exec(CREATE, &[]).await?;
    let applied: Vec<(i64, String, String)> = tx.all(APPLIED, &[]).await?;
    check(&applied)?;
    for (version, name, text) in FILES {
        if applied.iter().any(|(known, ..)| known == version) {
            continue;
        }
        for statement in statements(text) {
            tx.exec(statement, &[]).await.map_err(|error| match error {
                StoreError::Retry(why) => StoreError::Retry(format!("migration {name}: {why}")),
                error => StoreError::Engine(format!("migration {name}: {error}")),
            })?;
        }
        for statement in own(tx.engine(), *version) {
            tx.exec(statement, &[]).await?;
        }
        let now = tx.now();
        tx.exec(NOTE, args![*version, *name, &digest(text), now]).await?;
    }
    let (epoch, now) = (super::events::new_epoch(tx), tx.now());
    tx.exec(INSTALLATION, args![&epoch, now]).await?;
    let identity = tx.new_id().simple().to_string().split_off(20);
    tx.exec(IDENTIFY, args![&identity]).await?;
    Ok(())
}

/// What a migration makes on one engine only.
const fn own(engine: Engine, version: i64) -> &'static [&'static str] {
    match version {
        SEARCH => engine.search_schema(),
        STATISTICS => engine.statistics(),
        _ => &[],
    }
}

/// All statements that these of our migrations ran on an engine, in their order.
pub(super) fn statements_of(engine: Engine, applied: &[(i64, String, String)]) -> Vec<&'static str> {
    let mut all = vec![CREATE];
    for (version, _, text) in FILES {
        if applied.iter().any(|(known, ..)| known == version) {
            all.extend(statements(text));
            all.extend(own(engine, *version));
        }
    }
    all
}

fn digest(text: &str) -> String {
    hex::encode(digest::digest(&digest::SHA256, text.as_bytes()))
}

/// A row of `migrations` that no version knows: the database is an unfinished copy of another (`copy.rs`).
pub(super) const COPYING: (i64, &str) = (0, "unfinished copy");

/// The migrations of this version: number, name, digest.
pub(super) fn ours() -> Vec<(i64, String, String)> {
    FILES.iter().map(|(version, name, text)| (*version, (*name).to_owned(), digest(text))).collect()
}

/// Refuses a database that was not migrated by these files.
pub(super) fn check(applied: &[(i64, String, String)]) -> Result<(), StoreError> {
    const ADVICE: &str = "Nothing in it was changed. Let database_url name an empty database or a new file, \
        or start the version that made this one";
    for (version, name, was) in applied {
        let ours = FILES.iter().find(|(known, ..)| known == version);
        let refusal = match ours {
            Some((_, known, text)) if known == name => {
                if digest(text) == *was {
                    continue;
                }
                format!("migration {name} was changed after it had been applied to this database")
            }
            None if *version == COPYING.0 => {
                "this database is an unfinished copy: run `hubbub migrate-store` again, which goes on where it was \
                 interrupted. Nothing in it was changed"
                    .to_owned()
            }
            // The first set of migrations, before the tenant was in every key, was never released.
            Some(_) => format!(
                "this database was made by a version from before the first release (its migration {version} is {name}), \
                 and there is no way from there to this one. {ADVICE}"
            ),
            None => {
                format!("this database was made by a newer version (it has the migration {name}). {ADVICE}")
            }
        };
        return Err(StoreError::Engine(refusal));
    }
    Ok(())
}

/// The statements of a migration file, separated by `;` at the end of a line. No statement contains one.
fn statements(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.split(";\n").map(str::trim).filter(|statement| {
        statement.lines().any(|line| !line.trim().is_empty() && !line.trim_start().starts_with("--"))
    })
}
