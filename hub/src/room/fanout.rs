//! Handing out what a room has put in order. One batch at a time is on its way in a room, so order holds. The
//! publisher does it himself for small rooms; a task does it for large ones and for publishers that are no task (a
//! database's thread has better things to do), so that he never waits long and no room keeps a thread for long. Very
//! large rooms are cut in stripes for all cores. Those who want the same get the same bytes.

use std::{
    ops::Range,
    sync::{Arc, atomic::Ordering::Relaxed},
};

use bytes::Bytes;
use tokio::runtime::Handle;

use super::{members::Member, order::Batch, state::Room};
use crate::{
    lock::{lock, read, write},
    protocol::{Form, entry::Entry},
    queue::EncodedFrame,
};

/// Rooms with up to so many places are handed out by the publisher.
const SMALL: usize = 64;
/// Rounds that a publisher does before he leaves the rest to a task.
const ROUNDS: usize = 4;
/// Members served under one lock of the room; each may cost a write into a socket.
const PIECE: usize = 64;
/// Members that are worth a task.
const STRIPE: usize = 512;
/// Frames kept for one batch; with more different filters than that, some are made again.
const MAX_VARIANTS: usize = 32;

pub(super) fn hand_out(room: &Arc<Room>) {
    if !lock(&room.order).begin_delivery() {
        return;
    }
    if read(&room.members).places() <= SMALL && Handle::try_current().is_ok() {
        for _ in 0..ROUNDS {
            let Some(batch) = lock(&room.order).next_batch() else { return };
            let places = begin(room, &batch);
            let is_heavy = batch.is_heavy;
            let mut encoded = Encoded::new(batch);
            for piece in pieces(0..places) {
                serve(room, &mut encoded, piece);
            }
            if is_heavy {
                break;
            }
        }
    }
    room.context.runtime.spawn(pump(Arc::clone(room)));
}

async fn pump(room: Arc<Room>) {
    let runtime = &room.context.runtime;
    loop {
        let Some(batch) = lock(&room.order).next_batch() else { return };
        let places = begin(&room, &batch);
        let stripes = (places / STRIPE).clamp(1, runtime.metrics().num_workers());
        let size = places.div_ceil(stripes);
        let helpers: Vec<_> = (1..stripes)
            .map(|n| {
                let (room, batch) = (Arc::clone(&room), batch.clone());
                let places = n * size..(n + 1) * size;
                runtime.spawn(async move { stripe(&room, batch, places).await })
            })
            .collect();
        stripe(&room, batch, 0..size).await;
        for helper in helpers {
            // It fails if the runtime is going down, or by a panic, which tokio has reported.
            let _ = helper.await;
        }
    }
}

async fn stripe(room: &Room, batch: Batch, places: Range<usize>) {
    let mut encoded = Encoded::new(batch);
    for piece in pieces(places) {
        serve(room, &mut encoded, piece);
        tokio::task::yield_now().await;
    }
}

fn pieces(places: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let end = places.end;
    places.step_by(PIECE).map(move |from| from..(from + PIECE).min(end))
}

/// Counts the batch as delivered before its first piece, so that whoever joins meanwhile has it already
/// (see `Room::enter`). Says how many places there are to serve.
fn begin(room: &Room, batch: &Batch) -> usize {
    let mut members = write(&room.members);
    if batch.generation == members.generation {
        let last = batch.entries.iter().map(|entry| entry.offset).max().unwrap_or(0);
        members.delivered = members.delivered.max(last);
    }
    members.places()
}

fn serve(room: &Room, encoded: &mut Encoded, places: Range<usize>) {
    let members = read(&room.members);
    let live = if encoded.batch.generation == members.generation { u64::MAX } else { encoded.ephemeral };
    let mut delivered = 0;
    for member in members.piece(places) {
        let wanted = live & encoded.wanted(member);
        if wanted != 0 {
            delivered += member.subscriber.queue.push(encoded.get(encoded.variant(member, wanted)));
        }
    }
    drop(members);
    room.context.counters.delivered.fetch_add(delivered as u64, Relaxed);
}

/// A batch as its receivers want it.
struct Encoded {
    batch: Batch,
    /// Those without an offset, a bit each.
    ephemeral: u64,
    made: Vec<(Variant, EncodedFrame)>,
}

/// Those who have it in common get the same bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Variant {
    form: Form,
    wanted: u64,
    /// Which of them are told as deltas, to those who agreed on that.
    deltas: Option<u64>,
}

impl Encoded {
    fn new(batch: Batch) -> Self {
        let ephemeral = bits(&batch.entries, |entry| entry.offset == 0);
        Encoded { batch, ephemeral, made: Vec::new() }
    }

    fn wanted(&self, member: &Member) -> u64 {
        bits(&self.batch.entries, |entry| member.wants(entry))
    }

    fn variant(&self, member: &Member, wanted: u64) -> Variant {
        let deltas = member.delta.then(|| {
            let made = self.deltas();
            // The first that a member gets is what its deltas begin with.
            let later = bits(&self.batch.entries, |entry| entry.offset > member.after.saturating_add(1));
            (0..made.len()).filter(|n| made[*n].is_some()).fold(0, |bits, n| bits | 1 << n) & later & wanted
        });
        Variant { form: member.form, wanted, deltas }
    }

    fn deltas(&self) -> &[Option<Bytes>] {
        self.batch.deltas.as_ref().map(|deltas| deltas.of(&self.batch.entries)).unwrap_or_default()
    }

    fn get(&mut self, variant: Variant) -> &EncodedFrame {
        let known = self.made.iter().position(|made| made.0 == variant);
        let at = known.unwrap_or_else(|| {
            let frame = EncodedFrame::new(variant.form, self.messages(variant));
            self.made.truncate(MAX_VARIANTS - 1);
            self.made.push((variant, frame));
            self.made.len() - 1
        });
        &self.made[at].1
    }

    fn messages(&self, variant: Variant) -> Vec<Bytes> {
        let entries = self.batch.entries.iter().enumerate();
        let chosen = entries.filter(|(n, _)| variant.wanted >> n & 1 == 1);
        let message = |(n, entry): (usize, &Entry)| match variant.deltas {
            None => entry.frame(variant.form).clone(),
            Some(bits) if bits >> n & 1 == 1 => entry.delta_frame(variant.form, self.deltas()[n].as_ref()),
            Some(_) => entry.delta_frame(variant.form, None),
        };
        chosen.map(message).collect()
    }
}

fn bits(entries: &[Entry], is: impl Fn(&Entry) -> bool) -> u64 {
    entries.iter().enumerate().fold(0, |bits, (n, entry)| bits | u64::from(is(entry)) << n)
}
