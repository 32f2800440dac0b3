//! The differences between the two engines' SQL. No other file has any.

/// Which engine a statement runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    /// The engine of a database URL: `postgres://…` is PostgreSQL, everything else is a SQLite file.
    pub fn of(url: &str) -> Self {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Self::Postgres
        } else {
            Self::Sqlite
        }
    }

    /// The file path of a SQLite URL.
    pub fn sqlite_path(url: &str) -> &str {
        url.trim_start_matches("sqlite://").trim_start_matches("sqlite:")
    }

    /// Locks the tenant's row until the transaction ends, and returns the cursor of its last event. Only the holder
    /// of this lock changes the tenant's data. SQLite needs no lock, because it has a single writer.
    pub const fn tenant_lock(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some("select next_cursor from tenants where id = $1 for no key update"),
        }
    }

    /// Job queues with a job to run. On PostgreSQL queues that another transaction has locked are skipped: that
    /// transaction sends a wake-up after its commit.
    pub const fn due_queues(self) -> &'static str {
        match self {
            Self::Sqlite => DUE_QUEUES,
            Self::Postgres => DUE_QUEUES_LOCKED,
        }
    }

    /// Locks the row of a queue until the transaction ends.
    pub const fn queue_lock(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => {
                Some("select class from queues where tenant = $1 and id = $2 and class = $3 for update")
            }
        }
    }

    /// How long a statement waits for a lock.
    pub const fn lock_timeout(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some("set local lock_timeout = '5s'"),
        }
    }

    /// The epoch of the database's history. The first part is generated with the database and can be renewed.
    /// PostgreSQL appends the cluster's id and timeline; the timeline changes at every failover, with or without lost
    /// commits.
    pub const fn epoch(self, tells_timeline: bool) -> &'static str {
        match self {
            Self::Postgres if tells_timeline => TIMELINE_EPOCH,
            _ => EPOCH,
        }
    }

    /// Serialises the migrations of nodes that start at the same time.
    pub const fn migration_lock(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some("select pg_advisory_xact_lock(7283640117)"),
        }
    }
}

pub(super) const DUE_QUEUES: &str = "select tenant, id, class, running, failures, blocked_until, reason from queues \
    where class = $1 and next_at <= $2 order by next_at limit $3";
const DUE_QUEUES_LOCKED: &str = "select tenant, id, class, running, failures, blocked_until, reason from queues \
    where class = $1 and next_at <= $2 order by next_at limit $3 for update skip locked";

pub(super) const EPOCH: &str = "select epoch from installation where id = 1";

/// Some hosted PostgreSQL services do not permit this query.
pub(super) const TIMELINE_EPOCH: &str = "select i.epoch || '.' || to_hex(c.system_identifier) || '.' \
    || ltrim(substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8), '0') \
    from installation i, pg_control_system() c where i.id = 1";

/// The pragmas of every SQLite connection. `synchronous = full`: an acknowledged commit survives a power failure.
pub(super) const SQLITE_SETUP: &str = "
pragma journal_mode = wal;
pragma synchronous = full;
pragma foreign_keys = on;
pragma busy_timeout = 5000;
pragma temp_store = memory;
pragma cache_size = -16000;
pragma wal_autocheckpoint = 16000;
";

/// Additional pragmas of read-only connections.
pub(super) const SQLITE_READER: &str = "pragma query_only = on; pragma cache_size = -2000;";
