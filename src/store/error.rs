//! What can go wrong below a verb, in the terms that a caller branches on.

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A unique constraint stood in the way. On PostgreSQL the verb is run again and then sees the row.
    #[error("a row with the same key exists already: {0}")]
    Unique(String),
    /// Serialisation failure or deadlock: run the verb again.
    #[error("the transaction has to be repeated: {0}")]
    Retry(String),
    /// The writer's queue is full: the caller should say "busy" and the sender comes again.
    #[error("the store is busy")]
    Busy,
    #[error("the store is closed")]
    Closed,
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
                    (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _) => Self::Retry(message),
                    _ => Self::Engine(message),
                }
            }
            other => Self::Engine(other.to_string()),
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let Some(database) = error.as_database_error() else {
            return match error {
                sqlx::Error::PoolTimedOut => Self::Busy,
                sqlx::Error::PoolClosed => Self::Closed,
                other => Self::Engine(other.to_string()),
            };
        };
        match database.code().as_deref() {
            Some("23505") => Self::Unique(database.constraint().unwrap_or("unknown").to_owned()),
            Some("40001" | "40P01" | "55P03") => Self::Retry(database.message().to_owned()),
            _ => Self::Engine(database.to_string()),
        }
    }
}
