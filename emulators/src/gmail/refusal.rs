//! Google's error responses: those of the Gmail API and those of OAuth.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;

/// An error of the Gmail API.
#[derive(Debug)]
pub(super) struct Refusal {
    code: u16,
    message: String,
    domain: &'static str,
    reason: &'static str,
    status: &'static str,
    retry_after_s: Option<u64>,
}

impl Refusal {
    pub(super) fn new(
        code: u16,
        message: impl Into<String>,
        reason: &'static str,
        status: &'static str,
    ) -> Self {
        let domain = if reason.ends_with("Exceeded") { "usageLimits" } else { "global" };
        Self { code, message: message.into(), domain, reason, status, retry_after_s: None }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, message, "invalidArgument", "INVALID_ARGUMENT")
    }

    pub(super) fn not_found() -> Self {
        Self::new(404, "Requested entity was not found.", "notFound", "NOT_FOUND")
    }

    pub(super) fn unauthenticated() -> Self {
        let message = "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie \
                       or other valid authentication credential.";
        Self::new(401, message, "authError", "UNAUTHENTICATED")
    }

    pub(super) fn quota() -> Self {
        let message = "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute per user'.";
        Self::new(403, message, "rateLimitExceeded", "PERMISSION_DENIED")
    }

    pub(super) fn too_many(retry_after_s: u64) -> Self {
        let message = "User-rate limit exceeded.";
        let mut refusal = Self::new(429, message, "rateLimitExceeded", "RESOURCE_EXHAUSTED");
        refusal.retry_after_s = Some(retry_after_s);
        refusal
    }

    pub(super) fn backend(code: u16) -> Self {
        match code {
            503 => Self::new(503, "The service is currently unavailable.", "backendError", "UNAVAILABLE"),
            _ => Self::new(code, "Internal error encountered.", "backendError", "INTERNAL"),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let error = json!({ "message": self.message, "domain": self.domain, "reason": self.reason });
        let body = json!({ "error": { "code": self.code, "message": self.message, "errors": [error],
            "status": self.status } });
        let mut response = (status(self.code), Json(body)).into_response();
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert("retry-after", seconds.into());
        }
        response
    }
}

/// An error of OAuth's endpoints (RFC 6749, 5.2).
pub(super) fn oauth(code: u16, error: &str, description: &str) -> Response {
    (status(code), Json(json!({ "error": error, "error_description": description }))).into_response()
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_REQUEST)
}
