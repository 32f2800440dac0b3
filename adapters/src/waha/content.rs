//! What a WAHA message contains: text, one file, a place, contact cards, a choice. What the engine itself notes is no
//! message: [`fill`] refuses it.

use serde_json::{Map, Value, json};

use super::{
    engine::{self, Finding, Part},
    files, quoted,
    wire::Item,
};
use crate::{Fields, Kind, MediaKind, MediaRef, MediaState, json};

/// The engines' names for mere text: without words it is nothing.
const PLAIN: &[&str] = &["", "chat", "conversation", "extendedTextMessage"];

/// Contact cards of a message that are read, and phones of a card.
const MAX_CARDS: usize = 100;
const MAX_PHONES: usize = 20;

/// Puts kind, text, files and details of the message into the event. `Err` says why nobody wrote it.
pub(super) fn fill(event: &mut Fields, item: &Item<'_>, me: &Value) -> Result<(), String> {
    read(event, item, engine::look(item))?;
    quoted::fill(event, item, me);
    Ok(())
}

/// As [`fill`], for what an edit makes of the message with that full id.
pub(super) fn fill_edit(
    event: &mut Fields,
    item: &Item<'_>,
    me: &Value,
    original: &str,
) -> Result<(), String> {
    read(event, item, engine::look_at_edit(item))?;
    quoted::fill(event, item, me);
    // WhatsApp changes captions and not files: what is not given anew is as it was.
    event.media.retain(|media| media.state == MediaState::Ready);
    event.attachments = event.media.len();
    if event.media.is_empty() {
        event
            .data
            .retain(|name, _| !matches!(name.as_str(), "media_pending" | "media_unavailable" | "filename"));
    }
    // The edit's own id names no message that has a file.
    for media in &mut event.media {
        media.reference["message"] = original.into();
    }
    Ok(())
}

fn read(event: &mut Fields, item: &Item<'_>, finding: Finding<'_>) -> Result<(), String> {
    let (part, name, said, view_once) = match finding {
        Finding::Technical(name) => return Err(format!("technical_message:{name}")),
        Finding::Waiting => return Err("waiting".into()),
        Finding::Silent if !engine::has_content(item) => return Err("empty".into()),
        Finding::Silent => (Part::Text, "", &Value::Null, false),
        Finding::Said { part, name, value, view_once } => (part, name, value, view_once),
    };
    let value = item.value;
    let body = json::text(value, "body").or_else(|| words(said));
    if let Some(place) = place(value, part, said) {
        // Some engines put a preview picture into the body.
        event.kind = Kind::Location;
        event.data.extend(place);
        return Ok(());
    }
    let cards = cards(value, part, said, body.as_deref());
    if !cards.is_empty() {
        event.kind = Kind::Contacts;
        event.set("contacts_count", cards.len());
        event.set("contacts", cards.into_iter().take(MAX_CARDS).map(vcard).collect::<Vec<_>>());
        return Ok(());
    }
    let media = json::object(value, "media");
    let has_file = json::flag(value, "hasMedia") == Some(true);
    let has_url = media.is_some_and(|media| media.get("url").is_some_and(Value::is_string));
    if view_once && !has_url {
        event.kind = Kind::Unsupported;
        event.set("view_once", true);
        return Ok(());
    }
    if has_file || has_url || part == Part::Media {
        event.text = body;
        let media = file(item, media, name, said);
        event.kind = match media.kind {
            MediaKind::Image => Kind::Image,
            MediaKind::Audio => Kind::Audio,
            MediaKind::Voice => Kind::Voice,
            MediaKind::Video => Kind::Video,
            MediaKind::Document => Kind::Document,
            MediaKind::Sticker => Kind::Sticker,
        };
        event.attach(media);
        return Ok(());
    }
    match part {
        Part::Choice => choice(event, said, body),
        Part::Order => {
            event.text = body;
            event.kind = Kind::Order;
            event.set("order", order(said));
        }
        Part::Poll => {
            event.kind = Kind::Unsupported;
            event.set("poll", poll(said, body.as_deref()));
        }
        Part::Text if body.is_some() => {
            event.text = body;
            event.kind = Kind::Text;
        }
        Part::Text if PLAIN.contains(&name) => return Err("empty".into()),
        // Also buttons, a place or a card without anything that can be read of it.
        Part::Unread | Part::Text | Part::Media | Part::Place | Part::Cards => {
            event.kind = Kind::Unsupported;
        }
    }
    Ok(())
}

