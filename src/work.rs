//! Background work: jobs (`runner`, one file for each job kind) and turns (`dispatcher`).
//!
//! The database is authoritative; memory only makes the work punctual. Sweeps find what a dead process left.
//!
//! What follows the feed is a consumer (`consumers.rs`).
//!
//! To add a job kind, follow the recipe at the head of [`kinds`].

mod acknowledge;
mod busy_told;
mod chat_pace;
pub mod consumers;
mod dead;
mod delete_file;
mod deliver;
mod disconnect_channel;
mod dispatcher;
mod end;
mod env;
mod expiring;
mod fetch_media;
mod fetch_profile;
mod fetch_title;
mod hearing;
mod history_feed;
mod human_pace;
mod kinds;
mod nameless;
mod node_watch;
mod outage;
mod overdue;
mod react;
mod read_item;
mod read_news;
pub(crate) mod recover;
mod renew_sessions;
mod responders;
mod retain;
mod retain_messages;
mod retained;
pub mod retry;
mod runner;
mod search_index;
pub mod sends;
mod silences;
mod sweep_files;
mod typing;
mod watch_channels;

pub use busy_told::BusyTold;
pub use chat_pace::ChatPaces;
pub use consumers::Consumers;
pub use dead::{Forget, ListDead, Revive};
pub use dispatcher::Dispatcher;
pub use env::Env;
pub use hearing::Hearing;
pub use history_feed::HistoryFeed;
pub use human_pace::HumanPaces;
pub use kinds::count_from_zero;
pub use node_watch::NodeWatch;
pub use responders::{Held, ScheduledTurn};
pub use retained::Retained;
pub use runner::Runner;
pub use search_index::SearchIndex;
pub use sends::Sends;
pub use typing::Typing;
