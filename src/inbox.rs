//! The inbox: operations on conversations. Each file has one verb, and each verb is one transaction; decisions are pure
//! functions (`turn/policy.rs`, `outgoing.rs`).
//!
//! From the provider: `receive` (with `receipt` and `message_change` for changes of stored messages).
//! From people: `send`, `note`, `own`, `assign`, `close`, `read`. From responders: `turn`.
//! No verb calls another layer or depends on HTTP, sockets or a provider's JSON.

pub mod assign;
pub mod block;
pub mod close;
pub mod consent;
mod files;
pub mod listing;
pub mod look;
pub mod message_change;
pub mod note;
pub mod notice;
pub mod outgoing;
pub mod own;
pub mod react;
pub mod read;
pub mod receipt;
pub mod receive;
pub mod search;
pub mod send;
pub mod silence;
pub mod try_again;
pub mod turn;
