//! Jobs. A job is inserted in the transaction that causes it, claimed one at a time per lane, and removed when it is
//! done or marked dead with a reason after its retries.
//!
//! The first job of a lane is `ready` or `claimed`, the later ones are `behind`; `dead` jobs are in no lane.

mod kinds;

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

pub use kinds::{
    Acknowledge, Class, DeleteFile, Deliver, DisconnectChannel, EndOverdue, FetchMedia, FetchProfile,
    FetchTitle, Payload, React, ReadItem, ReadNews, RenewSessions, Retain, SweepFiles, WatchChannels,
};

use super::pace::Paces;
use super::queues::{self, Leaving, QueueKey};
use super::shares::{Holder, Shares};
use super::value::from_row;
use super::{StoreError, Tx, Wake};
use crate::args;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select j.id, j.tenant, j.queue, j.class, j.lane, j.kind, j.subject, j.payload, j.tries, j.claim, j.created_at, \
             j.error, j.state from jobs j ",
            $rest
        )
    };
}

mod abandoned;
mod dead;
mod put_off;
mod trace;

pub use abandoned::{ALL as OF_ABANDONED, ClaimIds, claimed, is_still_claimed};
pub use dead::{ALL as OF_DEAD, dead, drop_dead, forget_dead, old_dead, revive};
pub use put_off::{ALL as OF_PUT_OFF, not_before, put_off};

const INSERT: &str = "insert into jobs (tenant, id, queue, class, lane, kind, subject, payload, position, run_at, tries, created_at, state) \
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, $11, case when exists (select 1 from jobs \
    where tenant = $1 and lane = $5 and state in ('ready', 'claimed')) then 'behind' else 'ready' end)";
const SCHEDULE: &str = "insert into jobs (tenant, id, queue, class, lane, kind, subject, payload, position, run_at, tries, created_at, state) \
    values ($1, $2, $1, $3, $4, $5, $6, $7, 0, $8, 0, $8, 'ready') on conflict (tenant, id) do nothing";
const READY: &str = select!(
    "where j.tenant = $1 and j.queue = $2 and j.class = $3 and j.state = 'ready' and j.run_at <= $4 \
     order by j.run_at, j.id limit $5"
);
const NEXT_OF_QUEUE: &str = "select run_at from jobs where tenant = $1 and queue = $2 and class = $3 and state = 'ready' \
    order by run_at, id limit 1";
const NEXT: &str = "select next_at from queues where class = $1 order by next_at limit 1";
/// Without those that a claim leaves out.
const NEXT_BUT: &str = "select q.next_at from queues q where q.class = $1 and q.tenant not in ($2, $3, $4, $5) \
    and not exists (select 1 from channels c where c.tenant = q.tenant and c.id = q.id and c.kind in ($6, $7, $8, $9)) \
    order by q.next_at limit 1";
const KEEP: &str = "update jobs set claimed_until = $4 where tenant = $1 and id = $2 and claim = $3";
const CLAIM: &str = "update jobs set state = 'claimed', claim = $3, claimed_until = $4, tries = tries + 1 \
    where tenant = $1 and id = $2 and state = 'ready'";
const RELEASE: &str = "update jobs set state = 'ready', claim = null, claimed_until = null, run_at = $4, error = $5 \
    where tenant = $1 and id = $2 and claim = $3";
const AGAIN: &str = "update jobs set state = 'ready', claim = null, claimed_until = null, run_at = $4, tries = 0, \
    error = null where tenant = $1 and id = $2 and claim = $3";
const DONE: &str = "delete from jobs where tenant = $1 and id = $2 and claim = $3";
const FRESH: &str = "update jobs set tries = 0 where tenant = $1 and id = $2";
const BURY: &str = "update jobs set state = 'dead', claim = null, claimed_until = null, error = $3 \
    where tenant = $1 and id = $2 and (claim is null or claim = $4)";
const PROMOTE: &str = "update jobs set state = 'ready' where tenant = $1 and id = (select id from jobs where tenant = $1 \
    and lane = $2 and state = 'behind' and not exists (select 1 from jobs where tenant = $1 and lane = $2 \
    and state in ('ready', 'claimed')) order by position, id limit 1)";
