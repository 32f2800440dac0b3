//! One client's session, from the upgraded socket to its end. Reading, commands and timers run side by side
//! in one task, and so does writing (`serve`); whichever ends first ends the session, and leaving cleans up.
//! From the bottom up: `inbox`, `subs`, `timers` and `rate` are its parts, `state` holds them together; `connect`,
//! `subscribe`, `history` and `calls` are the commands, which `commands` runs one after another.

mod alarm;
mod calls;
mod commands;
mod connect;
mod context;
mod history;
mod inbox;
mod outcome;
mod rate;
mod reader;
mod serve;
mod state;
mod subs;
mod subscribe;
mod timers;
mod writer;

pub(crate) use self::{context::SessionContext, inbox::Item, serve::serve, state::Session};
