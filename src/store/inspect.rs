//! Looks at a database without changing it: a server that opens a store migrates it.

use std::path::Path;
use std::time::Duration;

use rusqlite::OptionalExtension as _;
use uuid::Uuid;

use super::dialect::POSTGRES_CLOCK;
use super::history::ANY_LEFT;
use super::history_term::{self, HistoryClaim};
use super::nodes::{self, Listed, Node};
use super::postgres::durability::Durability;
use super::postgres::{connect, fit, replica};
use super::{Engine, FromRow as _, Row, Standing, StoreError, backup, migrate, schema};
use crate::clock::Clock;

const PATIENCE: Duration = Duration::from_secs(5);
/// What its connections are called.
const NAME: &str = "hubbub doctor";

const APPLIED: &str = "select version, name, digest from migrations order by version";
const SEALED: &str = "select id, sealed from channels order by tenant, id limit 1";
const LIBRARY: &str = "select library from installation where id = 1";
const LITE_TABLE: &str = "select count(*) from sqlite_master where type = 'table' and name = 'migrations'";
/// Nothing where no schema of the search path exists.
const PG_MAY_CREATE: &str = "select coalesce(has_schema_privilege(current_schema()::text, 'CREATE'), false), current_schema()::text, current_user::text";
const PG_TABLE: &str = "select count(*) from pg_class where relname = 'migrations' and relnamespace = current_schema()::regnamespace";

type Applied = Vec<(i64, String, String)>;

#[derive(Clone, Debug)]
pub struct Inspection {
    /// The engine and its version.
    pub engine: String,
    pub schema: Schema,
    /// The clock of the database, less ours; `None` where both are one.
    pub skew_ms: Option<i64>,
    /// The nodes that may share it; `None` where there is one, or of an older schema.
    pub nodes: Option<Listed>,
    /// The library that files were written to last; `None` where one server works, or of an older schema.
    pub library: Option<String>,
    /// Messages have left for MongoDB. Of an older schema nothing is said.
    pub has_left: bool,
    /// What a SQLite file has in its schema that no migration made.
    pub foreign: Vec<String>,
    /// By what it proves that a history in MongoDB is its own; `None` with an older schema.
    pub history: Option<HistoryClaim>,
    /// What the database promises of a commit; `None` where there is nothing to choose.
    pub durability: Option<Durability>,
    /// Why this user cannot make tables, if it cannot.
    pub closed: Option<Closed>,
    /// A channel, and its secrets as they are sealed.
    pub sealed: Option<(Uuid, String)>,
}

/// A schema in which the user of the address may not make tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// `None`: the search path of the user names none that exists.
    pub schema: Option<String>,
    pub user: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schema {
    /// There are no tables yet.
    None,
    Current {
        version: i64,
    },
    Older {
        applied: usize,
        of: usize,
    },
    /// Of a newer version, or not ours; with the reason.
    Refused(String),
}

impl Schema {
    fn of(applied: &Applied) -> Self {
        let ours = migrate::ours();
        match migrate::check(applied) {
            Err(error) => Self::Refused(error.to_string()),
            Ok(()) if applied.is_empty() => Self::None,
            Ok(()) if applied.len() < ours.len() => Self::Older { applied: applied.len(), of: ours.len() },
            Ok(()) => Self::Current { version: applied.last().map_or(0, |(version, ..)| *version) },
        }
    }
}

pub async fn inspect(url: &str, clock: &Clock) -> Result<Inspection, StoreError> {
    match Engine::of(url) {
        Engine::Sqlite => sqlite(Path::new(Engine::sqlite_path(url))),
        Engine::Postgres => {
            let unreachable = |_| StoreError::Unavailable("it does not answer in time".to_owned());
            tokio::time::timeout(PATIENCE, postgres(url, clock)).await.map_err(unreachable)?
        }
    }
}

/// How a standby stands to its primary, both by their addresses, and how long it took until it had what the primary has.
pub async fn standby(
    primary: &str,
    standby: &str,
    wait: Duration,
) -> Result<(Standing, Duration), StoreError> {
    let unreachable = |_| StoreError::Unavailable("it does not answer in time".to_owned());
    let looked = replica::look((primary, standby), wait, NAME);
    tokio::time::timeout(wait + PATIENCE, looked).await.map_err(unreachable)?
}

