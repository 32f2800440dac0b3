//! From which page a browser asks, and whether that page may. Addresses are compared as scheme, host and port, not as
//! they are spelled.

use axum::http::{HeaderMap, header};

use crate::config::{Config, WebOrigin};

/// The pages that may ask, as the configuration names them: read once, at the start.
pub struct Pages {
    /// The public address of this server.
    public: Option<WebOrigin>,
    /// Those of others.
    allowed: Vec<WebOrigin>,
}

impl Pages {
    /// The addresses were looked at when the configuration was read.
    pub fn of(config: &Config) -> Self {
        let parse = |text: &String| WebOrigin::parse(text).ok();
        Self {
            public: parse(&config.server.public_url),
            allowed: config.server.allowed_origins.iter().filter_map(parse).collect(),
        }
    }

    /// A browser says from which page it comes; programs say nothing. A page of another site must not speak with the
    /// rights of whoever looks at it.
    pub fn may_come(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(header::ORIGIN) else { return true };
        let host = headers.get(header::HOST).and_then(|host| std::str::from_utf8(host.as_bytes()).ok());
        std::str::from_utf8(origin.as_bytes())
            .ok()
            .and_then(|origin| WebOrigin::parse(origin).ok())
            .is_some_and(|origin| self.is_ours(&origin, host) || self.allowed.contains(&origin))
    }

    /// A page of this server: of its public address, or of whatever name it was called by.
    fn is_ours(&self, origin: &WebOrigin, host: Option<&str>) -> bool {
        let public = self.public.as_ref();
        if public == Some(origin) {
            return true;
        }
        let Some(host) = host else { return false };
        // Behind a proxy with TLS the scheme is not seen here. The public name is known to have its own: the same name
        // without TLS is a page that anybody on the way may have written.
        if public.is_some_and(|public| WebOrigin::of_host(public.is_https, host).as_ref() == Some(public)) {
            return false;
        }
        WebOrigin::of_host(origin.is_https, host).as_ref() == Some(origin)
    }
}
