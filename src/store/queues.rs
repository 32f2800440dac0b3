//! Job queues, one per channel and class of work. A queue records when its next job may run, how many of its jobs
//! run, and whether its provider answers, so that a channel that is at its limit, paused or down costs the other
//! channels nothing, however long its queue is.
//!
//! A transaction that changes a job locks the row of the job's queue first. The claim skips queues that are locked.

use uuid::Uuid;

use super::jobs::Class;
use super::shares::{LEFT_OUT, Shares};
use super::value::from_row;
use super::{Arg, StoreError, Tx, Wake, dialect};
use crate::args;

/// `next_at` of a queue that has no job to run until another transaction changes it.
pub const NEVER: i64 = i64::MAX;
/// Consecutive failures after which a queue is blocked for a while (a circuit breaker) and then tried with one job.
pub const BREAKER: i64 = 5;
const FIRST_BLOCK_MS: i64 = 2_000;
const LONGEST_BLOCK_MS: i64 = 60_000;
/// After a failure that costs a person work.
const LONGEST_DEAR_BLOCK_MS: i64 = 600_000;

const JOINED: &str = "insert into queues (tenant, id, class, waiting, running, dead, next_at, failures) \
    values ($1, $2, $3, 1, 0, 0, $4, 0) on conflict (tenant, id, class) do update set waiting = queues.waiting + 1, \
    next_at = case when (queues.blocked_until is null or queues.blocked_until <= $4) and queues.next_at > $4 then $4 \
    else queues.next_at end";
/// For a claimed job: $6 is the number of jobs that leave the queue, $7 how many of them are dead, $8 when the next
/// can run.
const LEFT: &str = "update queues set running = running - 1, waiting = waiting - $6, dead = dead + $7, \
    next_at = case when (blocked_until is null or blocked_until <= $8) and next_at > $8 then $8 else next_at end \
    where tenant = $1 and id = $2 and class = $3 and exists (select 1 from jobs where tenant = $1 and id = $4 and claim = $5)";
const CLAIMED: &str = "update queues set running = running + $4, next_at = $5, free_at_us = $6 where tenant = $1 and id = $2 and class = $3";
const TOUCH: &str = "update queues set next_at = case when (blocked_until is null or blocked_until <= $4) and next_at > $4 then $4 \
    else next_at end where tenant = $1 and id = $2 and class = $3";
const LOAD: &str = "select tenant, id, class, running, failures, blocked_until, reason, free_at_us from queues where tenant = $1 and id = $2 and class = $3";
const BLOCK: &str = "update queues set blocked_until = $4, next_at = $4, failures = $5, reason = $6 \
    where tenant = $1 and id = $2 and class = $3";
const PAUSE: &str = "insert into queues (tenant, id, class, waiting, running, dead, next_at, failures, blocked_until, reason) \
    values ($1, $2, $3, 0, 0, 0, $4, 0, $4, $5) on conflict (tenant, id, class) do update set blocked_until = $4, next_at = $4, \
    reason = $5";
const UNBLOCK: &str = "update queues set blocked_until = null, next_at = $4, failures = 0, reason = null \
    where tenant = $1 and id = $2 and class = $3 and (blocked_until < 9223372036854775807 or (blocked_until is null and failures > 0))";
const RESUME: &str = "update queues set blocked_until = null, next_at = $4, failures = 0, reason = null \
    where tenant = $1 and id = $2 and class = $3";
const FAILED: &str = "update queues set failures = $4 where tenant = $1 and id = $2 and class = $3";
const DEAD: &str = "update queues set waiting = waiting + $4, dead = dead - $5, \
    next_at = case when (blocked_until is null or blocked_until <= $6) and $4 > 0 then $6 else next_at end \
    where tenant = $1 and id = $2 and class = $3";
const GAVE_UP: &str = "update queues set waiting = waiting - 1, dead = dead + 1 \
    where tenant = $1 and id = $2 and class = $3";
const COUNT: &str = "select class, cast(sum(waiting) as bigint), cast(sum(running) as bigint), cast(sum(dead) as bigint), \
    cast(sum(case when blocked_until is null then 0 else 1 end) as bigint) from queues group by class";

pub const ALL: &[&str] = &[
    JOINED,
    LEFT,
    CLAIMED,
    TOUCH,
    LOAD,
    BLOCK,
    PAUSE,
    UNBLOCK,
    RESUME,
    FAILED,
    DEAD,
    GAVE_UP,
    COUNT,
    dialect::DUE_QUEUES,
    dialect::DUE_QUEUES_BUT,
];

