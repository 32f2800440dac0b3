//! Calls to addresses that somebody else named: a tenant, a customer, a model, a provider's answer. Such a call may only
//! reach what is public, or what the operator allows by name.
//!
//! Two gates, because neither is enough. A literal address never reaches a resolver, so [`Client`] judges the parsed
//! host of every request. A name may mean one thing when it is saved and another when it is called, so the client's
//! resolver drops what is not public from each answer, and connects to nothing but what is left: there is no moment
//! between the judgement and the connection. No redirect is followed and no proxy of the environment is used, because
//! behind either the call would be somebody else's.
//!
//! [`global`] says which addresses are public. This module knows no provider and no tenant.

mod base;
mod client;
mod global;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

pub use base::{BadBase, base, canonical, server};
pub use client::{Client, RequestBuilder, http_client};
pub use global::is_global;

/// The address is not public, and the operator does not allow it. Says nothing of what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this address is not public")]
pub struct NotPublic;

/// What names mean: the system's resolver, or a test's.
#[async_trait]
pub trait Lookup: Send + Sync + 'static {
    async fn lookup(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

struct System;

#[async_trait]
impl Lookup for System {
    async fn lookup(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// Names that never mean anything public. A name without a dot is one as well.
const LOCAL_NAMES: &[&str] =
    &["localhost", "local", "localdomain", "internal", "intranet", "lan", "home.arpa"];

/// Who may be called. Cheap to clone.
#[derive(Clone)]
pub struct Outward {
    allowed: Arc<[Host<String>]>,
    lookup: Arc<dyn Lookup>,
}

impl std::fmt::Debug for Outward {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outward").field("allowed", &self.allowed).finish_non_exhaustive()
    }
}

impl Outward {
    /// Everything public, and these hosts wherever they are: names or addresses. What is not a host allows nothing;
    /// [`host`] tells it beforehand.
    pub fn allowing<T: AsRef<str>>(hosts: &[T]) -> Self {
        Self::with_lookup(hosts, Arc::new(System))
    }

    pub fn with_lookup<T: AsRef<str>>(hosts: &[T], lookup: Arc<dyn Lookup>) -> Self {
        Self { allowed: hosts.iter().filter_map(|text| host(text.as_ref())).collect(), lookup }
    }

    /// Judges an address as far as it stands there: literal addresses, names that are local. What another name means is
    /// judged when it is called.
    pub fn judge(&self, url: &Url) -> Result<(), NotPublic> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(NotPublic);
        }
        let host = url.host().map(|host| plain(host.to_owned())).ok_or(NotPublic)?;
        if self.allowed.contains(&host) {
            return Ok(());
        }
        let is_public = match &host {
            Host::Ipv4(v4) => is_global(IpAddr::V4(*v4)),
            Host::Ipv6(v6) => is_global(IpAddr::V6(*v6)),
            Host::Domain(name) => !is_local(name),
        };
        if is_public { Ok(()) } else { Err(NotPublic) }
    }

    fn allows(&self, address: IpAddr) -> bool {
        let host = match address.to_canonical() {
            IpAddr::V4(v4) => Host::Ipv4(v4),
            IpAddr::V6(v6) => Host::Ipv6(v6),
        };
        is_global(address) || self.allowed.contains(&host)
    }

    /// The addresses of a name that may be connected to: of one that the operator allows all, of others the public ones.
    async fn resolved(&self, name: &str) -> Result<Vec<IpAddr>, Box<dyn std::error::Error + Send + Sync>> {
        let mut found = self.lookup.lookup(name).await?;
        if host(name).is_some_and(|host| self.allowed.contains(&host)) {
            return Ok(found);
        }
        let had_any = !found.is_empty();
        found.retain(|address| self.allows(*address));
        if had_any && found.is_empty() { Err(Box::new(NotPublic)) } else { Ok(found) }
    }
}

impl Resolve for Outward {
    fn resolve(&self, name: Name) -> Resolving {
        let outward = self.clone();
        Box::pin(async move {
            let found = outward.resolved(name.as_str()).await?;
            // Port 0: the request's own.
            Ok(Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}

/// A host as an operator or an address writes it, parsed: however a number or a name is spelled, with brackets or
/// without. `None` for what is none, such as one with a port.
pub fn host(text: &str) -> Option<Host<String>> {
    let text = text.trim();
    let parsed = match text.parse() {
        Ok(v6) => Host::Ipv6(v6),
        Err(_) => Host::parse(text).ok()?,
    };
    Some(plain(parsed))
}

/// One spelling: no dot at the end, no version 4 address in the clothes of version 6.
fn plain<T: AsRef<str>>(host: Host<T>) -> Host<String> {
    match host {
        Host::Domain(name) => Host::Domain(name.as_ref().trim_end_matches('.').to_ascii_lowercase()),
        Host::Ipv4(v4) => Host::Ipv4(v4),
        Host::Ipv6(v6) => v6.to_ipv4_mapped().map_or(Host::Ipv6(v6), Host::Ipv4),
    }
}

fn is_local(name: &str) -> bool {
    let under =
        |end: &&str| name.strip_suffix(*end).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    !name.contains('.') || LOCAL_NAMES.iter().any(under)
}

#[cfg(test)]
mod tests;
