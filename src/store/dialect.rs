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

    /// Holds a conversation's row until the end of the transaction. SQLite has one writer, which is the lock.
    pub const fn conversation_lock(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some("select id from conversations where tenant = $1 and id = $2 for update"),
        }
    }

    /// Holds a key that has no row yet until the end of the transaction, so that a message and what waits for
    /// it cannot pass each other unseen.
    pub const fn key_lock(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some("select $1 from pg_advisory_xact_lock(hashtextextended($1, 0))"),
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
pragma cache_size = -8000;
pragma wal_autocheckpoint = 4000;
";

/// Added for connections that only read.
pub(super) const SQLITE_READER: &str = "pragma query_only = on; pragma cache_size = -2000;";
