//! Violations of the framing by a client (RFC 6455, sections 5 and 7.4).

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Close code 1002.
    Violation(&'static str),
    /// Close code 1007.
    NotUtf8,
    /// Close code 1009.
    TooLarge,
}
