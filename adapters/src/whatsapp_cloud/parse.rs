//! One body to events. Pure; the message's id (`wamid…`) is its identity, and nothing names a delivery.

use serde_json::Value;

use super::{
    account, message, status,
    wire::{self, Item, Part},
};
use crate::{
    Context, Fields, Kind, NotJson,
    bounds::Bounded,
    json,
    meta::pieces::{self, Piece},
};

/// Bodies up to this size, and with as few updates as they then have, are read as one.
const AT_ONCE: usize = 32 * 1024;
/// Updates of a larger one that are read together.
const TOGETHER: usize = 50;

pub(super) fn parse(body: &[u8], context: &Context) -> Result<Vec<Fields>, NotJson> {
    let mut events = Bounded::new(body.len());
    match if body.len() <= AT_ONCE { read(body, context, &mut events) } else { Err(NotJson(String::new())) } {
        Ok(()) => {}
        Err(_) => pieces(body, context, &mut events)?,
    }
    let mut events = events.all;
    // What nobody can read is told once, however often it stands there.
    events.dedup_by(|event, before| event.kind == Kind::Ignored && event == before);
    Ok(events)
}

/// A large body in portions, as its updates are many: one that cannot be read costs none of the others.
fn pieces(body: &[u8], context: &Context, events: &mut Bounded) -> Result<(), NotJson> {
    let pieces::Pieces { object, all, .. } = pieces::pieces(body)?;
    let Some(all) = all.filter(|_| object == wire::OBJECT) else { return read(body, context, events) };
    let mut rest = all.as_slice();
    while !rest.is_empty() && events.has_room() {
        let mut size = 0;
        let fits = |piece: &&Piece<'_>| {
            size += piece.size;
            size <= TOGETHER
        };
        let (some, more) = rest.split_at(rest.iter().take_while(fits).count().max(1));
        rest = more;
        if read(pieces::body(&object, some).as_bytes(), context, events).is_ok() {
            continue;
        }
        for piece in some {
            if read(pieces::body(&object, [piece]).as_bytes(), context, events).is_err() {
                events.add(malformed(), 0);
            }
        }
    }
    Ok(())
}

fn read(body: &[u8], context: &Context, events: &mut Bounded) -> Result<(), NotJson> {
    let document = json::document(body)?;
    match document.get("object").and_then(Value::as_str) {
        Some(wire::OBJECT) => {}
        Some(_) => {
            events.add(Fields::ignored("other_object"), 0);
            return Ok(());
        }
        None => {
            events.add(malformed(), 0);
            return Ok(());
        }
    }
    let changes = wire::changes(&document);
    if changes.is_empty() {
        events.add(Fields::ignored("empty"), 0);
    }
    let mut items = Vec::new();
    for change in &changes {
        items.clear();
        match change {
            Some(change) if is_ours(change, context) => wire::items(change, &mut items),
            _ if !events.has_room() => return Ok(()),
            Some(_) => events.add(Fields::ignored("unknown_account"), 0),
            None => events.add(malformed(), 0),
        }
        if items.len() > TOGETHER {
            events.expect(items.len());
        }
        for item in &items {
            if !events.has_room() {
                return Ok(());
            }
            events.add(one(item), 0);
        }
    }
    Ok(())
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
