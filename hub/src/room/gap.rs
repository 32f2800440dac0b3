//! Reading the log for what a room misses: its position when it opens, publications that never came,
//! and the comparison that notices when even the news of them was lost.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::time::{sleep, timeout};

use super::{
    Room,
    order::{Absorbed, Doubt, Phase},
};
use crate::{
    fanout,
    hub::Inner,
    lock::{lock, write},
    log::{LogError, LogPage},
    protocol::codes::unsubscribed,
    protocol::entry::Entry,
    stats::count,
};

/// Reads without progress before a gap is taken for a mistake of the publisher.
const MAX_ATTEMPTS: u32 = 10;
const MAX_BACKOFF: Duration = Duration::from_secs(5);
/// Between two looks at the log for the same reason.
const DOUBT_PAUSE: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug)]
enum Loss {
    /// The log shows it to whoever comes with an old position: by its epoch, or by what it keeps no more.
    Told,
    /// The log does not know of it and would take an old position for a good one, so clients have to forget theirs.
    Untold,
}

/// Somebody reads a room's position. If he gives up, nobody waits for it any more.
struct Opening<'a> {
    room: &'a Arc<Room>,
    inner: &'a Arc<Inner>,
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        lock(&self.room.order).end_opening();
        fanout::hand_out(self.inner, self.room);
    }
}

/// Compares a room with the log until there is no doubt any more.
async fn look(room: Weak<Room>, inner: Weak<Inner>) {
    loop {
        let compared = {
            let (Some(room), Some(inner)) = (room.upgrade(), inner.upgrade()) else { return };
            room.check(&inner).await
        };
        sleep(DOUBT_PAUSE).await;
        let Some(room) = room.upgrade() else { return };
        let mut order = lock(&room.order);
        if compared && order.doubt != Doubt::Again {
            order.doubt = Doubt::None;
            return;
        }
        order.doubt = Doubt::Known;
    }
}

impl Room {
    /// Makes the room ordered, reading its position if this is the first durable subscriber.
    pub(crate) async fn open(self: &Arc<Self>, inner: &Arc<Inner>) -> Result<(), LogError> {
        if !lock(&self.order).begin_opening() {
            return Ok(());
        }
        let opening = Opening { room: self, inner };
        let page = inner.since(&self.name, 0, 0).await?;
        {
            let mut members = write(&self.members);
            let mut order = lock(&self.order);
            if order.phase != Phase::Open {
                order.open(page.epoch, page.top);
                members.delivered = page.top;
            }
        }
        drop(opening);
        self.watch_gap(inner);
        Ok(())
    }

    /// Sees to it that a gap, if there is one, is filled sooner or later.
    pub(crate) fn watch_gap(self: &Arc<Self>, inner: &Arc<Inner>) {
        let mut order = lock(&self.order);
        if order.has_gap() && !std::mem::replace(&mut order.filling, true) {
            drop(order);
            inner.runtime.spawn(Arc::clone(self).fill(Arc::clone(inner)));
        }
    }

    /// To be asked before the log is read: what was read counts only if the stream is the same afterwards.
    pub(crate) fn generation(&self) -> u32 {
        lock(&self.order).generation
    }

    /// The log was seen to reach to `top`.
    pub(crate) fn heard_of(self: &Arc<Self>, inner: &Arc<Inner>, generation: u32, top: u64) {
        {
            let mut order = lock(&self.order);
            if order.generation != generation {
                return;
            }
            order.seen = order.seen.max(top);
        }
        self.watch_gap(inner);
    }

    /// There is a reason to think that the log began anew: compares with it, soon but not too often.
    pub(crate) fn doubt(self: &Arc<Self>, inner: &Arc<Inner>) {
        let known = {
            let mut order = lock(&self.order);
            let next = if order.doubt == Doubt::None { Doubt::Known } else { Doubt::Again };
            std::mem::replace(&mut order.doubt, next)
        };
        if known == Doubt::None {
            inner.runtime.spawn(look(Arc::downgrade(self), Arc::downgrade(inner)));
        }
    }

