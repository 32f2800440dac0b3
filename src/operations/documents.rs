//! The two descriptions of the table of operations, each generated once.

use std::sync::LazyLock;

use super::{describe, socket_text, table};

/// The OpenAPI description as JSON text, generated once.
pub fn openapi_json() -> &'static str {
    static TEXT: LazyLock<String> =
        LazyLock::new(|| serde_json::to_string_pretty(&describe::openapi(&table())).unwrap_or_default());
    &TEXT
}

/// The socket's document, with the table of its methods.
pub(super) fn socket_document() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| socket_text::document(&table()));
    &TEXT
}
