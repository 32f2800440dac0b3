//! From which page a browser asks, and whether that page may. Addresses are compared as scheme, host and port, not as
//! they are spelled.

use axum::http::{HeaderMap, header};

use crate::config::{Config, WebOrigin};

/// A browser says from which page it comes; programs say nothing. A page of another site must not speak with the rights
/// of whoever looks at it.
pub fn may_come(config: &Config, headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let host = headers.get(header::HOST).and_then(|host| std::str::from_utf8(host.as_bytes()).ok());
    std::str::from_utf8(origin.as_bytes())
        .ok()
        .and_then(|origin| WebOrigin::parse(origin).ok())
        .is_some_and(|origin| is_ours(config, &origin, host) || is_allowed(config, &origin))
}

/// A page of this server: of its public address, or of whatever name it was called by.
fn is_ours(config: &Config, origin: &WebOrigin, host: Option<&str>) -> bool {
    let public = WebOrigin::parse(&config.server.public_url).ok();
    if public.as_ref() == Some(origin) {
        return true;
    }
    let Some(host) = host else { return false };
    // Behind a proxy with TLS the scheme is not seen here. The public name is known to have its own: the same name
    // without TLS is a page that anybody on the way may have written.
    if public.is_some_and(|public| WebOrigin::of_host(public.is_https, host).as_ref() == Some(&public)) {
        return false;
    }
    WebOrigin::of_host(origin.is_https, host).as_ref() == Some(origin)
}

/// They were brought into one spelling when they were read.
fn is_allowed(config: &Config, origin: &WebOrigin) -> bool {
    let origin = origin.to_string();
    config.server.allowed_origins.contains(&origin)
}
