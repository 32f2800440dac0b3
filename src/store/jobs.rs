//! Jobs: born in the transaction that causes them, claimed one at a time per lane, gone when they are done, or dead
//! with a reason after their tries.
//!
//! The first job of a lane is `ready` or `claimed`, those after it are `behind`; `dead` ones are in no lane.

mod kinds;

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

pub use kinds::{
    Acknowledge, Class, Deliver, EndOverdue, FetchMedia, FetchTitle, Payload, Retain, SweepFiles,
};

use super::queues::{self, Leaving, QueueKey};
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

mod dead;

pub use dead::{ALL as ABOUT_DEAD, forget_dead};

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
const KEEP: &str = "update jobs set claimed_until = $4 where tenant = $1 and id = $2 and claim = $3";
const CLAIM: &str = "update jobs set state = 'claimed', claim = $3, claimed_until = $4, tries = tries + 1 \
    where tenant = $1 and id = $2 and state = 'ready'";
const EXPIRED: &str =
    select!("where j.state = 'claimed' and j.claimed_until <= $1 order by j.claimed_until limit $2");
const RELEASE: &str = "update jobs set state = 'ready', claim = null, claimed_until = null, run_at = $4, error = $5 \
    where tenant = $1 and id = $2 and claim = $3";
const AGAIN: &str = "update jobs set state = 'ready', claim = null, claimed_until = null, run_at = $4, tries = 0, \
    error = null where tenant = $1 and id = $2 and claim = $3";
const DONE: &str = "delete from jobs where tenant = $1 and id = $2 and claim = $3";
const FRESH: &str = "update jobs set tries = 0 where tenant = $1 and id = $2";
const BURY: &str = "update jobs set state = 'dead', claim = null, claimed_until = null, error = $3 \
    where tenant = $1 and id = $2 and (claim is null or claim = $4)";
const STILL_EXPIRED: &str =
    "select id from jobs where tenant = $1 and id = $2 and claim = $3 and claimed_until <= $4";
const PROMOTE: &str = "update jobs set state = 'ready' where tenant = $1 and id = (select id from jobs where tenant = $1 \
    and lane = $2 and state = 'behind' and not exists (select 1 from jobs where tenant = $1 and lane = $2 \
    and state in ('ready', 'claimed')) order by position, id limit 1)";
const HURRY: &str = "update jobs set run_at = $4 where tenant = $1 and subject = $2 and kind = $3 and state = 'ready' and run_at > $4";
const HURRY_LANE: &str = "update jobs set run_at = $3 where tenant = $1 and lane = $2 and state in ('ready', 'claimed') \
    and claim is null and run_at > $3";
/// So many at once; the others run when they were to.
const LATER_OF_QUEUE: &str = "select id from jobs where tenant = $1 and queue = $2 and class = $3 and state = 'ready' and run_at > $4 \
    order by run_at, id limit 500";
const HURRY_ONE: &str = "update jobs set run_at = $3 where tenant = $1 and id = $2 and state = 'ready'";
const OVERDUE: &str = select!(
    "where j.kind = $1 and j.state <> 'claimed' and j.created_at < $2 and j.state <> 'dead' \
     order by j.created_at, j.id limit $3"
);
const LOAD: &str = select!("where j.tenant = $1 and j.id = $2");
const DEAD: &str =
    select!("where j.tenant = $1 and j.state = 'dead' and j.id < $2 order by j.id desc limit $3");
const OLD_DEAD: &str =
    select!("where j.tenant = $1 and j.state = 'dead' and j.id < $2 order by j.id limit $3");
const REVIVE: &str = "update jobs set tries = 0, run_at = $3, created_at = $3, error = null, state = case when exists (select 1 from jobs k \
    where k.tenant = $1 and k.lane = jobs.lane and k.state in ('ready', 'claimed')) then 'behind' else 'ready' end \
    where tenant = $1 and id = $2 and state = 'dead'";
const DROP_DEAD: &str = "delete from jobs where tenant = $1 and id = $2 and state = 'dead'";

pub const ALL: &[&str] = &[
    INSERT,
    SCHEDULE,
    READY,
    NEXT_OF_QUEUE,
    NEXT,
    KEEP,
    CLAIM,
    EXPIRED,
    RELEASE,
    AGAIN,
    DONE,
    FRESH,
    BURY,
    STILL_EXPIRED,
    PROMOTE,
    HURRY,
    HURRY_LANE,
    LATER_OF_QUEUE,
    HURRY_ONE,
    OVERDUE,
    LOAD,
    DEAD,
    OLD_DEAD,
    REVIVE,
    DROP_DEAD,
];

