//! What the removal of old rows remembers from one run to the next in this process: where it goes on, how many rows a
//! batch has, and which tenants still have what should be gone.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use super::expiring::OF_TENANTS;

/// How long a batch is to take, with its wait for the writer: where others write much, batches become small and pauses long.
const AIM: Duration = Duration::from_millis(20);
const LEAST_ROWS: i64 = 40;
const MOST_ROWS: i64 = 1_000;
/// After this long another node does the job, and what this one knows is of before.
const KNOWN_FOR: Duration = Duration::from_mins(30);

/// The pause after a batch, as a multiple of its time: removing has at most one part in eleven of the writer of SQLite, or of
/// a tenant's lock on PostgreSQL. A batch of the [`AIM`] with its pause is 220 ms: 4,500 rows a second with
/// [`MOST_ROWS`] in it, 1,800 with 400. On PostgreSQL, where several tenants are worked on at a time, four times that in all. A
/// message of a customer leaves about 10 rows behind (events, bodies, an attempt).
const SHARE: u32 = 10;
const LEAST_PAUSE: Duration = Duration::from_millis(40);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

pub(super) fn pause(took: Duration) -> Duration {
    took.saturating_mul(SHARE).clamp(LEAST_PAUSE, LONGEST_PAUSE)
}

/// The rows of the next batch after one of so many that took so long. One measurement at most doubles or halves them.
fn next_rows(rows: i64, took: Duration) -> i64 {
    let us = |time: Duration| i64::try_from(time.as_micros()).unwrap_or(i64::MAX).max(1);
    let wanted = rows.saturating_mul(us(AIM)) / us(took);
    wanted.clamp(rows / 2, rows * 2).clamp(LEAST_ROWS, MOST_ROWS)
}

/// What a tenant has left.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// Its turn was over before everything was gone.
    pub more: bool,
    /// For how long the oldest row of a kind is to be gone, in milliseconds, of those kinds that have one.
    pub overdue_ms: BTreeMap<&'static str, i64>,
}

#[derive(Debug, Default)]
pub struct Retained(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The last tenant that had its turn.
    place: Uuid,
    /// By kind.
    rows: BTreeMap<&'static str, i64>,
    /// Without those that have nothing.
    left: BTreeMap<Uuid, Left>,
    at: Option<Instant>,
}

impl Retained {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn place(&self) -> Uuid {
        self.state().place
    }

    pub(super) fn set_place(&self, place: Uuid) {
        self.state().place = place;
    }

    /// The rows of a kind's next batch.
    pub(super) fn rows(&self, kind: &'static str) -> i64 {
        self.state().rows.get(kind).copied().unwrap_or(LEAST_ROWS)
    }

    /// A batch of so many took so long. One that was not full says nothing of how many more it could have had.
    pub(super) fn took(&self, kind: &'static str, rows: i64, took: Duration, is_full: bool) {
        let next = next_rows(rows, took);
        if is_full || next < rows {
            self.state().rows.insert(kind, next);
        }
    }

    /// A batch of so many failed, for want of time perhaps.
    pub(super) fn too_many(&self, kind: &'static str, rows: i64) {
        self.state().rows.insert(kind, (rows / 2).max(LEAST_ROWS));
    }

    /// What a tenant has left after its turn.
    pub(super) fn keep(&self, tenant: Uuid, left: Left) {
        let mut state = self.state();
        state.at = Some(Instant::now());
        if left.more || !left.overdue_ms.is_empty() {
            state.left.insert(tenant, left);
        } else {
            state.left.remove(&tenant);
        }
    }

    /// A tenant could not be looked at: what was known of it stays, and this run leaves it.
    pub(super) fn failed(&self, tenant: Uuid) {
        if let Some(left) = self.state().left.get_mut(&tenant) {
            left.more = false;
        }
    }

    /// The tenants that need another turn.
    pub(super) fn unfinished(&self) -> Vec<Uuid> {
        let state = self.state();
        state.left.iter().filter(|(_, left)| left.more).map(|(tenant, _)| *tenant).collect()
    }

    /// For how long the oldest row of each kind is to be gone, of all tenants; 0 where nothing is late, or another node
    /// knows.
    pub fn overdue(&self) -> impl Iterator<Item = (&'static str, Duration)> + use<> {
        let state = self.state();
        let is_known = state.at.is_some_and(|at| at.elapsed() < KNOWN_FOR);
        let of = |kind: &'static str| {
            let late = state.left.values().filter_map(|left| left.overdue_ms.get(kind)).max();
            let ms = late.copied().filter(|_| is_known).unwrap_or(0);
            (kind, Duration::from_millis(u64::try_from(ms).unwrap_or(0)))
        };
        OF_TENANTS.map(of).into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_follows_the_time_of_the_last() {
        let ms = Duration::from_millis;
        assert_eq!(next_rows(40, Duration::ZERO), 80);
        assert_eq!(next_rows(100, ms(20)), 100);
        assert_eq!(next_rows(100, ms(25)), 80);
        assert_eq!(next_rows(800, ms(5)), MOST_ROWS);
        assert_eq!(next_rows(1_000, ms(30_000)), 500);
        assert_eq!(next_rows(50, ms(30_000)), LEAST_ROWS);
        // What is removed at most, of what the writer does.
        assert!(pause(ms(20)) == ms(200) && pause(ms(1)) == LEAST_PAUSE);
    }

    #[test]
    fn the_oldest_of_all_tenants_is_told_until_it_is_gone() {
        let retained = Retained::default();
        let overdue =
            || retained.overdue().find(|(kind, _)| *kind == "events").map(|(_, late)| late.as_millis());
        let left = |ms| Left { more: true, overdue_ms: BTreeMap::from([("events", ms)]) };
        assert_eq!(overdue(), Some(0));
        retained.keep(Uuid::from_u128(1), left(5_000));
        retained.keep(Uuid::from_u128(2), left(7_000));
        retained.failed(Uuid::from_u128(2));
        assert_eq!((overdue(), retained.unfinished()), (Some(7_000), vec![Uuid::from_u128(1)]));
        retained.keep(Uuid::from_u128(2), Left::default());
        retained.keep(Uuid::from_u128(1), Left::default());
        assert_eq!((overdue(), retained.unfinished().len()), (Some(0), 0));
    }
}
