//! The dispatcher's memory: connected responders, scheduled turns, held leases. The database is authoritative: every
//! lease is checked in its transaction.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use hub::SessionId;
use uuid::Uuid;

use crate::telemetry::traces::Trace;

/// Scheduled turns kept in memory. The sweep finds the ones over this limit.
const MAX_SCHEDULED: usize = 200_000;
/// Remembered withdrawals of leases that [`Responders::hold`] has not recorded yet.
const MAX_EARLY: usize = 1_000;

/// A turn that waits for its due time or for a free responder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScheduledTurn {
    pub tenant: Uuid,
    pub channel: Uuid,
    pub turn: Uuid,
    pub due_at: i64,
    /// Of the last message that moved it.
    pub trace: Option<Trace>,
}

/// A turn and the responder to offer it to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Assigned {
    pub scheduled: ScheduledTurn,
    pub session: SessionId,
    pub key: Uuid,
    /// The turns that it has beside this one.
    pub busy: u32,
}

/// A lease and its holder.
#[derive(Clone, Debug)]
pub struct Held {
    pub turn: Uuid,
    pub tenant: Uuid,
    pub conversation: Uuid,
    pub attempt: i64,
    pub lease_ms: i64,
    /// The API key that the responder signed in with.
    pub key: Uuid,
    pub(super) session: SessionId,
    /// Number of text deltas that were forwarded.
    pub index: u64,
    /// When the lease was last extended.
    pub extended_at: i64,
    pub(super) trace: Option<Trace>,
}

struct Responder {
    tenants: Vec<Uuid>,
    key: Uuid,
    capacity: usize,
    busy: usize,
}

#[derive(Default)]
pub(super) struct Responders {
    due: BTreeSet<(i64, Uuid)>,
    scheduled: HashMap<Uuid, ScheduledTurn>,
    /// Due turns without a free responder, by tenant, oldest first.
    parked: HashMap<Uuid, BTreeMap<(i64, Uuid), ScheduledTurn>>,
    /// The due time of each parked turn.
    parked_at: HashMap<Uuid, i64>,
    sessions: HashMap<SessionId, Responder>,
    held: HashMap<Uuid, Held>,
    early_withdrawals: VecDeque<(Uuid, String)>,
}

impl Responders {
    pub(super) fn schedule(&mut self, scheduled: ScheduledTurn) {
        if self.parked_at.contains_key(&scheduled.turn) {
            // Its due time moved: it is offered at the new time.
            self.unpark(scheduled.tenant, scheduled.turn);
        }
        if let Some(old) = self.scheduled.insert(scheduled.turn, scheduled) {
            self.due.remove(&(old.due_at, old.turn));
        } else if self.scheduled.len() > MAX_SCHEDULED {
            self.scheduled.remove(&scheduled.turn);
            return;
        }
        self.due.insert((scheduled.due_at, scheduled.turn));
    }

    pub(super) fn knows(&self, turn: Uuid) -> bool {
        self.scheduled.contains_key(&turn) || self.parked_at.contains_key(&turn)
    }

    fn unpark(&mut self, tenant: Uuid, turn: Uuid) {
        let Some(at) = self.parked_at.remove(&turn) else { return };
        if let Some(queue) = self.parked.get_mut(&tenant) {
            queue.remove(&(at, turn));
            if queue.is_empty() {
                self.parked.remove(&tenant);
            }
        }
    }

    /// Returns the turns to offer now, each with its responder. Turns without a free responder stay parked.
    pub(super) fn assign(&mut self, now: i64) -> Vec<Assigned> {
        while let Some(&(due_at, turn)) = self.due.first() {
            if due_at > now {
                break;
            }
            self.due.pop_first();
            // A turn over the limit is found by the next sweep.
            if let Some(scheduled) = self.scheduled.remove(&turn)
                && self.parked_at.len() < MAX_SCHEDULED
            {
                self.parked.entry(scheduled.tenant).or_default().insert((due_at, turn), scheduled);
                self.parked_at.insert(turn, due_at);
            }
        }
        let mut assigned = Vec::new();
        let waiting: Vec<Uuid> = self.parked.keys().copied().collect();
        for tenant in waiting {
            while let Some((session, key)) = self.idle(tenant) {
                let first = self.parked.get_mut(&tenant).and_then(BTreeMap::pop_first);
                let Some((_, scheduled)) = first else { break };
                self.parked_at.remove(&scheduled.turn);
                let mut busy = 0;
                if let Some(responder) = self.sessions.get_mut(&session) {
                    busy = u32::try_from(responder.busy).unwrap_or(u32::MAX);
                    responder.busy += 1;
                }
                assigned.push(Assigned { scheduled, session, key, busy });
            }
            if self.parked.get(&tenant).is_some_and(BTreeMap::is_empty) {
                self.parked.remove(&tenant);
            }
        }
        assigned
    }

