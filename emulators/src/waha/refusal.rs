//! WAHA's error responses.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::shared::Shared;

pub(super) fn error(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "statusCode": status.as_u16(), "message": message }))).into_response()
}

pub(super) fn unknown() -> Response {
    error(StatusCode::NOT_FOUND, "Session not found")
}

/// Checks that the session exists in this state; otherwise returns WAHA's error response.
pub(super) fn require(shared: &Shared, session: &str, status: &str) -> Result<(), Box<Response>> {
    match shared.state.read(|state| state.sessions.get(session).map(|session| session.status.clone())) {
        None => Err(Box::new(unknown())),
        Some(actual) if actual == status => Ok(()),
        Some(actual) => {
            let words = "Session status is not as expected. Try again later or restart the session";
            let body = json!({ "error": words, "session": session, "status": actual, "expected": [status] });
            Err(Box::new((StatusCode::UNPROCESSABLE_ENTITY, Json(body)).into_response()))
        }
    }
}
