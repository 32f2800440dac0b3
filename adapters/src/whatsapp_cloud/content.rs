//! What a message of WhatsApp says: text, one file, a place, contact cards, a choice, an order; and what stands beside any
//! of them: the quoted message, the ad that led here, what went wrong.

use serde_json::{Map, Value, json};

use crate::{Fields, Kind, MediaKind, MediaRef, MediaState, json, meta::fault::Fault};

const FILES: &[(&str, Kind, MediaKind)] = &[
    ("image", Kind::Image, MediaKind::Image),
    ("video", Kind::Video, MediaKind::Video),
    ("audio", Kind::Audio, MediaKind::Audio),
    ("document", Kind::Document, MediaKind::Document),
    ("sticker", Kind::Sticker, MediaKind::Sticker),
];

/// Far more than a person shares at once.
const MAX_CARDS: usize = 100;
const MAX_PHONES: usize = 20;
const MAX_PRODUCTS: usize = 100;

/// Bytes of a form's answers that are taken apart.
const MAX_FORM: usize = 16 * 1024;

/// Puts kind, text, files and details of the message into the event. What cannot be read is [`Kind::Unsupported`].
pub(super) fn fill(event: &mut Fields, value: &Value) {
    event.kind = Kind::Unsupported;
    said(event, value);
    context(event, value);
    referral(event, value);
    if let Some(fault) = json::list(value, "errors").iter().find_map(Fault::of) {
        event.set("error_code", fault.code);
        event.set("error", String::from(fault.reason(None)));
    }
}

fn said(event: &mut Fields, value: &Value) {
    let kind = value.get("type").and_then(Value::as_str).unwrap_or_default();
    let part = value.get(kind).unwrap_or(&Value::Null);
    if let Some((_, kind, media)) = FILES.iter().find(|(name, ..)| *name == kind) {
        return file(event, value, part, (*kind, *media));
    }
    match kind {
        "text" if part.get("body").is_some_and(Value::is_string) => {
            event.kind = Kind::Text;
            event.text = json::text(part, "body");
        }
        "location" => place(event, part),
        "contacts" if part.is_array() => cards(event, json::list(value, "contacts")),
        "interactive" if part.is_object() => choice(event, part),
        "button" if part.is_object() => {
            pressed(event, json::text(part, "text"), json::text(part, "payload"));
        }
        "order" if part.is_object() => order(event, part),
        // The person opened the chat for the first time, and waits.
        "request_welcome" => pressed(event, None, Some("request_welcome".to_owned())),
        "unsupported" => {
            if let Some(what) = json::text(part, "type") {
                event.set("unsupported_type", what);
            }
        }
        _ => {}
    }
}

fn file(event: &mut Fields, value: &Value, part: &Value, (kind, media): (Kind, MediaKind)) {
    let is_voice = json::flag(part, "voice") == Some(true);
    let (kind, media) =
        if is_voice && kind == Kind::Audio { (Kind::Voice, MediaKind::Voice) } else { (kind, media) };
    event.kind = kind;
    event.text = json::text(part, "caption");
    let id = part.get("id").and_then(json::id);
    let is_lost = id.is_none() || !json::list(value, "errors").is_empty();
    if let Some(id) = &id {
        event.set("media_id", id.as_str());
    }
    event.attach(MediaRef {
        kind: media,
        mime: json::text(part, "mime_type"),
        name: json::text(part, "filename"),
        size: json::unsigned(part, "file_size"),
        state: if is_lost { MediaState::Unavailable } else { MediaState::Ready },
        // The address beside it lives for minutes: it is asked for when the file is.
        reference: json!({ "id": id, "sha256": json::key(part, "sha256") }),
    });
}

fn copy(from: &Value, names: &[&str], into: &mut Map<String, Value>) {
    for name in names {
        if let Some(text) = json::text(from, name) {
            into.insert((*name).to_owned(), text.into());
        }
    }
}

fn place(event: &mut Fields, part: &Value) {
    let Some((latitude, longitude)) = json::number(part, "latitude").zip(json::number(part, "longitude"))
    else {
        return;
    };
    event.kind = Kind::Location;
    event.set("latitude", latitude);
    event.set("longitude", longitude);
    copy(part, &["name", "address", "url"], &mut event.data);
}