    /// The least busy responder of the tenant with free capacity.
    fn idle(&self, tenant: Uuid) -> Option<(SessionId, Uuid)> {
        let free =
            self.sessions.iter().filter(|(_, one)| one.busy < one.capacity && one.tenants.contains(&tenant));
        let (session, one) = free.min_by_key(|(session, one)| (one.busy, **session))?;
        Some((*session, one.key))
    }

    pub(super) fn trace_of(&self, lease: Uuid) -> Option<Trace> {
        self.held.get(&lease)?.trace
    }

    pub(super) fn next_due(&self) -> Option<i64> {
        self.due.first().map(|(due_at, _)| *due_at)
    }

    /// At most `limit` parked turns that no responder took within `limit_ms` of their channel.
    pub(super) fn waiting_too_long(
        &self,
        now: i64,
        limit: usize,
        limit_ms: impl Fn(Uuid) -> i64,
    ) -> Vec<ScheduledTurn> {
        let all = self.parked.values().flat_map(BTreeMap::values);
        all.filter(|scheduled| now - scheduled.due_at >= limit_ms(scheduled.channel))
            .take(limit)
            .copied()
            .collect()
    }

    /// The (tenant, channel) pairs of the parked turns.
    pub(super) fn waiting_channels(&self) -> HashSet<(Uuid, Uuid)> {
        self.parked
            .values()
            .flat_map(BTreeMap::values)
            .map(|scheduled| (scheduled.tenant, scheduled.channel))
            .collect()
    }

    pub(super) fn drop_parked(&mut self, scheduled: ScheduledTurn) {
        self.unpark(scheduled.tenant, scheduled.turn);
    }

    pub(super) fn join(&mut self, session: SessionId, tenants: Vec<Uuid>, key: Uuid, capacity: usize) {
        self.sessions.insert(session, Responder { tenants, key, capacity, busy: 0 });
    }

    pub(super) fn is_there(&self, session: SessionId) -> bool {
        self.sessions.contains_key(&session)
    }

    pub(super) fn set_capacity(&mut self, session: SessionId, capacity: usize) -> bool {
        self.sessions.get_mut(&session).map(|one| one.capacity = capacity).is_some()
    }

    /// Removes the session and returns the leases that it held. They stay held, because the responder may reconnect.
    pub(super) fn leave(&mut self, session: SessionId) -> Vec<(Uuid, Held)> {
        self.sessions.remove(&session);
        self.held
            .iter()
            .filter(|(_, held)| held.session == session)
            .map(|(lease, held)| (*lease, held.clone()))
            .collect()
    }

    pub(super) fn all_held(&self) -> Vec<(Uuid, Held)> {
        self.held.iter().map(|(lease, held)| (*lease, held.clone())).collect()
    }

    pub(super) fn each_held(&self, mut see: impl FnMut(Uuid, Uuid)) {
        self.held.values().for_each(|held| see(held.tenant, held.conversation));
    }

    /// Records a committed offer. Returns the reason as the error if the lease was withdrawn before this call.
    pub(super) fn hold(&mut self, lease: Uuid, held: Held) -> Result<(), String> {
        if let Some(at) = self.early_withdrawals.iter().position(|(withdrawn, _)| *withdrawn == lease) {
            let reason = self.early_withdrawals.remove(at).map_or("expired".into(), |(_, reason)| reason);
            self.free(held.session);
            return Err(reason);
        }
        self.held.insert(lease, held);
        Ok(())
    }

    /// Frees the capacity that `assign` reserved, when no lease came of it.
    pub(super) fn free(&mut self, session: SessionId) {
        if let Some(responder) = self.sessions.get_mut(&session) {
            responder.busy = responder.busy.saturating_sub(1);
        }
    }

