//! The wire tests once more, every session in Protobuf. Of `main.rs` only what is about the text of JSON
//! frames is left out.

mod commands;
mod connecting;
mod expiry;
mod fanout;
mod frames;
mod gaps;
mod leaving;
mod presence;
mod recovery;
mod rpc;
mod support;

const FORM: hub::Form = hub::Form::Protobuf;
