//! One message as the model reads it: the text, and in brackets what a person sees around it: quotes, the origin of a
//! forward, links, locations, contact cards. A customer's text in a bracket is put on one line, so that it cannot
//! imitate a bracket.

use serde_json::Value;

use super::super::wire::TurnMessage;

/// Characters of a quote, a name or a link.
const MAX_WORDS: usize = 500;
const MAX_URL: usize = 500;
/// Number of links, contact cards, or options of a poll.
const MAX_ITEMS: usize = 10;

/// `None` if the message has no content that can be written.
pub(super) fn of(said: &TurnMessage) -> Option<String> {
    let mut lines = Vec::new();
    lines.extend(text(&said.data, "forwarded_from").map(|name| format!("[forwarded from {name}]")));
    lines.extend(said.data.get("quoted").and_then(quoted));
    let label = text(&said.data, "label");
    let words = said.words().map(str::to_owned).or_else(|| label.clone());
    let what = what(said);
    lines.extend(match (what, words) {
        (Some(what), Some(words)) => Some(format!("[{what}] {words}")),
        (Some(what), None) => Some(format!("[{what}]")),
        (None, words) => words,
    });
    for link in list(&said.data, "links") {
        if let (Some(words), Some(url)) = (text(link, "text"), url(link)) {
            lines.push(format!("[link: \"{words}\" leads to {url}]"));
        }
    }
    // The context alone is not a message.
    let has_content = said.words().is_some() || label.is_some() || !is_words(&said.kind);
    (has_content && !lines.is_empty()).then(|| lines.join("\n"))
}

fn is_words(kind: &str) -> bool {
    matches!(kind, "text" | "interactive" | "")
}

/// The message's kind in words, unless it is text.
fn what(said: &TurnMessage) -> Option<String> {
    let data = &said.data;
    if let Some(place) = place(data) {
        return Some(place);
    }
    let cards: Vec<String> = list(data, "contacts").filter_map(card).collect();
    if !cards.is_empty() {
        return Some(format!("contact: {}", cards.join("; ")));
    }
    if let Some(poll) = data.get("poll") {
        let options: Vec<String> =
            list(poll, "options").filter_map(|option| line(option.as_str()?)).collect();
        let question = text(poll, "question").unwrap_or_default();
        return Some(format!("poll: {question} ({})", options.join(" / ")));
    }
    if let Some(dice) = data.get("dice") {
        let value = dice.get("value").and_then(Value::as_i64).unwrap_or_default();
        return Some(format!("{} {value}", text(dice, "emoji").unwrap_or_else(|| "dice".to_owned())));
    }
    // The model reads words only; a person sees the story while it is there.
    if data.get("story_mention").and_then(Value::as_bool) == Some(true) {
        return Some("mentions you in a story, which cannot be seen".to_owned());
    }
    let is_gone = !said.attachments.is_empty() && said.attachments.iter().all(|file| file.state == "failed");
    let gone = if is_gone { ", which cannot be seen" } else { "" };
    (!is_words(&said.kind)).then(|| format!("{}{gone}", said.kind))
}

fn place(data: &Value) -> Option<String> {
    let (latitude, longitude) = data.get("latitude")?.as_f64().zip(data.get("longitude")?.as_f64())?;
    let names: Vec<String> =
        ["title", "name", "address", "description"].iter().filter_map(|name| text(data, name)).collect();
    let names = if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
    Some(format!("location: {latitude}, {longitude}{names}"))
}

