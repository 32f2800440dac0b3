//! A body of Meta's in pieces: every change and every element of `messaging` by itself, as it stands there. Meta sends up
//! to a thousand of them at once, of several accounts; read as one they would take more memory than a body may.
//! Nothing is judged here but the shape around the pieces.

use std::{
    borrow::Cow,
    fmt::{self, Write as _},
};

use serde::de::{Deserializer as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::NotJson;

/// Elements of one list that stay together in a change.
const TOGETHER: usize = 50;

/// Elements of a list, and pieces, that are looked at. Meta sends a thousand at most.
const MOST: usize = 3_000;

/// How much longer a change may become by that.
const MOST_TIMES: usize = 4;

/// Lists of an entry whose elements are pieces.
const OF_ENTRY: &[&str] = &["changes", "messaging", "standby"];
/// Lists of a change's value that may be long.
const OF_VALUE: &[&str] = &["messages", "message_echoes", "statuses", "errors"];

/// One element of an entry's list, or an entry without any.
pub(crate) struct Piece<'a> {
    /// Which of the body's entries it is of.
    pub entry: usize,
    pub id: Option<&'a RawValue>,
    time: Option<&'a RawValue>,
    /// Where it stands; nothing: it is the entry itself.
    pub list: Option<&'static str>,
    pub text: Cow<'a, str>,
    /// Things that it tells, about.
    pub size: usize,
}

/// The pieces of a body, in its order; the object that it is about is told apart.
pub(crate) struct Pieces<'a> {
    pub object: String,
    /// Nothing: there is no list of entries.
    pub all: Option<Vec<Piece<'a>>>,
    /// There were more than are looked at.
    pub is_cut: bool,
}

pub(crate) fn pieces(body: &[u8]) -> Result<Pieces<'_>, NotJson> {
    let whole: &RawValue = serde_json::from_slice(body).map_err(|error| NotJson(error.to_string()))?;
    let members = members(whole);
    let object = member(&members, "object").and_then(|object| serde_json::from_str(object.get()).ok());
    let entries = member(&members, "entry").and_then(elements);
    let mut is_cut = entries.as_ref().is_some_and(|entries| entries.len() == MOST);
    let all = entries.map(|entries| {
        let mut all = Vec::new();
        for (at, entry) in entries.into_iter().enumerate() {
            is_cut |= !of_entry(at, entry, &mut all);
        }
        all
    });
    Ok(Pieces { object: object.unwrap_or_default(), all, is_cut })
}

/// Whether all of the entry was looked at.
fn of_entry<'a>(at: usize, entry: &'a RawValue, into: &mut Vec<Piece<'a>>) -> bool {
    if into.len() >= MOST {
        return false;
    }
    let mut is_whole = true;
    let members = members(entry);
    let (id, time) = (member(&members, "id"), member(&members, "time"));
    let before = into.len();
    for list in OF_ENTRY {
        let elements = member(&members, list).and_then(elements).unwrap_or_default();
        is_whole &= elements.len() < MOST;
        for element in elements {
            let piece = |text, size| Piece { entry: at, id, time, list: Some(list), text, size };
            if *list != "changes" || element.get().len() < 100 * TOGETHER {
                into.push(piece(Cow::Borrowed(element.get()), 1));
                continue;
            }
            into.extend(split(element).into_iter().map(|(text, size)| piece(text, size)));
        }
    }
    if into.len() == before {
        into.push(Piece { entry: at, id, time, list: None, text: Cow::Borrowed(entry.get()), size: 1 });
    }
    is_whole
}

