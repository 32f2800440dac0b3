//! Where Meta's files lie: signed addresses on hosts of its delivery network, good for a while. No token is sent there.

use serde_json::{Value, json};
use url::Url;

use crate::json;

const MAX_ADDRESS_BYTES: usize = 4096;

/// Domains from which files come, with everything below them.
const FILES: &[&str] = &["fbcdn.net", "cdninstagram.com", "fbsbx.com", "lookaside.facebook.com"];
/// Domains whose addresses lead to pages for people.
const PAGES: &[&str] =
    &["facebook.com", "instagram.com", "fb.com", "fb.me", "fb.watch", "m.me", "ig.me", "messenger.com"];

/// An address in its parts: scheme, `host[:port]`, path and query. The query is a signature: never logged, never shown.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Link {
    is_https: bool,
    pub(super) host: String,
    path: String,
    query: Option<String>,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("host", &self.host).finish_non_exhaustive()
    }
}

fn is_below(host: &str, domains: &[&str]) -> bool {
    domains.iter().any(|domain| {
        host.strip_suffix(domain).is_some_and(|before| before.is_empty() || before.ends_with('.'))
    })
}

impl Link {
    pub(super) fn of(url: &str) -> Option<Self> {
        if url.len() > MAX_ADDRESS_BYTES || url.contains(|c: char| c.is_control() || c == '\\') {
            return None;
        }
        let url = Url::parse(url).ok()?;
        let is_https = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        if !url.username().is_empty() || url.password().is_some() {
            return None;
        }
        let host = url.host_str()?.trim_end_matches('.').to_ascii_lowercase();
        let host = url.port().map_or_else(|| host.clone(), |port| format!("{host}:{port}"));
        Some(Self { is_https, host, path: url.path().to_owned(), query: url.query().map(str::to_owned) })
    }

    /// As it was stored with the message.
    pub(super) fn stored(reference: &Value) -> Option<Self> {
        let link = json::object(reference, "link")?;
        Some(Self {
            is_https: json::flag(link, "https") == Some(true),
            host: json::text(link, "host")?,
            path: json::text(link, "path")?,
            query: json::text(link, "query"),
        })
    }

    /// The reference that is stored.
    pub(super) fn reference(&self) -> Value {
        json!({ "link": {
            "https": self.is_https, "host": self.host, "path": self.path, "query": self.query,
        } })
    }

    /// The whole address, for the call only.
    pub(super) fn address(&self) -> String {
        let scheme = if self.is_https { "https" } else { "http" };
        let query = self.query.as_deref().map(|query| format!("?{query}")).unwrap_or_default();
        format!("{scheme}://{}{}{query}", self.host, self.path)
    }

    /// On a host of Meta's files.
    pub(super) fn is_file(&self) -> bool {
        is_below(&self.host, FILES)
    }

    /// Leads people to a page, with nothing to be downloaded.
    pub(super) fn is_page(&self) -> bool {
        is_below(&self.host, PAGES) && !self.is_file()
    }

    /// Whether it may be fetched: over TLS from Meta, or from one of the hosts (`host[:port]`, separated by commas).
    pub(super) fn is_allowed(&self, hosts: &str) -> bool {
        (self.is_https && self.is_file())
            || hosts.split(',').any(|host| {
                let host = host.trim().trim_start_matches("https://").trim_start_matches("http://");
                let host = host.trim_end_matches('/').to_ascii_lowercase();
                !host.is_empty() && self.is_at(&host)
            })
    }

    /// A host without a port means the usual one.
    fn is_at(&self, host: &str) -> bool {
        let usual = if self.is_https { ":443" } else { ":80" };
        host.strip_suffix(usual).unwrap_or(host) == self.host
    }

    /// The name of the file, where the address ends with one.
    pub(super) fn name(&self) -> Option<String> {
        let last = self.path.rsplit('/').next()?;
        let (stem, ending) = last.rsplit_once('.')?;
        let is_ending =
            (1..=5).contains(&ending.len()) && ending.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if stem.is_empty() || !is_ending {
            return None;
        }
        let form = format!("n={}", last.replace('+', "%2B"));
        let decoded = url::form_urlencoded::parse(form.as_bytes()).next()?.1.into_owned();
        (!decoded.contains(['/', '\\'])).then_some(decoded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_meta_s_hosts_are_asked() {
        for url in [
            "https://scontent.xx.fbcdn.net/a.jpg?oh=1",
            "https://lookaside.fbsbx.com/ig_messaging_cdn/?asset_id=1&signature=x",
            "https://scontent-fra3-1.CDNinstagram.com/v/x.mp4",
            "https://cdn.fbsbx.com./x",
        ] {
            assert!(Link::of(url).unwrap().is_allowed(""), "{url}");
        }
        for url in [
            "http://scontent.xx.fbcdn.net/a.jpg",
            "https://scontent.xx.fbcdn.net:8443/a.jpg",
            "https://evilfbcdn.net/a.jpg",
            "https://fbcdn.net.example.com/a.jpg",
            "https://www.facebook.com/examplepage/posts/1",
            "https://127.0.0.1/a",
        ] {
            assert!(!Link::of(url).unwrap().is_allowed(""), "{url}");
        }
        for url in ["ftp://fbcdn.net/a", "https://u@x.fbcdn.net/a", "https:\\\\x.fbcdn.net/a", "x", ""] {
            assert_eq!(Link::of(url), None, "{url}");
        }
    }

    #[test]
    fn further_hosts_are_those_that_are_named() {
        let link = Link::of("http://127.0.0.1:9000/ig_messaging_cdn/?asset_id=1").unwrap();
        assert!(link.is_allowed("media.example.com, http://127.0.0.1:9000/"));
        for hosts in ["", ",", "127.0.0.1", "127.0.0.1:80", "127.0.0.1:9000.example.com"] {
            assert!(!link.is_allowed(hosts), "{hosts}");
        }
        assert!(Link::of("https://media.example.com/x").unwrap().is_allowed("media.example.com:443"));
    }

    #[test]
    fn a_link_is_stored_without_being_an_address() {
        let url = "https://cdn.fbsbx.com/v/t59/price%20list.pdf?_nc_sig=cafe";
        let link = Link::of(url).unwrap();
        assert_eq!(link.address(), url);
        assert!(!link.reference().to_string().contains("://"));
        assert_eq!(Link::stored(&link.reference()), Some(link.clone()));
        assert_eq!(link.name().as_deref(), Some("price list.pdf"));
        assert!(!format!("{link:?}").contains("cafe"));
        assert_eq!(Link::of("https://cdn.fbsbx.com/x%2F..%2Fy.pdf").unwrap().name(), None);
    }
}
