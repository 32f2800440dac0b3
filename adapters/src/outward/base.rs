//! The address below which a channel's provider is called, parsed. Two texts name the same address when their canonical
//! forms are equal, never when they only look alike.

use std::fmt::Write as _;

use url::{Host, Url};

use super::plain;

/// Why a text is no base address: for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadBase {
    #[error("is not an address")]
    NoAddress,
    #[error("must begin with http:// or https://")]
    Scheme,
    #[error("must be without a name or a password in it: they have fields of their own")]
    UserInfo,
    #[error("must end with its path: nothing may follow it after ? or #")]
    AfterPath,
}

/// Parses a base address. Whether it may be called is asked of [`super::Outward`]. Plain http is taken, for public
/// hosts too: whose key it is decides how it travels.
pub fn base(text: &str) -> Result<Url, BadBase> {
    let url = Url::parse(text.trim()).map_err(|_| BadBase::NoAddress)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(BadBase::Scheme);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BadBase::UserInfo);
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(BadBase::AfterPath);
    }
    Ok(url)
}

/// One text for all spellings of an address, for comparing only. What is none is compared as it stands.
pub fn canonical(text: &str) -> String {
    match base(text) {
        Ok(url) => format!("{}://{}", url.scheme(), server(&url)),
        Err(_) => text.trim().to_owned(),
    }
}

/// The server behind a base address however it is spelled, http and https at their own ports alike: host, port if it
/// is another, path.
pub fn server(url: &Url) -> String {
    let mut name = match url.host().map(|host| plain(host.to_owned())) {
        Some(Host::Domain(name)) => name,
        Some(Host::Ipv4(v4)) => v4.to_string(),
        Some(Host::Ipv6(v6)) => format!("[{v6}]"),
        None => String::new(),
    };
    if let Some(port) = url.port() {
        let _ = write!(name, ":{port}");
    }
    let path = unescaped(url.path());
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        name.push('/');
        name.push_str(segment);
    }
    name
}

/// Characters that need no escape (RFC 3986, section 2.3) written without one, and the others' escapes in one case.
fn unescaped(path: &str) -> String {
    let mut plain = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(at) = rest.find('%') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let byte = rest.get(1..3).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let taken = match byte {
            Some(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                plain.push(char::from(byte));
                3
            }
            Some(byte) => {
                let _ = write!(plain, "%{byte:02X}");
                3
            }
            None => {
                plain.push('%');
                1
            }
        };
        rest = &rest[taken..];
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_address_are_one() {
        let same = [
            "https://waha.example.com",
            "HTTPS://WAHA.Example.COM/",
            "https://waha.example.com:443//",
            " https://waha.example.com./ ",
            "https://waha.example.com/./",
        ];
        for text in same {
            assert_eq!(canonical(text), "https://waha.example.com", "{text}");
        }
        assert_eq!(canonical("https://bücher.example.com/waha/"), "https://xn--bcher-kva.example.com/waha");
        assert_eq!(canonical("https://x.example.com/%77aha//a%2fb/"), "https://x.example.com/waha/a%2Fb");
        assert_eq!(canonical("http://[::ffff:127.0.0.1]:3000"), canonical("http://0x7f.1:3000/"));
        for other in [
            "http://waha.example.com",
            "https://waha.example.com:8443",
            "https://waha.example.com/b",
            "https://waha.example.org",
        ] {
            assert_ne!(canonical(other), "https://waha.example.com", "{other}");
        }
        let server = |text| server(&base(text).unwrap());
        assert_eq!(server("http://waha.example.com"), server("https://WAHA.example.com:443/"));
    }

    #[test]
    fn a_base_is_an_address_and_nothing_after_it() {
        for (text, why) in [
            ("waha", BadBase::NoAddress),
            ("", BadBase::NoAddress),
            ("http://", BadBase::NoAddress),
            ("ftp://example.com", BadBase::Scheme),
            ("file:///etc/passwd", BadBase::Scheme),
            ("https://u@example.com", BadBase::UserInfo),
            ("https://u:p@example.com", BadBase::UserInfo),
            ("https://:p@example.com", BadBase::UserInfo),
            ("https://example.com/?", BadBase::AfterPath),
            ("https://example.com/a?x=", BadBase::AfterPath),
            ("https://example.com/#", BadBase::AfterPath),
        ] {
            assert_eq!(base(text).err(), Some(why), "{text}");
        }
    }
}
