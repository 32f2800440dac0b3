//! A web origin: scheme, host and port in canonical form, so that two spellings of one origin are equal. Case, a
//! default port, a trailing slash or dot, and the two forms of an international name make no difference.

use url::{Host, Url};

use super::redacted;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebOrigin {
    pub is_https: bool,
    /// Lower-case ASCII (punycode), an IPv4 address, or an IPv6 address in brackets.
    pub host: String,
    pub port: u16,
}

impl WebOrigin {
    /// The error states what is wrong and what to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let shown = redacted(text);
        let remedy = "write https://host or https://host:port";
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(format!("{shown:?} has no scheme: {remedy}"));
        };
        let is_https = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return Err(format!("{scheme}:// is not understood here: {remedy}, or with http")),
        };
        // Input that the URL parser would silently repair is refused.
        if rest.contains('*') {
            return Err(format!("{shown:?} has a wildcard: name each address, {remedy}"));
        }
        if rest.contains('@') {
            return Err(format!("{shown:?} has a user: {remedy}, without one"));
        }
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains(['/', '?', '#', '\\']) {
            return Err(format!("{shown:?} must be without a path, query or fragment: {remedy}"));
        }
        if authority.is_empty() || authority.starts_with(':') {
            return Err(format!("{shown:?} has no host: {remedy}"));
        }
        if authority.contains(|c: char| c.is_whitespace() || c.is_control() || c == '%')
            || authority.ends_with(':')
        {
            return Err(format!("{shown:?} is not an address: {remedy}"));
        }
        let scheme = if is_https { "https" } else { "http" };
        let url = Url::parse(&format!("{scheme}://{authority}"))
            .map_err(|why| format!("{shown:?} is not an address ({why}): {remedy}"))?;
        let host = match url.host() {
            Some(Host::Domain(name)) => name.strip_suffix('.').unwrap_or(name).to_owned(),
            Some(address) => address.to_string(),
            None => String::new(),
        };
        if host.is_empty() {
            return Err(format!("{shown:?} has no host: {remedy}"));
        }
        let port = url.port().unwrap_or(default_port(is_https));
        Ok(Self { is_https, host, port })
    }

    /// As [`Self::parse`], for a `Host` header with the given scheme.
    pub fn of_host(is_https: bool, host: &str) -> Option<Self> {
        let scheme = if is_https { "https" } else { "http" };
        Self::parse(&format!("{scheme}://{host}")).ok()
    }
}

/// Where the server is for others: an origin, and the path under which a proxy may have put it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    pub origin: WebOrigin,
    /// Empty, or begins with a slash and ends without one.
    pub path: String,
}

impl PublicUrl {
    /// The error states what is wrong and what to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        // Also where a password has a slash in it, at which the path would seem to begin.
        if text.contains('@') {
            return Err(format!("{:?} has a user: write https://host, without one", redacted(text)));
        }
        let host = text.find("://").map_or(0, |at| at + 3);
        let path = text[host..].find('/').map_or(text.len(), |at| host + at);
        let (origin, path) = (WebOrigin::parse(&text[..path])?, text[path..].trim_end_matches('/'));
        let is_name = |part: &str| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
            !part.is_empty() && !part.trim_matches('.').is_empty() && part.bytes().all(plain)
        };
        if !path.is_empty() && !path[1..].split('/').all(is_name) {
            return Err(format!("{text:?} has a path with more than plain names: write https://host/name"));
        }
        Ok(Self { origin, path: path.to_owned() })
    }
}

/// The canonical form, without a trailing slash.
impl std::fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.origin, self.path)
    }
}

const fn default_port(is_https: bool) -> u16 {
    if is_https { 443 } else { 80 }
}

/// The canonical form: without a default port and without a trailing slash.
impl std::fmt::Display for WebOrigin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = if self.is_https { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.host)?;
        if self.port == default_port(self.is_https) { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_an_address_becomes_one() {
        for (text, one) in [
            ("https://hub.example.com", "https://hub.example.com"),
            ("https://hub.example.com/", "https://hub.example.com"),
            ("https://hub.example.com:443", "https://hub.example.com"),
            ("https://hub.example.com:443/", "https://hub.example.com"),
            ("HTTPS://Hub.Example.COM", "https://hub.example.com"),
            (" https://hub.example.com. ", "https://hub.example.com"),
            ("http://hub.example.com:80", "http://hub.example.com"),
            ("http://hub.example.com:443", "http://hub.example.com:443"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
            ("https://BÜCHER.example:8443/", "https://xn--bcher-kva.example:8443"),
            ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
            ("http://[2001:DB8:0::1]:80", "http://[2001:db8::1]"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://hub_app:0", "http://hub_app:0"),
        ] {
            assert_eq!(WebOrigin::parse(text).map(|origin| origin.to_string()).as_deref(), Ok(one), "{text}");
        }
    }

    #[test]
    fn a_proxy_may_have_put_it_under_a_path() {
        for (text, one) in [
            ("https://hub.example.com", "https://hub.example.com"),
            ("https://hub.example.com:443/", "https://hub.example.com"),
            ("https://Hub.example.com/chat/", "https://hub.example.com/chat"),
            ("http://hub.example.com:81/a/b-1.2~_", "http://hub.example.com:81/a/b-1.2~_"),
        ] {
            assert_eq!(PublicUrl::parse(text).map(|url| url.to_string()).as_deref(), Ok(one), "{text}");
        }
        for path in ["/a?b", "/a#b", "/a//b", "/../a", "/a b", "/%41", "/\u{fc}", "?x", "//a"] {
            PublicUrl::parse(&format!("https://hub.example.com{path}")).expect_err(path);
        }
    }

    #[test]
    fn what_cannot_be_an_address_is_refused_with_the_remedy() {
        for text in [
            "",
            "hub.example.com",
            "https:hub.example.com",
            "https://",
            "https:///",
            "https:///hub.example.com",
            "https://:443",
            "https://hub.example.com:",
            "https://hub.example.com:x",
            "https://hub.example.com:70000",
            "https://hub.example.com/inbox",
            "https://hub.example.com//",
            "https://hub.example.com?",
            "https://hub.example.com/?x=1",
            "https://hub.example.com#top",
            "https://ann@hub.example.com",
            "https://*.example.com",
            "*",
            "null",
            "ftp://hub.example.com",
            "wss://hub.example.com",
            "https://hub example.com",
            "https://hub.example.com\\x",
            "https://hub%2eexample.com",
            "https://.",
        ] {
            let why = WebOrigin::parse(text).expect_err(text);
            assert!(why.contains("write https://host"), "{text}: {why}");
        }
    }

    #[test]
    fn a_password_is_not_repeated() {
        for text in [
            "https://ann:hush@hub.example.com",
            "https://ann:hu/hush@hub.example.com",
            "https://ann:hush@*.example.com",
            "ann:hush@hub.example.com",
            "https://hub.example.com?hush",
        ] {
            let whys = [WebOrigin::parse(text).expect_err(text), PublicUrl::parse(text).expect_err(text)];
            for why in whys {
                assert!(why.contains("example.com") && !why.contains("hush"), "{why}");
            }
        }
    }
}
