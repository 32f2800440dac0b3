//! Offers due turns to responders, and expires their leases. The database is authoritative: this module only runs the
//! transactions at the right time, and sweeps for turns that it was not notified of.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use hub::{Hub, SessionId, Tags, Topic};
use serde_json::json;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::responders::{Assigned, Held, Responders, ScheduledTurn};
use super::silences::Silences;
use crate::accounts::Scope;
use crate::channels::ChannelCache;
use crate::inbox::turn::{Expire, Extend, HandUnclaimed, Offer, Offered, OfferedTurn, Orphan};
use crate::model::{ChannelSettings, ChannelState};
use crate::rooms;
use crate::store::{Store, turns};
use crate::telemetry::traces::{Span, Trace};

const TICK: Duration = Duration::from_secs(1);
/// Ticks between two sweeps for turns that are not in memory: alone, beside other nodes, and while these cannot be reached.
const SWEEP_TICKS: u32 = 15;
const SWEEP_TICKS_BESIDE: u32 = 5;
const SWEEP_TICKS_CUT_OFF: u32 = 1;
/// The time by which a node whose least busy responder has a turn lets others go first, for each turn that it has.
const BUSY_DELAY: Duration = Duration::from_millis(10);
const LONGEST_BUSY_DELAY: Duration = Duration::from_millis(200);
const SWEEP_PAGE: i64 = 1_000;
/// Turns that one tick hands to people or expires.
const AT_ONCE: usize = 256;
const CONCURRENT: usize = 32;
/// How long a responder may reconnect and keep its leases.
const ORPHAN_GRACE_MS: i64 = 5_000;

pub struct Dispatcher {
    store: Store,
    channels: ChannelCache,
    hub: Hub,
    state: Mutex<Responders>,
    notify: Notify,
    /// The topics of the tenants of each responder.
    topics: Mutex<HashMap<SessionId, Vec<Topic>>>,
    sweep_soon: AtomicBool,
}

impl Dispatcher {
    pub fn new(store: Store, channels: ChannelCache, hub: Hub) -> Self {
        Self {
            store,
            channels,
            hub,
            state: Mutex::default(),
            notify: Notify::new(),
            topics: Mutex::default(),
            sweep_soon: AtomicBool::new(false),
        }
    }