/// The words of an engine's member, where the payload has no body.
pub(super) fn words(said: &Value) -> Option<String> {
    const PATHS: &[&[&str]] = &[
        &["text"],
        &["caption"],
        &["contentText"],
        &["body", "text"],
        &["hydratedTemplate", "hydratedContentText"],
        &["hydratedFourRowTemplate", "hydratedContentText"],
        &["interactiveMessageTemplate", "body", "text"],
    ];
    if let Some(text) = said.as_str() {
        return Some(text.replace('\0', "")).filter(|text| !text.is_empty());
    }
    PATHS.iter().find_map(|path| {
        let (last, parents) = path.split_last()?;
        let parent = parents.iter().try_fold(said, |value, name| value.get(*name))?;
        json::text(parent, last)
    })
}

fn place(value: &Value, part: Part, said: &Value) -> Option<Map<String, Value>> {
    let of = |place, (latitude, longitude)| json::number(place, latitude).zip(json::number(place, longitude));
    let given = json::object(value, "location").and_then(|at| Some((of(at, ("latitude", "longitude"))?, at)));
    let ((latitude, longitude), place) = given.or_else(|| {
        let names = [("degreesLatitude", "degreesLongitude"), ("lat", "lng")];
        let at = names.into_iter().find_map(|names| of(said, names)).filter(|_| part == Part::Place)?;
        Some((at, said))
    })?;
    let mut data = Map::new();
    data.insert("latitude".into(), latitude.into());
    data.insert("longitude".into(), longitude.into());
    for name in ["description", "title", "address", "name"] {
        if let Some(text) = json::text(place, name) {
            data.insert(name.into(), text.into());
        }
    }
    Some(data)
}

fn cards<'a>(value: &'a Value, part: Part, said: &'a Value, body: Option<&'a str>) -> Vec<&'a str> {
    let given: Vec<_> = json::list(value, "vCards").iter().filter_map(Value::as_str).collect();
    if !given.is_empty() || part != Part::Cards {
        return given;
    }
    let one = said.get("vcard").and_then(Value::as_str);
    let many = json::list(said, "contacts").iter().filter_map(|card| card.get("vcard")?.as_str());
    let text = body.filter(|body| body.starts_with("BEGIN:VCARD"));
    one.into_iter().chain(many).chain(text).collect()
}

/// A choice of a list or a press of a button: what stood there and what it stands for.
fn choice(event: &mut Fields, said: &Value, body: Option<String>) {
    const LABELS: &[&[&str]] =
        &[&["selectedDisplayText"], &["title"], &["listResponse", "title"], &["body", "text"]];
    const IDS: &[&[&str]] = &[
        &["selectedId"],
        &["selectedButtonId"],
        &["selectedID"],
        &["selectedButtonID"],
        &["singleSelectReply", "selectedRowId"],
        &["singleSelectReply", "selectedRowID"],
        &["listResponse", "singleSelectReply", "selectedRowId"],
        &["nativeFlowResponseMessage", "paramsJson"],
        &["nativeFlowResponseMessage", "paramsJSON"],
    ];
    let find = |paths: &[&[&str]]| {
        paths.iter().find_map(|path| {
            let (last, parents) = path.split_last()?;
            json::text(parents.iter().try_fold(said, |value, name| value.get(*name))?, last)
        })
    };
    let label = find(LABELS).or_else(|| body.clone());
    event.kind = Kind::Interactive;
    event.text = body.or_else(|| label.clone());
    if let Some(label) = label {
        event.set("label", label);
    }
    if let Some(id) = find(IDS) {
        event.set("payload", id);
    }
}

