//! Handing out what a room has put in order. One task at a time does it for a room, so order holds; the
//! publisher does it himself for small rooms, a task of its own for large ones and for publishers that are no task
//! (a database's thread has better things to do), so that he never waits long, and no room keeps a thread for long.
//! Those who want the same get the same bytes.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use tokio::runtime::Handle;

use crate::{
    Form,
    entry::Entry,
    hub::Inner,
    lock::lock,
    parcel::Parcel,
    room::{Room, members::Member, order::Batch},
};

/// Rooms up to this size are handed out by the publisher.
const SMALL: usize = 64;
/// Rounds that a publisher does before he leaves the rest to a task.
const ROUNDS: usize = 4;
/// Members served under one lock of the room; each may cost a write into a socket.
const PIECE: usize = 64;
/// Parcels kept for one batch; with more different filters than that, some are made again.
const KINDS: usize = 32;

pub(crate) fn hand_out(inner: &Arc<Inner>, room: &Arc<Room>) {
    if !lock(&room.order).begin_delivery() {
        return;
    }
    if room.size.load(Relaxed) <= SMALL && Handle::try_current().is_ok() {
        for _ in 0..ROUNDS {
            let Some(batch) = lock(&room.order).next_batch() else { return };
            let mut parcels = Parcels::new(batch);
            let mut from = Some(0);
            while let Some(start) = from {
                from = piece(inner, room, &mut parcels, start);
            }
        }
    }
    inner.runtime.spawn(pump(Arc::clone(inner), Arc::clone(room)));
}

async fn pump(inner: Arc<Inner>, room: Arc<Room>) {
    loop {
        let Some(batch) = lock(&room.order).next_batch() else { return };
        let mut parcels = Parcels::new(batch);
        let mut from = Some(0);
        while let Some(start) = from {
            from = piece(&inner, &room, &mut parcels, start);
            tokio::task::yield_now().await;
        }
    }
}

/// Serves some members; says where to go on. Whoever joins meanwhile already has this batch
/// (see `Room::enter`), because it counts as delivered from its first piece on.
fn piece(inner: &Inner, room: &Room, parcels: &mut Parcels, from: usize) -> Option<usize> {
    let mut members = lock(&room.members);
    let live = if parcels.batch.generation == members.generation {
        members.delivered = members.delivered.max(parcels.last);
        u64::MAX
    } else {
        parcels.ephemeral
    };
    let (piece, next) = members.piece(from, PIECE);
    let mut delivered = 0;
    for member in piece {
        let wanted = live & parcels.wanted(member);
        if wanted != 0 {
            delivered += member.session.queue.push(parcels.get(member.session.form, wanted));
        }
    }
    inner.counters.delivered.fetch_add(delivered as u64, Relaxed);
    next
}

/// A batch as its receivers want it.
struct Parcels {
    batch: Batch,
    /// The highest offset.
    last: u64,
    /// Those without an offset, a bit each.
    ephemeral: u64,
    made: Vec<(Form, u64, Parcel)>,
}

impl Parcels {
    fn new(batch: Batch) -> Self {
        let last = batch.entries.iter().map(|entry| entry.offset).max().unwrap_or(0);
        let ephemeral = bits(&batch.entries, |entry| entry.offset == 0);
        Parcels { batch, last, ephemeral, made: Vec::new() }
    }

    fn wanted(&self, member: &Member) -> u64 {
        bits(&self.batch.entries, |entry| member.wants(entry))
    }

    fn get(&mut self, form: Form, wanted: u64) -> &Parcel {
        let known = self.made.iter().position(|made| made.0 == form && made.1 == wanted);
        let at = known.unwrap_or_else(|| {
            let entries = self.batch.entries.iter().enumerate();
            let chosen = entries.filter(|(n, _)| wanted >> n & 1 == 1);
            let messages = chosen.map(|(_, entry)| entry.frame(form).clone()).collect();
            self.made.truncate(KINDS - 1);
            self.made.push((form, wanted, Parcel::new(form, messages)));
            self.made.len() - 1
        });
        &self.made[at].2
    }
}

fn bits(entries: &[Entry], is: impl Fn(&Entry) -> bool) -> u64 {
    entries.iter().enumerate().fold(0, |bits, (n, entry)| bits | u64::from(is(entry)) << n)
}
