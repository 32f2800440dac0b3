//! The term by which this database and the history beside it know each other (`history/mongo/owner.rs`). It is changed in
//! three steps: prepared here, written there, settled here; whoever is interrupted leaves a term that one of both knows.

use super::value::from_row;
use super::{Tx, Verb, events};
use crate::args;
use crate::error::Error;

pub(super) const CLAIM: &str = "select identity, history_term, history_next from installation where id = 1";
/// Only over the term that was prepared when the caller looked: two nodes agree on one.
const PREPARE: &str =
    "update installation set history_next = $1 where id = 1 and coalesce(history_next, '') = $2";
const SETTLE: &str =
    "update installation set history_term = $1, history_next = null where id = 1 and history_next = $1";
/// For a database that takes the place of another.
pub(super) const INHERIT: &str =
    "update installation set history_term = $1, history_next = $2 where id = 1 and identity = $3";

pub const ALL: &[&str] = &[CLAIM, PREPARE, SETTLE, INHERIT];

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryClaim {
    pub identity: Option<String>,
    pub term: Option<String>,
    pub next: Option<String>,
}

from_row!(HistoryClaim { identity, term, next });

async fn claim(tx: &mut Tx<'_>) -> Result<HistoryClaim, Error> {
    tx.one(CLAIM, &[]).await?.ok_or(Error::NotFound("installation"))
}

/// What this database has, and the epoch of its feed.
pub struct LoadClaim;

impl Verb for LoadClaim {
    type Out = (HistoryClaim, String);

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        Ok((claim(tx).await?, events::epoch(tx).await?))
    }
}

/// Prepares a term if still nothing, or this other one, is prepared. Returns what is there then.
pub struct Prepare {
    pub over: Option<String>,
    pub term: String,
}

impl Verb for Prepare {
    type Out = HistoryClaim;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<HistoryClaim, Error> {
        tx.exec(PREPARE, args![&self.term, self.over.as_deref().unwrap_or_default()]).await?;
        claim(tx).await
    }
}

/// The prepared term is in the history.
pub struct Settle(pub String);

impl Verb for Settle {
    type Out = ();

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        tx.exec(SETTLE, args![&self.0]).await?;
        Ok(())
    }
}
