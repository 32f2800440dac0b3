//! The web page, embedded in the binary. Files with a hash in their name are cached for ever; the page is revalidated
//! on each request. A missing file is 404, never the page: only paths without an extension lead to the page. A binary
//! without a web build works, and answers these paths with a hint.

use std::borrow::Cow;

use axum::body::Bytes;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

use super::problem::{Problem, no_such_path, wrong_method};

#[derive(RustEmbed)]
#[folder = "web/dist"]
#[allow_missing = true]
struct Dist;

const IMMUTABLE: &str = "public, max-age=31536000, immutable";
const ASK: &str = "no-cache";

/// Serves every path that no route matches.
pub async fn fallback(request: Request) -> Response {
    let path = request.uri().path();
    let ours = ["/api/", "/hooks/", "/health/", "/connection/"].iter().any(|prefix| path.starts_with(prefix));
    if ours {
        return no_such_path().await.into_response();
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return wrong_method().await.into_response();
    }
    serve(request.uri(), request.headers())
}

fn serve(uri: &Uri, headers: &HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    let name = if path.is_empty() { "index.html" } else { path };
    if let Some((packed, coding)) = packed(name, headers) {
        let mut response = answer(name, &packed, headers);
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
        response.headers_mut().insert(header::VARY, HeaderValue::from_name(header::ACCEPT_ENCODING));
        return response;
    }
    if let Some(file) = Dist::get(name).filter(|_| !name.split('/').any(|part| part.starts_with('.'))) {
        return answer(name, &file, headers);
    }
    if name.starts_with("assets/") || name.rsplit('/').next().is_some_and(|last| last.contains('.')) {
        return Problem::not_found("file").into_response();
    }
    // The page asks for its files beside itself, so it is served at the top only. How the top is called outside is not
    // known here, for a proxy may have put it under a path.
    match name.matches('/').count() {
        0 => page("index.html"),
        depth => Redirect::to(&"../".repeat(depth)).into_response(),
    }
}

/// A script or a style as the build has packed it, if there is one in a coding that the browser takes.
fn packed(name: &str, headers: &HeaderMap) -> Option<(EmbeddedFile, &'static str)> {
    let kind = name.rsplit('.').next()?;
    if !name.starts_with("assets/") || !matches!(kind, "js" | "css") {
        return None;
    }
    let takes = |coding: &str| {
        headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok()).any(|value| {
            value.split(',').any(|part| {
                let (named, weight) = part.split_once(';').unwrap_or((part, ""));
                let weight =
                    weight.trim().strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()).unwrap_or(1.0);
                named.trim().eq_ignore_ascii_case(coding) && weight > 0.0
            })
        })
    };
    [("br", ".br"), ("gzip", ".gz")]
        .into_iter()
        .filter(|(coding, _)| takes(coding))
        .find_map(|(coding, ending)| Some((Dist::get(&format!("{name}{ending}"))?, coding)))
}

/// A page of the build, which browsers revalidate on each request.
pub(crate) fn page(name: &str) -> Response {
    let Some(file) = Dist::get(name) else {
        let text = "The server runs. Its web page was not built into this binary: run `npm ci && npm run build` in web/ \
                    and build again. The API is described at /api/v1/openapi.json.\n";
        return (StatusCode::NOT_FOUND, text).into_response();
    };
    answer(name, &file, &HeaderMap::new())
}

fn answer(name: &str, file: &EmbeddedFile, headers: &HeaderMap) -> Response {
    let tag = format!("\"{}\"", hex::encode(&file.metadata.sha256_hash()[..12]));
    let asked = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let same = asked.split(',').any(|known| known.trim().trim_start_matches("W/") == tag);
    let mut response = if same {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let kind = HeaderValue::from_static(content_type(name));
        let data = match &file.data {
            Cow::Borrowed(compiled_in) => Bytes::from_static(compiled_in),
            Cow::Owned(read) => Bytes::copy_from_slice(read),
        };
        ([(header::CONTENT_TYPE, kind)], data).into_response()
    };
    let cache = if name.starts_with("assets/") { IMMUTABLE } else { ASK };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// The content types of the files in a web build.
fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "webp" => "image/webp",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        "wasm" => "application/wasm",
        "mp3" => "audio/mpeg",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(path: &str) -> Response {
        serve(&path.parse().expect("an address"), &HeaderMap::new())
    }

    #[test]
    fn a_missing_file_is_never_the_page() {
        for path in
            ["/assets/gone-123.js", "/assets/x", "/favicon.gone", "/docs/gone.css", "/../Cargo.toml", "/.env"]
        {
            let response = get(path);
            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
            assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json", "{path}");
        }
    }

    #[test]
    fn addresses_of_the_page_are_the_page() {
        // With and without a build the path is answered, and never from a cache.
        let response = get("/inbox");
        if Dist::get("index.html").is_some() {
            assert_eq!(response.status(), StatusCode::OK);
            assert_eq!(response.headers()[header::CACHE_CONTROL], ASK);
            let tag = response.headers()[header::ETAG].clone();
            let again = HeaderMap::from_iter([(header::IF_NONE_MATCH, tag)]);
            let file = Dist::get("index.html").expect("just seen");
            assert_eq!(answer("index.html", &file, &again).status(), StatusCode::NOT_MODIFIED);
        } else {
            assert_eq!(response.status(), StatusCode::NOT_FOUND);
        }
    }

    #[test]
    fn below_the_top_the_way_to_the_page_is_relative() {
        for (path, top) in [("/conversations/0190", "../"), ("/a/b/c", "../../"), ("/docs/", "../")] {
            let response = get(path);
            assert_eq!(response.status(), StatusCode::SEE_OTHER, "{path}");
            assert_eq!(response.headers()[header::LOCATION], top, "{path}");
        }
    }

    #[test]
    fn scripts_travel_as_the_build_packed_them() {
        let asked = |name: &str, takes: &'static str| {
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(takes))]);
            let response = serve(&format!("/{name}").parse().expect("an address"), &headers);
            response.headers().get(header::CONTENT_ENCODING).cloned()
        };
        for name in Dist::iter().filter(|name| name.starts_with("assets/") && name.ends_with(".js")) {
            assert_eq!(asked(&name, "gzip, deflate, br").expect("packed"), "br", "{name}");
            assert_eq!(asked(&name, "br;q=0, GZIP").expect("packed"), "gzip", "{name}");
            assert_eq!(asked(&name, "identity"), None, "{name}");
        }
    }

    #[test]
    fn hashed_files_are_kept_for_ever() {
        for name in Dist::iter().filter(|name| name.starts_with("assets/")) {
            assert_eq!(get(&format!("/{name}")).headers()[header::CACHE_CONTROL], IMMUTABLE);
        }
        assert_eq!(content_type("assets/index-1.js"), "text/javascript; charset=utf-8");
    }
}
