//! What a WAHA message contains: text, one file, a place or contact cards.

use serde_json::{Value, json};

use super::wire::Item;
use crate::{Event, Kind, MediaKind, MediaRef, MediaState, json};

/// Contact cards of a message that are read, and phones of a card.
const MAX_CARDS: usize = 100;
const MAX_PHONES: usize = 20;

/// Puts kind, text, files and details of the message into the event.
pub(super) fn fill(event: &mut Event, item: &Item<'_>) {
    let value = item.value;
    if let Some(place) = json::object(value, "location")
        && let Some((latitude, longitude)) =
            json::number(place, "latitude").zip(json::number(place, "longitude"))
    {
        // Some engines put a preview picture into the body.
        event.kind = Kind::Location;
        event.set("latitude", latitude);
        event.set("longitude", longitude);
        for name in ["description", "title", "address", "name"] {
            if let Some(text) = json::text(place, name) {
                event.set(name, text);
            }
        }
        return;
    }
    let cards: Vec<&str> = json::list(value, "vCards").iter().filter_map(Value::as_str).collect();
    if !cards.is_empty() {
        event.kind = Kind::Contacts;
        event.set("contacts_count", cards.len());
        event.set("contacts", cards.iter().take(MAX_CARDS).map(|card| vcard(card)).collect::<Vec<_>>());
        return;
    }
    event.text = json::text(value, "body");
    let media = json::object(value, "media");
    if json::flag(value, "hasMedia") == Some(true) || media.is_some_and(|media| media.get("url").is_some()) {
        let media = file(item, media);
        event.kind = match media.kind {
            MediaKind::Image => Kind::Image,
            MediaKind::Audio => Kind::Audio,
            MediaKind::Voice => Kind::Voice,
            MediaKind::Video => Kind::Video,
            MediaKind::Document => Kind::Document,
            MediaKind::Sticker => Kind::Sticker,
        };
        event.attach(media);
        return;
    }
    event.kind = if event.text.is_some() { Kind::Text } else { Kind::Unsupported };
}

fn file(item: &Item<'_>, media: Option<&Value>) -> MediaRef {
    let member = |name| media.and_then(|media| json::text(media, name));
    let mime = member("mimetype").or_else(|| item.engine_mime());
    let path = member("url").and_then(|url| file_path(&url));
    let failed = media.is_some_and(|media| media.get("error").is_some_and(|error| !error.is_null()));
    MediaRef {
        kind: media_kind(item, mime.as_deref()),
        name: member("filename"),
        size: item.engine_size(),
        state: match &path {
            _ if failed => MediaState::Unavailable,
            Some(_) => MediaState::Ready,
            None => MediaState::Pending,
        },
        mime,
        reference: json!({ "path": path, "chat": item.chat, "message": item.full_id }),
    }
}

fn media_kind(item: &Item<'_>, mime: Option<&str>) -> MediaKind {
    let mime = mime.unwrap_or_default().to_ascii_lowercase();
    let family = mime.split('/').next().unwrap_or_default();
    match item.engine_type().as_deref() {
        Some("sticker") => return MediaKind::Sticker,
        Some("document") => return MediaKind::Document,
        _ => {}
    }
    if item.engine_has("documentMessage") {
        return MediaKind::Document;
    }
    match family {
        // WhatsApp's stickers, and nothing else in it, are WebP.
        "image" if mime.starts_with("image/webp") => MediaKind::Sticker,
        "image" => MediaKind::Image,
        "video" => MediaKind::Video,
        "audio" if item.is_voice() || mime.contains("opus") => MediaKind::Voice,
        "audio" => MediaKind::Audio,
        _ => match item.engine_type().as_deref() {
            Some("image") => MediaKind::Image,
            Some("video" | "gif") => MediaKind::Video,
            Some("ptt") => MediaKind::Voice,
            Some("audio") => MediaKind::Audio,
            _ => MediaKind::Document,
        },
    }
}

/// Only the path below the API is kept: the host is what the server believes to be called, often `localhost`.
pub(super) fn file_path(url: &str) -> Option<String> {
    let start = url.find("/api/files/")?;
    let path = url[start..].split(['?', '#']).next()?;
    (!path.contains("..") && !path.contains('\\')).then(|| path.to_owned())
}

/// Name and phones of a contact card.
fn vcard(card: &str) -> Value {
    let field = |line: &str, name: &str| {
        let (key, value) = line.split_once(':')?;
        let plain = key.split(';').next()?.rsplit('.').next()?;
        let value = value.trim().replace('\0', "");
        (plain.eq_ignore_ascii_case(name) && !value.is_empty()).then_some(value)
    };
    let name = card.lines().find_map(|line| field(line, "FN"));
    let phones: Vec<_> = card.lines().filter_map(|line| field(line, "TEL")).take(MAX_PHONES).collect();
    json!({ "name": name, "phones": phones })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_below_the_files_are_kept() {
        let path = file_path("http://localhost:3000/api/files/shop/a.jpg?x=1");
        assert_eq!(path.as_deref(), Some("/api/files/shop/a.jpg"));
        for url in ["http://evil.example.com/a.jpg", "http://x/api/files/../sessions", "", "/api/files/..\\x"]
        {
            assert_eq!(file_path(url), None, "{url}");
        }
    }

    #[test]
    fn cards_give_name_and_phones() {
        let card =
            "BEGIN:VCARD\nFN:Dana Example\nitem1.TEL;type=CELL;waid=1:+1 202-555-0188\nTEL:\nEND:VCARD";
        assert_eq!(vcard(card), json!({"name": "Dana Example", "phones": ["+1 202-555-0188"]}));
    }
}
