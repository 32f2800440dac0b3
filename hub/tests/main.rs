//! The engine over real sockets, in JSON; `protobuf.rs` runs the same in Protobuf. The client is written by hand and sees
//! every byte; the authority does what the client's data tells it. One file per subject.

mod bus;
mod codes;
mod commands;
mod connecting;
mod crowd;
mod data;
mod deflate;
mod deltas;
mod descriptors;
mod dice;
mod expiry;
mod fanout;
mod floods;
mod gaps;
mod leaving;
mod lull;
mod mangled;
mod overload;
mod panics;
mod pipe;
mod presence;
mod raw;
mod recovery;
mod redis_roles;
mod rpc;
mod scenarios;
mod seeds;
mod simulation;
mod small;
mod streams;
mod stripes;
mod support;
mod tags;
mod websocket;

const FORM: hub::Form = hub::Form::Json;
