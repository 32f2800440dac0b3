//! The wire: commands in, replies and pushes out. The rest of the engine handles typed values only,
//! so a second encoding is a second set of `decode`, `reply` and `push` functions.
//! Decides nothing: what a command earns is up to the session.

pub(crate) mod codes;
pub(crate) mod command;
pub(crate) mod json;
pub(crate) mod push;
pub(crate) mod reply;
