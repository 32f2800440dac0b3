//! Which tenant's turn it is. A tenant waits a moment after it was woken, so that a batch has more than one event; one that
//! has more goes behind those that are due already.

use std::collections::HashMap;

use uuid::Uuid;

/// How long a tenant waits after the event that woke it.
pub(super) const LINGER_MS: i64 = 200;
const FIRST_WAIT_MS: i64 = 1_000;
const LONGEST_WAIT_MS: i64 = 300_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Waits,
    Runs,
    /// It was woken while it ran.
    RunsAndWoken,
}

#[derive(Debug)]
struct Waiting {
    due_at: i64,
    /// Since when there is something that it has not done.
    since: i64,
    top: i64,
    cursor: i64,
    phase: Phase,
    failures: i64,
    builds: bool,
    /// Its last step was not enough.
    has_more: bool,
}

/// The tenants in which a consumer has something to do.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    waiting: HashMap<Uuid, Waiting>,
}

/// The sums over all tenants, for the metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Lag {
    pub events: i64,
    pub ms: i64,
    pub failing: i64,
    pub building: i64,
}

impl Schedule {
    /// A tenant has events up to `top`; `cursor` is known after a look at the database.
    pub(super) fn wake(&mut self, tenant: Uuid, top: i64, cursor: Option<i64>, now: i64) {
        let one = self.waiting.entry(tenant).or_insert(Waiting {
            due_at: now + LINGER_MS,
            since: now,
            top,
            cursor: cursor.unwrap_or(top - 1),
            phase: Phase::Waits,
            failures: 0,
            builds: false,
            has_more: false,
        });
        one.top = one.top.max(top);
        if one.phase == Phase::Runs {
            one.phase = Phase::RunsAndWoken;
        }
    }

    /// Takes the next tenant that is due.
    pub(super) fn take(&mut self, now: i64) -> Option<Uuid> {
        let due = self.waiting.iter_mut().filter(|(_, one)| one.phase == Phase::Waits && one.due_at <= now);
        let (tenant, one) = due.min_by_key(|(_, one)| one.due_at)?;
        one.phase = Phase::Runs;
        Some(*tenant)
    }

    /// When the next tenant is due.
    pub(super) fn next_at(&self) -> Option<i64> {
        self.waiting.values().filter(|one| one.phase == Phase::Waits).map(|one| one.due_at).min()
    }

    /// A step in the tenant ended, and the next is not before `due_at`, if there is one.
    pub(super) fn ended(&mut self, tenant: Uuid, step: &super::Step, due_at: i64, now: i64) {
        let Some(one) = self.waiting.get_mut(&tenant) else { return };
        if !step.more && one.phase != Phase::RunsAndWoken {
            self.waiting.remove(&tenant);
            return;
        }
        one.top = one.top.max(step.top);
        one.cursor = step.cursor;
        one.since = step.at.unwrap_or(one.since).max(one.since);
        one.failures = if step.wait_until.is_some() { one.failures.max(1) } else { 0 };
        one.builds = step.builds;
        one.has_more = step.more;
        if !step.more {
            one.since = now;
        }
        one.due_at = step.wait_until.unwrap_or(if step.more { due_at } else { now + LINGER_MS });
        one.phase = Phase::Waits;
    }

    /// A step failed. Returns how long the tenant waits.
    pub(super) fn failed(&mut self, tenant: Uuid, now: i64, random: u64) -> i64 {
        let Some(one) = self.waiting.get_mut(&tenant) else { return 0 };
        one.failures += 1;
        let wait_ms = crate::work::retry::wait_ms(one.failures, FIRST_WAIT_MS, LONGEST_WAIT_MS, random);
        one.due_at = now + wait_ms;
        one.phase = Phase::Waits;
        wait_ms
    }

    /// Tenants in which one step was not enough.
    pub(super) fn behind(&self) -> usize {
        self.waiting.values().filter(|one| one.has_more).count()
    }

    pub(super) fn lag(&self, now: i64) -> Lag {
        let mut lag = Lag::default();
        for one in self.waiting.values() {
            lag.events += (one.top - one.cursor).max(0);
            if one.top > one.cursor {
                lag.ms = lag.ms.max(now - one.since);
            }
            lag.failing += i64::from(one.failures > 0);
            lag.building += i64::from(one.builds);
        }
        lag
    }
}

#[cfg(test)]
mod tests {
    use super::super::Step;
    use super::*;

    const A: Uuid = Uuid::from_u128(1);
    const B: Uuid = Uuid::from_u128(2);

    #[test]
    fn a_tenant_with_much_goes_behind_those_that_wait() {
        let mut schedule = Schedule::default();
        schedule.wake(A, 1_000, Some(0), 0);
        schedule.wake(B, 1, Some(0), 10);
        assert_eq!(schedule.take(LINGER_MS - 1), None);
        assert_eq!(schedule.take(LINGER_MS + 10), Some(A));
        let step = Step { more: true, cursor: 256, top: 1_000, at: Some(5), events: 256, ..Step::default() };
        schedule.ended(A, &step, LINGER_MS + 20, LINGER_MS + 20);
        assert_eq!(schedule.take(LINGER_MS + 30), Some(B), "it was due before A's next batch");
        assert_eq!(schedule.take(LINGER_MS + 30), Some(A));
        schedule.ended(B, &Step::default(), 0, 0);
        assert_eq!(schedule.lag(500), Lag { events: 744, ms: 495, failing: 0, building: 0 });
    }

    #[test]
    fn what_comes_while_a_step_runs_is_not_lost() {
        let mut schedule = Schedule::default();
        schedule.wake(A, 1, Some(0), 0);
        assert_eq!(schedule.take(LINGER_MS), Some(A));
        schedule.wake(A, 2, None, LINGER_MS);
        schedule.ended(A, &Step { cursor: 1, top: 1, ..Step::default() }, 0, LINGER_MS);
        assert_eq!(schedule.next_at(), Some(2 * LINGER_MS));
        assert_eq!(schedule.take(2 * LINGER_MS), Some(A));
        schedule.ended(A, &Step { cursor: 2, top: 2, ..Step::default() }, 0, 0);
        assert_eq!(schedule.next_at(), None);
    }

    #[test]
    fn a_tenant_that_fails_waits_longer_each_time_and_the_others_do_not() {
        let mut schedule = Schedule::default();
        schedule.wake(A, 1, Some(0), 0);
        let mut waits = Vec::new();
        for _ in 0..4 {
            let now = schedule.next_at().expect("it is due");
            assert_eq!(schedule.take(now), Some(A));
            waits.push(schedule.failed(A, now, 0));
        }
        assert!(waits.is_sorted() && waits[3] >= 4 * waits[0], "{waits:?}");
        let now = schedule.next_at().expect("it is due") - 1;
        schedule.wake(B, 1, Some(0), now - LINGER_MS);
        assert_eq!((schedule.take(now), schedule.take(now)), (Some(B), None));
        assert_eq!(schedule.lag(now).failing, 1);
    }
}
