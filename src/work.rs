//! Work beside the requests: jobs (`runner`, one file a kind of job) and turns (`dispatcher`).
//!
//! Rows are the truth and memory only makes it punctual: what a dead process left is found by sweeps.
//!
//! To add a kind of job: a variant of [`crate::store::jobs::JobKind`] with its priority, a file here with a
//! `run(app, job)` that ends the job in a transaction, a line in `runner::run_one`.

mod acknowledge;
mod deliver;
mod dispatcher;
mod fetch_media;
mod recover;
mod responders;
pub mod retry;
mod runner;
mod slots;

pub use dispatcher::Dispatcher;
pub use responders::Held;
pub use runner::Runner;
pub use slots::Slots;