/// A queue, as the claim and the reports on blocked queues read it.
#[derive(Clone, Debug)]
pub struct Queue {
    pub tenant: Uuid,
    pub id: Uuid,
    pub class: i64,
    pub running: i64,
    pub failures: i64,
    /// No job of the queue is claimed before this time.
    pub blocked_until: Option<i64>,
    /// Why the queue is blocked.
    pub reason: Option<String>,
    /// See [`pace`](super::pace).
    pub free_at_us: i64,
}

impl Queue {
    /// So many of its jobs failed in a row that it is tried with one at a time.
    pub const fn is_doubted(&self) -> bool {
        self.failures >= BREAKER
    }
}

from_row!(Queue { tenant, id, class, running, failures, blocked_until, reason, free_at_us });

/// The key of a queue.
#[derive(Clone, Copy, Debug)]
pub struct QueueKey {
    /// The nil id stands for the installation's own jobs.
    pub tenant: Uuid,
    pub id: Uuid,
    pub class: Class,
}

/// Counts a new job of the queue, which may run from `run_at` on.
pub(super) async fn joined(tx: &mut Tx<'_>, key: QueueKey, run_at: i64) -> Result<(), StoreError> {
    tx.put(JOINED, args![key.tenant, key.id, key.class as i64, run_at]).await
}

/// How a claimed job stops running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaving {
    Done,
    Dead,
    /// It is requeued.
    Back,
}

/// Locks the queue's row until the transaction ends: nobody else changes the queue's jobs meanwhile. To be called
/// before any job's row is locked.
pub async fn lock(tx: &mut Tx<'_>, key: QueueKey) -> Result<(), StoreError> {
    if let Some(sql) = tx.engine().queue_lock() {
        tx.one::<(i64,)>(sql, args![key.tenant, key.id, key.class as i64]).await?;
    }
    Ok(())
}

/// Counts a claimed job as no longer running. `false`: another worker holds the claim by now, and nothing was
/// changed.
pub(super) async fn left(
    tx: &mut Tx<'_>,
    key: QueueKey,
    job: Uuid,
    claim: Option<Uuid>,
    leaving: Leaving,
) -> Result<bool, StoreError> {
    lock(tx, key).await?;
    // There is room for another job now in every case; the next claim computes when that job can run.
    let at = tx.now();
    let (gone, dead) = match leaving {
        Leaving::Done => (1, 0),
        Leaving::Dead => (1, 1),
        Leaving::Back => (0, 0),
    };
    let args = args![key.tenant, key.id, key.class as i64, job, claim, gone, dead, at];
    Ok(tx.exec(LEFT, args).await? == 1)
}

/// Counts claimed jobs; the remaining ones can run from `next_at` on. `free_at_us`: the queue's pace after them.
pub(super) async fn claimed(
    tx: &mut Tx<'_>,
    queue: &Queue,
    count: i64,
    next_at: i64,
    free_at_us: i64,
) -> Result<(), StoreError> {
    tx.put(CLAIMED, args![queue.tenant, queue.id, queue.class, count, next_at, free_at_us]).await
}

/// Moves `next_at` forward, when a waiting job may run earlier than scheduled.
pub(super) async fn touch(tx: &mut Tx<'_>, key: QueueKey, at: i64) -> Result<(), StoreError> {
    tx.put(TOUCH, args![key.tenant, key.id, key.class as i64, at]).await
}

/// The queues of a class with a job to run, each locked until the transaction ends; without those whose tenant or provider has
/// its share of the workers.
pub(super) async fn due(
    tx: &mut Tx<'_>,
    class: Class,
    limit: i64,
    shares: &Shares,
) -> Result<Vec<Queue>, StoreError> {
    let (now, class) = (tx.now(), class as i64);
    match left_out(shares) {
        None => tx.all(tx.engine().due_queues(), args![class, now, limit]).await,
        Some(out) => {
            let args: Vec<_> = args![class, now, limit].iter().copied().chain(out).collect();
            tx.all(tx.engine().due_queues_but(), &args).await
        }
    }
}

/// Whom a claim leaves out: so many tenants and then kinds of channels, of which those that are left over name nobody.
pub(super) fn left_out(shares: &Shares) -> Option<impl Iterator<Item = Arg<'static>>> {
    let (spent, taken) = (shares.spent(), shares.taken());
    if spent.is_empty() && taken.is_empty() {
        return None;
    }
    let (mut tenants, mut kinds) = ([Uuid::max(); LEFT_OUT], [""; LEFT_OUT]);
    tenants.iter_mut().zip(spent).for_each(|(place, tenant)| *place = tenant);
    kinds.iter_mut().zip(taken).for_each(|(place, kind)| *place = kind);
    Some(tenants.into_iter().map(Arg::from).chain(kinds.into_iter().map(Arg::from)))
}

