//! The protocol's frames that a worker reads, and the meaning of close codes. One frame contains several JSON objects,
//! joined by newlines; an object without id and push is a ping.

use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Default, Deserialize)]
pub(super) struct Reply {
    #[serde(default)]
    pub id: u32,
    pub error: Option<ErrorBody>,
    pub connect: Option<ConnectBody>,
    pub rpc: Option<RpcBody>,
    pub push: Option<Push>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ErrorBody {
    pub code: u32,
    #[serde(default)]
    pub message: String,
    #[serde(default)]
    pub temporary: bool,
}

impl ErrorBody {
    /// Whether to retry the connect. (Client protocol: codes under 100, temporary ones, and 109.)
    pub(super) fn is_passing(&self) -> bool {
        self.code < 100 || self.temporary || self.code == 109
    }
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct ConnectBody {
    /// Seconds between two pings; 0 means none.
    #[serde(default)]
    pub ping: u64,
    #[serde(default)]
    pub pong: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct RpcBody {
    #[serde(default)]
    pub data: Value,
}

#[derive(Debug, Deserialize)]
pub(super) struct Push {
    #[serde(rename = "pub")]
    pub publication: Option<Publication>,
    pub disconnect: Option<Disconnect>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Publication {
    #[serde(default)]
    pub data: Value,
}

#[derive(Debug, Deserialize)]
pub(super) struct Disconnect {
    pub code: u16,
    #[serde(default)]
    pub reason: String,
}

impl Reply {
    pub(super) fn is_ping(&self) -> bool {
        self.id == 0 && self.push.is_none()
    }
}

/// The JSON objects of a frame, in order.
pub(super) fn replies(frame: &str) -> impl Iterator<Item = serde_json::Result<Reply>> {
    frame.split('\n').filter(|line| !line.trim().is_empty()).map(serde_json::from_str)
}

/// Whether the close code forbids a reconnect. (Client protocol, close codes.)
pub(super) fn is_final(code: u16) -> bool {
    matches!(code, 1009 | 3500..=3999 | 4500..=4999)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_hold_several_objects() {
        let frame = "{\"id\":1,\"connect\":{\"ping\":25,\"pong\":true}}\n{\"push\":{\"channel\":\"r\",\"pub\":{\"data\":7}}}\n{}\n";
        let read: Vec<Reply> = replies(frame).map(|reply| reply.expect("readable")).collect();
        assert!(read[0].connect.as_ref().is_some_and(|connect| connect.pong && connect.ping == 25));
        assert_eq!(read[1].push.as_ref().and_then(|push| push.publication.as_ref()).expect("one").data, 7);
        assert!(read[2].is_ping() && !read[1].is_ping() && !read[0].is_ping());
        assert!(replies("{").next().expect("one").is_err());
    }

    #[test]
    fn close_codes_say_whether_to_come_back() {
        for code in [1000, 1006, 3000, 3001, 3499, 4000, 4499] {
            assert!(!is_final(code), "{code}");
        }
        for code in [1009, 3500, 3999, 4500, 4999] {
            assert!(is_final(code), "{code}");
        }
    }
}
