//! Jobs: born in the transaction that causes them, claimed one at a time per lane, gone when they are done.

use uuid::Uuid;

use super::value::{FromRow, Row};
use super::{StoreError, Tx, Wake};
use crate::args;

const INSERT: &str = "insert into jobs (id, tenant, lane, kind, subject, position, priority, run_at, tries, created_at) \
    values ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9)";
/// The head of each lane, if its time has come and nobody works in the lane. The order of a lane is its
/// `position`, not the clock of whoever wrote the job.
const READY: &str = "select j.id, j.tenant, j.lane, j.kind, j.subject, j.tries, j.claim from jobs j \
    where j.priority = $1 and j.run_at <= $2 and j.claim is null \
    and not exists (select 1 from jobs k where k.lane = j.lane and k.id <> j.id and (k.claim is not null \
    or k.position < j.position or (k.position = j.position and k.id < j.id))) order by j.run_at, j.id limit $3";
const KEEP: &str = "update jobs set claimed_until = $3 where id = $1 and claim = $2";
const CLAIM: &str =
    "update jobs set claim = $2, claimed_until = $3, tries = tries + 1 where id = $1 and claim is null";
const NEXT: &str = "select min(run_at) from jobs where priority = $1 and claim is null and run_at > $2";
const EXPIRED: &str = "select j.id, j.tenant, j.lane, j.kind, j.subject, j.tries, j.claim from jobs j \
    where j.claim is not null and j.claimed_until <= $1 limit $2";
const RELEASE: &str =
    "update jobs set claim = null, claimed_until = null, run_at = $3 where id = $1 and claim = $2";
const DONE: &str = "delete from jobs where id = $1 and claim = $2";
const HURRY: &str =
    "update jobs set run_at = $3 where subject = $1 and kind = $2 and claim is null and run_at > $3";
const COUNT: &str = "select priority, count(*) from jobs group by priority";

pub const ALL: &[&str] = &[INSERT, READY, KEEP, CLAIM, NEXT, EXPIRED, RELEASE, DONE, HURRY, COUNT];

/// Classes of work, most urgent first; each has its own workers, so that none starves another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    Send = 1,
    Media = 4,
}

impl Priority {
    pub const ALL: &'static [Self] = &[Self::Send, Self::Media];
}

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobKind {
    /// Sends a delivery; the lane is its conversation.
    Deliver,
    /// Fetches the file of an attachment.
    FetchMedia,
    /// Answers a button press of the message, so that the customer's client stops waiting.
    Acknowledge,
}

impl JobKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deliver => "deliver",
            Self::FetchMedia => "fetch_media",
            Self::Acknowledge => "acknowledge",
        }
    }

    pub const fn priority(self) -> Priority {
        match self {
            Self::Deliver | Self::Acknowledge => Priority::Send,
            Self::FetchMedia => Priority::Media,
        }
    }
}

#[derive(Clone, Debug)]
pub struct Job {
    pub id: Uuid,
    pub tenant: Uuid,
    pub lane: String,
    pub kind: JobKind,
    /// What it is about: a delivery, an attachment.
    pub subject: Uuid,
    /// Claims before this one.
    pub tries: i64,
    /// Whose it is while it runs; writing the end of a job asks for it.
    pub claim: Option<Uuid>,
}

impl FromRow for Job {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let kind: String = row.get(3)?;
        let kind = match kind.as_str() {
            "deliver" => JobKind::Deliver,
            "fetch_media" => JobKind::FetchMedia,
            "acknowledge" => JobKind::Acknowledge,
            other => return Err(StoreError::Engine(format!("jobs: unknown kind {other:?}"))),
        };
        Ok(Self {
            id: row.get(0)?,
            tenant: row.get(1)?,
            lane: row.get(2)?,
            kind,
            subject: row.get(4)?,
            tries: row.get(5)?,
            claim: row.get(6)?,
        })
    }
}

/// A job to be. Those of a lane run one at a time, by rising `position`.
pub struct NewJob<'a> {
    pub tenant: Uuid,
    pub kind: JobKind,
    pub lane: &'a str,
    pub position: i64,
    pub subject: Uuid,
}

/// Puts a job into its lane, to run as soon as it can.
pub async fn push(tx: &mut Tx<'_>, new: &NewJob<'_>) -> Result<(), StoreError> {
    let (id, now) = (tx.new_id(), tx.now());
    let priority = new.kind.priority() as i64;
    tx.exec(
        INSERT,
        args![id, new.tenant, new.lane, new.kind.as_str(), new.subject, new.position, priority, now, now],
    )
    .await?;
    tx.wake(Wake::Job { at: now });
    Ok(())
}

/// Keeps a claimed job until this time. `false`: it is not ours any more.
pub async fn keep(tx: &mut Tx<'_>, job: &Job, claimed_until: i64) -> Result<bool, StoreError> {
    Ok(tx.exec(KEEP, args![job.id, job.claim, claimed_until]).await? == 1)
}

/// Lets the waiting jobs about a subject run now.
pub async fn hurry(tx: &mut Tx<'_>, kind: JobKind, subject: Uuid) -> Result<(), StoreError> {
    let now = tx.now();
    tx.exec(HURRY, args![subject, kind.as_str(), now]).await?;
    tx.wake(Wake::Job { at: now });
    Ok(())
}

/// Takes up to `limit` jobs of a class until `claimed_until`.
pub async fn claim(
    tx: &mut Tx<'_>,
    class: Priority,
    limit: i64,
    claimed_until: i64,
) -> Result<Vec<Job>, StoreError> {
    let now = tx.now();
    let ready: Vec<Job> = tx.all(READY, args![class as i64, now, limit]).await?;
    let mut taken = Vec::with_capacity(ready.len());
    for mut job in ready {
        let claim = tx.new_id();
        if tx.exec(CLAIM, args![job.id, claim, claimed_until]).await? == 1 {
            job.claim = Some(claim);
            taken.push(job);
        }
    }
    Ok(taken)
}

/// When the next job of a class can run.
pub async fn next_at(tx: &mut Tx<'_>, class: Priority) -> Result<Option<i64>, StoreError> {
    let now = tx.now();
    Ok(tx.one::<(Option<i64>,)>(NEXT, args![class as i64, now]).await?.and_then(|(at,)| at))
}

/// Jobs whose worker is gone.
pub async fn expired(tx: &mut Tx<'_>, now: i64, limit: i64) -> Result<Vec<Job>, StoreError> {
    tx.all(EXPIRED, args![now, limit]).await
}

/// Gives a claimed job back, to run at a time. `false`: it was not ours any more.
pub async fn release(tx: &mut Tx<'_>, job: &Job, run_at: i64) -> Result<bool, StoreError> {
    let released = tx.exec(RELEASE, args![job.id, job.claim, run_at]).await? == 1;
    tx.wake(Wake::Job { at: run_at });
    Ok(released)
}

/// Ends a claimed job. `false`: it was not ours any more.
pub async fn done(tx: &mut Tx<'_>, job: &Job) -> Result<bool, StoreError> {
    let ended = tx.exec(DONE, args![job.id, job.claim]).await? == 1;
    // The next one of the lane can run now.
    tx.wake(Wake::Job { at: tx.now() });
    Ok(ended)
}

/// How many jobs of each class there are.
pub async fn count(tx: &mut Tx<'_>) -> Result<Vec<(i64, i64)>, StoreError> {
    tx.all(COUNT, &[]).await
}