const HURRY: &str = "update jobs set run_at = $4 where tenant = $1 and subject = $2 and kind = $3 and state = 'ready' and run_at > $4";
const WAITING: &str = "select id from jobs where tenant = $1 and subject = $2 and kind = $3 \
    and state in ('ready', 'behind') limit 1";
const KNOWN: &str = "select id from jobs where tenant = $1 and subject = $2 and kind = $3 limit 1";
const HURRY_LANE: &str = "update jobs set run_at = $3 where tenant = $1 and lane = $2 and state in ('ready', 'claimed') \
    and claim is null and run_at > $3";
/// A bounded number per call; the others run at their scheduled time.
const LATER_OF_QUEUE: &str = "select id from jobs where tenant = $1 and queue = $2 and class = $3 and state = 'ready' and run_at > $4 \
    order by run_at, id limit 500";
const HURRY_ONE: &str = "update jobs set run_at = $3 where tenant = $1 and id = $2 and state = 'ready'";
const OVERDUE: &str = select!(
    "where j.kind = $1 and j.state <> 'claimed' and j.created_at < $2 and j.state <> 'dead' \
     order by j.created_at, j.id limit $3"
);
const LOAD: &str = select!("where j.tenant = $1 and j.id = $2");

pub const ALL: &[&str] = &[
    INSERT,
    SCHEDULE,
    READY,
    NEXT_OF_QUEUE,
    NEXT,
    NEXT_BUT,
    KEEP,
    CLAIM,
    RELEASE,
    AGAIN,
    DONE,
    FRESH,
    BURY,
    PROMOTE,
    HURRY,
    WAITING,
    KNOWN,
    HURRY_LANE,
    LATER_OF_QUEUE,
    HURRY_ONE,
    OVERDUE,
    LOAD,
];

/// A job as stored; its kind may be unknown to this version.
#[derive(Clone, Debug)]
pub struct Job {
    pub id: Uuid,
    pub tenant: Uuid,
    pub queue: Uuid,
    pub class: i64,
    pub lane: String,
    pub kind: String,
    /// The id of the row that the job works on: a delivery, an attachment.
    pub subject: Uuid,
    /// JSON; jobs of older versions have only their subject.
    pub payload: Option<String>,
    /// The number of claims, including the current one.
    pub tries: i64,
    /// The id of the current claim. A worker may only finish the job with it.
    pub claim: Option<Uuid>,
    pub created_at: i64,
    /// The error of the last run.
    pub error: Option<String>,
    state: String,
}

impl Job {
    pub fn is_dead(&self) -> bool {
        self.state == "dead"
    }

    /// Whether the job is neither running nor dead.
    pub fn waits(&self) -> bool {
        matches!(self.state.as_str(), "ready" | "behind")
    }

    /// The tenant whose data the job changes; `None` for a job of the installation.
    pub fn holder(&self) -> Option<Uuid> {
        Some(self.tenant).filter(|tenant| !tenant.is_nil())
    }

    pub fn key(&self) -> Option<QueueKey> {
        Class::of(self.class).map(|class| QueueKey { tenant: self.tenant, id: self.queue, class })
    }
}

from_row!(Job {
    id,
    tenant,
    queue,
    class,
    lane,
    kind,
    subject,
    payload,
    tries,
    claim,
    created_at,
    error,
    state
});

/// A job that is given up, as the operator and the tenant's owner see it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DeadJob {
    pub id: Uuid,
    pub tenant: Uuid,
    /// The channel whose work it was.
    pub channel: Uuid,
    pub kind: String,
    /// What it was about: a delivery, an attachment, a message.
    pub subject: Uuid,
    pub tries: i64,
    /// Unix milliseconds.
    pub created_at: i64,
    pub reason: String,
}

impl From<Job> for DeadJob {
    fn from(job: Job) -> Self {
        let reason = job.error.unwrap_or_default();
        let Job { id, tenant, queue: channel, kind, subject, tries, created_at, .. } = job;
        Self { id, tenant, channel, kind, subject, tries, created_at, reason }
    }
}

