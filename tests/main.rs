//! The whole server on port 0: real sockets, real HTTP, emulated providers that refuse what the real ones
//! would. Every test of the store and the flow runs on SQLite and on PostgreSQL.

mod kit;

mod accounts;
mod addresses;
mod ambiguous;
mod bad_input;
mod bounds;
mod cases;
mod conformance;
mod connecting;
mod consumers;
mod database;
mod disconnect;
mod files;
mod flow;
mod gmail;
mod health;
mod invariants;
mod keys;
mod late;
mod meta;
mod moving;
mod news;
mod operator;
mod order;
mod outward;
mod pacing;
mod pairing;
mod plans;
mod promised;
mod refused;
mod retention;
mod search;
mod secrets;
mod sending;
mod sent_again;
mod sessions;
mod shuffled;
mod starving;
mod statements;
mod taken_back;
mod typing;
mod views;
mod walls;
mod work;
