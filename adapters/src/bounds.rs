//! What one body may become, so that a small one cannot become large: how many events, how much memory they take
//! together, how long the ids are that they are found by, how much of names, texts and details is kept.

use std::mem::size_of;

use serde_json::Value;

use crate::{Fields, Kind, MediaRef, words::one_line};

/// Events of one body. One more says [`TOO_MANY`] when there were more.
pub const MAX_EVENTS: usize = 1_000;

/// Bytes of an id as a provider writes it; the longest of today have about 100.
pub const MAX_ID_BYTES: usize = 256;

/// Bytes of a key of ours, which may hold two ids and a few words. PostgreSQL indexes nothing over 2,704 bytes, which
/// several keys may share.
pub const MAX_KEY_BYTES: usize = 2 * MAX_ID_BYTES + 64;

/// Why the rest of a body was left out.
pub const TOO_MANY: &str = "too_many_events";

/// Bytes that the events of one body take together, about. They hold again what stands only once in the body.
const MAX_WEIGHT: usize = 1024 * 1024;

/// And so many more for each byte of a body that holds many of them by its nature.
const FOR_A_BYTE: usize = 6;

/// Characters that are kept of a name, of a file's name and of its type.
const NAME: usize = 256;

/// Characters of a message. The longest that a person can send today has 65,536.
const MAX_TEXT: usize = 65_536;

/// Characters of a reaction; a family of emoji with all its joiners has about 20.
const MAX_EMOJI: usize = 64;

/// Characters of one text among an event's details, and bytes of all of them as JSON, about. Lists of messages and the
/// feed carry them.
const MAX_DETAIL: usize = 4_096;
const MAX_DETAILS_BYTES: usize = 64 * 1024;

/// Characters of a file name's ending that a cut leaves, with its dot.
const ENDING: usize = 16;

/// The events of a list in a body, one for each element as long as they are within the bounds; then one that says
/// that there were more. `shared`: bytes that each of them is given besides, after this.
pub(crate) fn events<'a, T>(
    list: &'a [T],
    shared: usize,
    mut one: impl FnMut(&'a T) -> Fields,
) -> Vec<Fields> {
    let mut events = Bounded::new(0);
    events.expect(list.len());
    for element in list {
        if !events.has_room() {
            break;
        }
        events.add(one(element), shared);
    }
    events.all
}

/// The events of a body that is read piece by piece.
pub(crate) struct Bounded {
    pub(crate) all: Vec<Fields>,
    weight: usize,
    most: usize,
}

impl Bounded {
    /// `body`: bytes of it, for what is in proportion to them.
    pub(crate) fn new(body: usize) -> Self {
        Self { all: Vec::new(), weight: 0, most: MAX_WEIGHT + FOR_A_BYTE * body }
    }

    /// So many more may come: growing by doubling would take twice their memory.
    pub(crate) fn expect(&mut self, more: usize) {
        let room = (MAX_EVENTS + 1).saturating_sub(self.all.len());
        self.all.reserve_exact(more.min(room) + 1);
    }

    /// Whether another event may follow. When not, the last one says so.
    pub(crate) fn has_room(&mut self) -> bool {
        let is_full = self.all.len() > MAX_EVENTS;
        if !is_full && (self.all.len() == MAX_EVENTS || self.weight > self.most) {
            self.all.push(Fields::ignored(TOO_MANY));
            self.weight = usize::MAX;
            self.most = 0;
            return false;
        }
        !is_full && self.weight <= self.most
    }

    /// `shared`: bytes that the event is given besides, after this.
    pub(crate) fn add(&mut self, event: Fields, shared: usize) {
        self.weight += shared + weigh(&event);
        self.all.push(event);
    }
}

/// What an event takes, about.
fn weigh(event: &Fields) -> usize {
    let texts = keys(event)
        .chain([&event.text, &event.contact_name, &event.chat_title, &event.thread_title, &event.emoji])
        .flatten();
    let data = if event.data.is_empty() { 0 } else { 700 };
    let values: usize = event.data.values().map(weigh_value).sum();
    size_of::<Fields>() + texts.map(|text| text.len() + 16).sum::<usize>() + data + values
}

/// What a value takes beside its own place, about. A small object takes as much as one of eleven members.
fn weigh_value(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() + 16,
        Value::Array(list) => list.iter().map(|one| size_of::<Value>() + weigh_value(one)).sum(),
        Value::Object(members) if members.is_empty() => 0,
        Value::Object(members) => {
            let each = members.iter().map(|(name, one)| name.len() + 16 + weigh_value(one));
            700 + 64 * members.len().saturating_sub(11) + each.sum::<usize>()
        }
        _ => 0,
    }
}