fn sqlite(path: &Path) -> Result<Inspection, StoreError> {
    let conn = backup::open_to_read(path)?;
    let number = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, i64>(0));
    let (mut applied, mut sealed, mut foreign) = (Applied::new(), None, Vec::new());
    if number(LITE_TABLE)? > 0 {
        let mut statement = conn.prepare(APPLIED)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        applied = rows.collect::<Result<_, _>>()?;
        if Schema::of(&applied) != Schema::None {
            sealed = conn.query_row(SEALED, [], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        }
        if migrate::check(&applied).is_ok() {
            foreign = schema::foreign(&conn, &applied)?;
        }
    }
    let engine = format!("SQLite {}, {}", rusqlite::version(), path.display());
    let schema = Schema::of(&applied);
    let history = match schema {
        Schema::Current { .. } => {
            let claim = |row: &rusqlite::Row<'_>| {
                Ok(HistoryClaim { identity: row.get(0)?, term: row.get(1)?, next: row.get(2)? })
            };
            conn.query_row(history_term::CLAIM, [], claim).optional()?
        }
        _ => None,
    };
    let mut has_left = false;
    if let Schema::Current { .. } = schema {
        has_left = conn.prepare(ANY_LEFT)?.exists([&Uuid::nil().as_bytes()[..]])?;
    }
    Ok(Inspection {
        engine,
        schema,
        skew_ms: None,
        nodes: None,
        library: None,
        has_left,
        foreign,
        history,
        durability: None,
        closed: None,
        sealed,
    })
}

async fn postgres(url: &str, clock: &Clock) -> Result<Inspection, StoreError> {
    let client = connect::alone(url, NAME).await?;
    fit::sessions(&client, &connect::alone(url, NAME).await?).await?;
    fit::encoding(&client).await?;
    let version: String = client.query_one("show server_version", &[]).await?.get(0);
    let before = clock.now_ms();
    let theirs: i64 = client.query_one(POSTGRES_CLOCK, &[]).await?.get(0);
    // The middle of the call is when the database looked at its clock, about.
    let ours = before + (clock.now_ms() - before) / 2;
    let (mut applied, mut sealed) = (Applied::new(), None);
    if client.query_one(PG_TABLE, &[]).await?.get::<_, i64>(0) > 0 {
        let rows = client.query(APPLIED, &[]).await?;
        applied = rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
        if Schema::of(&applied) != Schema::None {
            sealed = client.query_opt(SEALED, &[]).await?.map(|row| (row.get(0), row.get(1)));
        }
    }
    let schema = Schema::of(&applied);
    let (mut nodes, mut library, mut history, mut has_left) = (None, None, None, false);
    if let Schema::Current { .. } = schema {
        let row = client.query_opt(history_term::CLAIM, &[]).await?;
        history = row.map(|row| HistoryClaim::from_row(&Row::Postgres(&row))).transpose()?;
        let rows = client.query(nodes::LIST, &[&nodes::MAX_NODES]).await?;
        let listed = rows.iter().map(|row| Node::from_row(&Row::Postgres(row))).collect::<Result<_, _>>()?;
        nodes = Some(Listed { now: theirs, nodes: listed });
        library = client.query_opt(LIBRARY, &[]).await?.and_then(|row| row.get(0));
        has_left = client.query_opt(ANY_LEFT, &[&Uuid::nil()]).await?.is_some();
    }
    let engine = format!("PostgreSQL {version}");
    let durability = Some(Durability::of(&client).await?);
    let row = client.query_one(PG_MAY_CREATE, &[]).await?;
    let closed = (!row.get::<_, bool>(0)).then(|| Closed { schema: row.get(1), user: row.get(2) });
    let (skew_ms, foreign) = (Some(theirs - ours), Vec::new());
    Ok(Inspection {
        engine,
        schema,
        skew_ms,
        nodes,
        library,
        has_left,
        foreign,
        history,
        durability,
        closed,
        sealed,
    })
}
