//! The socket's rules: what the hub asks of the application. The methods are those of the table of operations.

mod rules;

pub use rules::SocketRules;
