//! What a Telegram message contains: which of its many optional members is the content, and which only repeats it.

use serde_json::{Value, json};

use super::{MAX_FILE_BYTES, wire::Message};
use crate::{Event, Kind, MediaKind, MediaRef, MediaState, json};

/// Members with one file, in the order in which they win: an animation also fills `document`.
const FILES: &[(&str, Kind, MediaKind)] = &[
    ("animation", Kind::Video, MediaKind::Video),
    ("voice", Kind::Voice, MediaKind::Voice),
    ("audio", Kind::Audio, MediaKind::Audio),
    ("video_note", Kind::Video, MediaKind::Video),
    ("video", Kind::Video, MediaKind::Video),
    ("sticker", Kind::Sticker, MediaKind::Sticker),
    ("document", Kind::Document, MediaKind::Document),
];

/// Notices about the chat itself.
const SERVICE: &[&str] = &[
    "new_chat_members",
    "left_chat_member",
    "new_chat_title",
    "new_chat_photo",
    "delete_chat_photo",
    "group_chat_created",
    "supergroup_chat_created",
    "channel_chat_created",
    "message_auto_delete_timer_changed",
    "pinned_message",
    "forum_topic_created",
    "forum_topic_edited",
    "forum_topic_closed",
    "forum_topic_reopened",
    "general_forum_topic_hidden",
    "general_forum_topic_unhidden",
    "video_chat_scheduled",
    "video_chat_started",
    "video_chat_ended",
    "video_chat_participants_invited",
    "chat_background_set",
    "boost_added",
    "write_access_allowed",
    "proximity_alert_triggered",
    "connected_website",
];

/// Whether the message is a notice and nothing that a person wrote.
pub(super) fn is_service(message: Message<'_>) -> bool {
    SERVICE.iter().any(|name| message.has(name))
}

/// Puts kind, text, files and details of the message into the event.
pub(super) fn fill(event: &mut Event, message: Message<'_>) {
    let value = message.value;
    event.text = json::text(value, "text").or_else(|| json::text(value, "caption"));
    for name in ["media_group_id"] {
        if let Some(group) = value.get(name).and_then(json::id) {
            event.set(name, group);
        }
    }
    if message.has("forward_origin") || message.has("forward_date") {
        event.set("forwarded", true);
    }
    if let Some(quote) = json::object(value, "quote").and_then(|quote| json::text(quote, "text")) {
        event.set("quote", quote);
    }
    event.kind = kind(event, value);
}

fn kind(event: &mut Event, value: &Value) -> Kind {
    if let Some(photo) = largest(json::list(value, "photo")) {
        attach(event, MediaKind::Image, photo);
        return Kind::Image;
    }
    for (name, kind, media) in FILES {
        if let Some(file) = json::object(value, name) {
            attach(event, *media, file);
            if *kind == Kind::Sticker {
                event.emoji = json::text(file, "emoji");
            }
            return *kind;
        }
    }
    // A venue also fills `location`.
    if let Some(venue) = json::object(value, "venue") {
        for name in ["title", "address"] {
            if let Some(text) = json::text(venue, name) {
                event.set(name, text);
            }
        }
    }
    let place = json::object(value, "location")
        .or_else(|| json::object(value, "venue").and_then(|venue| json::object(venue, "location")));
    if let Some((latitude, longitude)) =
        place.and_then(|place| json::number(place, "latitude").zip(json::number(place, "longitude")))
    {
        event.set("latitude", latitude);
        event.set("longitude", longitude);
        return Kind::Location;
    }
    if let Some(card) = json::object(value, "contact") {
        contact(event, card);
        return Kind::Contacts;
    }
    if let Some(data) = json::object(value, "web_app_data") {
        event.text = json::text(data, "button_text");
        if let Some(payload) = json::text(data, "data") {
            event.set("payload", payload);
        }
        return Kind::Interactive;
    }
    if let Some(poll) = json::object(value, "poll") {
        let options = json::list(poll, "options").iter().filter_map(|option| json::text(option, "text"));
        let options: Vec<_> = options.collect();
        event.set("poll", json!({"question": json::text(poll, "question"), "options": options}));
        return Kind::Unsupported;
    }
    if let Some(dice) = json::object(value, "dice") {
        event.set("dice", json!({"emoji": json::text(dice, "emoji"), "value": json::integer(dice, "value")}));
        return Kind::Unsupported;
    }
    if event.text.is_some() { Kind::Text } else { Kind::Unsupported }
}

/// Several sizes are one photo.
fn largest(sizes: &[Value]) -> Option<&Value> {
    let area = |size: &Value| {
        let side = |name| json::unsigned(size, name).unwrap_or_default();
        (u128::from(side("width")) * u128::from(side("height")), json::unsigned(size, "file_size"))
    };
    sizes.iter().filter(|size| size.is_object()).max_by_key(|size| area(size))
}

fn attach(event: &mut Event, kind: MediaKind, file: &Value) {
    let size = json::unsigned(file, "file_size");
    let id = json::text(file, "file_id");
    let fetchable = id.is_some() && size.is_none_or(|size| size <= MAX_FILE_BYTES);
    if let Some(id) = &id {
        event.set("file_id", id.as_str());
    }
    if let Some(duration) = json::unsigned(file, "duration") {
        event.set("duration_s", duration);
    }
    event.attach(MediaRef {
        kind,
        mime: json::text(file, "mime_type"),
        name: json::text(file, "file_name"),
        size,
        state: if fetchable { MediaState::Ready } else { MediaState::Unavailable },
        reference: json!({ "file_id": id }),
    });
}

fn contact(event: &mut Event, card: &Value) {
    let name = ["first_name", "last_name"].map(|part| json::text(card, part));
    let name = name.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let phone = json::text(card, "phone_number");
    let user = json::integer(card, "user_id").map(|id| id.to_string());
    // Only one's own card says something about the writer; Telegram fills in the id, not the writer.
    if user.is_some() && user == event.external_contact_id {
        event.contact_phone =
            phone.as_ref().map(|phone| phone.chars().filter(char::is_ascii_digit).collect());
    }
    event.set("contacts_count", 1);
    event.set("contacts", json!([{"name": name, "phones": phone.into_iter().collect::<Vec<_>>()}]));
}
