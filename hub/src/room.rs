//! A room: its order, its members, and the seam between them. Publishing touches the order only for a moment;
//! handing out goes on beside it. Reading the log is `room/gap.rs`, joining is `recovery.rs`.
//! Lock order: a session's subscriptions, then members, then order. No lock is held while waiting.

pub(crate) mod announcements;
pub(crate) mod deltas;
pub(crate) mod gap;
pub(crate) mod members;
pub(crate) mod order;
pub(crate) mod ring;

use std::sync::{
    Arc, Mutex, RwLock,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use tokio::sync::Notify;

use crate::{
    HubConfig,
    hub::Inner,
    lock::{lock, write},
    protocol::entry::Entry,
    room::{
        announcements::Announcements,
        members::{Member, Members},
        order::{Accepted, Order, Phase},
        ring::{Purse, Ring},
    },
};

pub(crate) struct Room {
    pub(crate) name: Arc<str>,
    pub(crate) order: Mutex<Order>,
    /// Handed out to by several at one time.
    pub(crate) members: RwLock<Members>,
    pub(crate) size: AtomicUsize,
    pub(crate) announcements: Mutex<Announcements>,
    hold_full: Notify,
}

/// How a member comes in.
pub(crate) enum From {
    /// Whatever is handed out next.
    Now,
    /// It has all up to `position`; `read` is what the log said was the newest when that was read, and in which
    /// generation of the room.
    Position { position: u64, read: Option<(u64, u32)> },
}

pub(crate) enum Entered {
    In {
        slot: u32,
        epoch: String,
        /// What it still missed and was in memory, passing its filter.
        missed: Vec<Entry>,
        /// The live stream goes on after this.
        after: u64,
    },
    /// Memory does not reach back to its position.
    ReadLog(Member),
    /// More was missed than may be recovered, or what was read is of a stream that is lost by now.
    TooMuch(Member),
}

impl Room {
    pub(crate) fn new(name: Arc<str>, config: &HubConfig, purse: Purse) -> Self {
        let ring = Ring::new(config.room_memory_bytes, purse);
        Room {
            name,
            order: Mutex::new(Order::new(ring, config.gap_hold)),
            members: RwLock::default(),
            size: AtomicUsize::new(0),
            announcements: Mutex::default(),
            hold_full: Notify::new(),
        }
    }

    /// Takes what is to be handed out, in any order.
    pub(crate) fn accept(self: &Arc<Self>, inner: &Arc<Inner>, entry: Entry) {
        let accepted = lock(&self.order).accept(entry);
        match accepted {
            Accepted::Old => {}
            Accepted::Doubtful => self.doubt(inner),
            Accepted::Ready => crate::fanout::hand_out(inner, self),
            Accepted::Held { full } => {
                if full {
                    self.hold_full.notify_one();
                }
                self.watch_gap(inner);
            }
        }
    }

    /// Takes what has no offset, to be handed out together.
    pub(crate) fn accept_all(self: &Arc<Self>, inner: &Arc<Inner>, entries: impl Iterator<Item = Entry>) {
        {
            let mut order = lock(&self.order);
            for entry in entries {
                order.accept(entry);
            }
        }
        crate::fanout::hand_out(inner, self);
    }

    /// Lets a member in, if what it missed up to this moment is in memory and at most `limit`.
    pub(crate) fn enter(&self, mut member: Member, from: &From, limit: usize) -> Entered {
        let mut members = write(&self.members);
        let delivered = members.delivered;
        let epoch = if member.durable { lock(&self.order).epoch.clone() } else { String::new() };
        let mut missed = Vec::new();
        let mut after = delivered;
        if let From::Position { position, read } = *from {
            if read.is_some_and(|(_, generation)| generation != members.generation) {
                return Entered::TooMuch(member);
            }
            if position > delivered {
                // Ahead of us: the log has what we have not heard of yet.
                if read.is_none_or(|(top, _)| position > top) {
                    return Entered::ReadLog(member);
                }
                after = position;
            } else {
                let order = lock(&self.order);
                let Some(range) = order.ring.range(position, delivered) else {
                    return Entered::ReadLog(member);
                };
                missed.extend(range.filter(|e| e.passes(member.filter.as_ref())).cloned());
                if missed.len() > limit {
                    return Entered::TooMuch(member);
                }
            }
        }
        member.after = if member.durable { after } else { 0 };
        if member.delta {
            lock(&self.order).add_delta_member();
        }
        let slot = members.add(member);
        self.size.store(members.len(), Relaxed);
        Entered::In { slot, epoch, missed, after }
    }

    /// If the room is open, and what has this epoch is not what it is in.
    pub(crate) fn is_of_another_stream(&self, epoch: &str) -> bool {
        let order = lock(&self.order);
        order.phase == Phase::Open && order.epoch != epoch
    }

    pub(crate) fn leave(&self, slot: u32) {
        let mut members = write(&self.members);
        let gone = members.remove(slot);
        if gone.as_ref().is_some_and(|member| member.delta) {
            lock(&self.order).remove_delta_member();
        }
        self.size.store(members.len(), Relaxed);
        drop(members);
        drop(gone);
    }
}