/// A change with long lists as several, each with the rest of the value.
fn split(change: &RawValue) -> Vec<(Cow<'_, str>, usize)> {
    let members = members(change);
    let value = member(&members, "value").map(self::members).unwrap_or_default();
    if let Some(chunks) = member(&value, "history").and_then(elements) {
        return history(change, &members, &value, &chunks);
    }
    let lists: Vec<_> =
        OF_VALUE.iter().filter_map(|name| Some((*name, member(&value, name).and_then(elements)?))).collect();
    let size: usize = lists.iter().map(|(_, list)| list.len()).sum();
    if size <= TOGETHER {
        return vec![(Cow::Borrowed(change.get()), size.max(1))];
    }
    let field = member(&members, "field").map_or("null", RawValue::get);
    let mut rest = String::new();
    for (name, raw) in value.iter().filter(|(name, _)| !OF_VALUE.contains(&name.as_ref())) {
        let _ = write!(rest, "{}:{},", serde_json::Value::from(name.as_ref()), raw.get());
    }
    // The rest stands in each of them: few parts where it is long.
    let most = (MOST_TIMES * change.get().len() / rest.len().max(1)).max(1);
    let together = TOGETHER.max(size.div_ceil(most));
    let mut parts = Vec::new();
    for (name, list) in lists {
        for some in list.chunks(together) {
            let some: Vec<_> = some.iter().map(|raw| raw.get()).collect();
            let text = format!(r#"{{"field":{field},"value":{{{rest}"{name}":[{}]}}}}"#, some.join(","));
            parts.push((Cow::Owned(text), some.len()));
        }
    }
    parts
}

/// A change of the history as several: some messages of one thread in each.
fn history<'a>(
    change: &'a RawValue,
    members: &Members<'a>,
    value: &Members<'a>,
    chunks: &[&'a RawValue],
) -> Vec<(Cow<'a, str>, usize)> {
    let field = member(members, "field").map_or("null", RawValue::get);
    let mut rest = String::new();
    for (name, raw) in value.iter().filter(|(name, _)| name != "history") {
        let _ = write!(rest, "{}:{},", serde_json::Value::from(name.as_ref()), raw.get());
    }
    let mut parts = Vec::new();
    let mut add = |chunk: &str, size| {
        let text = format!(r#"{{"field":{field},"value":{{{rest}"history":[{chunk}]}}}}"#);
        parts.push((Cow::Owned(text), size));
    };
    for chunk in chunks {
        let Some(threads) = member(&self::members(chunk), "threads").and_then(elements) else {
            add(chunk.get(), 1);
            continue;
        };
        for thread in threads {
            let thread = self::members(thread);
            let id = member(&thread, "id").map_or("null", RawValue::get);
            let messages = member(&thread, "messages").and_then(elements).unwrap_or_default();
            for some in messages.chunks(TOGETHER) {
                let texts: Vec<_> = some.iter().map(|raw| raw.get()).collect();
                let texts = texts.join(",");
                add(&format!(r#"{{"threads":[{{"id":{id},"messages":[{texts}]}}]}}"#), some.len());
            }
        }
    }
    // The rest stands in each of them.
    if parts.is_empty() || rest.len() * parts.len() > MOST_TIMES * change.get().len() {
        return vec![(Cow::Borrowed(change.get()), 1)];
    }
    parts
}

/// A body that holds these pieces and nothing else.
pub(crate) fn body<'a>(object: &str, pieces: impl IntoIterator<Item = &'a Piece<'a>>) -> String {
    let mut body = format!(r#"{{"object":{},"entry":["#, serde_json::Value::from(object));
    let (mut entry, mut list) = (None, None);
    for piece in pieces {
        if piece.list.is_none() || entry != Some(piece.entry) {
            if entry.is_some() {
                body.push_str(if list.is_some() { "]}," } else { "," });
            }
            entry = Some(piece.entry);
            list = None;
            let Some(name) = piece.list else {
                body.push_str(&piece.text);
                continue;
            };
            body.push('{');
            for (name, raw) in [("id", piece.id), ("time", piece.time)] {
                if let Some(raw) = raw {
                    let _ = write!(body, r#""{name}":{},"#, raw.get());
                }
            }
            let _ = write!(body, r#""{name}":["#);
        } else if list != piece.list {
            let _ = write!(body, r#"],"{}":["#, piece.list.unwrap_or_default());
        } else {
            body.push(',');
        }
        list = piece.list;
        body.push_str(&piece.text);
    }
    body.push_str(if list.is_some() { "]}]}" } else { "]}" });
    body
}

pub(crate) type Members<'a> = Vec<(Cow<'a, str>, &'a RawValue)>;

pub(crate) fn member<'a>(members: &Members<'a>, name: &str) -> Option<&'a RawValue> {
    // Of two members of a name, the last one counts, as everywhere.
    members.iter().rev().find(|(known, _)| known == name).map(|(_, raw)| *raw)
}

/// The members of an object; none of anything else.
pub(crate) fn members(raw: &RawValue) -> Members<'_> {
    struct Object;

    impl<'de> Visitor<'de> for Object {
        type Value = Members<'de>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut members = Vec::new();
            while members.len() < crate::tree::MAX_MEMBERS {
                let Some(crate::tree::Key(name)) = map.next_key()? else { return Ok(members) };
                members.push((name, map.next_value()?));
            }
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok(members)
        }
    }

    let mut text = serde_json::Deserializer::from_str(raw.get());
    text.deserialize_map(Object).unwrap_or_default()
}

/// The elements of a list, up to [`MOST`]; nothing for anything else.
fn elements(raw: &RawValue) -> Option<Vec<&RawValue>> {
    struct List;

    impl<'de> Visitor<'de> for List {
        type Value = Vec<&'de RawValue>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut elements = Vec::new();
            while elements.len() < MOST {
                let Some(element) = list.next_element()? else { return Ok(elements) };
                elements.push(element);
            }
            while list.next_element::<IgnoredAny>()?.is_some() {}
            Ok(elements)
        }
    }

    serde_json::Deserializer::from_str(raw.get()).deserialize_seq(List).ok()
}
