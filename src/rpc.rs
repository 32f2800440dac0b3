//! The socket's rules, through which the hub consults the application. The socket's methods are in the table of
//! operations.

mod rules;

pub use rules::SocketRules;
