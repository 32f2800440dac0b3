//! The store's errors, as far as a caller branches on them.

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A unique constraint was violated. On PostgreSQL the verb is retried and then sees the row.
    #[error("a row with the same key exists already: {0}")]
    Unique(String),
    /// A serialisation failure or deadlock: the verb is to be retried.
    #[error("the transaction has to be repeated: {0}")]
    Retry(String),
    /// The writer's queue is full: the caller answers "busy", and the client retries.
    #[error("the store is busy")]
    Busy,
    #[error("the store is closed")]
    Closed,
    /// The database is unreachable or full: the request is valid and can be retried later.
    #[error("the database cannot do it now: {0}")]
    Unavailable(String),
    /// The server takes no writes, or none of the address does: a standby, or a primary that was fenced. Nothing was
    /// committed; another server may do it at once.
    #[error("the database takes no writes now: {0}")]
    ReadOnly(String),
    /// The database, or what is between it and the server, cannot be used as it is: what is wrong, and what to do.
    #[error("{what}: {remedy}")]
    Unfit { what: String, remedy: String },
    /// The value cannot be stored by at least one engine, now or later. Callers' input is checked earlier
    /// (`document.rs`); this is the second line of defence.
    #[error("it cannot be stored: {0}")]
    Unstorable(String),
    #[error("store: {0}")]
    Engine(String),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match &error {
            rusqlite::Error::SqliteFailure(code, text) => {
                let message = text.clone().unwrap_or_else(|| code.to_string());
                match (code.code, code.extended_code) {
                    // SQLITE_CONSTRAINT_PRIMARYKEY and SQLITE_CONSTRAINT_UNIQUE.
                    (ErrorCode::ConstraintViolation, 1555 | 2067) => Self::Unique(message),
                    (ErrorCode::TooBig, _) => Self::Unstorable("it is too large".to_owned()),
                    (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _) => Self::Retry(message),
                    (
                        ErrorCode::DiskFull
                        | ErrorCode::SystemIoFailure
                        | ErrorCode::CannotOpen
                        | ErrorCode::ReadOnly
                        | ErrorCode::PermissionDenied
                        | ErrorCode::OutOfMemory
                        | ErrorCode::FileLockingProtocolFailed
                        | ErrorCode::OperationInterrupted
                        | ErrorCode::DatabaseCorrupt
                        | ErrorCode::NotADatabase,
                        _,
                    ) => Self::Unavailable(message),
                    _ => Self::Engine(message),
                }
            }
            other => Self::Engine(other.to_string()),
        }
    }
}

/// Classes of PostgreSQL's codes: the connection, resources (a full disk, too many connections), an operator who
/// stops the server or a statement, the system, internal damage.
const UNAVAILABLE: &[&str] = &["08", "53", "57", "58", "XX"];

/// The driver's words for a server that is not the one that takes writes.
const NO_WRITES: &str = "database does not allow writes";

impl StoreError {
    /// One connection of ours is several of PostgreSQL.
    pub(crate) fn pooled(what: String) -> Self {
        let remedy = "a pooler in transaction or statement mode is between the server and PostgreSQL, where prepared \
                      statements and settings of a connection get lost. Let database_url name PostgreSQL itself, or have \
                      the pooler use session mode (pgbouncer: pool_mode = session)";
        Self::Unfit { what, remedy: remedy.to_owned() }
    }
}

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(database) = error.as_db_error() else {
            return if told(&error).contains(NO_WRITES) {
                Self::ReadOnly("the server is a standby, or default_transaction_read_only is on".to_owned())
            } else if error.is_closed() || has_io(&error) {
                Self::Unavailable(told(&error))
            } else {
                Self::Engine(told(&error))
            };
        };
        let code = database.code().code();
        match code {
            "23505" => Self::Unique(database.constraint().unwrap_or("unknown").to_owned()),
            // An index row over a third of a page, a value over a gigabyte.
            "54000" => Self::Unstorable("it is too long".to_owned()),
            // A number out of range, or text in an invalid form.
            _ if code.starts_with("22") => Self::Unstorable(database.message().to_owned()),
            "40001" | "40P01" | "55P03" => Self::Retry(database.message().to_owned()),
            "25006" => Self::ReadOnly(database.to_string()),
            // A server in recovery; a transaction that stood still or took longer than the database allows.
            "55000" | "25P03" | "25P04" => Self::Unavailable(database.to_string()),
            // A statement that this connection has prepared is not there, or one that it has not is.
            "26000" | "42P05" => Self::pooled(database.to_string()),
            _ if UNAVAILABLE.iter().any(|class| code.starts_with(class)) => {
                Self::Unavailable(database.to_string())
            }
            _ => Self::Engine(database.to_string()),
        }
    }
}

impl From<deadpool_postgres::PoolError> for StoreError {
    fn from(error: deadpool_postgres::PoolError) -> Self {
        use deadpool_postgres::PoolError;
        match error {
            PoolError::Timeout(_) => Self::Busy,
            PoolError::Closed => Self::Closed,
            PoolError::Backend(error) => error.into(),
            other => Self::Unavailable(other.to_string()),
        }
    }
}

/// Formats an error with its causes: a driver's own text names only the failed step.
pub(crate) fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

fn has_io(error: &dyn std::error::Error) -> bool {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.is::<std::io::Error>() {
            return true;
        }
        cause = inner.source();
    }
    false
}
