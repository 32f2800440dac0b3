//! The wire tests once more, every session in Protobuf. Of `main.rs` only what is about the text of JSON
//! frames is left out.

mod commands;
mod connecting;
mod deltas;
mod expiry;
mod fanout;
mod frames;
mod gaps;
mod leaving;
mod overload;
mod presence;
mod recovery;
mod rpc;
mod scenarios;
mod support;
mod tags;

const FORM: hub::Form = hub::Form::Protobuf;
