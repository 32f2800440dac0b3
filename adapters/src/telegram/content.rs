//! What a Telegram message contains: which of its many optional members is the content, and which only repeats it.

use serde_json::{Value, json};

use super::{MAX_FILE_BYTES, quoted, wire::Message};
use crate::{Fields, Kind, MediaKind, MediaRef, MediaState, json};

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

/// What else a person can send. Everything that is not here nor above is Telegram's own: notices of a chat, gifts,
/// payments, marks on a checklist.
const OTHERS: &[(&str, Kind)] = &[
    ("venue", Kind::Location),
    ("location", Kind::Location),
    ("contact", Kind::Contacts),
    ("users_shared", Kind::Contacts),
    ("web_app_data", Kind::Interactive),
    ("poll", Kind::Unsupported),
    ("dice", Kind::Unsupported),
    ("checklist", Kind::Unsupported),
    ("game", Kind::Unsupported),
    ("invoice", Kind::Unsupported),
    ("story", Kind::Unsupported),
    ("paid_media", Kind::Unsupported),
    ("chat_shared", Kind::Unsupported),
    ("passport_data", Kind::Unsupported),
];

/// Members that say where, when and by whom, and never what.
const FRAME: &[&str] = &[
    "message_id",
    "message_thread_id",
    "is_topic_message",
    "direct_messages_topic",
    "from",
    "sender_chat",
    "sender_boost_count",
    "sender_business_bot",
    "sender_tag",
    "business_connection_id",
    "chat",
    "date",
    "edit_date",
    "reply_to_message",
    "external_reply",
    "quote",
    "reply_to_story",
    "reply_to_checklist_task_id",
    "via_bot",
    "has_protected_content",
    "is_from_offline",
    "media_group_id",
    "author_signature",
    "show_caption_above_media",
    "has_media_spoiler",
    "effect_id",
    "reply_markup",
    "entities",
    "caption_entities",
    "link_preview_options",
];

/// Far more than a person shares at once.
const MAX_CARDS: usize = 100;

/// The kind of message that a person made of this; `None` when nobody wrote it.
pub(super) fn kind_of(value: &Value) -> Option<Kind> {
    if largest(json::list(value, "photo")).is_some() {
        return Some(Kind::Image);
    }
    let file = FILES.iter().find(|(name, ..)| json::object(value, name).is_some()).map(|(_, kind, _)| *kind);
    file.or_else(|| {
        OTHERS.iter().find(|(name, _)| json::object(value, name).is_some()).map(|(_, kind)| *kind)
    })
    .or_else(|| json::text(value, "text").map(|_| Kind::Text))
    // Words below something that we do not know yet.
    .or_else(|| json::text(value, "caption").map(|_| Kind::Unsupported))
}

/// Puts kind, text, files and details of the message into the event. `Err` says why nobody wrote it.
pub(super) fn fill(event: &mut Fields, message: Message<'_>) -> Result<(), String> {
    let value = message.value;
    event.kind = kind_of(value).ok_or_else(|| notice(value))?;
    event.text = json::text(value, "text").or_else(|| json::text(value, "caption"));
    if let Some(group) = value.get("media_group_id").and_then(json::id) {
        event.set("media_group_id", group);
    }
    match event.kind {
        Kind::Image => {
            if let Some(photo) = largest(json::list(value, "photo")) {
                attach(event, MediaKind::Image, photo);
            }
        }
        Kind::Location => place(event, value),
        Kind::Contacts => cards(event, value),
        Kind::Interactive => pressed(event, value),
        Kind::Unsupported => unread(event, value),
        Kind::Text => {}
        _ => {
            let found = FILES.iter().find_map(|(name, _, media)| Some((*media, json::object(value, name)?)));
            if let Some((media, file)) = found {
                attach(event, media, file);
                if media == MediaKind::Sticker {
                    event.emoji = json::text(file, "emoji");
                }
            }
        }
    }
    quoted::fill(event, message);
    Ok(())
}

