//! One body to events. Pure; the message's id (`wamid…`) is its identity, and nothing names a delivery.

use serde_json::Value;

use super::{
    account, message, status,
    wire::{self, Item, Part},
};
use crate::{Context, Fields, Kind, NotJson, bounds, json};

pub(super) fn parse(body: &[u8], context: &Context) -> Result<Vec<Fields>, NotJson> {
    let document = json::document(body)?;
    match document.get("object").and_then(Value::as_str) {
        Some(wire::OBJECT) => {}
        Some(_) => return Ok(vec![Fields::ignored("other_object")]),
        None => return Ok(vec![malformed()]),
    }
    let changes = wire::changes(&document);
    let mut items: Vec<Option<Item<'_>>> = Vec::new();
    for change in &changes {
        let mut found = Vec::new();
        match change {
            Some(change) if !is_ours(change, context) => {
                let part = Part::Nothing("unknown_account");
                found.push(Item { change, part, value: change.value, why: None, thread: None });
            }
            Some(change) => wire::items(change, &mut found),
            None => items.push(None),
        }
        items.extend(found.into_iter().map(Some));
        if items.len() > bounds::MAX_EVENTS {
            break;
        }
    }
    let mut events = bounds::events(&items, 0, |item| item.as_ref().map_or_else(malformed, one));
    // What nobody can read is told once, however often it stands there.
    events.dedup_by(|event, before| event.kind == Kind::Ignored && event == before);
    if events.is_empty() {
        events.push(Fields::ignored("empty"));
    }
    Ok(events)
}

fn malformed() -> Fields {
    Fields::ignored("malformed")
}

/// Where the connected numbers are known, what is of another one is not ours to read.
fn is_ours(change: &wire::Change<'_>, context: &Context) -> bool {
    let Some(known) = &context.known_phone_number_ids else { return true };
    let Some(number) = &change.number else { return true };
    known.iter().filter_map(json::id).any(|known| known == *number)
}

fn one(item: &Item<'_>) -> Fields {
    let event = match item.part {
        Part::Message => message::read(item),
        Part::Echo => message::echo(item),
        Part::Status => status::read(item.value),
        Part::Error => account::error(item.value),
        Part::Preference => account::preference(item.value),
        Part::Call => account::call(item.value),
        Part::Whole => Some(account::whole(item.change)),
        Part::Nothing(reason) => Some(Fields::ignored(reason)),
    };
    let mut event = event.unwrap_or_else(malformed);
    if event.kind != Kind::Ignored {
        event.external_account_id = item.change.number.clone().or_else(|| item.change.account.clone());
        event.told_ms = item.change.told_ms;
    }
    event
}