fn cards(event: &mut Fields, cards: &[Value]) {
    let card = |card: &Value| {
        let name = json::object(card, "name");
        let whole = name.and_then(|name| json::text(name, "formatted_name"));
        let parts = || {
            let parts = ["first_name", "last_name"].iter().filter_map(|part| json::text(name?, part));
            Some(parts.collect::<Vec<_>>().join(" ")).filter(|name| !name.is_empty())
        };
        let texts = |list, member: &str| {
            let texts = json::list(card, list).iter().filter_map(|one| json::text(one, member));
            texts.take(MAX_PHONES).collect::<Vec<_>>()
        };
        let phones: Vec<_> = json::list(card, "phones")
            .iter()
            .filter_map(|one| json::text(one, "phone").or_else(|| json::text(one, "wa_id")))
            .take(MAX_PHONES)
            .collect();
        let mut shown = json!({ "name": whole.or_else(parts), "phones": phones });
        let emails = texts("emails", "email");
        if !emails.is_empty() {
            shown["emails"] = emails.into();
        }
        shown
    };
    event.kind = Kind::Contacts;
    event.set("contacts_count", cards.len());
    event.set("contacts", cards.iter().take(MAX_CARDS).map(card).collect::<Vec<_>>());
}

fn pressed(event: &mut Fields, label: Option<String>, payload: Option<String>) {
    event.kind = Kind::Interactive;
    if let Some(label) = &label {
        event.set("label", label.as_str());
    }
    event.text = label;
    if let Some(payload) = payload {
        event.set("payload", payload);
    }
}

fn choice(event: &mut Fields, part: &Value) {
    let kind = part.get("type").and_then(Value::as_str).unwrap_or_default();
    let Some(reply) = json::object(part, kind) else {
        event.kind = Kind::Interactive;
        return;
    };
    match kind {
        "nfm_reply" => {
            event.kind = Kind::Interactive;
            event.text = json::text(reply, "body");
            copy(reply, &["name"], &mut event.data);
            // JSON inside a text. What it holds is the form's, and may be anything.
            if let Some(answers) = json::text(reply, "response_json") {
                if answers.len() <= MAX_FORM
                    && let Ok(form @ Value::Object(_)) = json::document(answers.as_bytes())
                {
                    event.set("form", form);
                }
                event.set("payload", answers);
            }
        }
        "call_permission_reply" => {
            event.kind = Kind::Interactive;
            let answer = json::text(reply, "response");
            event.set(
                "call_permission",
                json!({
                    "response": answer,
                    "is_permanent": json::flag(reply, "is_permanent"),
                    "expires_ms": json::millis(reply, "expiration_timestamp"),
                }),
            );
            if let Some(answer) = answer {
                event.set("payload", answer);
            }
        }
        _ => {
            pressed(event, json::text(reply, "title"), json::text(reply, "id"));
            copy(reply, &["description"], &mut event.data);
        }
    }
}

fn order(event: &mut Fields, part: &Value) {
    let item = |item: &Value| {
        json!({
            "id": item.get("product_retailer_id").and_then(json::id),
            "quantity": json::number(item, "quantity"),
            "price": json::number(item, "item_price"),
            "currency": json::text(item, "currency"),
        })
    };
    let items = json::list(part, "product_items");
    event.kind = Kind::Order;
    event.text = json::text(part, "text");
    event.set(
        "order",
        json!({
            "catalog": part.get("catalog_id").and_then(json::id),
            "items": items.len(),
            "products": items.iter().take(MAX_PRODUCTS).map(item).collect::<Vec<_>>(),
        }),
    );
}

/// What the message answers. A forwarded one answers nothing here.
fn context(event: &mut Fields, value: &Value) {
    let Some(context) = json::object(value, "context") else { return };
    let often = json::flag(context, "frequently_forwarded") == Some(true);
    if often || json::flag(context, "forwarded") == Some(true) {
        event.set("forwarded", true);
        if often {
            event.set("frequently_forwarded", true);
        }
    }
    event.reply_to = json::key(context, "id");
    event.reply_key.clone_from(&event.reply_to);
    if let Some(product) = json::object(context, "referred_product") {
        let mut known = Map::new();
        copy(product, &["catalog_id", "product_retailer_id"], &mut known);
        event.set("referred_product", known);
    }
}

/// The ad or the post that led here: what is needed to account for it, and apart from that what the person saw.
fn referral(event: &mut Fields, value: &Value) {
    let Some(referral) = json::object(value, "referral") else { return };
    let mut source = Map::new();
    for (name, theirs) in [("source", "source_type"), ("source_id", "source_id"), ("ctwa_clid", "ctwa_clid")]
    {
        if let Some(id) = json::key(referral, theirs) {
            source.insert(name.to_owned(), id.into());
        }
    }
    event.set("referral", source);
    let mut seen = Map::new();
    let names = ["source_url", "headline", "body", "media_type", "image_url", "video_url", "thumbnail_url"];
    copy(referral, &names, &mut seen);
    if let Some(welcome) = json::object(referral, "welcome_message").and_then(|it| json::text(it, "text")) {
        seen.insert("welcome".to_owned(), welcome.into());
    }
    if !seen.is_empty() {
        event.set("ad", seen);
    }
}
