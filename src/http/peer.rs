//! The client's address, resolved through trusted proxies only.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::{HeaderMap, request::Parts};

use crate::app::AppState;
use crate::config::{Network, is_in};

/// What is known of the peer of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    pub address: SocketAddr,
    /// The peer is a trusted proxy. Many clients share its connections, so its requests are counted by the forwarded
    /// address.
    pub is_proxy: bool,
    /// There are enough file descriptors to keep the connection as a WebSocket.
    pub may_stay: bool,
}

/// `None` when there is no TCP connection (in tests).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerIp(pub Option<IpAddr>);

impl FromRequestParts<AppState> for PeerIp {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Infallible> {
        let direct = parts.extensions.get::<ConnectInfo<Caller>>().map(|info| info.0.address.ip());
        Ok(Self(direct.map(|direct| resolve(direct, &parts.headers, &app.config.server.trusted_proxies))))
    }
}

impl PeerIp {
    /// The address to count by; callers without one share an address.
    pub fn counted(self) -> IpAddr {
        self.0.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
    }
}

/// Walks `X-Forwarded-For` from the nearest hop for as long as the hops are trusted. Entries further left are written
/// by the client and are not trusted.
pub(super) fn resolve(direct: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let mut seen = direct.to_canonical();
    let lines = headers.get_all("x-forwarded-for").iter();
    let hops: Vec<&[u8]> = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b',')).collect();
    for hop in hops.into_iter().rev() {
        if !is_in(trusted, seen) {
            break;
        }
        match address(hop) {
            Some(address) => seen = address.to_canonical(),
            None => break,
        }
    }
    seen
}

/// An address with or without a port.
fn address(hop: &[u8]) -> Option<IpAddr> {
    let hop = std::str::from_utf8(hop).ok()?.trim();
    hop.parse().or_else(|_| hop.parse().map(|with_port: SocketAddr| with_port.ip())).ok()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", "198.51.100.9, 203.0.113.7, 10.0.0.2".parse().expect("a value"));
        let trusted = ["10.0.0.1".parse().expect("one"), "10.0.0.2".parse().expect("one")];
        assert_eq!(resolve(ip("192.0.2.1"), &headers, &trusted), ip("192.0.2.1"), "not a proxy of ours");
        assert_eq!(
            resolve(ip("10.0.0.1"), &headers, &trusted),
            ip("203.0.113.7"),
            "the first one that is not ours"
        );
        assert_eq!(resolve(ip("::ffff:10.0.0.1"), &headers, &trusted), ip("203.0.113.7"));
        for line in [&b"\xff, 203.0.113.7:50000"[..], b"198.51.100.9,203.0.113.7, 10.0.0.2:80"] {
            headers.insert("x-forwarded-for", HeaderValue::from_bytes(line).expect("a value"));
            assert_eq!(resolve(ip("10.0.0.1"), &headers, &trusted), ip("203.0.113.7"));
        }
        headers.insert("x-forwarded-for", "[2001:db8::7]:50000".parse().expect("a value"));
        assert_eq!(resolve(ip("10.0.0.1"), &headers, &trusted), ip("2001:db8::7"));
        headers.insert("x-forwarded-for", "nonsense".parse().expect("a value"));
        assert_eq!(resolve(ip("10.0.0.1"), &headers, &trusted), ip("10.0.0.1"));
        assert_eq!(resolve(ip("10.0.0.1"), &HeaderMap::new(), &trusted), ip("10.0.0.1"));
    }

    #[test]
    fn proxies_may_be_named_by_their_networks() {
        let trusted = ["10.0.0.0/8".parse().expect("one"), "fd00::/8".parse().expect("one")];
        let mut headers = HeaderMap::new();
        headers.insert(
            "x-forwarded-for",
            "198.51.100.9, 203.0.113.7, fd00::9, 10.200.0.2".parse().expect("a value"),
        );
        assert_eq!(resolve(ip("10.3.4.5"), &headers, &trusted), ip("203.0.113.7"));
        assert_eq!(resolve(ip("fd12::1"), &headers, &trusted), ip("203.0.113.7"));
        assert_eq!(resolve(ip("11.0.0.1"), &headers, &trusted), ip("11.0.0.1"));
        // Clients behind a proxy can write anything; only what the trusted proxies appended counts.
        headers.insert("x-forwarded-for", "10.0.0.1, 203.0.113.7".parse().expect("a value"));
        assert_eq!(resolve(ip("10.3.4.5"), &headers, &trusted), ip("203.0.113.7"));
    }
}
