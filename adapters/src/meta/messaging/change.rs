//! What stands in `changes`: comments and mentions, and the tests of the app's dashboard, which put messages there.

use serde_json::Value;

use super::{
    parse::{Scope, ignored},
    wire,
};
use crate::{Direction, Fields, Kind, json};

pub(super) fn read(scope: &Scope<'_>, change: &Value) -> Option<Fields> {
    let field = change.get("field")?.as_str()?;
    let value = change.get("value")?;
    // A list of one has been documented.
    let value = value.as_array().and_then(|list| list.first()).unwrap_or(value);
    if !value.is_object() {
        return None;
    }
    if !scope.is_known(value) {
        return ignored("unknown_account");
    }
    match field {
        "comments" | "live_comments" => comment(scope, value, "id", "text"),
        "feed" => match (json::text(value, "item").as_deref(), json::text(value, "verb").as_deref()) {
            (Some("comment"), Some("add")) => comment(scope, value, "comment_id", "message"),
            _ => ignored("feed"),
        },
        _ if value.get("sender").is_some() || value.get("recipient").is_some() => scope.happened(value, None),
        _ => ignored("unhandled_event"),
    }
}

/// Not a direct message: everybody sees it.
fn comment(scope: &Scope<'_>, value: &Value, id: &str, text: &str) -> Option<Fields> {
    let mut event = Fields::new(Kind::Comment);
    event.external_message_id = Some(wire::id(value, id)?);
    event.text = json::text(value, text);
    event.timestamp_ms = json::millis(value, "created_time");
    if let Some(from) = json::object(value, "from") {
        let author = wire::id(from, "id");
        if author.as_deref().is_some_and(|author| scope.is_ours(author)) {
            event.direction = Some(Direction::Outbound);
        } else {
            event.direction = Some(Direction::Inbound);
            event.external_contact_id = author;
            event.contact_handle = json::text(from, "username");
            event.contact_name = json::text(from, "name");
        }
    }
    let media = json::object(value, "media").and_then(|media| wire::id(media, "id"));
    for (name, found) in [
        ("media_id", media),
        ("post_id", wire::id(value, "post_id")),
        ("parent_id", wire::id(value, "parent_id")),
    ] {
        if let Some(found) = found {
            event.set(name, found);
        }
    }
    Some(event)
}
