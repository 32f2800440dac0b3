//! Emulated providers: an HTTP server for each, which validates calls and delivers webhooks as the provider does.
//! Tests and the demo connect channels to them. They depend neither on the application nor on its adapters, and store
//! nothing on disk.
//!
//! To add a provider: a module with an `EmulatorConfig`, an emulator with `start`, and a `router` built on the parts in
//! `serving.rs`. Scripted answers ([`Answer`]) and failures ([`Fail`]) are the same for all of them.

mod clock;
mod form;
pub mod gmail;
pub mod meta;
pub mod s3;
mod script;
mod serving;
pub mod telegram;
pub mod waha;

pub use self::{
    clock::Clock,
    form::{brought, sha256},
    script::Answer,
    serving::Fail,
};
