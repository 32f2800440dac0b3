//! Channels: everything about a connected provider account but its messages. What it is set to (`settings`), its
//! address and secrets (`address`, `secrets`), whose account it is (`claims`), telling the provider about us
//! (`connect`), how it does (`health`), pausing it (`pause`), and opening it quickly for each webhook (`cache`).
//!
//! The rows are in `store/channels.rs`, the faces in `http/channels.rs` and `cli/admin/channel.rs`.

pub mod address;
pub mod cache;
pub mod claims;
pub mod connect;
pub(crate) mod health;
pub mod pause;
pub mod secrets;
pub mod settings;

pub use cache::ChannelCache;
pub use secrets::ChannelSecrets;