    /// Compares with the log, for a reason or after a quiet time; `false` if it could not be read.
    pub(crate) async fn check(self: &Arc<Self>, inner: &Arc<Inner>) -> bool {
        let (top, generation, contradicted) = {
            let mut order = lock(&self.order);
            if order.phase != Phase::Open {
                return true;
            }
            (order.top, order.generation, order.contradicted.take())
        };
        let (after, limit) = contradicted.as_ref().map_or((top, 0), |known| (known.offset - 1, 1));
        let Ok(page) = inner.since(&self.name, after, limit).await else {
            let mut order = lock(&self.order);
            if order.generation == generation && order.contradicted.is_none() {
                order.contradicted = contradicted;
            }
            return false;
        };
        let LogPage { epoch, top: newest, publications, .. } = page;
        let has = |known: Entry| {
            let found = publications.into_iter().next().filter(|found| found.offset == known.offset);
            // What the log keeps no more says nothing.
            found.is_none_or(|found| Entry::publication(Arc::clone(&self.name), found).says_the_same(&known))
        };
        let other = self.is_of_another_stream(&epoch);
        if other || newest < top || !contradicted.is_none_or(has) {
            self.lose(inner, generation, epoch, newest, if other { Loss::Told } else { Loss::Untold });
        } else {
            self.heard_of(inner, generation, newest);
        }
        true
    }

    async fn fill(self: Arc<Self>, inner: Arc<Inner>) {
        let _ = timeout(inner.config.gap_wait, self.hold_full.notified()).await;
        let mut attempts = 0;
        loop {
            let (after, generation) = {
                let mut order = lock(&self.order);
                if !order.has_gap() {
                    order.filling = false;
                    return;
                }
                (order.top, order.generation)
            };
            let stuck = match inner.since(&self.name, after, inner.config.log_page).await {
                Ok(page) => self.absorb(&inner, generation, after, page),
                Err(_) => true,
            };
            if !stuck {
                attempts = 0;
                continue;
            }
            attempts += 1;
            if attempts == MAX_ATTEMPTS {
                tracing::error!(room = %self.name, after, "publications announced but not in the log");
                let mut order = lock(&self.order);
                order.give_up();
                order.filling = false;
                return;
            }
            sleep((inner.config.gap_wait * 2u32.pow(attempts)).min(MAX_BACKOFF)).await;
        }
    }

    /// Puts a page in order; `true` if it did not help.
    fn absorb(self: &Arc<Self>, inner: &Arc<Inner>, generation: u32, after: u64, page: LogPage) -> bool {
        let LogPage { epoch, top, publications, .. } = page;
        let entries = Entry::all(&self.name, publications);
        let (state, filled) = {
            let mut order = lock(&self.order);
            if order.generation != generation {
                return false;
            }
            order.absorb(&epoch, after, top, entries)
        };
        inner.counters.gap_filled.fetch_add(filled, std::sync::atomic::Ordering::Relaxed);
        fanout::hand_out(inner, self);
        match state {
            Absorbed::Complete | Absorbed::More => false,
            Absorbed::Behind => true,
            Absorbed::Lost => {
                self.lose(inner, generation, epoch, top, Loss::Told);
                false
            }
        }
    }

    /// The stream cannot be continued: every durable subscriber is told to begin again, which shows him honestly what he
    /// can and cannot have.
    fn lose(self: &Arc<Self>, inner: &Arc<Inner>, generation: u32, epoch: String, top: u64, loss: Loss) {
        let lost = {
            let mut members = write(&self.members);
            let mut order = lock(&self.order);
            if order.generation != generation {
                return;
            }
            order.restart(epoch, top);
            members.generation = order.generation;
            members.delivered = top;
            members.lose_stream()
        };
        count(&inner.counters.streams_lost);
        tracing::warn!(room = %self.name, top, ?loss, "stream lost, subscribers begin again");
        let (code, reason) = match loss {
            Loss::Told => (unsubscribed::INSUFFICIENT_STATE, "insufficient state"),
            Loss::Untold => (unsubscribed::STATE_INVALIDATED, "state invalidated"),
        };
        for session in lost {
            session.revoke(inner, &self.name, code, reason);
        }
        fanout::hand_out(inner, self);
    }

    /// Publications just read from the log may spare the next reader the way there.
    pub(crate) fn remember(&self, generation: u32, entries: &[Entry]) {
        let mut order = lock(&self.order);
        if order.generation == generation {
            order.ring.extend_back(entries);
        }
    }
}
