//! Channels: everything about a connected provider account except its messages. `settings` creates and changes them,
//! `address` and `secrets` guard where secrets go, `claims` says which channel has an account, `connect` registers the
//! webhook, `health` and `pause` keep the state, `cache` finds a channel for each webhook.
//!
//! A provider with one webhook address for a whole app finds the channel by the account that a body names: claims are
//! indexed by provider and account (`store/claims.rs`). Rows are read in `store/channels.rs`.

pub mod address;
pub mod app_cache;
pub mod apps;
pub mod cache;
pub mod claims;
pub mod connect;
pub mod disconnect;
mod fields;
pub mod granted;
pub(crate) mod health;
pub(crate) mod judge;
pub mod move_channel;
pub(crate) mod news;
pub mod pairing;
pub mod pause;
pub(crate) mod pool;
mod renew;
pub mod secrets;
pub mod settings;
pub mod sign_in;
pub mod templates;

pub use app_cache::AppCache;
pub use cache::ChannelCache;
pub use secrets::ChannelSecrets;
