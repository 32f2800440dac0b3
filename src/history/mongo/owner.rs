//! Whether the history in MongoDB is this database's. A copy of a database (to try things out, a restored backup) has all that
//! its original has, the address of MongoDB included; what it lacks is the term that the original has made since
//! (`mongo::Owner`). Who does not know the term of the document writes nothing there and reads nothing.
//!
//! A server looks every few seconds, makes a term, and may write and read until shortly after its next look. One whose database
//! is behind by less than a minute waits until nobody makes terms any more. Everybody else is refused, until an operator says
//! that the history is to be theirs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::bail;
use mongo::{Claim, Owner, Standing};
use tokio::time::Instant;
use uuid::Uuid;

use crate::error::Error;
use crate::store::Store;
use crate::store::history::{FillAgain, Tenants};
use crate::store::history_term::{HistoryClaim, LoadClaim, Prepare, Settle};
use crate::vault;

/// How often a server looks. It makes a term if nobody has made one since its last look.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How long after a look began what it found is relied on.
const GOOD_FOR: Duration = Duration::from_secs(10);
/// How long nobody may have made a term before a database that is behind goes on: by then whoever had it relies on it no more.
const QUIET: Duration = Duration::from_secs(30);
/// How long a command watches whether terms are made.
const WATCH: Duration = Duration::from_secs(12);
const WATCH_EVERY: Duration = Duration::from_millis(500);
/// Nodes of one installation may get in each other's way.
const TRIES: usize = 5;
const PAGE: i64 = 200;
/// Longest name of a machine that is stored.
const MAX_NAME: usize = 100;
const AWAY: &str = "the older messages are not there for the moment: try again";

/// The history is not there for now; `why` is for the log.
pub(super) fn away(why: String) -> Error {
    Error::Away { code: "history_away", detail: AWAY, why }
}

pub struct Ownership {
    mongo: mongo::History,
    store: Store,
    /// The database of MongoDB, as logs may show it.
    place: String,
    good_until: Mutex<Option<Instant>>,
    is_refused: AtomicBool,
    looks: tokio::sync::Mutex<Looks>,
}

#[derive(Default)]
struct Looks {
    /// The term that the last look found, and when it was found first.
    seen: Option<(String, Instant)>,
    /// When the last look ended, if it failed, and why.
    failed: Option<(Instant, String)>,
}

impl Looks {
    /// Notes the term of a look. Returns whether it is another one than that of the last look, and since when it is there.
    fn note(&mut self, term: &str, now: Instant) -> (bool, Instant) {
        let is_other = self.seen.as_ref().map(|(seen, _)| seen != term);
        if is_other != Some(false) {
            self.seen = Some((term.to_owned(), now));
        }
        let since = self.seen.as_ref().map_or(now, |(_, since)| *since);
        (is_other == Some(true), since)
    }
}

impl Ownership {
    pub(super) fn new(mongo: mongo::History, store: Store, place: String) -> Self {
        let (good_until, is_refused) = (Mutex::default(), AtomicBool::new(false));
        Self { mongo, store, place, good_until, is_refused, looks: tokio::sync::Mutex::default() }
    }

    /// Whether the last look found that it is another one's.
    pub(super) fn is_refused(&self) -> bool {
        self.is_refused.load(Ordering::Relaxed)
    }

    /// Fails unless the history is ours. It looks if the last look is too long ago.
    pub async fn hold(&self) -> Result<(), Error> {
        let asked = Instant::now();
        if self.is_good(asked) {
            return Ok(());
        }
        let mut looks = self.looks.lock().await;
        if self.is_good(Instant::now()) {
            return Ok(());
        }
        // Whoever waited for a look takes what it came to: otherwise an absence would be waited for by one after the other.
        if let Some((_, why)) = looks.failed.as_ref().filter(|(ended, _)| *ended >= asked) {
            return Err(away(why.clone()));
        }
        self.run(&mut looks).await
    }

    /// Looks now, and makes a term if nobody has made one since the last look.
    pub async fn look(&self) -> Result<(), Error> {
        let mut looks = self.looks.lock().await;
        self.run(&mut looks).await
    }

