//! Brings a database to the newest schema. One portable set of files serves both engines; a file that
//! was applied is never changed, and a changed one is refused by its digest.

use aws_lc_rs::digest;

use super::{StoreError, Tx};
use crate::args;

const FILES: &[(i64, &str, &str)] = &[
    (1, "0001_accounts", include_str!("../../migrations/0001_accounts.sql")),
    (2, "0002_inbox", include_str!("../../migrations/0002_inbox.sql")),
    (3, "0003_work", include_str!("../../migrations/0003_work.sql")),
    (4, "0004_linked_files", include_str!("../../migrations/0004_linked_files.sql")),
    (5, "0005_age_and_work", include_str!("../../migrations/0005_age_and_work.sql")),
    (6, "0006_channel_accounts", include_str!("../../migrations/0006_channel_accounts.sql")),
    (7, "0007_storage", include_str!("../../migrations/0007_storage.sql")),
    (8, "0008_sessions", include_str!("../../migrations/0008_sessions.sql")),
    (9, "0009_waiting_effects", include_str!("../../migrations/0009_waiting_effects.sql")),
    (11, "0011_event_times", include_str!("../../migrations/0011_event_times.sql")),
    (12, "0012_threads", include_str!("../../migrations/0012_threads.sql")),
    (13, "0013_titles", include_str!("../../migrations/0013_titles.sql")),
];

/// The version from which on contacts are found by their terms, and conversations counted as they change: what was
/// there before is looked at once.
const LISTED_SINCE: i64 = 5;

const CREATE: &str = "create table if not exists migrations \
    (version bigint primary key, name text not null, digest text not null, applied_at bigint not null)";
const APPLIED: &str = "select digest from migrations where version = $1";
const NOTE: &str = "insert into migrations (version, name, digest, applied_at) values ($1, $2, $3, $4)";
const INSTALLATION: &str =
    "insert into installation (id, epoch, created_at) values (1, $1, $2) on conflict (id) do nothing";
/// Made once: browsers know the installation by it.
pub(super) const IDENTIFY: &str = "update installation set identity = $1 where id = 1 and identity is null";

pub(super) async fn run(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    if let Some(lock) = tx.engine().migration_lock() {
        tx.exec(lock, &[]).await?;
    }
    tx.exec(CREATE, &[]).await?;
    for (version, name, text) in FILES {
        let digest = hex::encode(digest::digest(&digest::SHA256, text.as_bytes()));
        match tx.one::<(String,)>(APPLIED, args![*version]).await? {
            Some((applied,)) if applied == digest => continue,
            Some(_) => {
                return Err(StoreError::Engine(format!(
                    "migration {name} was changed after it had been applied to this database"
                )));
            }
            None => {}
        }
        for statement in statements(text) {
            tx.exec(statement, &[])
                .await
                .map_err(|error| StoreError::Engine(format!("migration {name}: {error}")))?;
        }
        if *version == LISTED_SINCE {
            super::contact_terms::note_all(tx).await?;
            super::tallies::count_all(tx).await?;
        }
        let now = tx.now();
        tx.exec(NOTE, args![*version, *name, &digest, now]).await?;
    }
    let (epoch, now) = (super::events::new_epoch(tx), tx.now());
    tx.exec(INSTALLATION, args![&epoch, now]).await?;
    let identity = tx.new_id().simple().to_string().split_off(20);
    tx.exec(IDENTIFY, args![&identity]).await?;
    Ok(())
}

/// The statements of a migration file: separated by `;` at the end of a line. None holds one inside.
fn statements(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.split(";\n").map(str::trim).filter(|statement| {
        statement.lines().any(|line| !line.trim().is_empty() && !line.trim_start().starts_with("--"))
    })
}
