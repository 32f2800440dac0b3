//! Warns about proxies that the configuration does not trust: all clients behind one count as one address. It makes no
//! decisions.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::HeaderMap;

use super::network;
use crate::config::{Network, is_in};

/// Networks that are remembered. Bounded, because any client can send these headers from many addresses.
const KNOWN: usize = 64;
/// Warnings without a pause; after them one a minute.
const AT_ONCE: usize = 8;
const PAUSE: Duration = Duration::from_mins(1);

#[derive(Default)]
pub struct Untrusted(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    networks: VecDeque<IpAddr>,
    warned_at: Option<Instant>,
}

impl Untrusted {
    /// Warns at a network's first request with a forwarding header that is not trusted.
    pub fn note(&self, direct: IpAddr, headers: &HeaderMap, trusted: &[Network], now: Instant) {
        let Some(problem) = problem(direct, headers, trusted) else { return };
        if self.is_news(network(direct), now) {
            tracing::warn!(peer = %direct.to_canonical(), "{problem}");
        }
    }

    fn is_news(&self, network: IpAddr, now: Instant) -> bool {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_early = seen.warned_at.is_some_and(|at| now.duration_since(at) < PAUSE);
        if seen.networks.contains(&network) || (seen.networks.len() >= AT_ONCE && is_early) {
            return false;
        }
        if seen.networks.len() >= KNOWN {
            seen.networks.pop_front();
        }
        seen.networks.push_back(network);
        seen.warned_at = Some(now);
        true
    }
}

fn problem(direct: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> Option<&'static str> {
    let has_hops = headers.contains_key("x-forwarded-for");
    if !has_hops && !headers.contains_key("forwarded") {
        return None;
    }
    if !is_in(trusted, direct) {
        return Some(
            "a peer forwards requests and is not in trusted_proxies: everybody behind it counts as one address. If it \
             is your proxy, add its address or network to trusted_proxies, and have it send X-Forwarded-For",
        );
    }
    (!has_hops).then_some(
        "a trusted proxy sends Forwarded, which is not read: everybody behind it counts as one address. Have it send \
         X-Forwarded-For",
    )
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_proxy_that_is_not_trusted_is_told_from_the_others() {
        let trusted = ["10.0.0.0/8".parse().expect("a network")];
        let headers = |name: &'static str| {
            HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_static("192.0.2.1"))])
        };
        for (direct, header, is_problem) in [
            ("198.51.100.1", "x-forwarded-for", true),
            ("198.51.100.1", "forwarded", true),
            ("198.51.100.1", "accept", false),
            ("::ffff:10.1.1.1", "x-forwarded-for", false),
            ("10.1.1.1", "forwarded", true),
        ] {
            let found = problem(ip(direct), &headers(header), &trusted);
            assert_eq!(found.is_some(), is_problem, "{direct} {header}");
        }
    }

    #[test]
    fn each_network_is_told_once_and_many_are_told_slowly() {
        let (untrusted, start) = (Untrusted::default(), Instant::now());
        assert!(untrusted.is_news(network(ip("2001:db8::1")), start));
        assert!(!untrusted.is_news(network(ip("2001:db8::2")), start + PAUSE), "one network");
        let many = |at: Instant| {
            (0..=250).filter(|last| untrusted.is_news(ip(&format!("198.51.100.{last}")), at)).count()
        };
        assert_eq!(many(start), AT_ONCE - 1);
        assert_eq!(many(start + PAUSE), 1);
        for minute in 2..200 {
            many(start + PAUSE * minute);
        }
        assert_eq!(untrusted.0.lock().expect("unpoisoned").networks.len(), KNOWN);
    }
}
