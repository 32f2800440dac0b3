//! Applies a change to a message, except for its files. Pure.

use serde_json::{Map, Value};

use super::{Edit, MessageChange};
use crate::model::{Message, MessageKind, Reaction};

/// Data that edits do not repeat, and the message keeps.
const KEPT: [&str; 4] = ["automatic", "no_answer", "quoted", "forwarded_from"];

/// Applies an edit to the kind, text and data. `false` if nothing changed.
///
/// An edit with a kind contains the whole message, one without only the changed fields. A missing field is kept, except
/// the caption of a whole message, which was removed.
pub(super) fn edit(message: &mut Message, edit: &Edit) -> bool {
    let before = (message.kind, message.text.clone(), message.data.clone());
    if let Some(kind) = edit.content {
        let files_stay = edit.files.is_empty() && !message.attachments.is_empty();
        if !files_stay {
            message.kind = kind;
        }
    }
    let no_caption =
        edit.content.is_some_and(|kind| kind != MessageKind::Text) && message.kind != MessageKind::Text;
    if edit.text.is_some() || no_caption {
        message.text.clone_from(&edit.text);
    }
    let old = match message.data.take() {
        Some(Value::Object(old)) => old,
        _ => Map::new(),
    };
    let mut data = edit.data.clone();
    for (name, value) in old {
        if (edit.content.is_none() || KEPT.contains(&name.as_str())) && !data.contains_key(&name) {
            data.insert(name, value);
        }
    }
    message.data = (!data.is_empty()).then_some(Value::Object(data));
    before != (message.kind, message.text.clone(), message.data.clone())
}

/// Whether the edit is an update of a live location, which is not shown as edited.
pub(super) fn only_moves(message: &Message, edit: &Edit) -> bool {
    message.kind == MessageKind::Location && edit.content == Some(MessageKind::Location)
}

/// Merges the reactions that a person left under other ids into `by`; the last one stays. `false` if there are none.
pub(super) fn join(message: &mut Message, by: &str, others: &[String]) -> bool {
    let mine = |reaction: &Reaction| reaction.by == by || others.contains(&reaction.by);
    if !message.reactions.iter().any(|reaction| others.contains(&reaction.by)) {
        return false;
    }
    let last = message.reactions.iter().rposition(mine);
    let mut at = 0..;
    message.reactions.retain(|reaction| at.next() == last || !mine(reaction));
    for reaction in message.reactions.iter_mut().filter(|reaction| mine(reaction)) {
        by.clone_into(&mut reaction.by);
    }
    true
}

/// Sets or removes a person's single reaction. `false` if nothing changed.
pub(super) fn react(message: &mut Message, change: &MessageChange) -> bool {
    let MessageChange::Reacted { by, emoji, custom, .. } = change else { return false };
    let before = message.reactions.clone();
    let mine = message.reactions.iter().position(|reaction| reaction.by == *by);
    let new =
        emoji.as_ref().map(|emoji| Reaction { by: by.clone(), emoji: emoji.clone(), custom: custom.clone() });
    match (mine, new) {
        (Some(at), Some(new)) => message.reactions[at] = new,
        (None, Some(new)) => message.reactions.push(new),
        (Some(at), None) => drop(message.reactions.remove(at)),
        (None, None) => {}
    }
    before != message.reactions
}
