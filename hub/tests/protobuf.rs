//! The tests of `main.rs` with every session in Protobuf, except those about the text of JSON frames.

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
