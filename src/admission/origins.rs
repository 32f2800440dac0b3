//! Checks the `Origin` of a browser's request. Origins are compared as scheme, host and port, not as text.

use axum::http::{HeaderMap, header};

use crate::config::{Config, PublicUrl, WebOrigin};

/// The allowed origins, parsed from the configuration once at the start.
pub struct Pages {
    /// The public origin of this server.
    public: Option<WebOrigin>,
    /// Other allowed origins.
    allowed: Vec<WebOrigin>,
}

impl Pages {
    /// The configuration was validated when it was read, so no entry is lost here.
    pub fn of(config: &Config) -> Self {
        let parse = |text: &String| WebOrigin::parse(text).ok();
        Self {
            public: PublicUrl::parse(&config.server.public_url).ok().map(|url| url.origin),
            allowed: config.server.allowed_origins.iter().filter_map(parse).collect(),
        }
    }

    /// Whether the request may use the rights of the browser's user: pages of other sites must not. Browsers name the
    /// page's origin; programs send none and are allowed.
    pub fn may_come(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(header::ORIGIN) else { return true };
        let host = headers.get(header::HOST).and_then(|host| std::str::from_utf8(host.as_bytes()).ok());
        std::str::from_utf8(origin.as_bytes())
            .ok()
            .and_then(|origin| WebOrigin::parse(origin).ok())
            .is_some_and(|origin| self.is_ours(&origin, host) || self.allowed.contains(&origin))
    }

    /// Whether the origin is this server's: its public origin, or the host by which the request reached it.
    fn is_ours(&self, origin: &WebOrigin, host: Option<&str>) -> bool {
        let public = self.public.as_ref();
        if public == Some(origin) {
            return true;
        }
        let Some(host) = host else { return false };
        // Behind a TLS proxy the scheme is not known here. The public host is known to use TLS: a page on that host
        // without TLS may have been injected on the network.
        if public.is_some_and(|public| WebOrigin::of_host(public.is_https, host).as_ref() == Some(public)) {
            return false;
        }
        WebOrigin::of_host(origin.is_https, host).as_ref() == Some(origin)
    }
}
