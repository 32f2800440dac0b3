//! The HTTP server: the routes of the table of operations, the socket, the page, and what surrounds each request.

use axum::extract::DefaultBodyLimit;
use axum::http::header;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use tokio::net::TcpListener;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};

use crate::app::AppState;
use crate::http::serve::Upgrades;
use crate::http::{assets, metrics, middleware, problem, serve, socket, stream};
use crate::operations;

/// Serves everything on this listener until the application stops.
pub fn start(listener: TcpListener, app: AppState) {
    if let Ok(address) = listener.local_addr() {
        app.nodes.listens(address);
    }
    let router = router(app.clone());
    serve::serve(listener, app, router, Upgrades::First);
}

/// Serves `/metrics` alone.
pub fn start_metrics(listener: TcpListener, app: AppState) {
    let router = axum::Router::new()
        .route("/metrics", get(metrics::open))
        .fallback(problem::no_such_path)
        .layer(CatchPanicLayer::custom(problem::panicked))
        .with_state(app.clone());
    serve::serve(listener, app, router, Upgrades::Router);
}

fn router(app: AppState) -> axum::Router {
    let max_body_bytes = app.config.limits.max_body_bytes;
    operations::routes()
        .route(socket::PATH, get(socket::upgrade))
        .merge(stream::routes(&app))
        .fallback(assets::fallback)
        .method_not_allowed_fallback(problem::wrong_method)
        .layer(compression())
        .layer(CatchPanicLayer::custom(problem::panicked))
        .layer(DefaultBodyLimit::max(max_body_bytes))
        .layer(from_fn_with_state(app.clone(), middleware::observe_and_secure))
        .with_state(app)
}

/// Leaves out answers that forbid proxies to change them, which streams do.
#[derive(Clone, Copy)]
struct NotStreamed;

impl Predicate for NotStreamed {
    fn should_compress<B: axum::body::HttpBody>(&self, response: &axum::http::Response<B>) -> bool {
        let control = response.headers().get(header::CACHE_CONTROL);
        !control.and_then(|control| control.to_str().ok()).is_some_and(|text| text.contains("no-transform"))
    }
}

/// Compresses texts over 1 KiB: media is compressed already, and a stream would be kept back.
fn compression() -> CompressionLayer<impl tower_http::compression::Predicate + Send + Sync + 'static> {
    let worth_it = SizeAbove::new(1024)
        .and(NotForContentType::IMAGES)
        .and(NotStreamed)
        .and(NotForContentType::const_new("audio/"))
        .and(NotForContentType::const_new("video/"))
        .and(NotForContentType::const_new("font/"))
        .and(NotForContentType::const_new("application/octet-stream"))
        .and(NotForContentType::const_new("application/pdf"))
        .and(NotForContentType::const_new("application/zip"));
    CompressionLayer::new().gzip(true).compress_when(worth_it)
}
