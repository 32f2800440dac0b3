//! The context of a Telegram message: what it quotes, the addresses behind its words, where it was passed on from.

use serde_json::{Map, Value, json};

use super::{
    content,
    wire::{Message, Person},
};
use crate::{Fields, json};

/// No message has more links that anybody follows.
const MAX_LINKS: usize = 100;
const MAX_URL_BYTES: usize = 2048;
const MAX_WORDS: usize = 200;
/// Telegram's texts are far shorter; looking for many places in a longer one would only cost time.
const MAX_TEXT_BYTES: usize = 64 << 10;

/// Puts the context into the event.
pub(super) fn fill(event: &mut Fields, message: Message<'_>) {
    if message.has("forward_origin") || message.has("forward_date") {
        event.set("forwarded", true);
        if let Some(name) = origin(message.value) {
            event.set("forwarded_from", name);
        }
    }
    let links = links(message.value);
    if !links.is_empty() {
        event.set("links", links);
    }
    if let Some(quoted) = quoted(message) {
        event.set("quoted", quoted);
    }
    if event.is_group {
        event.chat_title = message.chat.title();
    }
    if event.thread.is_some() {
        event.thread_title = message.topic_name();
    }
}

/// The label of the button that carries this data.
pub(super) fn label(message: &Value, data: &str) -> Option<String> {
    let found =
        buttons(message).find(|button| button.get("callback_data").and_then(Value::as_str) == Some(data))?;
    json::text(found, "text")
}

fn buttons(message: &Value) -> impl Iterator<Item = &Value> {
    let rows =
        json::object(message, "reply_markup").map_or(&[][..], |markup| json::list(markup, "inline_keyboard"));
    rows.iter().filter_map(Value::as_array).flatten()
}

/// The name of whoever wrote it first.
fn origin(value: &Value) -> Option<String> {
    match json::object(value, "forward_origin") {
        Some(origin) => author_of(origin),
        None => name(value, "forward_from")
            .or_else(|| name(value, "forward_from_chat"))
            .or_else(|| json::text(value, "forward_sender_name")),
    }
}

/// The author that an origin names: a user, hidden or not, a chat or a channel.
fn author_of(origin: &Value) -> Option<String> {
    name(origin, "sender_user")
        .or_else(|| json::text(origin, "sender_user_name"))
        .or_else(|| name(origin, "sender_chat"))
        .or_else(|| name(origin, "chat"))
}

fn name(parent: &Value, member: &str) -> Option<String> {
    Person::of(parent, member).and_then(Person::name)
}

/// Addresses behind words and under buttons. Only what a browser opens.
fn links(message: &Value) -> Vec<Value> {
    let mut links = Vec::new();
    for (text, entities) in [("text", "entities"), ("caption", "caption_entities")] {
        let text = message.get(text).and_then(Value::as_str);
        let Some(text) = text.filter(|text| text.len() <= MAX_TEXT_BYTES) else { continue };
        let linked = json::list(message, entities)
            .iter()
            .filter(|entity| entity.get("type").and_then(Value::as_str) == Some("text_link"));
        for entity in linked.take(MAX_LINKS) {
            if let Some((url, words)) = url(entity).zip(slice(text, entity)) {
                links.push(json!({ "text": words, "url": url }));
            }
        }
    }
    for button in buttons(message).take(MAX_LINKS) {
        if let Some((url, words)) = url(button).zip(json::text(button, "text")) {
            links.push(json!({ "text": words, "url": url }));
        }
    }
    links.truncate(MAX_LINKS);
    links
}

fn url(value: &Value) -> Option<String> {
    let url = json::text(value, "url")?;
    let scheme = url.split_once("://")?.0.to_ascii_lowercase();
    let is_plain = !url.contains(|c: char| c.is_whitespace() || c.is_control());
    (matches!(scheme.as_str(), "http" | "https") && is_plain && url.len() <= MAX_URL_BYTES).then_some(url)
}

/// The words that an entity marks: offset and length count UTF-16 units.
fn slice(text: &str, entity: &Value) -> Option<String> {
    let start = usize::try_from(json::unsigned(entity, "offset")?).ok()?;
    let end = start.checked_add(usize::try_from(json::unsigned(entity, "length")?).ok()?)?;
    let mut units = 0;
    let words: String = text
        .chars()
        .filter(|c| {
            let at = units;
            units += c.len_utf16();
            (start..end).contains(&at)
        })
        .filter(|c| *c != '\0')
        .take(MAX_WORDS)
        .collect();
    Some(words).filter(|words| !words.is_empty())
}

/// The message that is answered, as the body has it.
fn quoted(message: Message<'_>) -> Option<Value> {
    let mut quoted = Map::new();
    let mut put = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            quoted.insert(name.into(), value.into());
        }
    };
    let part = json::object(message.value, "quote").and_then(|quote| json::text(quote, "text"));
    let elsewhere = json::object(message.value, "external_reply");
    if let Some(original) =
        json::object(message.value, "reply_to_message").filter(|_| message.reply_to().is_some())
    {
        let words = json::text(original, "text").or_else(|| json::text(original, "caption"));
        put("text", part.or(words));
        put(
            "author",
            Person::of(original, "sender_chat")
                .or_else(|| Person::of(original, "from"))
                .and_then(Person::name),
        );
        put("kind", content::kind_of(original).map(|kind| kind.as_str().to_owned()));
    } else if let Some(original) = elsewhere {
        put("text", part);
        let author = json::object(original, "origin").and_then(author_of);
        put("author", author.or_else(|| name(original, "chat")));
        put("kind", Some(content::kind_of(original).map_or("text", |kind| kind.as_str()).to_owned()));
    } else if json::object(message.value, "reply_to_story").is_some() {
        put("kind", Some("story".into()));
    } else {
        put("text", part);
    }
    if elsewhere.is_some() || message.has("reply_to_story") {
        quoted.insert("elsewhere".into(), true.into());
    }
    (!quoted.is_empty()).then(|| quoted.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_count_utf16_units() {
        let link = |offset, length, url: &str| json!({"type": "text_link", "offset": offset, "length": length, "url": url});
        let message = json!({"text": "🙂 this one 🙂", "entities": [
            link(3, 8, "https://shop.example.com/p/8812"),
            link(0, 2, "javascript:alert(1)"),
            link(0, 2, "tg://user?id=5"),
            link(900, 5, "https://shop.example.com/"),
            link(12, 2, "HTTP://shop.example.com/"),
        ]});
        let links = links(&message);
        assert_eq!(
            links,
            [
                json!({"text": "this one", "url": "https://shop.example.com/p/8812"}),
                json!({"text": "🙂", "url": "HTTP://shop.example.com/"}),
            ]
        );
        let caption =
            json!({"caption": "here", "caption_entities": [link(0, 4, "https://shop.example.com/")]});
        assert_eq!(super::links(&caption).len(), 1);
    }
}
