//! Tests of the pure parts.

use serde_json::json;

use super::*;
use crate::model::{Attachment, AttachmentState, Author, AuthorKind, Direction, Reaction};

fn message() -> Message {
    Message {
        id: Uuid::nil(),
        conversation: Uuid::nil(),
        seq: 1,
        direction: Direction::In,
        kind: MessageKind::Text,
        text: Some("first".into()),
        author: Author { kind: AuthorKind::Customer, id: None, name: None },
        client_id: None,
        reply_to: None,
        attachments: vec![],
        reactions: vec![],
        status: MessageStatus::Received,
        error: None,
        edited_at: None,
        deleted_at: None,
        provider_at: None,
        created_at: 0,
        turn: None,
        data: None,
    }
}

fn file() -> Attachment {
    Attachment {
        id: Uuid::nil(),
        kind: "image".into(),
        mime: None,
        name: None,
        size: None,
        state: AttachmentState::Ready,
        error: None,
        url: None,
        width: None,
        height: None,
        thumbnail: false,
    }
}

fn data(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(data) => data,
        _ => Map::new(),
    }
}

#[test]
fn an_edit_changes_the_whole_message() {
    let mut changed = message();
    let place = Edit {
        content: Some(MessageKind::Location),
        data: data(json!({"latitude": 52.5, "longitude": 13.4})),
        ..Edit::default()
    };
    assert!(apply::edit(&mut changed, &place));
    assert_eq!((changed.kind, changed.text.as_deref()), (MessageKind::Location, None));
    assert_eq!(changed.data, Some(json!({"latitude": 52.5, "longitude": 13.4})));
    assert!(!apply::edit(&mut changed, &place), "the same again is nothing");
    assert!(apply::only_moves(&changed, &place) && !apply::only_moves(&message(), &place));
}

#[test]
fn what_an_edit_has_no_value_for_was_not_removed() {
    let mut picture = Message {
        kind: MessageKind::Image,
        attachments: vec![file()],
        data: Some(json!({"quoted": {"text": "q"}, "filename": "a.jpg"})),
        ..message()
    };
    // An edit of the caption, without the file.
    let caption = Edit { content: Some(MessageKind::Text), text: Some("second".into()), ..Edit::default() };
    assert!(apply::edit(&mut picture, &caption));
    assert_eq!((picture.kind, picture.text.as_deref()), (MessageKind::Image, Some("second")));
    assert_eq!(picture.data, Some(json!({"quoted": {"text": "q"}})));
    // An edit with only the changed fields.
    let entities = Edit { data: data(json!({"links": []})), ..Edit::default() };
    assert!(apply::edit(&mut picture, &entities));
    assert_eq!(picture.text.as_deref(), Some("second"));
    assert_eq!(picture.data, Some(json!({"quoted": {"text": "q"}, "links": []})));
    // A whole picture without a caption has none any more; a text never becomes nothing.
    let bare = Edit { content: Some(MessageKind::Image), ..Edit::default() };
    assert!(apply::edit(&mut picture, &bare));
    assert_eq!(picture.text, None);
    let mut text = message();
    assert!(!apply::edit(&mut text, &Edit { content: Some(MessageKind::Text), ..Edit::default() }));
    assert_eq!(text.text.as_deref(), Some("first"));
}

#[test]
fn a_person_has_one_reaction_at_a_time_and_others_theirs() {
    let mut liked = message();
    let react = |by: &str, emoji: Option<&str>| MessageChange::Reacted {
        also: None,
        by: by.into(),
        emoji: emoji.map(str::to_owned),
        custom: None,
    };
    assert!(apply::react(&mut liked, &react("customer", Some("👍"))));
    assert!(!apply::react(&mut liked, &react("customer", Some("👍"))));
    assert!(apply::react(&mut liked, &react("us", Some("👍"))));
    assert!(apply::react(&mut liked, &react("customer", Some("❤"))));
    assert_eq!(liked.reactions.len(), 2);
    assert!(apply::react(&mut liked, &react("customer", None)));
    assert!(!apply::react(&mut liked, &react("customer", None)));
    assert_eq!(liked.reactions.len(), 1);
}

#[test]
fn what_an_older_version_kept_waiting_is_still_understood() {
    let read = |text: &str| serde_json::from_str::<TimedChange>(text).unwrap();
    let edited = read(r#"{"kind":"edited","text":"second","at":7}"#);
    let edit = Edit { text: Some("second".into()), ..Edit::default() };
    let change = MessageChange::Edited(edit);
    assert_eq!(edited, TimedChange { at: Some(7), place: None, key: String::new(), change });
    assert_eq!(read(r#"{"kind":"deleted","at":7}"#).change, MessageChange::Deleted);
    let reacted = read(r#"{"kind":"reacted","by":"us","emoji":null}"#);
    assert_eq!((reacted.at, reacted.key.as_str()), (None, ""));
    let status = r#"{"kind":"status","status":"read","error":null}"#;
    assert_eq!(read(status).change, MessageChange::Status { status: MessageStatus::Read, error: None });
    let again = serde_json::to_string(&edited).unwrap();
    assert_eq!(read(&again), edited);
}

#[test]
fn a_person_has_one_reaction_under_all_ids() {
    let reaction = |by: &str, emoji: &str| Reaction { by: by.into(), emoji: emoji.into(), custom: None };
    let mut message = message();
    message.reactions = vec![reaction("hidden", "👍"), reaction("other", "🔥"), reaction("phone", "❤")];
    assert!(!apply::join(&mut message, "phone", &["stranger".into()]));
    assert!(apply::join(&mut message, "phone", &["hidden".into()]));
    assert_eq!(message.reactions, [reaction("other", "🔥"), reaction("phone", "❤")]);
    assert!(apply::join(&mut message, "hidden", &["phone".into()]));
    assert_eq!(message.reactions, [reaction("other", "🔥"), reaction("hidden", "❤")]);
}
