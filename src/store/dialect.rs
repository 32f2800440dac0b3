//! The only file that knows in which words the two engines differ.

/// Which engine a statement runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    /// Where a database address leads. `postgres://…` is PostgreSQL, everything else is a SQLite file.
    pub fn of(url: &str) -> Self {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Self::Postgres
        } else {
            Self::Sqlite
        }
    }

    /// The file of a SQLite address.
    pub fn sqlite_path(url: &str) -> &str {
        url.trim_start_matches("sqlite://").trim_start_matches("sqlite:")
    }

    /// Holds the tenant's row until the end of the transaction, and gives the cursor of its last event. Whoever holds
    /// it is the only one who changes anything of the tenant. SQLite has one writer, which is the lock.
    pub const fn tenant_lock(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some("select next_cursor from tenants where id = $1 for no key update"),
        }
    }

    /// Queues of jobs with something to do. On PostgreSQL one that somebody changes now is left for later: whoever
    /// holds it says so after the commit.
    pub const fn due_queues(self) -> &'static str {
        match self {
            Self::Sqlite => DUE_QUEUES,
            Self::Postgres => DUE_QUEUES_LOCKED,
        }
    }

    /// Holds the row of a queue until the end of the transaction.
    pub const fn queue_lock(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => {
                Some("select class from queues where tenant = $1 and id = $2 and class = $3 for update")
            }
        }
    }

    /// How long a statement may wait for what another transaction holds.
    pub const fn lock_timeout(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some("set local lock_timeout = '5s'"),
        }
    }

    /// Which past the database has: the first part was made with it, and can be made anew. PostgreSQL adds the cluster
    /// and its timeline, which another server goes on with that takes over, whether it lacks commits or not.
    pub const fn epoch(self, tells_timeline: bool) -> &'static str {
        match self {
            Self::Postgres if tells_timeline => TIMELINE_EPOCH,
            _ => EPOCH,
        }
    }

    /// Locks the row of the migration table against other nodes that start at the same time.
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

/// Not every hosted PostgreSQL lets its users ask for it.
pub(super) const TIMELINE_EPOCH: &str = "select i.epoch || '.' || to_hex(c.system_identifier) || '.' \
    || ltrim(substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8), '0') \
    from installation i, pg_control_system() c where i.id = 1";

/// The pragmas of every SQLite connection. FULL: a commit that was acknowledged survives a power cut.
pub(super) const SQLITE_SETUP: &str = "
pragma journal_mode = wal;
pragma synchronous = full;
pragma foreign_keys = on;
pragma busy_timeout = 5000;
pragma temp_store = memory;
pragma cache_size = -16000;
pragma wal_autocheckpoint = 16000;
";

/// Added for connections that only read.
pub(super) const SQLITE_READER: &str = "pragma query_only = on; pragma cache_size = -2000;";
