//! HTTP: one flat table of routes and what happens around each. A handler takes what its extractors prove and
//! runs one verb; no logic stands here.

pub mod around;
pub mod assets;
pub mod body;
pub mod channels;
pub mod companies;
pub mod conversations;
pub mod cookie;
pub mod docs;
pub mod events;
pub mod extract;
pub mod health;
pub mod hooks;
pub mod inbox;
pub mod integration_log;
pub mod jobs;
pub mod me;
pub mod media;
pub mod messages;
pub mod metrics;
pub mod peer;
pub mod problem;
pub mod receive;
pub mod serve;
pub mod session;
pub mod socket;
pub mod users;
pub mod wire;

#[cfg(test)]
mod tests;

use std::sync::OnceLock;

use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::get;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate as _, SizeAbove};
use utoipa::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::AppState;
use crate::inbox::turn::OfferedTurn;
use crate::model::{EventBody, ReadEvent, Turn};

/// The routes that the API's description names.
fn table() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(session::sign_in, session::sign_out))
        .routes(routes!(session::refresh))
        .routes(routes!(me::me))
        .routes(routes!(inbox::list))
        .routes(routes!(inbox::counts))
        .routes(routes!(inbox::find_contacts))
        .routes(routes!(conversations::get))
        .routes(routes!(messages::list, messages::send))
        .routes(routes!(messages::add_note))
        .routes(routes!(conversations::take_over))
        .routes(routes!(conversations::hand_back))
        .routes(routes!(conversations::assign))
        .routes(routes!(conversations::close))
        .routes(routes!(conversations::reopen))
        .routes(routes!(conversations::read))
        .routes(routes!(conversations::flush_turn))
        .routes(routes!(media::get))
        .routes(routes!(events::list))
        .routes(routes!(channels::list, channels::create))
        .routes(routes!(channels::update))
        .routes(routes!(channels::connect))
        .routes(routes!(companies::list, companies::create))
        .routes(routes!(users::list))
        .routes(routes!(integration_log::list))
        .routes(routes!(integration_log::replay))
        .routes(routes!(jobs::dead))
        .routes(routes!(jobs::retry))
        .routes(routes!(jobs::forget))
        .routes(routes!(hooks::receive))
        .routes(routes!(docs::openapi))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(metrics::metrics))
}

pub fn router(app: AppState) -> axum::Router {
    let max_body_bytes = app.config.limits.max_body_bytes;
    let (router, _) = table().split_for_parts();
    router
        .route("/connection/websocket", get(socket::upgrade))
        .route("/docs", get(docs::browser))
        .route("/docs/socket", get(docs::socket))
        .fallback(assets::fallback)
        .method_not_allowed_fallback(problem::wrong_method)
        .layer(compression())
        .layer(CatchPanicLayer::custom(problem::panicked))
        .layer(DefaultBodyLimit::max(max_body_bytes))
        .layer(middleware::from_fn_with_state(app.clone(), around::around))
        .with_state(app)
}

/// The address of the metrics alone.
pub fn metrics_router(app: AppState) -> axum::Router {
    axum::Router::new()
        .route("/metrics", get(metrics::open))
        .fallback(problem::no_such_path)
        .layer(CatchPanicLayer::custom(problem::panicked))
        .with_state(app)
}

/// Texts only: media is compressed already, and small answers are not worth it.
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

#[derive(OpenApi)]
#[openapi(
    info(title = "Hubbub", description = "Every customer message once and in order, live to people and AI workers. \
        Ids are uuids, times Unix milliseconds, refusals problem documents (RFC 9457). The live feed is the socket's: \
        see /docs/socket."),
    components(schemas(problem::Problem, EventBody, Turn, OfferedTurn, ReadEvent)),
    security(("token" = []), ("key" = [])),
    modifiers(&Ways)
)]
struct Description;

/// The ways to say who calls.
struct Ways;

impl utoipa::Modify for Ways {
    fn modify(&self, description: &mut utoipa::openapi::OpenApi) {
        let components = description.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
        let key = ApiKey::Header(ApiKeyValue::new("X-API-Key"));
        components.add_security_scheme("key", SecurityScheme::ApiKey(key));
    }
}

/// The description of the API.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut description = table().into_openapi();
    for (path, item) in &mut description.paths.paths {
        let operations = [
            ("get", &mut item.get),
            ("post", &mut item.post),
            ("put", &mut item.put),
            ("patch", &mut item.patch),
            ("delete", &mut item.delete),
        ];
        for (method, operation) in operations {
            if let Some(operation) = operation {
                operation.operation_id = Some(operation_id(method, path));
            }
        }
    }
    description
}

/// Unique, unlike the names of handlers: `get_channels`, `post_conversations_id_take_over`.
fn operation_id(method: &str, path: &str) -> String {
    let words = path.trim_start_matches("/api/v1").replace(['{', '}'], "").replace(['/', '-', '.'], "_");
    format!("{method}{words}")
}

/// As JSON text, made once.
pub fn openapi_json() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| openapi().to_pretty_json().unwrap_or_default())
}

#[cfg(test)]
mod table_tests {
    use super::*;

    #[test]
    fn every_route_is_described_and_guarded() {
        let description = serde_json::to_value(openapi()).expect("json");
        let paths = description["paths"].as_object().expect("paths");
        assert!(paths.contains_key("/api/v1/session") && paths.contains_key("/api/v1/channels/{id}"));
        let mut ids = std::collections::BTreeSet::new();
        for (path, operations) in paths {
            for (method, operation) in operations.as_object().expect("operations") {
                let id = operation["operationId"].as_str().expect("an id");
                assert!(ids.insert(id) && operation["tags"].is_array(), "{method} {path}: {id}");
                let open = operation["security"]
                    .as_array()
                    .is_some_and(|ways| ways.contains(&serde_json::json!({})));
                let may_be_open =
                    !path.starts_with("/api/") || path.contains("session") || path.contains("openapi");
                assert!(!open || may_be_open, "{method} {path} is open");
            }
        }
        assert!(description["components"]["schemas"]["Problem"].is_object());
    }
}