pub async fn load(tx: &mut Tx<'_>, key: QueueKey) -> Result<Option<Queue>, StoreError> {
    tx.one(LOAD, args![key.tenant, key.id, key.class as i64]).await
}

/// The reason why the queue is blocked, if it is.
pub async fn blocked(tx: &mut Tx<'_>, key: QueueKey) -> Result<Option<String>, StoreError> {
    let queue = load(tx, key).await?.filter(|queue| queue.blocked_until.is_some());
    Ok(queue.map(|queue| queue.reason.unwrap_or_default()))
}

/// What a failure says about the queue's other jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failed {
    /// They may fail as well: the queue is blocked after [`BREAKER`] in a row.
    Once,
    /// As `Once`, and each further try may leave another send with an unknown outcome: blocked after two in a row.
    Doubtful,
    /// They will fail: blocked at once.
    Down,
}

impl Failed {
    const fn counts(self) -> i64 {
        match self {
            Self::Once => 1,
            Self::Doubtful => (BREAKER + 1) / 2,
            Self::Down => BREAKER,
        }
    }
}

/// Records a failure that would also affect the queue's other jobs. After [`BREAKER`] of them, or fewer that say more,
/// the queue is blocked with exponential backoff. `true`: the block has ended before, and is renewed.
pub async fn failed(tx: &mut Tx<'_>, key: QueueKey, how: Failed, reason: &str) -> Result<bool, StoreError> {
    let Some(queue) = load(tx, key).await? else { return Ok(false) };
    // Jobs that ran when the queue was blocked add no information, and must not shorten a pause.
    if queue.blocked_until.is_some_and(|until| until > tx.now()) {
        return Ok(false);
    }
    let again = queue.is_doubted();
    let failures = if again { queue.failures + 1 } else { (queue.failures + how.counts()).min(BREAKER) };
    if failures < BREAKER {
        tx.put(FAILED, args![key.tenant, key.id, key.class as i64, failures]).await?;
        return Ok(false);
    }
    let doublings = u32::try_from((failures - BREAKER).min(10)).unwrap_or(0);
    let longest = if how == Failed::Doubtful { LONGEST_DEAR_BLOCK_MS } else { LONGEST_BLOCK_MS };
    let wait = (FIRST_BLOCK_MS << doublings).min(longest);
    let until = tx.now() + wait;
    tx.put(BLOCK, args![key.tenant, key.id, key.class as i64, until, failures, reason]).await?;
    tx.wake(Wake::Job { class: key.class, at: until });
    Ok(again)
}

/// Pauses the queue until [`resume`].
pub async fn pause(tx: &mut Tx<'_>, key: QueueKey, reason: &str) -> Result<(), StoreError> {
    tx.put(PAUSE, args![key.tenant, key.id, key.class as i64, NEVER, reason]).await
}

/// Unblocks the queue because the provider answers again; a pause stays. `true`: the queue was blocked, and its jobs
/// that wait for a retry may run now.
pub async fn recovered(tx: &mut Tx<'_>, key: QueueKey) -> Result<bool, StoreError> {
    let Some(queue) = load(tx, key).await? else { return Ok(false) };
    if queue.failures == 0 && queue.blocked_until.is_none() {
        return Ok(false);
    }
    let now = tx.now();
    tx.put(UNBLOCK, args![key.tenant, key.id, key.class as i64, now]).await?;
    tx.wake(Wake::Job { class: key.class, at: now });
    Ok(queue.failures >= BREAKER && queue.blocked_until != Some(NEVER))
}

/// Ends the pause of the queue.
pub async fn resume(tx: &mut Tx<'_>, key: QueueKey) -> Result<(), StoreError> {
    let now = tx.now();
    tx.put(RESUME, args![key.tenant, key.id, key.class as i64, now]).await?;
    tx.wake(Wake::Job { class: key.class, at: now });
    Ok(())
}

/// Counts a dead job that is requeued (`back`) or removed.
pub(super) async fn dead_left(tx: &mut Tx<'_>, key: QueueKey, back: bool) -> Result<(), StoreError> {
    let now = tx.now();
    tx.put(DEAD, args![key.tenant, key.id, key.class as i64, i64::from(back), 1_i64, now]).await
}

/// Counts a waiting job as dead that was never claimed.
pub(super) async fn gave_up(tx: &mut Tx<'_>, key: QueueKey) -> Result<(), StoreError> {
    tx.put(GAVE_UP, args![key.tenant, key.id, key.class as i64]).await
}

/// For each class: the numbers of waiting (including running), running and dead jobs, and of blocked queues.
pub async fn count(tx: &mut Tx<'_>) -> Result<Vec<(i64, i64, i64, i64, i64)>, StoreError> {
    tx.all(COUNT, &[]).await
}
