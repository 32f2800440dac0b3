//! A parsed `ws://` or `http://` address: socket address, Host header and path. No TLS.

use std::net::{SocketAddr, ToSocketAddrs};

use anyhow::{Context, Result, ensure};
use reqwest::Url;

#[derive(Clone)]
pub(crate) struct Endpoint {
    pub(crate) address: SocketAddr,
    pub(crate) host: String,
    /// Includes the query.
    pub(crate) path: String,
}

impl Endpoint {
    pub(crate) fn parse(text: &str, scheme: &str) -> Result<Self> {
        let url: Url = text.parse().with_context(|| format!("{text} is not an address"))?;
        ensure!(url.scheme() == scheme, "{text} must begin with {scheme}://, the generator speaks no TLS");
        let name = url.host_str().context("the address names no host")?;
        let host = format!("{name}:{}", url.port_or_known_default().unwrap_or(80));
        let found: Vec<_> = host.to_socket_addrs().with_context(|| format!("cannot find {host}"))?.collect();
        let address = found.iter().find(|address| address.is_ipv4()).or(found.first()).copied();
        let path = url.query().map_or(url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        Ok(Self { address: address.with_context(|| format!("no address for {host}"))?, host, path })
    }

    /// The upgrade request. The key is constant: the generator does not check the response to it.
    pub(crate) fn upgrade(&self) -> String {
        format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: bG9hZHRlc3Qgc29ja2V0cw==\r\n\r\n",
            self.path, self.host
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_stays_and_other_schemes_are_refused() {
        let endpoint = Endpoint::parse("ws://127.0.0.1:8000/connection/websocket?a=b", "ws").unwrap();
        assert_eq!(endpoint.path, "/connection/websocket?a=b");
        assert_eq!(endpoint.address, "127.0.0.1:8000".parse().unwrap());
        assert!(
            endpoint.upgrade().starts_with("GET /connection/websocket?a=b HTTP/1.1\r\nHost: 127.0.0.1:8000")
        );
        assert!(Endpoint::parse("wss://127.0.0.1/x", "ws").is_err());
    }
}
