//! The whole server on port 0: real sockets, real HTTP, emulated providers that refuse what the real ones
//! would. Every test of the store and the flow runs on SQLite and on PostgreSQL.

mod kit;

mod bad_input;
mod bounds;
mod conformance;
mod database;
mod flow;
mod invariants;
mod operator;
mod plans;
mod retention;
mod views;
mod walls;
mod work;
