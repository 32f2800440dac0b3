//! Error and close codes with their texts (Centrifuge client protocol, "Errors" and "Close codes").
//! Each is used where its situation is met.

use std::borrow::Cow;

/// An error reply to one command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorReply {
    /// 100-113 are the protocol's, 400-1999 the application's.
    pub code: u32,
    pub message: Cow<'static, str>,
    /// The client may try again by itself.
    pub temporary: bool,
}

impl ErrorReply {
    pub const INTERNAL: Self = Self::temporary(100, "internal server error");
    /// The same for a call that panicked: it would again, for a client that comes back by itself.
    pub const PANICKED: Self = Self::constant(100, "internal server error");
    pub const UNAUTHORIZED: Self = Self::constant(101, "unauthorized");
    pub const UNKNOWN_CHANNEL: Self = Self::constant(102, "unknown channel");
    pub const PERMISSION_DENIED: Self = Self::constant(103, "permission denied");
    pub const METHOD_NOT_FOUND: Self = Self::constant(104, "method not found");
    pub const ALREADY_SUBSCRIBED: Self = Self::constant(105, "already subscribed");
    pub const LIMIT_EXCEEDED: Self = Self::constant(106, "limit exceeded");
    pub const BAD_REQUEST: Self = Self::constant(107, "bad request");
    pub const NOT_AVAILABLE: Self = Self::constant(108, "not available");
    pub const TOKEN_EXPIRED: Self = Self::constant(109, "token expired");
    /// The same in answer to `sub_refresh`, where an error that is not temporary is final for clients.
    pub const TOKEN_EXPIRED_COME_AGAIN: Self = Self::temporary(109, "token expired");
    pub const EXPIRED: Self = Self::constant(110, "expired");
    pub const TOO_MANY_REQUESTS: Self = Self::temporary(111, "too many requests");
    pub const UNRECOVERABLE: Self = Self::constant(112, "unrecoverable position");

    pub const fn constant(code: u32, message: &'static str) -> Self {
        ErrorReply { code, message: Cow::Borrowed(message), temporary: false }
    }

    pub const fn temporary(code: u32, message: &'static str) -> Self {
        ErrorReply { code, message: Cow::Borrowed(message), temporary: true }
    }

    /// An error of the application, with a message for a person.
    pub fn new(code: u32, message: impl Into<String>) -> Self {
        ErrorReply { code, message: Cow::Owned(message.into()), temporary: false }
    }
}

/// A WebSocket close code with its reason. 3000-3499 and 4000-4499 let the client reconnect,
/// 3500-3999 and 4500-4999 are final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CloseCode {
    pub code: u16,
    pub reason: &'static str,
}

impl CloseCode {
    pub const NORMAL: Self = Self::new(1000, "bye");
    pub const PROTOCOL_ERROR: Self = Self::new(1002, "protocol error");
    pub const NOT_TEXT: Self = Self::new(1007, "text is not utf-8");
    pub const TOO_LARGE: Self = Self::new(1009, "message too large");
    pub const SHUTDOWN: Self = Self::new(3001, "shutdown");
    pub const INTERNAL: Self = Self::new(3004, "internal server error");
    pub const CONNECTION_EXPIRED: Self = Self::new(3005, "connection expired");
    pub const SUBSCRIPTION_EXPIRED: Self = Self::new(3006, "subscription expired");
    pub const SLOW: Self = Self::new(3008, "slow");
    pub const WRITE_ERROR: Self = Self::new(3009, "write error");
    pub const INSUFFICIENT_STATE: Self = Self::new(3010, "insufficient state");
    pub const FORCE_RECONNECT: Self = Self::new(3011, "force reconnect");
    pub const NO_PONG: Self = Self::new(3012, "no pong");
    pub const TOO_MANY_REQUESTS: Self = Self::new(3013, "too many requests");
    /// The client forgets its positions, and its tokens if it can get others.
    pub const STATE_INVALIDATED: Self = Self::new(3014, "state invalidated");
    pub const INVALID_TOKEN: Self = Self::new(3500, "invalid token");
    pub const BAD_REQUEST: Self = Self::new(3501, "bad request");
    pub const STALE: Self = Self::new(3502, "stale");
    pub const FORCE_DISCONNECT: Self = Self::new(3503, "force disconnect");
    pub const CONNECTION_LIMIT: Self = Self::new(3504, "connection limit");
    pub const CHANNEL_LIMIT: Self = Self::new(3505, "channel limit");
    pub const INAPPROPRIATE_PROTOCOL: Self = Self::new(3506, "inappropriate protocol");
    pub const PERMISSION_DENIED: Self = Self::new(3507, "permission denied");
    pub const NOT_AVAILABLE: Self = Self::new(3508, "not available");

    pub const fn new(code: u16, reason: &'static str) -> Self {
        CloseCode { code, reason }
    }

    /// The reason as it may go on the wire. With an empty reason clients treat a final code as temporary; a reason that
    /// parses as JSON they read as the advice of an old protocol; and a close frame holds at most 123 bytes of it.
    pub(crate) fn wire_reason(&self) -> &'static str {
        let fit = &self.reason[..self.reason.floor_char_boundary(123)];
        if fit.trim().is_empty() || serde_json::from_str::<serde::de::IgnoredAny>(fit).is_ok() {
            "closed by server"
        } else {
            fit
        }
    }
}

/// Codes of the `unsubscribe` push: under 2500 final, from 2500 the client subscribes again.
pub mod unsubscribed {
    pub const SERVER: u32 = 2000;
    pub const INSUFFICIENT_STATE: u32 = 2500;
    pub const EXPIRED: u32 = 2501;
    /// The client forgets its position in this room.
    pub const STATE_INVALIDATED: u32 = 2502;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_never_empty_json_or_too_long() {
        for bad in ["", " ", "404", "{}", "null", "\"x\"", "[1]"] {
            assert_eq!(CloseCode::new(3501, bad).wire_reason(), "closed by server", "{bad:?}");
        }
        assert_eq!(CloseCode::BAD_REQUEST.wire_reason(), "bad request");
        let long = "шшшшшшшшшшшшшшшшшшшшшшшшшшшшшшшшшшшшшшшшшшшшшшшшшшшшшшшшшшшшшшшшшшшшш";
        let fit = CloseCode::new(4500, long).wire_reason();
        assert!(fit.len() <= 123 && fit.len() > 100);
    }
}