    /// Looks again and again: also an installation in which nothing happens keeps its history.
    pub(super) async fn watch(&self) {
        loop {
            if let Err(error) = self.look().await {
                tracing::debug!(%error, "the history is not this server's for the moment");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn is_good(&self, now: Instant) -> bool {
        self.good_until.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|until| now < until)
    }

    fn set_good(&self, until: Option<Instant>) {
        *self.good_until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    async fn run(&self, looks: &mut Looks) -> Result<(), Error> {
        let begun = Instant::now();
        let place = self.place.as_str();
        let failed = match Box::pin(self.stand(looks)).await {
            Ok(None) => {
                self.set_good(Some(begun + GOOD_FOR));
                looks.failed = None;
                if self.is_refused.swap(false, Ordering::Relaxed) {
                    tracing::info!(place, "the history is this installation's again");
                }
                return Ok(());
            }
            Ok(Some(why)) => {
                self.set_good(None);
                if !self.is_refused.swap(true, Ordering::Relaxed) {
                    tracing::error!(why, "the history is not this installation's");
                }
                away(why)
            }
            // What was found before holds until it is too long ago.
            Err(error) => error,
        };
        let why = match &failed {
            Error::Away { why, .. } => why.clone(),
            other => other.to_string(),
        };
        looks.failed = Some((Instant::now(), why));
        Err(failed)
    }

    /// `None`: it is ours. Otherwise why not.
    async fn stand(&self, looks: &mut Looks) -> Result<Option<String>, Error> {
        for _ in 0..TRIES {
            let (claim, epoch) = self.store.read(LoadClaim).await?;
            let Some(owner) = self.mongo.owner().await? else {
                if let Some(term) = self.follow(&claim, &epoch, None, Vec::new()).await? {
                    looks.note(&term, Instant::now());
                    tracing::info!(place = self.place, "the history is this installation's from now on");
                    return Ok(None);
                }
                continue;
            };
            let standing = of(&claim).stands_to(&owner);
            if standing != Standing::Owner && self.store.read(LoadClaim).await?.0 != claim {
                // Another node made a term between the two looks.
                continue;
            }
            let (is_other, since) = looks.note(&owner.term, Instant::now());
            let claim = match standing {
                Standing::Owner if claim.next.as_ref() == Some(&owner.term) => {
                    self.store.write(Settle(owner.term)).await?;
                    return Ok(None);
                }
                Standing::Owner if is_other => return Ok(None),
                Standing::Owner => claim,
                Standing::Behind if since.elapsed() >= QUIET => {
                    tracing::warn!(
                        place = self.place,
                        "nobody else goes on with the history: this database does, which lacks the last of what was written"
                    );
                    // What it had prepared may have been a term already.
                    let prepare = Prepare { over: claim.next, term: new_term()? };
                    self.store.write(prepare).await?.value
                }
                Standing::Behind | Standing::Another => {
                    let now = self.store.clock().now_ms();
                    return Ok(Some(refusal(&self.place, &owner, &claim, standing, now)));
                }
            };
            if let Some(term) = self.follow(&claim, &epoch, Some(&owner), owner.terms()).await? {
                looks.note(&term, Instant::now());
                return Ok(None);
            }
        }
        Err(away("other servers of the installation take the history at this moment".to_owned()))
    }

    /// Makes the next term: prepares it, unless it is, writes it over the owner that was seen, and settles it. `None`: somebody
    /// was there before.
    async fn follow(
        &self,
        claim: &HistoryClaim,
        epoch: &str,
        was: Option<&Owner>,
        before: Vec<String>,
    ) -> Result<Option<String>, Error> {
        let term = if let Some(next) = &claim.next {
            next.clone()
        } else {
            let prepared = self.store.write(Prepare { over: None, term: new_term()? }).await?.value;
            let Some(next) = prepared.next else { return Ok(None) };
            next
        };
        let owner = Owner {
            term: term.clone(),
            before,
            installation: claim.identity.clone().unwrap_or_default(),
            epoch: epoch.to_owned(),
            machine: machine(),
            at: self.store.clock().now_ms(),
        };
        if !self.mongo.hand_on(was.map(|was| was.term.as_str()), &owner).await? {
            return Ok(None);
        }
        self.store.write(Settle(term.clone())).await?;
        Ok(Some(term))
    }

    /// Makes the history this database's, whosever it is, and has it filled in again from what is stored: what another one
    /// wrote there meanwhile is replaced. One that is in use is left alone, unless that is meant. Returns what was done.
    pub(super) async fn take_over(&self, while_in_use: bool) -> anyhow::Result<String> {
        let (claim, _) = self.store.read(LoadClaim).await?;
        let Some(owner) = self.mongo.owner().await? else {
            return Ok(format!("{} is nobody's: the next server that starts takes it", self.place));
        };
        if of(&claim).stands_to(&owner) == Standing::Owner {
            return Ok(format!("{} is this installation's already", self.place));
        }
        if !while_in_use {
            self.is_unused(&owner).await?;
        }
        // First, so that no message leaves the store before it is there again.
        let mut after = Uuid::nil();
        loop {
            let tenants = self.store.read(Tenants { after, limit: PAGE }).await?;
            let Some(last) = tenants.last() else { break };
            after = *last;
            for tenant in tenants {
                self.store.write(FillAgain { tenant }).await?;
            }
        }
        for _ in 0..TRIES {
            let (claim, epoch) = self.store.read(LoadClaim).await?;
            let Some(owner) = self.mongo.owner().await? else { break };
            let prepare = Prepare { over: claim.next, term: new_term()? };
            let claim = self.store.write(prepare).await?.value;
            // Without the terms of before, by which the other one would take it back.
            if self.follow(&claim, &epoch, Some(&owner), Vec::new()).await?.is_some() {
                return Ok(format!(
                    "{} is this installation's now; it was that of {} before. It is filled in from the database, beside the \
                     work of the server",
                    self.place,
                    who(&owner, &claim)
                ));
            }
        }
        bail!("{} changes hands at this moment: try again", self.place)
    }

    async fn is_unused(&self, owner: &Owner) -> anyhow::Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < WATCH {
            tokio::time::sleep(WATCH_EVERY).await;
            if self.mongo.owner().await?.is_none_or(|now| now.term != owner.term) {
                bail!(
                    "{} is in use on the machine {}: stop the server that runs there, or name another database in the url of \
                     [history] of one of the two. --while-in-use takes it from a server that you cannot stop",
                    self.place,
                    owner.machine
                );
            }
        }
        Ok(())
    }
}

fn of(claim: &HistoryClaim) -> Claim {
    Claim { term: claim.term.clone(), next: claim.next.clone() }
}

fn who(owner: &Owner, claim: &HistoryClaim) -> String {
    if Some(&owner.installation) == claim.identity.as_ref() {
        return "another copy of this installation's database".to_owned();
    }
    format!("the installation {}", owner.installation)
}

/// Why a database may not use a history, and what to do.
fn refusal(place: &str, owner: &Owner, claim: &HistoryClaim, standing: Standing, now_ms: i64) -> String {
    let seconds = (now_ms - owner.at).max(0) / 1_000;
    let whose = format!(
        "{place} belongs to {} (machine {}, feed {}, {seconds} s ago): nothing is written there and nothing read",
        who(owner, claim),
        owner.machine,
        owner.epoch
    );
    if standing == Standing::Behind {
        return format!(
            "{whose}. This database has what that one had less than a minute ago: if it took over from it, it goes on by itself \
             when nothing was heard of the other for {} s; if it is a copy, name another database in [history]",
            QUIET.as_secs()
        );
    }
    format!(
        "{whose}. If this is a copy, name another database in [history]; if it is to go on in place of the other, as a restored \
         backup does, stop the other and run: hubbub admin history take-over (docs/history.md)"
    )
}

/// Why a database with this claim would be refused; `None`: it would not be.
pub(super) async fn judge(
    mongo: &mongo::History,
    place: &str,
    claim: &HistoryClaim,
    now_ms: i64,
) -> Result<Option<String>, mongo::Fault> {
    let Some(owner) = mongo.owner().await? else { return Ok(None) };
    let standing = of(claim).stands_to(&owner);
    Ok((standing != Standing::Owner).then(|| refusal(place, &owner, claim, standing, now_ms)))
}

fn new_term() -> Result<String, Error> {
    Ok(hex::encode(vault::random::<8>()?))
}

fn machine() -> String {
    let machine = rustix::system::uname();
    machine.nodename().to_string_lossy().chars().filter(|sign| !sign.is_control()).take(MAX_NAME).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_is_made_when_nobody_has_made_one_since_the_last_look() {
        let (mut looks, begun) = (Looks::default(), Instant::now());
        let later = begun + LOOK_EVERY;
        assert_eq!(looks.note("a", begun), (false, begun), "the first look");
        assert_eq!(looks.note("a", later), (false, begun), "nobody has");
        assert_eq!(looks.note("b", later), (true, later), "another node has");
    }

    #[test]
    fn nobody_goes_on_while_another_relies_on_its_last_look() {
        assert!(LOOK_EVERY < GOOD_FOR && 2 * GOOD_FOR < QUIET && 2 * LOOK_EVERY < WATCH);
    }

    #[test]
    fn a_refusal_says_whose_it_is_and_what_to_do() {
        let owner = Owner { installation: "one".into(), machine: "a".into(), at: 5_000, ..Owner::default() };
        let claim =
            |identity: &str| HistoryClaim { identity: Some(identity.into()), ..HistoryClaim::default() };
        let told = |identity, standing| refusal("hubbub", &owner, &claim(identity), standing, 9_000);
        let copy = told("one", Standing::Another);
        assert!(
            copy.contains("another copy of this") && copy.contains("machine a") && copy.contains("4 s ago")
        );
        assert!(copy.contains("name another database") && copy.contains("take-over"), "{copy}");
        assert!(told("two", Standing::Another).contains("the installation one"));
        assert!(told("one", Standing::Behind).contains("goes on by itself"));
    }
}
