//! The inbox: what happens to conversations. One verb a file, each one transaction; decisions are pure
//! functions beside them (`turn/policy.rs`, `outgoing.rs`).
//!
//! From the provider: `receive` (with `receipt` and `message_change` for what happens to messages that exist).
//! From people: `send`, `note`, `own`, `assign`, `close`, `read`. From responders: `turn`.
//! No verb calls another layer, none knows HTTP, sockets or a provider's JSON.

pub mod assign;
pub mod close;
mod files;
pub mod listing;
pub mod look;
pub mod message_change;
pub mod note;
pub mod outgoing;
pub mod own;
pub mod read;
pub mod receipt;
pub mod receive;
pub mod send;
pub mod silence;
pub mod turn;