/// Providers use some of these names for a card's fields.
fn card(card: &Value) -> Option<String> {
    let name = text(card, "name").or_else(|| {
        let parts: Vec<String> =
            ["first_name", "last_name"].iter().filter_map(|name| text(card, name)).collect();
        Some(parts.join(" ")).filter(|name| !name.is_empty())
    });
    let phones = list(card, "phones").filter_map(|phone| line(phone.as_str()?));
    let phone = ["phone", "phone_number"].iter().find_map(|name| text(card, name));
    let parts: Vec<String> = name.into_iter().chain(phone).chain(phones).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

fn quoted(quoted: &Value) -> Option<String> {
    let kind = text(quoted, "kind").filter(|kind| kind != "text").map(|kind| format!("a {kind}"));
    let words = text(quoted, "text").map(|words| format!("\"{words}\""));
    let what: Vec<String> = kind.into_iter().chain(words).collect();
    if what.is_empty() {
        return None;
    }
    let author = text(quoted, "author").map(|name| format!(" of {name}")).unwrap_or_default();
    let elsewhere = quoted.get("elsewhere").and_then(Value::as_bool) == Some(true);
    let elsewhere = if elsewhere { ", in another chat" } else { "" };
    let unseen = if what == ["a story"] { ", which cannot be seen" } else { "" };
    Some(format!("[in answer to {}{author}{elsewhere}{unseen}]", what.join(" ")))
}

fn url(link: &Value) -> Option<String> {
    let url = link.get("url")?.as_str()?;
    let is_web = ["http://", "https://"]
        .iter()
        .any(|scheme| url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
    (is_web && !url.contains(|c: char| c.is_whitespace() || c.is_control()))
        .then(|| url.chars().take(MAX_URL).collect())
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten().take(MAX_ITEMS)
}

fn text(value: &Value, name: &str) -> Option<String> {
    line(value.get(name)?.as_str()?)
}

/// On one line, truncated.
fn line(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line: String = words.join(" ").chars().take(MAX_WORDS).collect();
    (!line.is_empty()).then_some(line)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::wire::TurnFile;

    fn read(kind: &str, text: Option<&str>, data: Value) -> Option<String> {
        let text = text.map(str::to_owned);
        of(&TurnMessage { direction: "in".into(), kind: kind.into(), text, data, attachments: Vec::new() })
    }

    #[test]
    fn the_model_reads_what_a_person_sees() {
        for (kind, text, data, expected) in [
            (
                "text",
                Some("this one please, in red"),
                json!({ "quoted": { "text": "Canvas bag 40 l,\n35 EUR", "author": "Demo Shop", "kind": "text" } }),
                "[in answer to \"Canvas bag 40 l, 35 EUR\" of Demo Shop]\nthis one please, in red",
            ),
            (
                "text",
                Some("and this?"),
                json!({ "quoted": { "kind": "image", "elsewhere": true } }),
                "[in answer to a image, in another chat]\nand this?",
            ),
            (
                "text",
                Some("I mean this one"),
                json!({ "links": [{ "text": "this one", "url": "https://shop.example.com/p/8812" },
                    { "text": "me", "url": "javascript:alert(1)" }] }),
                "I mean this one\n[link: \"this one\" leads to https://shop.example.com/p/8812]",
            ),
            ("image", None, json!({ "forwarded_from": "Ana" }), "[forwarded from Ana]\n[image]"),
            (
                "text",
                Some("is it still there?"),
                json!({ "quoted": { "kind": "story" } }),
                "[in answer to a story, which cannot be seen]\nis it still there?",
            ),
            (
                "image",
                None,
                json!({ "story_mention": true }),
                "[mentions you in a story, which cannot be seen]",
            ),
            ("interactive", None, json!({ "label": "Yes, please", "payload": "y1" }), "Yes, please"),
            (
                "location",
                None,
                json!({ "latitude": 38.72, "longitude": -9.14, "title": "Cafe", "address": "1 Example St" }),
                "[location: 38.72, -9.14 (Cafe, 1 Example St)]",
            ),
            (
                "contacts",
                None,
                json!({ "contacts": [{ "name": "Bo", "phones": ["+15550100"] }, { "first_name": "Cy", "phone": "5550101" }] }),
                "[contact: Bo +15550100; Cy 5550101]",
            ),
            (
                "unsupported",
                None,
                json!({ "poll": { "question": "When?", "options": ["Mon", "Tue"] } }),
                "[poll: When? (Mon / Tue)]",
            ),
            ("unsupported", None, json!({ "dice": { "emoji": "🎲", "value": 4 } }), "[🎲 4]"),
        ] {
            assert_eq!(read(kind, text, data.clone()).as_deref(), Some(expected), "{data}");
        }
        assert_eq!(read("text", Some(" "), json!({ "quoted": { "text": "old" } })), None);
        assert_eq!(read("text", None, Value::Null), None);
    }

    #[test]
    fn a_file_that_nobody_can_see_is_told_as_such() {
        let file = |state: &str| TurnFile { state: state.into() };
        let image = |states: &[&str]| {
            let attachments = states.iter().map(|state| file(state)).collect();
            of(&TurnMessage { kind: "image".into(), attachments, ..TurnMessage::default() })
        };
        assert_eq!(image(&["failed"]).as_deref(), Some("[image, which cannot be seen]"));
        assert_eq!(image(&["failed", "ready"]).as_deref(), Some("[image]"));
    }
}
