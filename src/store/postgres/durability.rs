//! What the database's own settings promise of a commit, as far as they are less than what is told to whoever waits for it.

use tokio_postgres::Client;

use crate::store::StoreError;

/// As the database has them: this connection has set some of its own.
const SETTINGS: &str = "select c.reset_val, current_setting('synchronous_standby_names') from pg_settings c \
    where c.name = 'synchronous_commit'";

/// The settings that decide when a commit is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Durability {
    commit: String,
    standbys: String,
}

impl Durability {
    pub(in crate::store) async fn of(client: &Client) -> Result<Self, StoreError> {
        let row = client.query_one(SETTINGS, &[]).await?;
        Ok(Self { commit: row.get(0), standbys: row.get(1) })
    }

    /// What is wrong with them, and what to do.
    pub fn faults(&self, lossless_failover: bool) -> Vec<(&'static str, &'static str)> {
        let mut found = Vec::new();
        if self.commit == "off" {
            found.push((
                "the database has synchronous_commit = off: what it says is stored is lost if its machine fails in the next moment",
                "the server sets it to `on` for what it writes itself; set it so for the database, for whoever else writes \
                 there: alter database … set synchronous_commit = on",
            ));
        }
        if lossless_failover && self.standbys.trim().is_empty() {
            found.push((
                "lossless_failover is true, and the database waits for no standby (synchronous_standby_names is empty): a \
                 failover can lose commits, and clients then go on from positions that mean something else",
                "name the standbys there, or set lossless_failover = false, unless the storage below is replicated itself",
            ));
        } else if lossless_failover && self.commit == "local" {
            found.push((
                "lossless_failover is true, and the database has synchronous_commit = local: commits do not wait for the \
                 standbys in synchronous_standby_names, and a failover can lose them",
                "alter database … set synchronous_commit = on, or set lossless_failover = false",
            ));
        }
        found
    }
}

/// Tells them at the start. A database that does not say how it is set is none the worse.
pub(super) async fn warn(client: &Client, lossless_failover: bool) {
    match Durability::of(client).await {
        Ok(durability) => {
            for (what, advice) in durability.faults(lossless_failover) {
                tracing::warn!(advice, "{what}");
            }
        }
        Err(error) => tracing::debug!(%error, "the settings of the database cannot be read"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_lost_is_told() {
        let faults = |commit: &str, standbys: &str, lossless| {
            let durability = Durability { commit: commit.to_owned(), standbys: standbys.to_owned() };
            durability.faults(lossless).len()
        };
        assert_eq!([faults("on", "", false), faults("local", "", false), faults("on", "one", true)], [0; 3]);
        assert_eq!([faults("off", "", false), faults("on", " ", true), faults("local", "one", true)], [1; 3]);
        assert_eq!(faults("off", "", true), 2);
    }
}