/// Why a message is none: the member that it consists of.
fn notice(value: &Value) -> String {
    let names = value.as_object().into_iter().flatten().map(|(name, _)| name.as_str());
    let found = names.into_iter().find(|name| !FRAME.contains(name) && *name != "text");
    match found {
        Some(name) => {
            let plain = name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(48);
            format!("service_message:{}", plain.collect::<String>())
        }
        None => "empty".to_owned(),
    }
}

fn place(event: &mut Fields, value: &Value) {
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
    match place.and_then(|place| json::number(place, "latitude").zip(json::number(place, "longitude"))) {
        Some((latitude, longitude)) => {
            event.set("latitude", latitude);
            event.set("longitude", longitude);
        }
        None => event.kind = Kind::Unsupported,
    }
}

fn cards(event: &mut Fields, value: &Value) {
    if let Some(card) = json::object(value, "contact") {
        return contact(event, card);
    }
    let shared = json::object(value, "users_shared").map_or(&[][..], |shared| json::list(shared, "users"));
    let card = |user: &Value| json!({ "name": full_name(user), "phones": [] });
    event.set("contacts_count", shared.len());
    event.set("contacts", shared.iter().take(MAX_CARDS).map(card).collect::<Vec<_>>());
}

/// The button of a web app: its label, and what the app sent.
fn pressed(event: &mut Fields, value: &Value) {
    let Some(data) = json::object(value, "web_app_data") else { return };
    event.text = json::text(data, "button_text");
    if let Some(label) = event.text.clone() {
        event.set("label", label);
    }
    if let Some(payload) = json::text(data, "data") {
        event.set("payload", payload);
    }
}

/// What can be said of something that cannot be shown.
fn unread(event: &mut Fields, value: &Value) {
    if let Some(poll) = json::object(value, "poll") {
        let options = json::list(poll, "options").iter().filter_map(|option| json::text(option, "text"));
        let options: Vec<_> = options.collect();
        event.set("poll", json!({"question": json::text(poll, "question"), "options": options}));
    }
    if let Some(dice) = json::object(value, "dice") {
        event.set("dice", json!({"emoji": json::text(dice, "emoji"), "value": json::integer(dice, "value")}));
    }
    if let Some(list) = json::object(value, "checklist") {
        let tasks = json::list(list, "tasks").iter().filter_map(|task| json::text(task, "text"));
        let tasks: Vec<_> = tasks.collect();
        event.set("checklist", json!({"title": json::text(list, "title"), "tasks": tasks}));
    }
}

/// Several sizes are one photo.
fn largest(sizes: &[Value]) -> Option<&Value> {
    let area = |size: &Value| {
        let side = |name| json::unsigned(size, name).unwrap_or_default();
        (u128::from(side("width")) * u128::from(side("height")), json::unsigned(size, "file_size"))
    };
    sizes.iter().filter(|size| size.is_object()).max_by_key(|size| area(size))
}

fn attach(event: &mut Fields, kind: MediaKind, file: &Value) {
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

fn contact(event: &mut Fields, card: &Value) {
    let phone = json::text(card, "phone_number");
    let user = json::integer(card, "user_id").map(|id| id.to_string());
    // Only one's own card says something about the writer; Telegram fills in the id, not the writer.
    if user.is_some() && user == event.external_contact_id {
        event.contact_phone =
            phone.as_ref().map(|phone| phone.chars().filter(char::is_ascii_digit).collect());
    }
    event.set("contacts_count", 1);
    event
        .set("contacts", json!([{"name": full_name(card), "phones": phone.into_iter().collect::<Vec<_>>()}]));
}

fn full_name(person: &Value) -> String {
    let name = ["first_name", "last_name"].map(|part| json::text(person, part));
    name.into_iter().flatten().collect::<Vec<_>>().join(" ")
}
