//! Work beside the requests: jobs (`runner`, one file a kind of job) and turns (`dispatcher`).
//!
//! Rows are the truth and memory only makes it punctual: what a dead process left is found by sweeps.
//!
//! To add a kind of job: the recipe is at the head of [`kinds`].

mod acknowledge;
mod dead;
mod deliver;
mod dispatcher;
mod end;
mod env;
mod fetch_media;
mod fetch_title;
mod kinds;
mod overdue;
mod recover;
mod responders;
mod retain;
pub mod retry;
mod runner;
mod silences;
mod sweep_files;
mod typing;

pub use dead::{Forget, ListDead, Revive};
pub use dispatcher::Dispatcher;
pub use env::Env;
pub use responders::Held;
pub use runner::Runner;
pub use typing::Typing;
