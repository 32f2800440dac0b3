//! Graph's error responses.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

/// An error of the Graph API.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: i64,
    subcode: Option<i64>,
    message: String,
    details: Option<String>,
    is_transient: bool,
}

pub(super) type Outcome = Result<Value, Refusal>;

impl Refusal {
    pub(super) fn new(code: i64, message: &str) -> Self {
        let status = match code {
            190 => 401,
            4 | 130_429 => 429,
            10 | 200 | 230 => 403,
            _ => 400,
        };
        let message = format!("(#{code}) {message}");
        Self { status, code, subcode: None, message, details: None, is_transient: false }
    }

    pub(super) fn sub(mut self, subcode: i64) -> Self {
        self.subcode = Some(subcode);
        self
    }

    pub(super) fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub(super) fn details(mut self, details: &str) -> Self {
        self.details = Some(details.to_owned());
        self
    }

    /// A wrong parameter.
    pub(super) fn parameter(what: &str) -> Self {
        Self::new(100, "Invalid parameter").details(what)
    }

    /// A value that WhatsApp does not take.
    pub(super) fn value(what: &str) -> Self {
        Self::new(131_009, "Parameter value is not valid").details(what)
    }

    pub(super) fn missing(what: &str) -> Self {
        Self::new(131_008, "Required parameter is missing").details(what)
    }

    pub(super) fn token(subcode: Option<i64>, message: &str) -> Self {
        let refusal = Self::new(190, message);
        match subcode {
            Some(subcode) => refusal.sub(subcode),
            None => refusal,
        }
    }

    /// No such object, or none that this token may see: Graph does not tell them apart.
    pub(super) fn unknown(id: &str) -> Self {
        let words = format!(
            "Unsupported request. Object with ID '{id}' does not exist, cannot be loaded due to missing permissions, \
             or does not support this operation"
        );
        Self::new(100, &words).sub(33)
    }

    pub(super) fn window() -> Self {
        Self::new(10, "This message is sent outside of allowed window.").sub(2_018_278)
    }

    pub(super) fn unreachable() -> Self {
        Self::new(551, "This person isn't available right now.").sub(1_545_041).status(400)
    }

    pub(super) fn transient(status: u16) -> Self {
        let refusal = Self::new(2, "Service temporarily unavailable").status(status);
        Self { is_transient: true, ..refusal }
    }

    pub(super) fn body(&self) -> Value {
        let mut error = json!({ "message": self.message, "type": "OAuthException", "code": self.code,
            "fbtrace_id": "AemulatedTrace01" });
        if let Some(subcode) = self.subcode {
            error["error_subcode"] = subcode.into();
        }
        if let Some(details) = &self.details {
            error["error_data"] = json!({ "messaging_product": "whatsapp", "details": details });
        }
        if self.is_transient {
            error["is_transient"] = true.into();
        }
        json!({ "error": error })
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        (status, Json(self.body())).into_response()
    }
}
