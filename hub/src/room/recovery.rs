//! Joining a room without a gap. An open room orders and keeps publications. What the client missed is read from memory
//! or the log until it reaches what the room has; then, in one step under the room's lock, the client becomes a member.
//! The next event that is handed out is exactly the one that follows.

use std::sync::Arc;

use super::{
    gap,
    members::Member,
    position,
    state::{Entered, Room, Start},
    subscriber::Subscriber,
};
use crate::{
    protocol::{codes::ErrorReply, command::Position, event::RoomEvent, reply::SubscribeReply},
    stats::count,
};

pub(crate) struct Joined {
    pub(crate) slot: u32,
    pub(crate) reply: SubscribeReply,
}

/// After so many rounds of reading, a room that publishes faster than its log is read is given up.
const MAX_ROUNDS: usize = 16;

/// Adds `member` to the room. On success its queue is reserved for the reply.
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

/// Joins at the present position.
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
    // An offset of another stream means nothing here, even if this one has such an offset in memory.
    if !from.epoch.is_empty() && room.is_of_another_stream(&from.epoch) {
        // Or the client is right, and this room has not learnt yet that its log began anew.
        position::doubt(room);
        return Ok(CaughtUp::Unrecoverable(member));
    }
    if from.offset < member.recoverable_from {
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
                    // The stream began anew a moment ago. Rare enough to join and leave again.
                    room.leave(slot);
                    return Err(ErrorReply::INTERNAL);
                }
                past.found.extend(missed);
                // The client advances its position by the publications of the reply. If there are none, perhaps because
                // all were filtered, it takes the offset of the reply.
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
    tracing::warn!(room = %room.name, "the log grows faster than it is read");
    Err(ErrorReply::INTERNAL)
}

fn release(subscriber: &Subscriber, reserved: bool) {
    if reserved {
        subscriber.queue.release();
    }
}

/// What a client missed, as far as it was read.
#[derive(Default)]
struct Past {
    /// Every event up to here is in `found`, was filtered, or is known to the client.
    position: u64,
    /// The log's newest offset, and the room's generation before it was read.
    read: Option<(u64, u32)>,
    found: Vec<RoomEvent>,
    /// Bytes of `found`.
    bytes: usize,
    scanned: usize,
}

impl Past {
    /// Reads to the end of the log; `false` if the log no longer has it, or it is more than may be recovered.
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
            let (top, events) = (page.top, RoomEvent::all(&room.name, page.publications));
            self.scanned += events.len();
            for event in &events {
                if event.offset != self.position + 1 {
                    return Ok(false);
                }
                self.position = event.offset;
                if event.passes(member.filter.as_ref()) {
                    self.bytes += event.bytes();
                    self.found.push(event.clone());
                }
            }
            let config = &room.context.config;
            let too_much = self.found.len() > config.recovery_limit
                || self.bytes > config.recovery_bytes
                || self.scanned > config.recovery_scan_limit;
            if too_much || (events.is_empty() && self.position < top) {
                return Ok(false);
            }
            room.remember(generation, &events);
            if self.position >= top {
                return Ok(true);
            }
        }
    }
}
