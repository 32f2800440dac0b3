//! The database as the configuration names it: reachable, of which version, opened by the master key, of the same time.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Judged, Patient};
use crate::app::installation;
use crate::model::NodeState;
use crate::store::inspect::{Closed, Inspection, Schema, inspect, standby};
use crate::store::{Engine, Standing, StoreError};
use crate::vault::key_file;

/// Milliseconds between two clocks.
const SOME_SKEW: i64 = 1_000;
const MUCH_SKEW: i64 = 30_000;
const SYNCHRONISE: &str =
    "synchronise both (chrony, systemd-timesyncd): leases and schedules of several nodes go by their clocks";

pub(super) async fn look(patient: &Patient<'_>) -> Result<Inspection, StoreError> {
    inspect(&patient.config.store.database_url, patient.clock).await
}

fn unknown() -> Judged {
    Judged::warn("not known without the database", "")
}

pub(super) async fn reachable(patient: &Patient<'_>) -> Judged {
    if let Some(file) = installation::database_file(patient.config)
        && !file.exists()
    {
        return Judged::warn(
            format!("there is no database at {}", file.display()),
            "start `hubbub serve`, which makes one, or name its place with data_dir",
        );
    }
    match look(patient).await {
        Ok(found) => {
            let is_lossless = patient.config.store.lossless_failover;
            let faults = found.durability.map_or_else(Vec::new, |durability| durability.faults(is_lossless));
            let tell = |judged: Judged, (what, advice): (&str, &str)| judged.and_warn(what, advice);
            faults.into_iter().fold(Judged::ok(found.engine), tell)
        }
        Err(StoreError::Unfit { what, remedy }) => Judged::fail(what, remedy),
        Err(error @ StoreError::ReadOnly(_)) => Judged::fail(
            error.to_string(),
            "name the server that takes writes in database_url, or all that may, separated by commas",
        ),
        Err(error) => {
            Judged::fail(error.to_string(), "check database_url: address, name, user, password, sslmode")
        }
    }
}

pub(super) async fn replica(patient: &Patient<'_>) -> Judged {
    let store = &patient.config.store;
    if store.replica_url.is_empty() {
        return Judged::ok("none: the database itself answers all reads");
    }
    let Ok(Inspection { schema: Schema::Current { .. }, .. }) = look(patient).await else { return unknown() };
    let wait = Duration::from_millis(store.replica_lag_ms);
    match standby(&store.database_url, &store.replica_url, wait).await {
        Ok((Standing::Up, took)) => {
            Judged::ok(format!("a standby of the database, {} ms behind", took.as_millis()))
        }
        Ok((Standing::Behind, _)) => Judged::warn(
            format!("more than {} ms behind the database, which answers meanwhile", wait.as_millis()),
            "see in pg_stat_replication of the primary why it does not follow, or raise replica_lag_ms",
        ),
        Ok((standing, _)) => Judged::fail(
            standing.to_string(),
            "name a standby of database_url's primary in replica_url; until then the database answers itself",
        ),
        Err(error) => Judged::fail(
            error.to_string(),
            "check replica_url: address, name, user, password, sslmode; until then the database answers itself",
        ),
    }
}

pub(super) async fn migrations(patient: &Patient<'_>) -> Judged {
    let Ok(found) = look(patient).await else { return unknown() };
    if let (Schema::None | Schema::Older { .. }, Some(closed)) = (&found.schema, &found.closed) {
        return cannot_migrate(closed);
    }
    let judged = match found.schema {
        Schema::None => Judged::warn("the database is empty", "start `hubbub serve`, which makes the tables"),
        Schema::Current { version } => Judged::ok(format!("version {version} of the schema, the newest")),
        Schema::Older { applied, of } => Judged::warn(
            format!("{applied} of {of} migrations are applied"),
            "the next start of `hubbub serve` applies the others: make a backup first (docs/backup.md)",
        ),
        Schema::Refused(why) => Judged::fail(why, "no server of this version starts on it"),
    };
    if found.foreign.is_empty() {
        return judged;
    }
    judged.and_warn(
        format!("the file has in its schema what this server did not make: {}", found.foreign.join(", ")),
        "a trigger or a view of somebody else works with all that is written: remove what nobody knows of; a backup with it \
         is not restored",
    )
}

