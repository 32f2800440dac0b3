//! The writer's queue: one lane per tenant, scheduled fairly by the writer's time that each lane has used. A tenant
//! that sends continuously waits behind its own verbs; one that sends rarely is served at once.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use uuid::Uuid;

use crate::store::StoreError;
use crate::store::ticket::Ticket;

/// The most verbs that may wait in all lanes; beyond it the caller gets [`StoreError::Busy`].
const QUEUE: usize = 4096;
/// The most verbs that may wait in one lane, so that one tenant cannot fill the queue.
const QUEUE_OF_TENANT: usize = 1024;

/// The least time charged for a verb, so that a coarse clock does not make verbs free.
const LEAST_COST: Duration = Duration::from_micros(10);

/// The tenant of a lane; `None` is the installation itself.
pub(super) type Owner = Option<Uuid>;

pub(super) enum WriterTask {
    Verb(Owner, Box<dyn Ticket>),
    /// All verbs queued before the close have run.
    Closing(oneshot::Sender<()>),
}

#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    more: Condvar,
}

#[derive(Default)]
struct State {
    waiting: usize,
    lanes: HashMap<Owner, Lane>,
    /// Lanes with waiting verbs, ordered by the time that they have used and then by arrival.
    order: BTreeSet<(Duration, u64, Owner)>,
    /// Empty lanes, ordered by the time that they have used. They are kept until the other lanes have used as much:
    /// otherwise a tenant with one heavy verb at a time would count as new each time.
    indebted: BTreeSet<(Duration, Owner)>,
    /// The used time of the lane that was served last. A new lane starts here: time that it did not use earlier is no
    /// credit.
    now: Duration,
    came: u64,
    closing: Option<oneshot::Sender<()>>,
    closed: bool,
    abandoned: bool,
}