/// The queue and lane of a new job. The jobs of a lane run one at a time, by ascending `position`.
pub struct Slot<'a> {
    pub tenant: Uuid,
    /// The channel that the job belongs to.
    pub queue: Uuid,
    pub lane: &'a str,
    pub position: i64,
}

/// Inserts a job into its lane; it may run as soon as it is the lane's first.
pub async fn push<P: Payload>(tx: &mut Tx<'_>, slot: &Slot<'_>, payload: &P) -> Result<(), StoreError> {
    let (id, now) = (tx.new_id(), tx.now());
    let text = serde_json::to_string(payload).map_err(|error| StoreError::Engine(error.to_string()))?;
    let text = trace::with(text, tx.trace());
    queues::joined(tx, QueueKey { tenant: slot.tenant, id: slot.queue, class: P::CLASS }, now).await?;
    let class = P::CLASS as i64;
    tx.put(
        INSERT,
        args![
            slot.tenant,
            id,
            slot.queue,
            class,
            slot.lane,
            P::KIND,
            payload.subject(),
            &text,
            slot.position,
            now,
            now
        ],
    )
    .await?;
    tx.wake(Wake::Job { class: P::CLASS, at: now });
    Ok(())
}

/// Inserts a recurring job of the installation unless it exists. Its id is derived from its kind, so that all nodes
/// use the same row.
pub async fn schedule<P: Payload>(tx: &mut Tx<'_>, payload: &P, run_at: i64) -> Result<(), StoreError> {
    let mut bytes = [0; 16];
    for (place, byte) in bytes.iter_mut().zip(P::KIND.bytes()) {
        *place = byte;
    }
    let (id, lane) = (Uuid::from_bytes(bytes), format!("every:{}", P::KIND));
    let text = serde_json::to_string(payload).map_err(|error| StoreError::Engine(error.to_string()))?;
    let class = P::CLASS as i64;
    let args = args![Uuid::nil(), id, class, &lane, P::KIND, payload.subject(), &text, run_at];
    if tx.exec(SCHEDULE, args).await? == 1 {
        let key = QueueKey { tenant: Uuid::nil(), id: Uuid::nil(), class: P::CLASS };
        queues::joined(tx, key, run_at).await?;
    }
    tx.wake(Wake::Job { class: P::CLASS, at: run_at });
    Ok(())
}

/// Whether a job of this kind waits to be run for the subject.
pub async fn is_waiting<P: Payload>(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    subject: Uuid,
) -> Result<bool, StoreError> {
    Ok(tx.one::<(Uuid,)>(WAITING, args![tenant, subject, P::KIND]).await?.is_some())
}

/// Whether there is a job of this kind for the subject, also one that was given up.
pub async fn is_known<P: Payload>(tx: &mut Tx<'_>, tenant: Uuid, subject: Uuid) -> Result<bool, StoreError> {
    Ok(tx.one::<(Uuid,)>(KNOWN, args![tenant, subject, P::KIND]).await?.is_some())
}

/// Extends the claim of a job. `false`: the claim was lost.
pub async fn keep(tx: &mut Tx<'_>, job: &Job, claimed_until: i64) -> Result<bool, StoreError> {
    Ok(tx.exec(KEEP, args![job.tenant, job.id, job.claim, claimed_until]).await? == 1)
}

/// Makes the waiting jobs of a subject of a channel due now.
pub async fn hurry<P: Payload>(
    tx: &mut Tx<'_>,
    (tenant, queue): (Uuid, Uuid),
    subject: Uuid,
) -> Result<(), StoreError> {
    let now = tx.now();
    queues::touch(tx, QueueKey { tenant, id: queue, class: P::CLASS }, now).await?;
    tx.put(HURRY, args![tenant, subject, P::KIND, now]).await?;
    tx.wake(Wake::Job { class: P::CLASS, at: now });
    Ok(())
}

/// Makes the lane's jobs that wait for a retry due now, after the obstacle was removed.
pub async fn hurry_lane(tx: &mut Tx<'_>, key: QueueKey, lane: &str) -> Result<(), StoreError> {
    let now = tx.now();
    queues::touch(tx, key, now).await?;
    tx.put(HURRY_LANE, args![key.tenant, lane, now]).await?;
    tx.wake(Wake::Job { class: key.class, at: now });
    Ok(())
}

