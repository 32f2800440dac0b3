//! What somebody wrote or pressed, and the echoes of what left the business.

use aws_lc_rs::digest;
use serde_json::{Map, Value, json};

use super::{
    Network,
    attachment::{self, Attachments},
    parse::{Scope, ignored, unread},
    wire,
};
use crate::{Direction, Fields, Kind, Origin, json};

/// Inboxes of Meta's own, in which people write: that of pages and that of Instagram.
const INBOXES: &[&str] = &["263902037430900", "1217981644879628"];

pub(super) fn message(scope: &Scope<'_>, value: &Value, message: &Value) -> Option<Fields> {
    let mid = wire::id(message, "mid")?;
    let is_echo = wire::flag(message, "is_echo");
    let kind = if wire::flag(message, "is_deleted") { Kind::Deleted } else { Kind::Text };
    let mut event = match scope.between(kind, value, is_echo) {
        Ok(event) => event,
        // Whoever wrote it: what is taken back is to go.
        Err(None) if kind == Kind::Deleted => Fields::new(kind),
        Err(reason) => return unread(reason),
    };
    if kind == Kind::Deleted {
        event.update_key = Some(mid.clone());
        event.target_message_id = Some(mid);
        event.target_key.clone_from(&event.target_message_id);
        return Some(event);
    }
    event.message_key = Some(mid.clone());
    event.external_message_id = Some(mid);
    event.text = json::text(message, "text");
    if event.direction == Some(Direction::Outbound) {
        echo(&mut event, scope, message);
    }
    content(&mut event, message);
    if let Some(answered) = json::object(message, "reply_to") {
        reply(&mut event, answered);
    }
    if let Some(referral) = json::object(message, "referral") {
        refer(&mut event, referral);
    }
    Some(event)
}

/// Who wrote what left the business.
fn echo(event: &mut Fields, scope: &Scope<'_>, message: &Value) {
    let app = wire::id(message, "app_id");
    event.origin = match (app.as_deref(), scope.our_app) {
        (Some(app), Some(ours)) if app == ours => Some(Origin::OurApi),
        (Some(app), _) if INBOXES.contains(&app) => Some(Origin::HumanDevice),
        (Some(_), Some(_)) => Some(Origin::OtherApp),
        (None, _) if scope.network == Network::Messenger => Some(Origin::HumanDevice),
        // Which app is ours is not known, or it is not named: Instagram does not name that of our own sends either.
        (_, None) | (None, _) => None,
    };
    if matches!(event.origin, Some(Origin::OurApi) | None) {
        event.our_reference = json::text(message, "metadata").filter(|it| it.len() <= 64);
    }
}

fn content(event: &mut Fields, message: &Value) {
    let attachments = Attachments::of(message);
    attachment::fill(event, &attachments);
    if let Some(press) = json::object(message, "quick_reply") {
        event.kind = Kind::Interactive;
        set_text(event, "payload", press, "payload");
    } else if let Some(kind) = attachments.kind() {
        event.kind = kind;
    } else if event.text.is_none() || wire::flag(message, "is_unsupported") {
        event.kind = Kind::Unsupported;
    }
}

fn reply(event: &mut Fields, answered: &Value) {
    event.reply_to = wire::id(answered, "mid");
    event.reply_key.clone_from(&event.reply_to);
    let Some(story) = json::object(answered, "story") else { return };
    let mut told = Map::new();
    if let Some(id) = wire::id(story, "id") {
        event.set("story_id", id.as_str());
        told.insert("id".into(), id.into());
    }
    if let Some(url) = wire::address(story, "url") {
        told.insert("url".into(), url.into());
    }
    event.set("story", told);
    event.set("quoted", json!({ "kind": "story" }));
}

/// What led the customer here. What the body does not say is absent.
pub(super) fn refer(event: &mut Fields, referral: &Value) {
    let mut told = Map::new();
    for name in ["source", "ref", "ad_id"] {
        if let Some(word) = wire::id(referral, name).or_else(|| json::text(referral, name)) {
            told.insert(name.into(), word.into());
        }
    }
    event.set("referral", told);
    if let Some(context) = json::object(referral, "ads_context_data") {
        let mut ad = Map::new();
        for (name, ours) in [
            ("ad_title", "title"),
            ("post_id", "post_id"),
            ("product_id", "product_id"),
            ("flow_id", "flow_id"),
        ] {
            if let Some(word) = wire::id(context, name).or_else(|| json::text(context, name)) {
                ad.insert(ours.into(), word.into());
            }
        }
        if !ad.is_empty() {
            event.set("ad", ad);
        }
    }
    if let Some(page) = wire::address(referral, "referer_uri") {
        event.set("referral_page", page);
    }
    if let Some(product) = json::object(referral, "product").and_then(|product| wire::id(product, "id")) {
        event.set("product_id", product);
    }
}

/// A pressed button, menu entry or ice breaker.
pub(super) fn postback(scope: &Scope<'_>, value: &Value, press: &Value) -> Option<Fields> {
    let mut event = match scope.between(Kind::Interactive, value, false) {
        Ok(event) => event,
        Err(reason) => return unread(reason),
    };
    // Presses are the customer's.
    if event.direction == Some(Direction::Outbound) {
        return ignored("own_press");
    }
    event.text = json::text(press, "title");
    set_text(&mut event, "payload", press, "payload");
    if event.text.is_none() && !event.data.contains_key("payload") && press.get("referral").is_none() {
        return None;
    }
    event.external_message_id = wire::id(press, "mid");
    event.message_key = event.external_message_id.clone().or_else(|| Some(press_key(&event)));
    if let Some(referral) = json::object(press, "referral") {
        refer(&mut event, referral);
    }
    Some(event)
}

/// A press without an id is known by who pressed what and when; its repetitions tell the same.
fn press_key(event: &Fields) -> String {
    let mut said = digest::Context::new(&digest::SHA256);
    for part in [event.text.as_deref(), event.data.get("payload").and_then(Value::as_str)] {
        said.update(part.unwrap_or_default().as_bytes());
        said.update(b"\0");
    }
    let said = hex::encode(&said.finish().as_ref()[..8]);
    let customer = event.external_contact_id.as_deref().unwrap_or_default();
    format!("press:{customer}:{}:{said}", event.timestamp_ms.unwrap_or_default())
}

fn set_text(event: &mut Fields, ours: &str, value: &Value, name: &str) {
    if let Some(text) = json::text(value, name) {
        event.set(ours, text);
    }
}
