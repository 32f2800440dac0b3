//! The cookie that holds a browser's refresh token, and the check of who may send it.
//!
//! Cookies ignore ports: all servers on one host share a browser's cookies. So the cookie's name contains the
//! installation, and only a token that this installation knows to be over is deleted. Over https the name begins with
//! `__Host-`: browsers accept such a cookie only from the host itself and only over TLS, so no sibling subdomain can
//! set it.

use axum::extract::FromRequestParts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts};
use axum::response::Response;

use super::problem::Problem;
use crate::app::{App, AppState};

/// The client of a session call. Requests from pages of other sites are refused: `SameSite` keeps the cookie from them,
/// but not from sibling subdomains, and not in older browsers.
pub struct Visitor {
    /// Browsers name the page's origin in a header that pages cannot change; programs send none.
    pub is_browser: bool,
}

impl FromRequestParts<AppState> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let headers = &parts.headers;
        let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
        let (has_origin, none): (bool, &[&[u8]]) =
            (headers.contains_key(header::ORIGIN), &[b"same-origin", b"none"]);
        let ours = match site {
            _ if has_origin => app.pages.may_come(headers),
            Some(site) => none.contains(&site),
            None => true,
        };
        if !ours {
            let detail = "this page may not sign in or out here: its address is neither public_url nor in allowed_origins";
            return Err(Problem::new(StatusCode::FORBIDDEN, "origin", detail));
        }
        Ok(Self { is_browser: has_origin || site.is_some() })
    }
}

fn name(app: &App) -> String {
    let prefix = if app.config.is_https() { "__Host-" } else { "" };
    format!("{prefix}hubbub_refresh_{}", app.installation)
}

/// The refresh token in our cookie, if there is one.
pub fn read(app: &App, headers: &HeaderMap) -> Option<String> {
    find(&name(app), headers)
}

fn find(name: &str, headers: &HeaderMap) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(found, value)| *found == name && !value.is_empty())
        .map(|(_, value)| value.to_owned())
}

/// Sets the cookie, to be kept for `max_age_s` seconds.
pub fn keep(app: &App, response: &mut Response, token: &str, max_age_s: i64) {
    let path = (!app.config.is_https()).then(|| app.config.public_path());
    let text = line(&name(app), token, max_age_s, path.as_deref());
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// Deletes the cookie.
pub fn drop(app: &App, response: &mut Response) {
    keep(app, response, "", 0);
}

/// `plain` is the path of a server without TLS. With TLS, `__Host-` requires `Secure`, the path `/` and no domain.
fn line(name: &str, token: &str, max_age_s: i64, plain: Option<&str>) -> String {
    let place = plain.map_or("Path=/; Secure".to_owned(), |path| format!("Path={path}/api/v1/session"));
    format!("{name}={token}; {place}; Max-Age={max_age_s}; HttpOnly; SameSite=Strict")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=1; hubbub_refresh_a=hbr_x; b=2"));
        assert_eq!(find("hubbub_refresh_a", &headers).as_deref(), Some("hbr_x"));
        assert_eq!(find("hubbub_refresh_b", &headers), None, "another installation's");
        assert_eq!(find("__Host-hubbub_refresh_a", &headers), None, "of a plain page");
        headers.insert(header::COOKIE, HeaderValue::from_static("hubbub_refresh_a=; not_hubbub_refresh_a=y"));
        assert_eq!(find("hubbub_refresh_a", &headers), None);
    }

    #[test]
    fn the_cookie_cannot_be_read_by_pages_nor_sent_by_other_sites() {
        let plain = line("hubbub_refresh_a", "t", 60, Some(""));
        assert_eq!(plain, "hubbub_refresh_a=t; Path=/api/v1/session; Max-Age=60; HttpOnly; SameSite=Strict");
        let under = line("hubbub_refresh_a", "t", 60, Some("/chat"));
        assert!(under.contains("; Path=/chat/api/v1/session; "), "{under}");
        let secure = line("__Host-hubbub_refresh_a", "t", 60, None);
        assert_eq!(
            secure,
            "__Host-hubbub_refresh_a=t; Path=/; Secure; Max-Age=60; HttpOnly; SameSite=Strict"
        );
    }
}
