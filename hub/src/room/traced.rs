//! Tells the application of a batch whose publications carry traces.

use std::sync::Arc;

use tokio::time::Instant;

use super::{order::Batch, state::Room};
use crate::trace::{HandedOut, Trace, TraceListener};

/// A batch that is being handed out.
pub(super) struct Traced<'a> {
    listener: &'a Arc<dyn TraceListener>,
    room: &'a Room,
    /// With their offsets.
    traces: Vec<(Trace, u64)>,
    members: usize,
    begun: Instant,
}

impl<'a> Traced<'a> {
    /// `None`: nobody listens, or there is nothing to tell.
    pub(super) fn begin(room: &'a Room, batch: &Batch, members: usize) -> Option<Traced<'a>> {
        let listener = room.context.config.traces.as_ref()?;
        let traces: Vec<_> =
            batch.events.iter().filter_map(|event| Some((event.trace()?, event.offset))).collect();
        (!traces.is_empty()).then(|| Traced { listener, room, traces, members, begun: Instant::now() })
    }

    pub(super) fn end(self) {
        let Traced { listener, room, traces, members, begun } = self;
        let took = begun.elapsed();
        for (trace, offset) in traces {
            listener.handed_out(&HandedOut { trace, room: &room.name, offset, members, took });
        }
    }
}
