//! Which tenant's turn it is. A tenant waits a moment after it was woken, so that a batch has more than one event; one that
//! has more goes behind those that are due already.

use std::collections::HashMap;

use uuid::Uuid;

/// How long a tenant waits after the event that woke it.
pub(super) const LINGER_MS: i64 = 200;
const FIRST_WAIT_MS: i64 = 1_000;
const LONGEST_WAIT_MS: i64 = 300_000;
/// The same while what it needs is away: nothing is wrong, and it comes back.
const LONGEST_ABSENCE_MS: i64 = 20_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Waits,
    Runs,
    /// It was woken while it ran.
    RunsAndWoken,
}

/// What a tenant's last step left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    Nothing,
    /// It followed to the newest event, and was woken since: a small step, though it still builds.
    News,
    /// The rest of what was there before. Messages go first.
    Backlog,
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
    left: Left,
    /// The step that runs is one in a backlog.
    runs_backlog: bool,
}

/// The tenants in which a consumer has something to do.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    waiting: HashMap<Uuid, Waiting>,
    /// Until when backlogs pause, those of all tenants together.
    paused_until: i64,
    /// Steps in backlogs that run.
    backlogs: usize,
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
            left: Left::Nothing,
            runs_backlog: false,
        });
        let follows = one.builds && one.failures == 0 && one.cursor >= one.top;
        if follows && one.phase == Phase::Waits && top > one.top {
            (one.left, one.since) = (Left::News, now);
            one.due_at = one.due_at.min(now + LINGER_MS);
        }
        one.top = one.top.max(top);
        if one.phase == Phase::Runs {
            one.phase = Phase::RunsAndWoken;
        }
    }

    /// Takes the next tenant that is due. While messages come in, backlogs are worked on one at a time, with their pauses.
    pub(super) fn take(&mut self, now: i64, is_busy: bool) -> Option<Uuid> {
        let backlogs_wait = is_busy && (self.backlogs > 0 || now < self.paused_until);
        let due = self.waiting.iter_mut().filter(|(_, one)| {
            one.phase == Phase::Waits && one.due_at <= now && !(backlogs_wait && one.left == Left::Backlog)
        });
        let (tenant, one) = due.min_by_key(|(_, one)| one.due_at)?;
        one.phase = Phase::Runs;
        one.runs_backlog = one.left == Left::Backlog;
        if one.left == Left::News {
            one.left = Left::Backlog;
        }
        self.backlogs += usize::from(one.runs_backlog);
        Some(*tenant)
    }

    /// When the next tenant is due. A backlog that waits for another one is taken when that has ended.
    pub(super) fn next_at(&self, is_busy: bool) -> Option<i64> {
        let waiting = self.waiting.values().filter(|one| one.phase == Phase::Waits);
        let at = waiting.filter_map(|one| match (is_busy && one.left == Left::Backlog, self.backlogs) {
            (false, _) => Some(one.due_at),
            (true, 0) => Some(one.due_at.max(self.paused_until)),
            (true, _) => None,
        });
        at.min()
    }

    /// A step in the tenant ended. If it was one in a backlog, all backlogs pause for so long while messages come in; news
    /// do not hold them up.
    pub(super) fn ended(&mut self, tenant: Uuid, step: &super::Step, pause_ms: i64, now: i64) {
        let Some(one) = self.waiting.get_mut(&tenant) else { return };
        if std::mem::take(&mut one.runs_backlog) {
            self.backlogs -= 1;
            self.paused_until = self.paused_until.max(now + pause_ms);
        }
        if !step.more && one.phase != Phase::RunsAndWoken {
            self.waiting.remove(&tenant);
            return;
        }
        // What came while it ran and was not there when it looked.
        let has_news =
            step.builds && step.wait_until.is_none() && step.cursor >= step.top && one.top > step.top;
        one.top = one.top.max(step.top);
        one.cursor = step.cursor;
        one.since = step.at.unwrap_or(one.since).max(one.since);
        one.failures = if step.wait_until.is_some() { one.failures.max(1) } else { 0 };
        one.builds = step.builds;
        one.left = match (has_news, step.more) {
            (true, _) => Left::News,
            (false, true) => Left::Backlog,
            (false, false) => Left::Nothing,
        };
        if one.left != Left::Backlog {
            one.since = now;
        }
        one.due_at = step.wait_until.unwrap_or(if one.left == Left::Backlog { now } else { now + LINGER_MS });
        one.phase = Phase::Waits;
    }

    /// A step failed; `is_ours`: not because something was away. Returns how long the tenant waits.
    pub(super) fn failed(&mut self, tenant: Uuid, is_ours: bool, now: i64, random: u64) -> i64 {
        let Some(one) = self.waiting.get_mut(&tenant) else { return 0 };
        self.backlogs -= usize::from(std::mem::take(&mut one.runs_backlog));
        one.failures += 1;
        let longest = if is_ours { LONGEST_WAIT_MS } else { LONGEST_ABSENCE_MS };
        let wait_ms = crate::work::retry::wait_ms(one.failures, FIRST_WAIT_MS, longest, random);
        one.due_at = now + wait_ms;
        one.phase = Phase::Waits;
        wait_ms
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
    const C: Uuid = Uuid::from_u128(3);

    #[test]
    fn a_tenant_with_much_goes_behind_those_that_wait() {
        let mut schedule = Schedule::default();
        schedule.wake(A, 1_000, Some(0), 0);
        schedule.wake(B, 1, Some(0), 10);
        assert_eq!(schedule.take(LINGER_MS - 1, false), None);
        assert_eq!(schedule.take(LINGER_MS + 10, false), Some(A));
        let step = Step { more: true, cursor: 256, top: 1_000, at: Some(5), events: 256, ..Step::default() };
        schedule.ended(A, &step, 0, LINGER_MS + 20);
        assert_eq!(schedule.take(LINGER_MS + 30, false), Some(B), "it was due before A's next batch");
        assert_eq!(schedule.take(LINGER_MS + 30, false), Some(A));
        schedule.ended(B, &Step::default(), 0, 0);
        assert_eq!(schedule.lag(500), Lag { events: 744, ms: 495, failing: 0, building: 0 });
    }

    #[test]
    fn what_comes_while_a_step_runs_is_not_lost() {
        let mut schedule = Schedule::default();
        schedule.wake(A, 1, Some(0), 0);
        assert_eq!(schedule.take(LINGER_MS, false), Some(A));
        schedule.wake(A, 2, None, LINGER_MS);
        schedule.ended(A, &Step { cursor: 1, top: 1, ..Step::default() }, 0, LINGER_MS);
        assert_eq!(schedule.next_at(false), Some(2 * LINGER_MS));
        assert_eq!(schedule.take(2 * LINGER_MS, false), Some(A));
        schedule.ended(A, &Step { cursor: 2, top: 2, ..Step::default() }, 0, 0);
        assert_eq!(schedule.next_at(false), None);
    }

    #[test]
    fn a_tenant_that_fails_waits_longer_each_time_and_the_others_do_not() {
        let mut schedule = Schedule::default();
        schedule.wake(A, 1, Some(0), 0);
        let mut waits = Vec::new();
        for _ in 0..4 {
            let now = schedule.next_at(false).expect("it is due");
            assert_eq!(schedule.take(now, false), Some(A));
            waits.push(schedule.failed(A, true, now, 0));
        }
        assert!(waits.is_sorted() && waits[3] >= 4 * waits[0], "{waits:?}");
        let now = schedule.next_at(false).expect("it is due") - 1;
        schedule.wake(B, 1, Some(0), now - LINGER_MS);
        assert_eq!((schedule.take(now, false), schedule.take(now, false)), (Some(B), None));
        assert_eq!(schedule.lag(now).failing, 1);
    }

    #[test]
    fn while_messages_come_in_all_backlogs_have_one_share_and_news_do_not_wait_for_them() {
        let mut schedule = Schedule::default();
        for tenant in [A, B, C] {
            schedule.wake(tenant, 5, Some(5), 0);
        }
        let build = Step { more: true, builds: true, cursor: 5, top: 5, ..Step::default() };
        let begun = [(); 3].map(|()| schedule.take(LINGER_MS, true).expect("its first step is small"));
        for tenant in begun {
            schedule.ended(tenant, &build, 10_000, LINGER_MS);
        }
        let now = LINGER_MS + 1;
        let first = schedule.take(now, true).expect("one builds");
        assert_eq!((schedule.take(now, true), schedule.next_at(true)), (None, None), "one at a time");
        schedule.ended(first, &build, 90, now);
        assert_eq!((schedule.take(now + 89, true), schedule.next_at(true)), (None, Some(now + 90)));
        let second = schedule.take(now + 90, true).expect("another");
        // While a third builds, the first has news.
        schedule.wake(first, 6, None, now + 91);
        assert_eq!(schedule.take(now + 91 + LINGER_MS, true), Some(first));
        // And while the second builds, it has news.
        schedule.wake(second, 6, None, now + 92);
        schedule.ended(second, &build, 10_000, now + 100);
        assert_eq!(schedule.take(now + 100 + LINGER_MS, true), Some(second));
        assert_eq!(schedule.lag(now + 100 + LINGER_MS).ms, 209);
        assert!(
            schedule.take(now + 100 + LINGER_MS, false).is_some(),
            "backlogs go on when no more messages come in"
        );
    }
}
