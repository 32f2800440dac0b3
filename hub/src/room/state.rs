//! A room's state: its order, its members, and the step that joins the two. Waits for nothing and spawns nothing.
//! Lock order: a session's subscriptions, then members, then order. No lock is held across an await.

use std::sync::{
    Arc, Mutex, OnceLock, RwLock,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use tokio::sync::Notify;

use super::{
    announcements::Announcements,
    context::RoomContext,
    members::{Member, Members},
    memory_budget::MemoryBudget,
    order::{Order, Phase},
    remote::RemoteMembers,
    ring::Ring,
};
use crate::{
    bus::Held,
    lock::{lock, write},
    protocol::event::RoomEvent,
};

pub(crate) struct Room {
    pub(crate) name: Arc<str>,
    pub(crate) order: Mutex<Order>,
    /// Several tasks read it at a time while they hand out.
    pub(crate) members: RwLock<Members>,
    pub(crate) size: AtomicUsize,
    pub(crate) announcements: Mutex<Announcements>,
    /// Members on other nodes that others see.
    pub(super) remote: Mutex<RemoteMembers>,
    /// The topic of the bus for what happens here; held while the room is there. `None`: nothing of it leaves the node.
    topic: OnceLock<Held>,
    /// Notified when no more can be held behind a gap: the log is to be read without further waiting.
    pub(super) hold_full: Notify,
    pub(super) context: Arc<RoomContext>,
}

/// Where a member starts.
pub(crate) enum Start {
    /// With the event that is handed out next.
    Now,
    /// It has every event up to `position`. `read`: the newest offset of the log when that was read, and the room's
    /// generation before.
    Position { position: u64, read: Option<(u64, u32)> },
}

pub(crate) enum Entered {
    In {
        slot: u32,
        epoch: String,
        /// What it still missed, from memory, and passes its filter.
        missed: Vec<RoomEvent>,
        /// The live stream goes on after this.
        after: u64,
    },
    /// Its position is not in memory.
    ReadLog(Member),
    /// It missed more than may be recovered, or what was read belongs to a stream that is lost by now.
    TooMuch(Member),
}

impl Room {
    pub(crate) fn new(name: Arc<str>, budget: MemoryBudget, context: Arc<RoomContext>) -> Self {
        let ring = Ring::new(context.config.room_memory_bytes, budget);
        Room {
            name,
            order: Mutex::new(Order::new(ring, context.config.gap_hold)),
            members: RwLock::default(),
            size: AtomicUsize::new(0),
            announcements: Mutex::default(),
            remote: Mutex::default(),
            topic: OnceLock::new(),
            hold_full: Notify::new(),
            context,
        }
    }

    /// Takes part in a topic of the bus, from its first subscription on.
    pub(crate) fn bind(&self, topic: &str) {
        self.topic.get_or_init(|| self.context.link.hold(topic));
    }

    pub(crate) fn topic(&self) -> Option<&Arc<str>> {
        self.topic.get().map(Held::topic)
    }

    /// Adds a member, if what it missed is in memory and at most `limit`.
    pub(crate) fn enter(&self, mut member: Member, start: &Start, limit: usize) -> Entered {
        let mut members = write(&self.members);
        let delivered = members.delivered;
        let epoch = if member.durable { lock(&self.order).epoch.clone() } else { String::new() };
        let mut missed = Vec::new();
        let mut after = delivered;
        if let Start::Position { position, read } = *start {
            if read.is_some_and(|(_, generation)| generation != members.generation) {
                return Entered::TooMuch(member);
            }
            if position > delivered {
                // Ahead of this room, whose publications are still on the way: the log proves the position.
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

    pub(crate) fn is_open(&self) -> bool {
        lock(&self.order).phase == Phase::Open
    }

    /// Whether the room is open, in a stream of another epoch.
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

    /// Read this before the log: a page counts only if the stream is still the same afterwards.
    pub(crate) fn generation(&self) -> u32 {
        lock(&self.order).generation
    }

    /// Keeps publications just read from the log, so that the next reader finds them in memory.
    pub(crate) fn remember(&self, generation: u32, events: &[RoomEvent]) {
        let mut order = lock(&self.order);
        if order.generation == generation {
            order.ring.extend_back(events);
        }
    }
}