/// Unblocks the queues of a channel that works again and makes their jobs due now.
pub async fn recovered(tx: &mut Tx<'_>, tenant: Uuid, channel: Uuid) -> Result<(), StoreError> {
    for class in [Class::Send, Class::News, Class::Media] {
        let key = QueueKey { tenant, id: channel, class };
        queues::recovered(tx, key).await?;
        hurry_queue(tx, key).await?;
    }
    Ok(())
}

/// Makes the queue's jobs that wait for a retry due now.
pub async fn hurry_queue(tx: &mut Tx<'_>, key: QueueKey) -> Result<(), StoreError> {
    let now = tx.now();
    queues::touch(tx, key, now).await?;
    let asked = args![key.tenant, key.id, key.class as i64, now];
    let later: Vec<(Uuid,)> = tx.all(LATER_OF_QUEUE, asked).await?;
    for (id,) in later {
        tx.put(HURRY_ONE, args![key.tenant, id, now]).await?;
    }
    tx.wake(Wake::Job { class: key.class, at: now });
    Ok(())
}

/// When a queue is looked at again whose tenant or provider has its share of the workers.
const SHARE_WAIT_MS: i64 = 1_000;

/// A claimed job, and whose share of the workers it takes.
pub type Claimed = (Job, Holder);

/// Claims up to `limit` jobs of a class until `claimed_until`, queue by queue in the order of their due time.
pub async fn claim(
    tx: &mut Tx<'_>,
    class: Class,
    limit: i64,
    claimed_until: i64,
    (paces, shares, ids): (&Paces, &Shares, &ClaimIds),
) -> Result<Vec<Claimed>, StoreError> {
    let now = tx.now();
    let mut taken: Vec<Claimed> = Vec::new();
    let mut shares = shares.clone();
    for queue in queues::due(tx, class, limit, &shares).await? {
        let holder = Holder::of(tx, &queue, paces).await?;
        let free = if queue.is_doubted() { 1 } else { class.per_queue() } - queue.running;
        let pace = paces.of(tx, &queue).await?;
        let allowed = pace.map_or(free, |pace| pace.allowance(queue.free_at_us, now));
        let wanted = free.min(allowed).min(limit - taken.len() as i64);
        let most = shares.room(holder, wanted);
        if most <= 0 {
            let next_at = match pace {
                // At the limit: the end of one of its running jobs sets `next_at` again.
                _ if free <= 0 => queues::NEVER,
                Some(pace) if allowed <= 0 => pace.next_ms(queue.free_at_us),
                _ if wanted > 0 => now + SHARE_WAIT_MS,
                _ => now,
            };
            queues::claimed(tx, &queue, 0, next_at, queue.free_at_us).await?;
            continue;
        }
        let ready: Vec<Job> = tx.all(READY, args![queue.tenant, queue.id, class as i64, now, most]).await?;
        let before = taken.len();
        for mut job in ready {
            let claim = ids.next();
            if tx.exec(CLAIM, args![job.tenant, job.id, claim, claimed_until]).await? == 1 {
                job.claim = Some(claim);
                job.tries += 1;
                shares.begin(holder);
                taken.push((job, holder));
            }
        }
        let count = (taken.len() - before) as i64;
        let asked = args![queue.tenant, queue.id, class as i64];
        let next: Option<(i64,)> = tx.one(NEXT_OF_QUEUE, asked).await?;
        let free_at_us = pace.map_or(0, |pace| pace.after(queue.free_at_us, now, count));
        let paced =
            pace.filter(|pace| pace.allowance(free_at_us, now) == 0).map(|pace| pace.next_ms(free_at_us));
        let soonest = paced.unwrap_or(now);
        let next_at =
            if count == free { queues::NEVER } else { next.map_or(queues::NEVER, |(at,)| at.max(soonest)) };
        queues::claimed(tx, &queue, count, next_at, free_at_us).await?;
    }
    Ok(taken)
}