    /// Removes an ended lease and returns its holder.
    pub(super) fn release(&mut self, lease: Uuid) -> Option<Held> {
        let held = self.held.remove(&lease)?;
        self.free(held.session);
        Some(held)
    }

    /// As [`Self::release`], for a lease that the server withdrew. If `hold` has not recorded it yet, the withdrawal is
    /// remembered for `hold`.
    pub(super) fn withdraw(&mut self, lease: Uuid, reason: &str) -> Option<Held> {
        let held = self.release(lease);
        if held.is_none() {
            self.early_withdrawals.push_back((lease, reason.to_owned()));
            if self.early_withdrawals.len() > MAX_EARLY {
                self.early_withdrawals.pop_front();
            }
        }
        held
    }

    /// The lease, if the caller holds it: by the same session, or by the same key after a reconnect.
    pub(super) fn held_by(
        &mut self,
        session: SessionId,
        key: Uuid,
        lease: Uuid,
        turn: Uuid,
    ) -> Option<&mut Held> {
        let held = self.held.get_mut(&lease).filter(|held| held.key == key && held.turn == turn)?;
        if held.session != session {
            held.session = session;
            // The lease was shortened when the old session ended: the next frame extends it.
            held.extended_at = 0;
            if let Some(responder) = self.sessions.get_mut(&session) {
                responder.busy += 1;
            }
        }
        Some(held)
    }

    /// (responders, turns waiting for one, leases)
    pub(super) fn counts(&self) -> (usize, usize, usize) {
        (self.sessions.len(), self.parked_at.len(), self.held.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: Uuid = Uuid::from_u128(1);
    const OTHER: Uuid = Uuid::from_u128(2);

    fn session(n: u128) -> SessionId {
        SessionId(Uuid::from_u128(n))
    }

    fn turn(tenant: Uuid, n: u128, due_at: i64) -> ScheduledTurn {
        ScheduledTurn { tenant, channel: Uuid::nil(), turn: Uuid::from_u128(n), due_at, trace: None }
    }

    #[test]
    fn a_turn_goes_to_one_idle_responder_of_its_tenant() {
        let mut all = Responders::default();
        all.join(session(1), vec![SHOP], Uuid::nil(), 1);
        all.join(session(2), vec![OTHER], Uuid::nil(), 5);
        for n in 10..13 {
            all.schedule(turn(SHOP, n, 100));
        }
        assert!(all.assign(99).is_empty());
        let first = all.assign(100);
        assert_eq!(
            first.iter().map(|one| (one.scheduled.turn.as_u128(), one.session)).collect::<Vec<_>>(),
            [(10, session(1))]
        );
        assert!(all.assign(200).is_empty(), "the only responder of the tenant is busy");
        all.free(session(1));
        assert_eq!(all.assign(200)[0].scheduled.turn.as_u128(), 11, "the oldest first");
    }

    #[test]
    fn a_turn_whose_due_time_moves_is_not_offered_early() {
        let mut all = Responders::default();
        all.schedule(turn(SHOP, 10, 100));
        assert!(all.assign(100).is_empty());
        all.schedule(turn(SHOP, 10, 300));
        all.join(session(1), vec![SHOP], Uuid::nil(), 1);
        assert!(all.assign(200).is_empty());
        assert_eq!(all.assign(300).len(), 1);
    }

    #[test]
    fn a_lease_that_is_withdrawn_before_it_is_noted_frees_its_holder() {
        let mut all = Responders::default();
        all.join(session(1), vec![SHOP], Uuid::nil(), 1);
        all.schedule(turn(SHOP, 10, 0));
        assert_eq!(all.assign(0).len(), 1);
        let lease = Uuid::from_u128(77);
        assert!(all.withdraw(lease, "taken_over").is_none());
        let held = Held {
            turn: Uuid::from_u128(10),
            tenant: SHOP,
            conversation: Uuid::nil(),
            attempt: 1,
            lease_ms: 1,
            key: Uuid::nil(),
            session: session(1),
            index: 0,
            extended_at: 0,
            trace: None,
        };
        assert_eq!(all.hold(lease, held), Err("taken_over".into()));
        all.schedule(turn(SHOP, 11, 0));
        assert_eq!(all.assign(0).len(), 1, "there is room again");
    }
}