    fn state(&self) -> MutexGuard<'_, Responders> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn topics(&self) -> MutexGuard<'_, HashMap<SessionId, Vec<Topic>>> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, session: SessionId, message: &serde_json::Value) {
        let room = rooms::responder(session);
        self.hub.publish_ephemeral(None, &room, message.to_string().into(), Tags::default());
    }

    /// Schedules a turn, or moves its due time. Never blocks.
    pub fn schedule(&self, scheduled: ScheduledTurn) {
        let sooner = {
            let mut state = self.state();
            let before = state.next_due();
            state.schedule(scheduled);
            before.is_none_or(|before| scheduled.due_at < before)
        };
        if sooner {
            self.notify.notify_one();
        }
    }

    /// Looks for turns that it was not told of, because the way to other nodes was broken.
    pub fn sweep_soon(&self) {
        self.sweep_soon.store(true, Ordering::Release);
        self.notify.notify_one();
    }

    /// Tells the responder of a withdrawn lease to stop.
    pub fn withdraw(&self, turn: Uuid, lease: Uuid, reason: &str) {
        let held = self.state().withdraw(lease, reason);
        if let Some(held) = held {
            self.push(held.session, &withdrawn(turn, lease, reason));
            self.notify.notify_one();
        }
    }

    /// Registers a responder that takes up to `capacity` turns at a time.
    pub fn join(&self, session: SessionId, tenants: Vec<Uuid>, key: Uuid, capacity: usize) {
        if !self.hub.is_alone() {
            let held = tenants.iter().map(|tenant| self.hub.hold(&rooms::turns(*tenant))).collect();
            self.topics().insert(session, held);
            // Turns that wait on other nodes.
            self.sweep_soon.store(true, Ordering::Release);
        }
        self.state().join(session, tenants, key, capacity);
        self.notify.notify_one();
    }

    pub fn set_capacity(&self, session: SessionId, capacity: usize) -> bool {
        let known = self.state().set_capacity(session, capacity);
        self.notify.notify_one();
        known
    }

    /// A responder's connection ended: its leases are shortened to [`ORPHAN_GRACE_MS`].
    pub async fn leave(&self, session: SessionId) {
        drop(self.topics().remove(&session));
        let held = self.state().leave(session);
        self.orphan(held, ORPHAN_GRACE_MS).await;
    }

    /// Ends every lease at shutdown, so that other nodes can offer the turns at once.
    pub async fn hand_back(&self) {
        let held = self.state().all_held();
        self.orphan(held, 0).await;
    }

    async fn orphan(&self, held: Vec<(Uuid, Held)>, grace_ms: i64) {
        let until = self.store.clock().now_ms() + grace_ms;
        let writes = held.into_iter().map(|(lease, held)| {
            self.store.write(Orphan { tenant: held.tenant, turn: held.turn, lease, until })
        });
        stream::iter(writes)
            .buffer_unordered(CONCURRENT)
            .for_each(|written| async move {
                if let Err(error) = written {
                    tracing::warn!(%error, "a lease cannot be shortened; it expires at its own time");
                }
            })
            .await;
    }

    /// The trace in which a lease was offered by this node.
    pub fn trace_of(&self, lease: Uuid) -> Option<Trace> {
        self.state().trace_of(lease)
    }

    /// The holder ended its lease: by an answer, a handoff or a refusal.
    pub fn release(&self, lease: Uuid) {
        self.state().release(lease);
        self.notify.notify_one();
    }

    /// Counts a text delta of an answer. Returns the lease with the delta's index if the caller holds it.
    pub fn delta(&self, session: SessionId, key: Uuid, lease: Uuid, turn: Uuid) -> Option<Held> {
        let mut state = self.state();
        let held = state.held_by(session, key, lease, turn)?;
        let shown = held.clone();
        held.index += 1;
        Some(shown)
    }

    /// Extends the lease when at least half of it has passed.
    pub async fn prolong(&self, scope: Scope, lease: Uuid, held: &Held) {
        let now = self.store.clock().now_ms();
        if now - held.extended_at < held.lease_ms / 2 {
            return;
        }
        if let Some(held) = self.state().held_by(held.session, held.key, lease, held.turn) {
            held.extended_at = now;
        }
        if let Err(error) = self.store.write(Extend { scope, turn: held.turn, lease }).await {
            tracing::debug!(%error, turn = %held.turn, "a lease cannot be extended");
        }
    }

    /// Calls `see` with the tenant and the conversation of each lease.
    pub(super) fn each_held(&self, see: impl FnMut(Uuid, Uuid)) {
        self.state().each_held(see);
    }

    /// (responders, turns waiting for one, leases)
    pub fn counts(&self) -> (usize, usize, usize) {
        self.state().counts()
    }

    /// Runs until `stop`.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut ticks = 0u32;
        let mut silences = Silences::default();
        loop {
            let now = self.store.clock().now_ms();
            let (assigned, next) = {
                let mut state = self.state();
                (state.assign(now), state.next_due())
            };
            for Assigned { scheduled, session, key, busy } in assigned {
                let this = Arc::clone(&self);
                let delay = if self.hub.is_alone() { Duration::ZERO } else { BUSY_DELAY * busy };
                tokio::spawn(async move {
                    if !delay.is_zero() {
                        tokio::time::sleep(delay.min(LONGEST_BUSY_DELAY)).await;
                    }
                    this.offer(scheduled, session, key).await;
                });
            }
            if self.sweep_soon.swap(false, Ordering::AcqRel) {
                self.sweep().await;
                self.let_go().await;
                continue;
            }
            let wait = next
                .map_or(TICK, |next| Duration::from_millis(u64::try_from(next - now).unwrap_or(0)).min(TICK));
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.notify.notified() => {}
                () = tokio::time::sleep(wait) => {}
                _ = tick.tick() => {
                    if ticks.is_multiple_of(self.sweep_ticks()) {
                        self.sweep().await;
                        self.let_go().await;
                    }
                    ticks = ticks.wrapping_add(1);
                    self.expire().await;
                    self.give_to_people().await;
                    silences.end(&self.store).await;
                }
            }
        }
    }

    fn sweep_ticks(&self) -> u32 {
        if self.hub.is_cut_off() {
            SWEEP_TICKS_CUT_OFF
        } else if self.hub.is_alone() {
            SWEEP_TICKS
        } else {
            SWEEP_TICKS_BESIDE
        }
    }

    async fn offer(&self, scheduled: ScheduledTurn, session: SessionId, key: Uuid) {
        let mut span = Span::of("turn.offer", scheduled.trace);
        span.put("tenant", || scheduled.tenant.to_string());
        span.put("turn", || scheduled.turn.to_string());
        let offer = Offer { tenant: scheduled.tenant, turn: scheduled.turn };
        match span.within(self.store.write(offer)).await {
            Ok(committed) => match committed.value {
                Offered::Leased(turn) => self.hand_over(*turn, session, key, span.trace()).await,
                Offered::NotNow => {
                    self.state().free(session);
                    self.notify.notify_one();
                }
            },
            Err(error) => {
                tracing::warn!(%error, turn = %scheduled.turn, "a turn cannot be offered; it is retried");
                let mut state = self.state();
                state.free(session);
                state.schedule(ScheduledTurn { due_at: self.store.clock().now_ms() + 1_000, ..scheduled });
            }
        }
    }

    async fn hand_over(&self, turn: OfferedTurn, session: SessionId, key: Uuid, trace: Option<Trace>) {
        let held = Held {
            turn: turn.id,
            tenant: turn.tenant,
            conversation: turn.conversation,
            attempt: turn.attempt,
            lease_ms: turn.lease_ms,
            key,
            session,
            index: 0,
            extended_at: self.store.clock().now_ms(),
            trace,
        };
        if self.state().hold(turn.lease, held.clone()).is_err() {
            self.notify.notify_one();
            return;
        }
        metrics::counter!("hubbub_turns_offered_total").increment(1);
        self.push(session, &json!({ "type": "turn.offered", "turn": turn }));
        // The responder may have disconnected while the offer was written.
        if !self.state().is_there(session) {
            self.orphan(vec![(turn.lease, held)], 0).await;
        }
    }

    /// Schedules due turns that are not in memory: after a start, or when memory was full.
    async fn sweep(&self) {
        let now = self.store.clock().now_ms();
        let mut after = (i64::MIN, Uuid::nil());
        loop {
            let page = match self.store.read(turns::Due { now, after, limit: SWEEP_PAGE }).await {
                Ok(page) => page,
                Err(error) => return tracing::warn!(%error, "due turns cannot be read"),
            };
            let Some(last) = page.last() else { return };
            after = (last.at, last.id);
            let full = page.len() as i64 == SWEEP_PAGE;
            let mut state = self.state();
            for scheduled in page {
                if !state.knows(scheduled.id) {
                    state.schedule(ScheduledTurn {
                        tenant: scheduled.tenant,
                        channel: scheduled.channel,
                        turn: scheduled.id,
                        due_at: scheduled.at,
                        trace: None,
                    });
                }
            }
            drop(state);
            if !full {
                return;
            }
        }
    }

    async fn expire(&self) {
        let now = self.store.clock().now_ms();
        let expired = match self.store.read(turns::Expired { now, limit: AT_ONCE as i64 }).await {
            Ok(expired) => expired,
            Err(error) => return tracing::warn!(%error, "expired leases cannot be read"),
        };
        let writes = expired
            .into_iter()
            .map(|scheduled| self.store.write(Expire { tenant: scheduled.tenant, turn: scheduled.id }));
        stream::iter(writes)
            .buffer_unordered(CONCURRENT)
            .for_each(|written| async move {
                if let Err(error) = written {
                    tracing::warn!(%error, "an expired lease cannot be ended; it is retried");
                }
            })
            .await;
    }

    /// Hands turns to people that no responder took within `nobody_ms` of their channel.
    async fn give_to_people(&self) {
        let channels = self.state().waiting_channels();
        let mut limits = HashMap::new();
        for (tenant, channel) in channels {
            let limit = match self.channels.by_id(tenant, channel).await {
                Ok(Some(connected)) if connected.channel.state != ChannelState::Active => i64::MAX,
                Ok(Some(connected)) => connected.channel.settings.nobody_ms,
                Ok(None) => 0,
                // A channel whose secrets cannot be decrypted sends nothing: a person must answer.
                Err(error) => {
                    tracing::warn!(%error, %channel, "a channel cannot be opened; its turns use the default wait");
                    ChannelSettings::default().nobody_ms
                }
            };
            limits.insert(channel, limit);
        }
        let limit_ms = |channel| limits.get(&channel).copied().unwrap_or(i64::MAX);
        let waiting = self.state().waiting_too_long(self.store.clock().now_ms(), AT_ONCE, limit_ms);
        stream::iter(waiting)
            .for_each_concurrent(CONCURRENT, |scheduled| async move {
                match self.store.write(HandUnclaimed { tenant: scheduled.tenant, turn: scheduled.turn }).await
                {
                    Ok(_) => self.state().drop_parked(scheduled),
                    Err(error) => {
                        tracing::warn!(%error, turn = %scheduled.turn, "a turn cannot be handed to people");
                    }
                }
            })
            .await;
    }

    /// Drops leases that are held in memory and ended in the database: by another node, or by a commit whose result was
    /// lost.
    async fn let_go(&self) {
        let held = self.state().all_held();
        if held.is_empty() {
            return;
        }
        let asked: Vec<_> = held.iter().map(|(lease, held)| (held.tenant, held.turn, *lease)).collect();
        match self.store.read(turns::Over(asked)).await {
            Ok(over) => {
                for (turn, lease) in over {
                    self.withdraw(turn, lease, "expired");
                }
            }
            Err(error) => tracing::warn!(%error, "held leases cannot be compared with the database"),
        }
    }
}

fn withdrawn(turn: Uuid, lease: Uuid, reason: &str) -> serde_json::Value {
    json!({ "type": "turn.withdrawn", "turn": turn, "lease": lease, "reason": reason })
}