/// The time when the next job of a class can run, of those who have not their share of the workers.
pub async fn next_at(tx: &mut Tx<'_>, class: Class, shares: &Shares) -> Result<Option<i64>, StoreError> {
    let next: Option<(i64,)> = match queues::left_out(shares) {
        None => tx.one(NEXT, args![class as i64]).await?,
        Some(out) => {
            let args: Vec<_> = args![class as i64].iter().copied().chain(out).collect();
            tx.one(NEXT_BUT, &args).await?
        }
    };
    Ok(next.map(|(at,)| at).filter(|at| *at != queues::NEVER))
}

/// Releases a claimed job, to run again at `run_at`. `false`: the claim was lost.
pub async fn release(
    tx: &mut Tx<'_>,
    job: &Job,
    run_at: i64,
    error: Option<&str>,
) -> Result<bool, StoreError> {
    let Some(key) = job.key() else { return Ok(false) };
    if !queues::left(tx, key, job.id, job.claim, Leaving::Back).await? {
        return Ok(false);
    }
    tx.put(RELEASE, args![job.tenant, job.id, job.claim, run_at, error]).await?;
    wake_both(tx, key, run_at);
    Ok(true)
}

/// As [`release`], and resets the retries: for a job that was delayed by something other than its own failure.
pub async fn postpone(tx: &mut Tx<'_>, job: &Job, run_at: i64, error: &str) -> Result<(), StoreError> {
    if release(tx, job, run_at, Some(error)).await? {
        tx.put(FRESH, args![job.tenant, job.id]).await?;
    }
    Ok(())
}

/// Wakes the workers now, because a slot is free, and again when the released job is due.
fn wake_both(tx: &mut Tx<'_>, key: QueueKey, run_at: i64) {
    tx.wake(Wake::Job { class: key.class, at: tx.now() });
    tx.wake(Wake::Job { class: key.class, at: run_at });
}

/// Reschedules a recurring job after a successful run.
pub async fn again(tx: &mut Tx<'_>, job: &Job, run_at: i64) -> Result<(), StoreError> {
    let Some(key) = job.key() else { return Ok(()) };
    if queues::left(tx, key, job.id, job.claim, Leaving::Back).await? {
        tx.put(AGAIN, args![job.tenant, job.id, job.claim, run_at]).await?;
        wake_both(tx, key, run_at);
    }
    Ok(())
}

/// Removes a claimed job that is done. `false`: the claim was lost.
pub async fn done(tx: &mut Tx<'_>, job: &Job) -> Result<bool, StoreError> {
    let Some(key) = job.key() else { return Ok(false) };
    if !queues::left(tx, key, job.id, job.claim, Leaving::Done).await? {
        return Ok(false);
    }
    tx.put(DONE, args![job.tenant, job.id, job.claim]).await?;
    next_in_lane(tx, job, key).await?;
    Ok(true)
}

/// Marks a job dead, whether claimed or waiting (then with its queue's row locked). It is kept with its reason until
/// a person requeues or removes it. `false`: the claim was lost.
pub async fn bury(tx: &mut Tx<'_>, job: &Job, reason: &str) -> Result<bool, StoreError> {
    let Some(key) = job.key() else { return Ok(false) };
    if job.claim.is_some() {
        if !queues::left(tx, key, job.id, job.claim, Leaving::Dead).await? {
            return Ok(false);
        }
    } else {
        queues::gave_up(tx, key).await?;
    }
    tx.put(BURY, args![job.tenant, job.id, reason, job.claim]).await?;
    next_in_lane(tx, job, key).await?;
    Ok(true)
}

/// Makes the next job of the lane ready.
async fn next_in_lane(tx: &mut Tx<'_>, job: &Job, key: QueueKey) -> Result<(), StoreError> {
    tx.put(PROMOTE, args![job.tenant, &job.lane]).await?;
    tx.wake(Wake::Job { class: key.class, at: tx.now() });
    Ok(())
}

/// Jobs of a kind that have waited since before `before`.
pub async fn overdue(tx: &mut Tx<'_>, kind: &str, before: i64, limit: i64) -> Result<Vec<Job>, StoreError> {
    tx.all(OVERDUE, args![kind, before, limit]).await
}

pub async fn load(tx: &mut Tx<'_>, tenant: Uuid, id: Uuid) -> Result<Option<Job>, StoreError> {
    tx.one(LOAD, args![tenant, id]).await
}
