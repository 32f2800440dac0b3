//! The wire: commands in, replies and pushes out, in two encodings. The rest of the engine handles typed values
//! only and picks the encoding through [`Form`] (`codec`); JSON is in `decode`, `reply/json` and `push`, Protobuf in
//! `protobuf` and `reply/protobuf`.
//! Runs no command: that is up to the session.

mod codec;
pub(crate) mod codes;
pub(crate) mod command;
mod decode;
pub(crate) mod event;
mod fields;
pub(crate) mod filter;
mod form;
mod ids;
pub(crate) mod json;
pub(crate) mod protobuf;
pub(crate) mod push;
pub(crate) mod reply;

pub use form::Form;