/// What an event is found by, stored under and compared with.
fn keys(event: &Fields) -> impl Iterator<Item = &Option<String>> {
    [
        &event.external_message_id,
        &event.dedupe_key,
        &event.external_account_id,
        &event.external_conversation_id,
        &event.thread,
        &event.contact_handle,
        &event.external_contact_id,
        &event.alternate_contact_id,
        &event.contact_phone,
        &event.reply_to,
        &event.target_message_id,
        &event.state,
        &event.message_key,
        &event.target_key,
        &event.reply_key,
        &event.update_key,
    ]
    .into_iter()
}

/// The last look at what an adapter made of a body: an event with a key that no provider writes is malformed, names
/// become lines that show what they are, and what is longer than anybody writes is cut.
pub(crate) fn kept(mut events: Vec<Fields>) -> Vec<Fields> {
    for event in &mut events {
        if keys(event).flatten().any(|key| key.len() > MAX_KEY_BYTES) {
            *event = Fields::ignored("malformed");
        }
        let names = [
            &mut event.contact_name,
            &mut event.chat_title,
            &mut event.thread_title,
            &mut event.contact_handle,
        ];
        for name in names {
            *name = name.take().and_then(|name| one_line(&name, NAME));
        }
        if let Some(text) = &mut event.text {
            cut(text, MAX_TEXT);
        }
        if let Some(emoji) = &mut event.emoji {
            cut(emoji, MAX_EMOJI);
        }
        event.media.iter_mut().for_each(limit_file);
        limit_details(event);
        debug_assert!(event.kind != Kind::Ignored || event.reason.is_some(), "what is ignored has a reason");
    }
    events
}

/// A name of an answer, as names of bodies are kept.
pub(crate) fn name(name: &str) -> Option<String> {
    one_line(name, NAME)
}

/// A file's name as it is kept: one line that shows what it is, and no path.
pub fn plain_file_name(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).find(|part| !matches!(*part, "" | "." | ".."))?;
    file_name(last)
}

fn limit_file(file: &mut MediaRef) {
    file.name = file.name.take().and_then(|name| file_name(&name));
    file.mime = file.mime.take().and_then(|mime| one_line(&mime, NAME));
}

/// A cut goes before the ending: it says what opens the file.
fn file_name(name: &str) -> Option<String> {
    let name = one_line(name, usize::MAX)?;
    if name.chars().count() <= NAME {
        return Some(name);
    }
    let ending = name.rfind('.').map(|dot| &name[dot..]).filter(|ending| ending.chars().count() <= ENDING);
    let mut short: String = name.chars().take(NAME - 1 - ending.map_or(0, |it| it.chars().count())).collect();
    short.push('…');
    short.push_str(ending.unwrap_or_default());
    Some(short)
}

fn limit_details(event: &mut Fields) {
    if let Some(Value::String(name)) = event.data.get_mut("filename") {
        *name = file_name(name).unwrap_or_default();
    }
    event.data.values_mut().for_each(cut_texts);
    // Usual details are far below: this looks once and ends.
    while event.data.values().map(detail_bytes).sum::<usize>() > MAX_DETAILS_BYTES {
        let heaviest = event.data.iter().max_by_key(|(_, value)| detail_bytes(value));
        let Some(heaviest) = heaviest.map(|(name, _)| name.clone()) else { break };
        event.data.remove(&heaviest);
    }
}

fn cut_texts(value: &mut Value) {
    match value {
        Value::String(text) => cut(text, MAX_DETAIL),
        Value::Array(list) => list.iter_mut().for_each(cut_texts),
        Value::Object(members) => members.values_mut().for_each(cut_texts),
        _ => {}
    }
}

fn detail_bytes(value: &Value) -> usize {
    const VALUE: usize = 8;
    VALUE
        + match value {
            Value::String(text) => text.len(),
            Value::Array(list) => list.iter().map(detail_bytes).sum(),
            Value::Object(members) => members.iter().map(|(name, one)| name.len() + detail_bytes(one)).sum(),
            _ => 0,
        }
}

