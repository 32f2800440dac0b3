//! The long history of conversations: one suite for the store and for MongoDB, and what only MongoDB has: bounds, removal, an
//! outage, and messages that left the store. MongoDB is played by a server that speaks its protocol (`make history`).

mod leaving;
mod limits;
mod outage;
mod owner;
mod script;
mod server;
mod suite;
