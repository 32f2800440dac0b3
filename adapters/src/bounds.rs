//! What one body may become, so that a small one cannot become large: how many events, how much memory they take
//! together, how long the ids are that they are found by.

use std::mem::size_of;

use serde_json::Value;

use crate::{Fields, Kind};

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

/// Characters of a name that are kept.
const NAME: usize = 256;

/// The events of a list in a body, one for each element as long as they are within the bounds; then one that says
/// that there were more. `shared`: bytes that each of them is given besides, after this.
pub(crate) fn events<'a>(
    list: &'a [Value],
    shared: usize,
    mut one: impl FnMut(&'a Value) -> Fields,
) -> Vec<Fields> {
    let mut events = Vec::with_capacity(list.len().min(MAX_EVENTS) + 1);
    let mut weight = 0;
    for element in list {
        if events.len() == MAX_EVENTS || weight > MAX_WEIGHT {
            events.push(Fields::ignored(TOO_MANY));
            break;
        }
        let event = one(element);
        weight += shared + weigh(&event);
        events.push(event);
    }
    events
}

/// What an event takes, about.
fn weigh(event: &Fields) -> usize {
    let texts = keys(event)
        .chain([&event.text, &event.contact_name, &event.chat_title, &event.thread_title, &event.emoji])
        .flatten();
    let data = if event.data.is_empty() { 0 } else { 700 };
    let values: usize = event.data.values().filter_map(Value::as_str).map(str::len).sum();
    size_of::<Fields>() + texts.map(|text| text.len() + 16).sum::<usize>() + data + values
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

/// The last look at what an adapter made of a body: an event with a key that no provider writes is malformed, and a
/// name is cut.
pub(crate) fn kept(mut events: Vec<Fields>) -> Vec<Fields> {
    for event in &mut events {
        if keys(event).flatten().any(|key| key.len() > MAX_KEY_BYTES) {
            *event = Fields::ignored("malformed");
        }
        let names = [&mut event.contact_name, &mut event.chat_title, &mut event.thread_title];
        for name in names.into_iter().flatten() {
            cut(name);
        }
        debug_assert!(event.kind != Kind::Ignored || event.reason.is_some(), "what is ignored has a reason");
    }
    events
}

fn cut(name: &mut String) {
    if let Some((end, _)) = name.char_indices().nth(NAME) {
        name.truncate(end);
        name.shrink_to_fit();
    }
}

/// A name of an answer, as long as names are kept.
pub(crate) fn name(mut name: String) -> String {
    cut(&mut name);
    name
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
}