/// At most so many characters, the last of them saying that there were more.
fn cut(text: &mut String, most: usize) {
    // As many characters take at least as many bytes.
    if text.len() > most && text.char_indices().nth(most).is_some() {
        let end = text.char_indices().nth(most - 1).map_or(0, |(end, _)| end);
        text.truncate(end);
        text.push('…');
        text.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn deleted(id: &Value) -> Fields {
        let mut event = Fields::new(Kind::Deleted);
        event.target_key = Some(format!("1:{id}"));
        event
    }

    #[test]
    fn what_is_over_the_bound_is_told_by_one_event() {
        let list: Vec<_> = (0..=MAX_EVENTS).map(|n| json!(n)).collect();
        let all = events(&list[..200], 0, deleted);
        assert!(all.len() == 200 && all.iter().all(|event| event.kind == Kind::Deleted));
        let cut = events(&list, 0, deleted);
        assert_eq!(cut.len(), MAX_EVENTS + 1);
        assert_eq!(cut.last().and_then(|event| event.reason.as_deref()), Some(TOO_MANY));
        let heavy = events(&list, 10_000, deleted);
        assert!(heavy.len() < 110, "{}", heavy.len());
        assert_eq!(heavy.last().and_then(|event| event.reason.as_deref()), Some(TOO_MANY));
    }

    #[test]
    fn a_key_that_no_provider_writes_makes_its_event_malformed() {
        let mut long = deleted(&json!(1));
        long.target_key = Some("x".repeat(MAX_KEY_BYTES + 1));
        let mut named = Fields::new(Kind::Text);
        named.contact_name = Some("é".repeat(5_000));
        named.thread_title = named.contact_name.clone();
        let kept = kept(vec![long, deleted(&json!(2)), named]);
        assert_eq!(kept[0].reason.as_deref(), Some("malformed"));
        assert_eq!(kept[1], deleted(&json!(2)));
        for name in [&kept[2].contact_name, &kept[2].thread_title] {
            assert_eq!(name.as_ref().map(|name| name.chars().count()), Some(NAME));
        }
    }

    fn file(name: &str) -> MediaRef {
        let (kind, state) = (crate::MediaKind::Document, crate::MediaState::Ready);
        MediaRef { kind, mime: None, name: Some(name.to_owned()), size: None, state, reference: Value::Null }
    }

    #[test]
    fn names_are_lines_that_show_what_they_are() {
        let mut event = Fields::new(Kind::Document);
        event.contact_name = Some("Ann\u{202e}\n\u{7}  Lee\u{2066}".to_owned());
        event.chat_title = Some("\u{202e}\u{200b}\n".to_owned());
        event.attach(file("invoice\u{202e}fdp.exe"));
        event.attach(file(&format!("{}.pdf", "n".repeat(300_000))));
        let event = kept(vec![event]).remove(0);
        assert_eq!(event.contact_name.as_deref(), Some("Ann Lee"));
        assert_eq!(event.chat_title, None, "nothing of it can be seen");
        assert_eq!(event.media[0].name.as_deref(), Some("invoicefdp.exe"));
        let long = event.media[1].name.as_deref().unwrap();
        assert!(long.chars().count() == NAME && long.ends_with("n….pdf"), "{long}");
        assert_eq!(event.data["filename"], long);
    }

    #[test]
    fn what_is_longer_than_anybody_writes_is_cut() {
        let mut event = Fields::new(Kind::Text);
        event.text = Some("é".repeat(MAX_TEXT));
        let usual = kept(vec![event.clone()]).remove(0);
        assert_eq!(usual.text, event.text);
        event.text = Some("é".repeat(MAX_TEXT + 1));
        event.chat_title = Some("t".repeat(900_000));
        event.emoji = Some("e".repeat(900_000));
        event.set("payload", "p".repeat(900_000));
        event.set("contacts", json!([{ "name": "c".repeat(900_000) }]));
        event.set("emojis", vec!["emoji"; 50_000]);
        let event = kept(vec![event]).remove(0);
        let text = event.text.as_deref().unwrap();
        assert!(text.chars().count() == MAX_TEXT && text.ends_with('…'));
        assert_eq!(event.emoji.map(|emoji| emoji.chars().count()), Some(MAX_EMOJI));
        assert_eq!(event.chat_title.map(|title| title.chars().count()), Some(NAME));
        assert_eq!(event.data["payload"].as_str().map(|text| text.chars().count()), Some(MAX_DETAIL));
        assert_eq!(
            event.data["contacts"][0]["name"].as_str().map(|text| text.chars().count()),
            Some(MAX_DETAIL)
        );
        assert!(!event.data.contains_key("emojis"), "the heaviest detail leaves when all are too heavy");
    }
}