struct Lane {
    verbs: VecDeque<Box<dyn Ticket>>,
    had: Duration,
    came: u64,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, ticket: Box<dyn Ticket>) -> Result<(), StoreError> {
        let owner = ticket.tenant();
        let mut guard = self.state();
        let state = &mut *guard;
        if state.closed {
            return Err(StoreError::Closed);
        }
        let of_tenant = state.lanes.get(&owner).map_or(0, |lane| lane.verbs.len());
        if state.waiting >= QUEUE || of_tenant >= QUEUE_OF_TENANT {
            return Err(StoreError::Busy);
        }
        state.waiting += 1;
        state.came += 1;
        let (now, came) = (state.now, state.came);
        let lane =
            state.lanes.entry(owner).or_insert_with(|| Lane { verbs: VecDeque::new(), had: now, came });
        if lane.verbs.is_empty() {
            state.indebted.remove(&(lane.had, owner));
            lane.had = lane.had.max(now);
            lane.came = came;
            state.order.insert((lane.had, lane.came, owner));
        }
        lane.verbs.push_back(ticket);
        drop(guard);
        self.more.notify_one();
        Ok(())
    }

    /// Waits for the next task; `None` when the queue is closed and empty.
    pub(super) fn wait(&self) -> Option<WriterTask> {
        let mut state = self.state();
        loop {
            if let Some(work) = state.next() {
                return Some(work);
            }
            if state.closed {
                return None;
            }
            state = self.more.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The next task, if one waits.
    pub(super) fn next(&self) -> Option<WriterTask> {
        self.state().next()
    }

    /// Charges a lane for the time that one of its verbs took.
    pub(super) fn charge(&self, owner: Owner, took: Duration) {
        let mut guard = self.state();
        let state = &mut *guard;
        let Some(lane) = state.lanes.get_mut(&owner) else { return };
        let was = (lane.had, lane.came, owner);
        lane.had += took.max(LEAST_COST);
        if lane.verbs.is_empty() {
            state.indebted.remove(&(was.0, owner));
            state.indebted.insert((lane.had, owner));
            return;
        }
        state.order.remove(&was);
        state.order.insert((lane.had, lane.came, owner));
    }

    /// Accepts no more verbs; `done` is dropped when all waiting verbs have run.
    pub(super) fn close(&self, done: oneshot::Sender<()>) {
        let mut state = self.state();
        state.closed = true;
        if !state.abandoned {
            state.closing = Some(done);
        }
        drop(state);
        self.more.notify_all();
    }

    /// Closes the queue after the writer has ended. Waiting verbs are dropped, so their callers get
    /// [`StoreError::Closed`].
    pub(super) fn abandon(&self) {
        let mut state = self.state();
        *state = State { closed: true, abandoned: true, ..State::default() };
    }
}

impl State {
    fn next(&mut self) -> Option<WriterTask> {
        let Some((had, _, owner)) = self.order.first().copied() else {
            return self.closing.take().map(WriterTask::Closing);
        };
        let lane = self.lanes.get_mut(&owner)?;
        let ticket = lane.verbs.pop_front()?;
        if lane.verbs.is_empty() {
            self.order.pop_first();
        }
        if lane.verbs.is_empty() {
            self.indebted.insert((had, owner));
        }
        self.now = had;
        self.waiting -= 1;
        self.forgive(owner);
        Some(WriterTask::Verb(owner, ticket))
    }

    /// Removes empty lanes whose used time the others have reached, except the one that is being served.
    fn forgive(&mut self, served: Owner) {
        while let Some((had, owner)) = self.indebted.first().copied()
            && had <= self.now
            && owner != served
        {
            self.indebted.pop_first();
            self.lanes.remove(&owner);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::BoxFuture;

    use super::*;
    use crate::error::Error;
    use crate::store::{Effects, Tx};

    struct Nothing(Owner);

    impl Ticket for Nothing {
        fn tenant(&self) -> Owner {
            self.0
        }

        fn locked_tenant(&self) -> Owner {
            self.0
        }

        fn run<'a>(&'a mut self, _: &'a mut Tx<'_>) -> BoxFuture<'a, Result<Effects, Error>> {
            unreachable!("nobody runs it")
        }

        fn committed(self: Box<Self>) {}

        fn refuse(self: Box<Self>, _: Error) {}
    }

    fn push(queue: &Queue, owner: u128) -> Result<(), StoreError> {
        queue.push(Box::new(Nothing(Some(Uuid::from_u128(owner)))))
    }

    /// Serves the next verb, which takes `ms` milliseconds; returns its tenant.
    fn serve(queue: &Queue, ms: impl Fn(u128) -> u64) -> Option<u128> {
        let Some(WriterTask::Verb(owner, _)) = queue.next() else { return None };
        let number = owner.map_or(0, |owner| owner.as_u128());
        queue.charge(owner, Duration::from_millis(ms(number)));
        Some(number)
    }

    #[test]
    fn who_sends_as_fast_as_it_can_waits_behind_itself() {
        let queue = Queue::default();
        for _ in 0..500 {
            push(&queue, 1).expect("room");
        }
        for _ in 0..100 {
            serve(&queue, |_| 1).expect("one");
        }
        push(&queue, 2).expect("room");
        push(&queue, 3).expect("room");
        let next: Vec<_> = (0..3).filter_map(|_| serve(&queue, |_| 1)).collect();
        assert_eq!(next, [2, 3, 1]);
    }

    #[test]
    fn shares_are_of_time_and_not_of_verbs() {
        let queue = Queue::default();
        for _ in 0..400 {
            push(&queue, 1).expect("room");
            push(&queue, 2).expect("room");
        }
        // The verbs of the first take nine times as long.
        let served: Vec<_> =
            (0..200).filter_map(|_| serve(&queue, |owner| if owner == 1 { 9 } else { 1 })).collect();
        let first = served.iter().filter(|owner| **owner == 1).count();
        assert!((15..=25).contains(&first), "{first}");
    }

    #[test]
    fn one_lane_is_full_long_before_all_places_are_taken() {
        let queue = Queue::default();
        for _ in 0..QUEUE_OF_TENANT {
            push(&queue, 1).expect("room");
        }
        assert!(matches!(push(&queue, 1), Err(StoreError::Busy)));
        push(&queue, 2).expect("room for another");
    }

    #[test]
    fn what_waits_is_done_before_the_end() {
        let queue = Queue::default();
        for owner in 1..=3 {
            push(&queue, owner).expect("room");
        }
        let (done, _wait) = oneshot::channel();
        queue.close(done);
        assert!(matches!(push(&queue, 1), Err(StoreError::Closed)));
        for _ in 0..3 {
            assert!(serve(&queue, |_| 1).is_some());
        }
        assert!(matches!(queue.wait(), Some(WriterTask::Closing(_))));
        assert!(queue.wait().is_none());
    }

    #[test]
    fn one_heavy_verb_at_a_time_is_remembered_until_the_others_have_had_as_much() {
        let queue = Queue::default();
        let cost = |owner| if owner == 1 { 100 } else { 1 };
        for _ in 0..300 {
            push(&queue, 2).expect("room");
        }
        let mut heavy = 0;
        for _ in 0..250 {
            // It queues a new verb whenever its last one has run.
            if queue.state().lanes.get(&Some(Uuid::from_u128(1))).is_none_or(|lane| lane.verbs.is_empty()) {
                push(&queue, 1).expect("room");
            }
            heavy += usize::from(serve(&queue, cost) == Some(1));
        }
        assert!((2..=4).contains(&heavy), "{heavy}");
    }

    #[test]
    fn nobody_is_remembered_for_good() {
        let queue = Queue::default();
        for owner in 1..=50 {
            push(&queue, owner).expect("room");
            serve(&queue, |_| 1).expect("one");
        }
        for _ in 0..100 {
            push(&queue, 100).expect("room");
            serve(&queue, |_| 1).expect("one");
        }
        assert!(queue.state().lanes.len() <= 2, "{}", queue.state().lanes.len());
        assert!(queue.state().indebted.len() <= 2);
    }

    #[tokio::test]
    async fn without_a_writer_nobody_waits_for_the_end() {
        let queue = Queue::default();
        push(&queue, 1).expect("room");
        queue.abandon();
        assert!(matches!(push(&queue, 1), Err(StoreError::Closed)));
        let (done, wait) = oneshot::channel();
        queue.close(done);
        assert!(wait.await.is_err());
    }
}