/// Tables are still to be made, and none can be.
fn cannot_migrate(closed: &Closed) -> Judged {
    let Closed { schema, user } = closed;
    match schema {
        Some(schema) => Judged::fail(
            format!(
                "migrations are to be applied, and the user {user} may not make tables in the schema {schema} (since \
                 PostgreSQL 15 nobody but the database's owner may, unless it is granted)"
            ),
            format!("as the owner of the database: grant create on schema {schema} to {user}"),
        ),
        None => Judged::fail(
            format!("migrations are to be applied, and no schema of the user {user}'s search_path exists"),
            format!(
                "as the owner of the database: create schema authorization {user}, or mend its search_path"
            ),
        ),
    }
}

pub(super) async fn master_key(patient: &Patient<'_>) -> Judged {
    let secrets = &patient.config.secrets;
    let has_file = secrets.master_key_file.exists();
    let Ok(found) = look(patient).await else { return unknown() };
    // Opening the vault would make a key file.
    if secrets.master_key.is_empty() && !has_file {
        let what = format!("there is no key file at {}", secrets.master_key_file.display());
        return match found.sealed {
            Some(_) => Judged::fail(
                what,
                "put it back, or name its place with master_key_file: without it no channel's credentials open",
            ),
            None => Judged::warn(what, "the first start makes one; on several nodes set master_key instead"),
        };
    }
    let vault = match key_file::vault(&secrets.master_key, &secrets.master_key_file, &secrets.old_master_keys)
    {
        Ok(vault) => vault,
        Err(error) => {
            return Judged::fail(format!("{error:#}"), "write 32 bytes in base64: openssl rand -base64 32");
        }
    };
    let Some((channel, sealed)) = found.sealed else {
        return Judged::ok("a key is there, and nothing is sealed yet");
    };
    match vault.open(&format!("channel:{channel}"), &sealed) {
        Ok(_) => Judged::ok("opens the credentials that are stored"),
        Err(error) => Judged::fail(
            format!("{error:#}"),
            "set the key with which the credentials were sealed, or add it to old_master_keys",
        ),
    }
}

pub(super) async fn clock(patient: &Patient<'_>) -> Judged {
    if Engine::of(&patient.config.store.database_url) == Engine::Sqlite {
        return Judged::ok("the database is on this machine");
    }
    let Ok(Inspection { skew_ms: Some(skew), .. }) = look(patient).await else { return unknown() };
    let what = format!("{skew} ms between this machine and the database");
    match skew.abs() {
        0..SOME_SKEW => Judged::ok(what),
        SOME_SKEW..MUCH_SKEW => Judged::warn(what, SYNCHRONISE),
        _ => Judged::fail(what, SYNCHRONISE),
    }
}

pub(super) async fn nodes(patient: &Patient<'_>) -> Judged {
    if Engine::of(&patient.config.store.database_url) == Engine::Sqlite {
        return Judged::ok("one server works with a SQLite file");
    }
    let Ok(Inspection { nodes: Some(listed), .. }) = look(patient).await else { return unknown() };
    let count = listed.live().count();
    let mut judged = Judged::ok(if count == 0 { "none runs".to_owned() } else { format!("{count} running") });
    for node in &listed.nodes {
        let who = format!("{} ({})", node.name, node.address);
        let silent_s = node.silent_ms(listed.now) / 1_000;
        judged = match node.state_at(listed.now) {
            NodeState::Silent => judged.and_warn(
                format!("nothing was heard of {who} for {silent_s} s"),
                "start it, or see whether it reaches the database; it is left out an hour after its last sign",
            ),
            NodeState::NotReady => {
                judged.and_warn(format!("{who} is not ready"), "run `hubbub doctor` with its configuration")
            }
            NodeState::Ready | NodeState::Draining => judged,
        };
        let skew = node.clock_at - node.seen_at;
        if skew.abs() >= SOME_SKEW {
            judged =
                judged.and_warn(format!("the clock of {who} is {skew} ms off the database's"), SYNCHRONISE);
        }
    }
    let versions: BTreeSet<_> = listed.live().map(|node| node.version.as_str()).collect();
    if versions.len() > 1 {
        let versions: Vec<_> = versions.into_iter().collect();
        judged = judged.and_warn(
            format!("they run different versions: {}", versions.join(", ")),
            "that is right for the time of an update only: restart those that are behind",
        );
    }
    judged
}
