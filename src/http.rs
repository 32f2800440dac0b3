//! HTTP: the middleware of every request, and the handlers that need the request itself. The table in `operations.rs`
//! declares the routes.

pub mod assets;
pub mod body;
pub mod cookie;
pub mod extract;
pub mod health;
pub mod hooks;
pub mod metrics;
pub mod middleware;
pub mod peer;
pub mod problem;
pub mod receive;
pub mod serve;
pub mod session;
pub mod socket;
pub mod wire;

#[cfg(test)]
mod tests;

use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate as _, SizeAbove};

use crate::app::AppState;
use crate::operations;

pub fn router(app: AppState) -> axum::Router {
    let max_body_bytes = app.config.limits.max_body_bytes;
    operations::routes()
        .route("/connection/websocket", get(socket::upgrade))
        .fallback(assets::fallback)
        .method_not_allowed_fallback(problem::wrong_method)
        .layer(compression())
        .layer(CatchPanicLayer::custom(problem::panicked))
        .layer(DefaultBodyLimit::max(max_body_bytes))
        .layer(from_fn_with_state(app.clone(), middleware::observe_and_secure))
        .with_state(app)
}

/// The router of the metrics address, which serves nothing else.
pub fn metrics_router(app: AppState) -> axum::Router {
    axum::Router::new()
        .route("/metrics", get(metrics::open))
        .fallback(problem::no_such_path)
        .layer(CatchPanicLayer::custom(problem::panicked))
        .with_state(app)
}

/// Compresses text only: media is compressed already, and short answers do not gain.
fn compression() -> CompressionLayer<impl tower_http::compression::Predicate + Send + Sync + 'static> {
    let worth_it = SizeAbove::new(1024)
        .and(NotForContentType::IMAGES)
        .and(NotForContentType::const_new("audio/"))
        .and(NotForContentType::const_new("video/"))
        .and(NotForContentType::const_new("font/"))
        .and(NotForContentType::const_new("application/octet-stream"))
        .and(NotForContentType::const_new("application/pdf"))
        .and(NotForContentType::const_new("application/zip"));
    CompressionLayer::new().gzip(true).compress_when(worth_it)
}