/// A job as it is stored: of a kind that this version may not know.
#[derive(Clone, Debug)]
pub struct Job {
    pub id: Uuid,
    pub tenant: Uuid,
    pub queue: Uuid,
    pub class: i64,
    pub lane: String,
    pub kind: String,
    /// What it is about: a delivery, an attachment.
    pub subject: Uuid,
    /// JSON; older ones have only their subject.
    pub payload: Option<String>,
    /// Claims, with this one.
    pub tries: i64,
    /// Whose it is while it runs; writing the end of a job asks for it.
    pub claim: Option<Uuid>,
    pub created_at: i64,
    /// Why it failed the last time.
    pub error: Option<String>,
    state: String,
}

impl Job {
    pub fn is_dead(&self) -> bool {
        self.state == "dead"
    }

    /// Neither running nor given up.
    pub fn waits(&self) -> bool {
        matches!(self.state.as_str(), "ready" | "behind")
    }

    /// Whose data it changes; nothing when it is the installation's.
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

/// Where a job goes. Those of a lane run one at a time, by rising `position`.
pub struct Slot<'a> {
    pub tenant: Uuid,
    /// The channel whose work it is.
    pub queue: Uuid,
    pub lane: &'a str,
    pub position: i64,
}

/// Puts a job into its lane, to run as soon as it can.
pub async fn push<P: Payload>(tx: &mut Tx<'_>, slot: &Slot<'_>, payload: &P) -> Result<(), StoreError> {
    let (id, now) = (tx.new_id(), tx.now());
    let text = serde_json::to_string(payload).map_err(|error| StoreError::Engine(error.to_string()))?;
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

/// Sees to it that a job of the installation is there that comes again and again. Its id is its kind's, so that all
/// nodes make the same one.
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

/// Keeps a claimed job until this time. `false`: it is not ours any more.
pub async fn keep(tx: &mut Tx<'_>, job: &Job, claimed_until: i64) -> Result<bool, StoreError> {
    Ok(tx.exec(KEEP, args![job.tenant, job.id, job.claim, claimed_until]).await? == 1)
}

/// Lets the waiting jobs about a subject of a channel run now.
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

/// What waits for another try in a lane runs now: what was in its way is gone.
pub async fn hurry_lane(tx: &mut Tx<'_>, key: QueueKey, lane: &str) -> Result<(), StoreError> {
    let now = tx.now();
    queues::touch(tx, key, now).await?;
    tx.put(HURRY_LANE, args![key.tenant, lane, now]).await?;
    tx.wake(Wake::Job { class: key.class, at: now });
    Ok(())
}

/// The channel works again: what waits in its queues runs now.
pub async fn recovered(tx: &mut Tx<'_>, tenant: Uuid, channel: Uuid) -> Result<(), StoreError> {
    for class in [Class::Send, Class::Media] {
        let key = QueueKey { tenant, id: channel, class };
        queues::recovered(tx, key).await?;
        hurry_queue(tx, key).await?;
    }
    Ok(())
}

/// What waits for another try in a queue runs now.
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

/// Takes up to `limit` jobs of a class until `claimed_until`, in turn from each queue that has some to do.
pub async fn claim(
    tx: &mut Tx<'_>,
    class: Class,
    limit: i64,
    claimed_until: i64,
) -> Result<Vec<Job>, StoreError> {
    let now = tx.now();
    let mut taken = Vec::new();
    for queue in queues::due(tx, class, limit).await? {
        let free = if queue.failures >= queues::BREAKER { 1 } else { class.per_queue() } - queue.running;
        let most = free.min(limit - taken.len() as i64);
        if most <= 0 {
            // Whoever ends a job of it says when it goes on.
            let next_at = if free <= 0 { queues::NEVER } else { now };
            queues::claimed(tx, &queue, 0, next_at).await?;
            continue;
        }
        let ready: Vec<Job> = tx.all(READY, args![queue.tenant, queue.id, class as i64, now, most]).await?;
        let before = taken.len();
        for mut job in ready {
            let claim = tx.new_id();
            if tx.exec(CLAIM, args![job.tenant, job.id, claim, claimed_until]).await? == 1 {
                job.claim = Some(claim);
                job.tries += 1;
                taken.push(job);
            }
        }
        let count = (taken.len() - before) as i64;
        let asked = args![queue.tenant, queue.id, class as i64];
        let next: Option<(i64,)> = tx.one(NEXT_OF_QUEUE, asked).await?;
        let next_at =
            if count == free { queues::NEVER } else { next.map_or(queues::NEVER, |(at,)| at.max(now)) };
        queues::claimed(tx, &queue, count, next_at).await?;
    }
    Ok(taken)
}

/// When the next job of a class can run.
pub async fn next_at(tx: &mut Tx<'_>, class: Class) -> Result<Option<i64>, StoreError> {
    let next = tx.one::<(i64,)>(NEXT, args![class as i64]).await?;
    Ok(next.map(|(at,)| at).filter(|at| *at != queues::NEVER))
}

/// Jobs whose worker is gone.
pub async fn expired(tx: &mut Tx<'_>, now: i64, limit: i64) -> Result<Vec<Job>, StoreError> {
    tx.all(EXPIRED, args![now, limit]).await
}

/// Whether it is still so that a claimed job's worker is gone.
pub async fn still_expired(tx: &mut Tx<'_>, job: &Job, before: i64) -> Result<bool, StoreError> {
    let asked = args![job.tenant, job.id, job.claim, before];
    Ok(tx.one::<(Uuid,)>(STILL_EXPIRED, asked).await?.is_some())
}

/// Gives a claimed job back, to run at a time. `false`: it was not ours any more.
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

/// As [`release`], for a job that did what it could: it was not its own failure, and its tries begin anew.
pub async fn postpone(tx: &mut Tx<'_>, job: &Job, run_at: i64, error: &str) -> Result<(), StoreError> {
    if release(tx, job, run_at, Some(error)).await? {
        tx.put(FRESH, args![job.tenant, job.id]).await?;
    }
    Ok(())
}

/// There is room for another one now, and this one comes later.
fn wake_both(tx: &mut Tx<'_>, key: QueueKey, run_at: i64) {
    tx.wake(Wake::Job { class: key.class, at: tx.now() });
    tx.wake(Wake::Job { class: key.class, at: run_at });
}

/// A job that comes again and again did what it had to, and is to run at this time next.
pub async fn again(tx: &mut Tx<'_>, job: &Job, run_at: i64) -> Result<(), StoreError> {
    let Some(key) = job.key() else { return Ok(()) };
    if queues::left(tx, key, job.id, job.claim, Leaving::Back).await? {
        tx.put(AGAIN, args![job.tenant, job.id, job.claim, run_at]).await?;
        wake_both(tx, key, run_at);
    }
    Ok(())
}

/// Ends a claimed job. `false`: it was not ours any more.
pub async fn done(tx: &mut Tx<'_>, job: &Job) -> Result<bool, StoreError> {
    let Some(key) = job.key() else { return Ok(false) };
    if !queues::left(tx, key, job.id, job.claim, Leaving::Done).await? {
        return Ok(false);
    }
    tx.put(DONE, args![job.tenant, job.id, job.claim]).await?;
    next_in_lane(tx, job, key).await?;
    Ok(true)
}

/// Gives a job up, claimed or (with its queue's row held) waiting: it stays, with its reason, until a person lets it run again or drops it.
/// `false`: it was not ours any more.
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

/// The next one of the lane can run now.
async fn next_in_lane(tx: &mut Tx<'_>, job: &Job, key: QueueKey) -> Result<(), StoreError> {
    tx.put(PROMOTE, args![job.tenant, &job.lane]).await?;
    tx.wake(Wake::Job { class: key.class, at: tx.now() });
    Ok(())
}

/// Jobs of a kind that wait since before a time.
pub async fn overdue(tx: &mut Tx<'_>, kind: &str, before: i64, limit: i64) -> Result<Vec<Job>, StoreError> {
    tx.all(OVERDUE, args![kind, before, limit]).await
}

pub async fn load(tx: &mut Tx<'_>, tenant: Uuid, id: Uuid) -> Result<Option<Job>, StoreError> {
    tx.one(LOAD, args![tenant, id]).await
}

/// The dead jobs of a tenant, newest first, before an id.
pub async fn dead(tx: &mut Tx<'_>, tenant: Uuid, before: Uuid, limit: i64) -> Result<Vec<Job>, StoreError> {
    tx.all(DEAD, args![tenant, before, limit]).await
}

/// Those that were made before an id of that time, oldest first.
pub async fn old_dead(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    before: Uuid,
    limit: i64,
) -> Result<Vec<Job>, StoreError> {
    tx.all(OLD_DEAD, args![tenant, before, limit]).await
}

/// Lets a dead job run again, as if it were new. `false`: it is not dead any more.
pub async fn revive(tx: &mut Tx<'_>, job: &Job) -> Result<bool, StoreError> {
    let (Some(key), now) = (job.key(), tx.now()) else { return Ok(false) };
    queues::dead_left(tx, key, true).await?;
    let revived = tx.exec(REVIVE, args![job.tenant, job.id, now]).await? == 1;
    tx.wake(Wake::Job { class: key.class, at: now });
    Ok(revived)
}

/// Forgets a dead job.
pub async fn drop_dead(tx: &mut Tx<'_>, job: &Job) -> Result<bool, StoreError> {
    if let Some(key) = job.key() {
        queues::dead_left(tx, key, false).await?;
    }
    Ok(tx.exec(DROP_DEAD, args![job.tenant, job.id]).await? == 1)
}
