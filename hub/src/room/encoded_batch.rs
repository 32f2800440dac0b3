//! A batch of events, encoded once for all members that want the same of it in the same form. Its functions run for
//! every member and are inlined into the fan-out, which the compiler does not do by itself across modules.

use bytes::Bytes;

use super::{members::Member, order::Batch};
use crate::{
    protocol::{
        Form,
        event::{Delta, RoomEvent},
    },
    queue::EncodedFrame,
};

/// Encoded frames kept for one batch; with more variants than that, some are encoded again.
const MAX_VARIANTS: usize = 32;

/// A batch, encoded for each variant that a member wants.
pub(super) struct EncodedBatch {
    batch: Batch,
    /// The events without an offset, one bit each.
    ephemeral: u64,
    made: Vec<(Variant, EncodedFrame)>,
}

/// Members with the same variant get the same bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Variant {
    form: Form,
    /// Events, one bit each.
    wanted: u64,
    /// Which of them are sent as deltas; `None` for members that did not agree on deltas.
    deltas: Option<u64>,
}

impl EncodedBatch {
    #[inline]
    pub(super) fn new(batch: Batch) -> Self {
        let ephemeral = bits(&batch.events, |event| event.offset == 0);
        EncodedBatch { batch, ephemeral, made: Vec::new() }
    }

    /// The events that members may get, one bit each: after a loss of the stream only those without an offset.
    #[inline]
    pub(super) fn deliverable(&self, generation: u32) -> u64 {
        if self.batch.generation == generation { u64::MAX } else { self.ephemeral }
    }

    #[inline]
    pub(super) fn wanted(&self, member: &Member) -> u64 {
        bits(&self.batch.events, |event| member.wants(event))
    }

    #[inline]
    pub(super) fn variant(&self, member: &Member, wanted: u64) -> Variant {
        let deltas = member.delta.then(|| {
            let made = self.deltas();
            // The first event that a member gets is sent whole: its deltas begin after it.
            let later = bits(&self.batch.events, |event| event.offset > member.after.saturating_add(1));
            (0..made.len()).filter(|n| made[*n].is_some()).fold(0, |bits, n| bits | 1 << n) & later & wanted
        });
        Variant { form: member.form, wanted, deltas }
    }

    fn deltas(&self) -> &[Option<Delta>] {
        self.batch.deltas.as_ref().map(|deltas| deltas.of(&self.batch.events)).unwrap_or_default()
    }

    #[inline]
    pub(super) fn get(&mut self, variant: Variant) -> &EncodedFrame {
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
        let events = self.batch.events.iter().enumerate();
        let chosen = events.filter(|(n, _)| variant.wanted >> n & 1 == 1);
        let message = |(n, event): (usize, &RoomEvent)| match variant.deltas {
            None => event.frame(variant.form).clone(),
            Some(bits) if bits >> n & 1 == 1 => event.delta_frame(variant.form, self.deltas()[n].as_ref()),
            Some(_) => event.delta_frame(variant.form, None),
        };
        chosen.map(message).collect()
    }
}

fn bits(events: &[RoomEvent], is: impl Fn(&RoomEvent) -> bool) -> u64 {
    events.iter().enumerate().fold(0, |bits, (n, event)| bits | u64::from(is(event)) << n)
}
