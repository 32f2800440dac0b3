//! Joining a room without a gap. The room orders and remembers publications from the moment it is open; the
//! client's past is read from memory or the log until both meet, and only then, in one step under the room's
//! lock, does it become a member. What is handed out after that is exactly what follows.

use std::sync::Arc;

use super::{
    gap,
    members::Member,
    position,
    state::{Entered, Room, Start},
    subscriber::Subscriber,
};
use crate::{
    protocol::{codes::ErrorReply, command::Position, entry::Entry, reply::SubscribeReply},
    stats::count,
};

pub(crate) struct Joined {
    pub(crate) slot: u32,
    pub(crate) reply: SubscribeReply,
}

/// Rounds of reading the log before a room that publishes faster than it reads is given up.
const MAX_ROUNDS: usize = 16;

/// Makes `member` one of the room. Its queue is reserved for the reply when this succeeds.
/// A `strict` client gets error 112 in place of a stream with a hole.
pub(crate) async fn join(
    room: &Arc<Room>,
    member: Member,
    position: Option<&Position>,
    strict: bool,
) -> Result<Joined, ErrorReply> {
    if !member.durable {
        return fresh(room, member, false);
    }
    gap::open(room).await.map_err(|_| ErrorReply::INTERNAL)?;
    let Some(position) = position.filter(|p| p.recover) else { return fresh(room, member, false) };
    match catch_up(room, member, position).await? {
        CaughtUp::In(joined) => {
            count(&room.context.counters.recovered);
            Ok(joined)
        }
        CaughtUp::Unrecoverable(member) => {
            count(&room.context.counters.unrecovered);
            if strict { Err(ErrorReply::UNRECOVERABLE) } else { fresh(room, member, true) }
        }
    }
}

/// From now on.
fn fresh(room: &Room, member: Member, was_recovering: bool) -> Result<Joined, ErrorReply> {
    let recoverable = member.durable;
    member.subscriber.queue.reserve();
    let Entered::In { slot, epoch, after, .. } = room.enter(member, &Start::Now, 0) else {
        return Err(ErrorReply::INTERNAL);
    };
    let offset = if recoverable { after } else { 0 };
    let recovered = was_recovering.then_some(false);
    let reply = SubscribeReply { recoverable, epoch, offset, recovered, ..SubscribeReply::default() };
    Ok(Joined { slot, reply })
}

enum CaughtUp {
    In(Joined),
    Unrecoverable(Member),
}

async fn catch_up(room: &Arc<Room>, mut member: Member, from: &Position) -> Result<CaughtUp, ErrorReply> {
    let limit = room.context.config.recovery_limit;
    // A position in another stream says nothing here, even if this one has such an offset in memory.
    if !from.epoch.is_empty() && room.is_of_another_stream(&from.epoch) {
        // Unless it is this room that has not heard yet that its stream began anew.
        position::doubt(room);
        return Ok(CaughtUp::Unrecoverable(member));
    }
    let mut past = Past { position: from.offset, ..Past::default() };
    for _ in 0..MAX_ROUNDS {
        let subscriber = Arc::clone(&member.subscriber);
        let reserved = subscriber.queue.reserve();
        let start = Start::Position { position: past.position, read: past.read };
        member = match room.enter(member, &start, limit.saturating_sub(past.found.len())) {
            Entered::In { slot, epoch, missed, after } => {
                if !from.epoch.is_empty() && from.epoch != epoch {
                    // Rare enough to be done and undone: the stream began anew a moment ago.
                    room.leave(slot);
                    return Err(ErrorReply::INTERNAL);
                }
                past.found.extend(missed);
                // The client moves on by what it is given. With nothing to give (all of it may have been
                // filtered), the position itself tells it how far it is.
                let offset = if past.found.is_empty() { after } else { from.offset };
                let reply = SubscribeReply {
                    recoverable: true,
                    epoch,
                    offset,
                    recovered: Some(true),
                    publications: past.found,
                    ..SubscribeReply::default()
                };
                return Ok(CaughtUp::In(Joined { slot, reply }));
            }
            Entered::TooMuch(member) => {
                release(&subscriber, reserved);
                return Ok(CaughtUp::Unrecoverable(member));
            }
            Entered::ReadLog(member) => {
                release(&subscriber, reserved);
                member
            }
        };
        if !past.read(room, &member, from).await? {
            return Ok(CaughtUp::Unrecoverable(member));
        }
    }
    tracing::warn!(room = %room.name, "log is read slower than it grows");
    Err(ErrorReply::INTERNAL)
}

fn release(subscriber: &Subscriber, reserved: bool) {
    if reserved {
        subscriber.queue.release();
    }
}

/// What was read of a client's past so far.
#[derive(Default)]
struct Past {
    /// All up to here is in `found`, or filtered, or the client's.
    position: u64,
    /// The newest by the log, and the room's generation when it was asked.
    read: Option<(u64, u32)>,
    found: Vec<Entry>,
    scanned: usize,
}

impl Past {
    /// Reads on to the end of the log; `false` if the past is not there or too much.
    async fn read(&mut self, room: &Arc<Room>, member: &Member, from: &Position) -> Result<bool, ErrorReply> {
        loop {
            let generation = room.generation();
            let page = room.context.log.since(&room.name, self.position, room.context.config.log_page).await;
            let page = page.map_err(|_| ErrorReply::INTERNAL)?;
            if room.is_of_another_stream(&page.epoch) {
                position::doubt(room);
                return Ok(false);
            }
            let other = !from.epoch.is_empty() && from.epoch != page.epoch;
            let gone = page.top > self.position && page.oldest > self.position + 1;
            let is_new = self.read.is_some_and(|(_, known)| known != generation);
            if other || gone || is_new || self.position > page.top {
                return Ok(false);
            }
            self.read = Some((page.top, generation));
            gap::heard_of(room, generation, page.top);
            let (top, entries) = (page.top, Entry::all(&room.name, page.publications));
            self.scanned += entries.len();
            for entry in &entries {
                if entry.offset != self.position + 1 {
                    return Ok(false);
                }
                self.position = entry.offset;
                if entry.passes(member.filter.as_ref()) {
                    self.found.push(entry.clone());
                }
            }
            let too_much = self.found.len() > room.context.config.recovery_limit
                || self.scanned > room.context.config.recovery_scan_limit;
            if too_much || (entries.is_empty() && self.position < top) {
                return Ok(false);
            }
            room.remember(generation, &entries);
            if self.position >= top {
                return Ok(true);
            }
        }
    }
}