fn order(said: &Value) -> Value {
    let product = said.get("product").unwrap_or(said);
    let text = |names: &[&str]| {
        names.iter().find_map(|name| json::text(said, name).or_else(|| json::text(product, name)))
    };
    json!({
        "id": text(&["orderId", "orderID", "productId", "productID"]),
        "title": text(&["orderTitle", "title"]),
        "items": json::unsigned(said, "itemCount"),
    })
}

fn poll(said: &Value, body: Option<&str>) -> Value {
    let question =
        json::text(said, "name").or_else(|| json::text(said, "pollName")).or(body.map(str::to_owned));
    let options = ["options", "pollOptions"].into_iter().flat_map(|name| json::list(said, name));
    let names = options
        .filter_map(|option| ["optionName", "name", "text"].iter().find_map(|name| json::text(option, name)));
    json!({ "question": question, "options": names.collect::<Vec<_>>() })
}

fn file(item: &Item<'_>, media: Option<&Value>, name: &str, said: &Value) -> MediaRef {
    let member = |name| media.and_then(|media| json::text(media, name));
    let mime = member("mimetype").or_else(|| json::text(said, "mimetype")).or_else(|| item.engine_mime());
    let place = member("url").and_then(|url| files::Place::of(&url));
    let failed = media.is_some_and(|media| media.get("error").is_some_and(|error| !error.is_null()));
    let mut reference = json!({ "path": null, "chat": item.chat, "message": item.full_id });
    if let Some(place) = &place {
        place.store(&mut reference);
    }
    let named = |name: &str| json::text(said, name);
    MediaRef {
        kind: media_kind(item, name, said, mime.as_deref()),
        name: member("filename").or_else(|| named("fileName")).or_else(|| named("filename")),
        size: json::number(said, "fileLength")
            .filter(|size| (0.0..9e15).contains(size))
            .map(|size| size as u64)
            .or_else(|| item.engine_size()),
        state: match &place {
            _ if failed => MediaState::Unavailable,
            Some(_) => MediaState::Ready,
            None => MediaState::Pending,
        },
        mime,
        reference,
    }
}

/// By the engine's name for it, else by the type of the file.
fn media_kind(item: &Item<'_>, name: &str, said: &Value, mime: Option<&str>) -> MediaKind {
    let mime = mime.unwrap_or_default().to_ascii_lowercase();
    let family = mime.split('/').next().unwrap_or_default();
    match name {
        "sticker" | "stickerMessage" => return MediaKind::Sticker,
        "document" | "documentMessage" => return MediaKind::Document,
        _ => {}
    }
    let is_voice = ["ptt", "PTT"].iter().any(|flag| json::flag(said, flag) == Some(true)) || name == "ptt";
    match family {
        // WhatsApp's stickers, and nothing else in it, are WebP.
        "image" if mime.starts_with("image/webp") => MediaKind::Sticker,
        "image" => MediaKind::Image,
        "video" => MediaKind::Video,
        "audio" if is_voice || mime.contains("opus") => MediaKind::Voice,
        "audio" => MediaKind::Audio,
        _ => match name {
            "" => match item.engine_type().as_deref() {
                Some("image") => MediaKind::Image,
                Some("video" | "gif") => MediaKind::Video,
                Some("ptt") => MediaKind::Voice,
                Some("audio") => MediaKind::Audio,
                Some("sticker") => MediaKind::Sticker,
                _ => MediaKind::Document,
            },
            "image" | "imageMessage" => MediaKind::Image,
            "video" | "gif" | "ptv" | "videoMessage" | "ptvMessage" => MediaKind::Video,
            "ptt" | "audio" | "audioMessage" if is_voice => MediaKind::Voice,
            "audio" | "audioMessage" => MediaKind::Audio,
            _ => MediaKind::Document,
        },
    }
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
    fn cards_give_name_and_phones() {
        let card =
            "BEGIN:VCARD\nFN:Dana Example\nitem1.TEL;type=CELL;waid=1:+1 202-555-0188\nTEL:\nEND:VCARD";
        assert_eq!(vcard(card), json!({"name": "Dana Example", "phones": ["+1 202-555-0188"]}));
    }
}
