//! The application: receives messages from channels, shows them to people and AI workers over sockets, and delivers
//! answers.
//!
//! Read on in `start.rs` (how the parts are built), `operations.rs` (the API), `inbox.rs` (the verbs).

pub mod accounts;
pub mod admission;
pub mod announce;
pub mod app;
pub mod channels;
pub mod cli;
pub mod clock;
pub mod config;
pub mod demo;
pub mod doctor;
pub mod document;
pub mod error;
mod file_draft;
pub mod files;
pub mod growth;
pub mod history;
pub mod http;
pub mod inbox;
pub mod model;
pub mod operations;
pub mod people;
mod private;
mod refusal;
mod rooms;
pub mod rpc;
pub mod search;
pub mod server;
mod start;
pub mod store;
pub mod telemetry;
pub mod vault;
pub mod work;
