//! Where a file of a message lies: below the server's own API, or in a store of its own (S3 and its like), whose
//! address is signed. Only what is needed to find it again is kept.

use serde_json::{Value, json};

use crate::json;

const MAX_ADDRESS_BYTES: usize = 4096;

/// A file's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// A path below the API, escaped. The host is not kept: it is what the server believes to be called, often
    /// `localhost`.
    Api(String),
    /// Elsewhere. Fetched only from a host that the channel names.
    Store(Store),
}

/// An address in its parts: scheme, `host[:port]`, path and query. The query is a signature: never logged, never shown.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Store {
    is_https: bool,
    pub(super) host: String,
    path: String,
    query: Option<String>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("host", &self.host).finish_non_exhaustive()
    }
}

impl Place {
    /// Where an address points; `None` for one that leads out of the files.
    pub(super) fn of(url: &str) -> Option<Self> {
        if url.len() > MAX_ADDRESS_BYTES {
            return None;
        }
        if let Some(start) = url.find("/api/files/") {
            return api_path(&url[start..]).map(Self::Api);
        }
        Store::of(url).map(Self::Store)
    }

    /// As it was stored with the message.
    pub(super) fn stored(reference: &Value) -> Option<Self> {
        if let Some(path) = json::text(reference, "path") {
            return api_path(&path).map(Self::Api);
        }
        let store = json::object(reference, "store")?;
        Some(Self::Store(Store {
            is_https: json::flag(store, "https") == Some(true),
            host: json::text(store, "host")?,
            path: json::text(store, "path")?,
            query: json::text(store, "query"),
        }))
    }

    /// Puts it into the reference that is stored.
    pub(super) fn store(&self, reference: &mut Value) {
        match self {
            Self::Api(path) => reference["path"] = path.as_str().into(),
            Self::Store(store) => {
                reference["store"] = json!({
                    "https": store.is_https, "host": store.host, "path": store.path, "query": store.query,
                });
            }
        }
    }
}

impl Store {
    fn of(url: &str) -> Option<Self> {
        let (is_https, rest) = match url.split_once("://")? {
            ("https", rest) => (true, rest),
            ("http", rest) => (false, rest),
            _ => return None,
        };
        let (host, rest) = rest.split_at(rest.find('/')?);
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
        if host.is_empty() || !host.chars().all(plain) {
            return None;
        }
        let rest = rest.split('#').next()?;
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (rest, None),
        };
        let has_climbed =
            path.split('/').any(|segment| matches!(unescaped(segment).as_slice(), b"." | b".."));
        let has_control = |text: &str| text.contains(|c: char| c.is_control() || c == '\\');
        if has_climbed || has_control(path) || query.as_deref().is_some_and(has_control) {
            return None;
        }
        Some(Self { is_https, host: host.to_ascii_lowercase(), path: path.to_owned(), query })
    }

    /// The whole address, for the call only.
    pub(super) fn address(&self) -> String {
        let scheme = if self.is_https { "https" } else { "http" };
        let query = self.query.as_deref().map(|query| format!("?{query}")).unwrap_or_default();
        format!("{scheme}://{}{}{query}", self.host, self.path)
    }

    /// Whether one of the hosts (`host[:port]`, separated by commas) is this one.
    pub(super) fn is_one_of(&self, hosts: &str) -> bool {
        let usual = if self.is_https { "443" } else { "80" };
        let full = |host: &str| {
            let has_port = host
                .rsplit_once(':')
                .is_some_and(|(_, port)| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()));
            if has_port { host.to_owned() } else { format!("{host}:{usual}") }
        };
        hosts.split(',').any(|host| {
            let host = host.trim().trim_start_matches("https://").trim_start_matches("http://");
            let host = host.trim_end_matches('/').to_ascii_lowercase();
            !host.is_empty() && full(&host) == full(&self.host)
        })
    }
}

/// The path with every segment escaped, however much of it was before. `None` when it would lead elsewhere.
fn api_path(path: &str) -> Option<String> {
    let path = path.split(['?', '#']).next()?;
    let mut escaped = String::with_capacity(path.len());
    let rest = path.strip_prefix("/api/files/")?;
    escaped.push_str("/api/files");
    for segment in rest.split('/') {
        let plain = unescaped(segment);
        let is_bad = |b: &u8| matches!(b, b'/' | b'\\') || b.is_ascii_control();
        if plain.is_empty() || plain == b"." || plain == b".." || plain.iter().any(is_bad) {
            return None;
        }
        escaped.push('/');
        escaped.push_str(&crate::media::segment(&plain));
    }
    Some(escaped)
}

/// A segment's bytes. A percent sign that begins no escape stands for itself.
fn unescaped(segment: &str) -> Vec<u8> {
    let bytes = segment.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = (bytes[at] == b'%').then(|| bytes.get(at + 1..at + 3)).flatten();
        let byte = escape.and_then(|digits| hex::decode(digits).ok()).and_then(|byte| byte.first().copied());
        plain.push(byte.unwrap_or(bytes[at]));
        at += if byte.is_some() { 3 } else { 1 };
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api(url: &str) -> Option<String> {
        match Place::of(url) {
            Some(Place::Api(path)) => Some(path),
            _ => None,
        }
    }

    #[test]
    fn names_in_any_alphabet_are_escaped_once() {
        for (url, path) in [
            ("http://localhost:3000/api/files/shop/a.jpg?x=1", "/api/files/shop/a.jpg"),
            ("http://waha/api/files/shop/счёт 2.pdf", "/api/files/shop/%D1%81%D1%87%D1%91%D1%82%202.pdf"),
            ("/api/files/shop/%D1%81%20a.pdf", "/api/files/shop/%D1%81%20a.pdf"),
            ("/api/files/shop/100%.c++", "/api/files/shop/100%25.c%2B%2B"),
            ("/api/files/shop/a..b.pdf", "/api/files/shop/a..b.pdf"),
        ] {
            assert_eq!(api(url).as_deref(), Some(path), "{url}");
            assert_eq!(api(path).as_deref(), Some(path), "{url}, again");
        }
    }

    #[test]
    fn what_leads_out_of_the_files_is_refused() {
        for url in [
            "http://x/api/files/../sessions",
            "/api/files/%2e%2e/sessions",
            "/api/files/a%2f..%2fb",
            "/api/files/..\\x",
            "/api/files//x",
            "",
            "ftp://x/y",
            "https://user@s3.example.com/x",
            "https://s3.example.com/a/../b",
            "https://s3.example.com/a/%2E%2e/b",
        ] {
            assert_eq!(Place::of(url), None, "{url}");
        }
    }

    #[test]
    fn a_store_is_known_by_its_host_and_port() {
        let url = "https://S3.example.com/bucket/a%20b.jpg?X-Amz-Signature=cafe";
        let Some(Place::Store(store)) = Place::of(url) else { panic!() };
        for hosts in ["s3.example.com", "https://s3.example.com/", "other.example.com, s3.example.com:443"] {
            assert!(store.is_one_of(hosts), "{hosts}");
        }
        for hosts in ["", "example.com", "s3.example.com:80", "s3.example.com.evil.example"] {
            assert!(!store.is_one_of(hosts), "{hosts}");
        }
        assert_eq!(store.address(), "https://s3.example.com/bucket/a%20b.jpg?X-Amz-Signature=cafe");
        assert!(!format!("{store:?}").contains("cafe"));
        let mut reference = json!({});
        Place::Store(store.clone()).store(&mut reference);
        assert_eq!(Place::stored(&reference), Some(Place::Store(store)));
    }
}
