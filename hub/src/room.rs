//! A room: publications are put in order, handed out to its members, and completed from the log where some are missing.
//! From the bottom up: `order`, `ring`, `members` and `announcements` are values; `state` joins them under locks;
//! `fanout` hands out; `stream_loss`, `gap` and `position` compare with the log; `publish`, `presence` and `recovery` are
//! what sessions and the application call. It knows a session only as a [`Subscriber`].

pub(crate) mod announcements;
mod context;
mod deltas;
mod encoded_batch;
mod fanout;
mod gap;
mod members;
mod memory_budget;
mod order;
pub(crate) mod position;
pub(crate) mod presence;
pub(crate) mod publish;
pub(crate) mod recovery;
mod remote;
mod ring;
mod state;
mod stream_loss;
mod subscriber;
mod traced;

pub(crate) use self::{
    context::RoomContext,
    members::Member,
    memory_budget::MemoryBudget,
    state::Room,
    subscriber::{Revoke, Subscriber},
};
