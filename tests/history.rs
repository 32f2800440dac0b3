//! The long history of conversations: one suite for the store and for MongoDB, and what only MongoDB has: bounds, removal, an
//! outage, and messages that left the store. It needs a server that speaks MongoDB's protocol (`make history`).

#[expect(dead_code, reason = "the kit is of the other tests as well")]
mod kit;

#[path = "history/leaving.rs"]
mod leaving;
#[path = "history/limits.rs"]
mod limits;
#[path = "history/outage.rs"]
mod outage;
#[path = "history/script.rs"]
mod script;
#[path = "history/server.rs"]
mod server;
#[path = "history/suite.rs"]
mod suite;
