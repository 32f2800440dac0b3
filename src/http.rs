//! HTTP: the middleware of every request, and the handlers that need the request itself. `server.rs` puts the routes
//! together.

pub mod assets;
pub mod body;
pub mod cookie;
pub mod extract;
pub mod follow;
pub mod health;
pub mod hooks;
pub mod leads;
pub mod metrics;
pub mod middleware;
pub mod peer;
pub mod problem;
pub mod receive;
pub mod serve;
pub mod session;
pub mod socket;
pub mod stream;
pub mod wire;

#[cfg(test)]
mod tests;
