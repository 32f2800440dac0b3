//! The bodies of `tests/cases` at the root, which the whole server is tried on there: here, what the adapters alone
//! make of them.

use std::{fs, path::Path};

use adapters::{Context, Fields, Kind, Origin, provider};
use serde_json::{Value, json};

/// The events of all bodies of a case, in its order.
fn events(case: &str) -> Vec<Fields> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cases").join(case).with_extension("json");
    let case: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let mut events = Vec::new();
    for step in case["steps"].as_array().unwrap() {
        for name in ["telegram", "waha"] {
            if let Some(body) = step.get(name) {
                let parsed = provider(name).unwrap().fields(body.to_string().as_bytes(), &Context::default());
                events.extend(parsed.unwrap());
            }
        }
    }
    events
}

#[test]
fn every_shared_body_is_read_right() {
    let technical = events("waha-technical-messages");
    assert_eq!(technical.len(), 5);
    assert!(technical.iter().all(|event| event.kind == Kind::Ignored && event.reason.is_some()));

    let edits = events("waha-second-edit");
    assert_eq!(
        edits[1].timestamp_ms.zip(edits[2].timestamp_ms),
        Some((1_794_312_005_000, 1_794_312_009_000))
    );
    assert_eq!(edits[2].text.as_deref(), Some("four boxes, please"));

    let reactions = events("waha-reaction-removal-overtaken");
    assert_eq!((reactions[1].removed, reactions[2].removed), (Some(true), Some(false)));
    assert_eq!(
        reactions[1].timestamp_ms.zip(reactions[2].timestamp_ms),
        Some((1_794_312_025_250, 1_794_312_020_750))
    );

    let deleted = events("waha-deleted-before-the-turn");
    assert_eq!((deleted[1].kind, deleted[1].target_key()), (Kind::Deleted, Some("DE01")));

    let quote = events("waha-quote-of-unknown-message");
    assert_eq!(quote[0].data["quoted"]["text"], "Canvas bag 40 l, 35 EUR");

    let greeting = events("waha-business-greeting");
    assert_eq!(greeting[1].origin, Some(Origin::HumanDevice));

    let custom = events("telegram-custom-emoji-reaction");
    assert_eq!((custom[2].removed, custom[2].emoji.is_some()), (Some(false), true));
    assert_eq!(custom[2].data["custom_emoji_id"], "5550000000000000001");

    let photo = events("telegram-replaced-photo");
    assert_eq!(
        (photo[1].content, &photo[1].media[0].reference["file_id"]),
        (Some(Kind::Image), &json!("RIGHT"))
    );

    let topic = events("telegram-private-topic");
    assert_eq!(topic[0].thread.as_deref(), Some("topic:4242"));

    let link = events("telegram-text-link");
    assert_eq!(
        link[0].data["links"],
        json!([{"text": "this one", "url": "https://shop.example.com/p/8812"}])
    );

    assert_eq!(events("telegram-username")[0].contact_handle.as_deref(), Some("ana_example"));
    assert!(events("telegram-file-path-not-ascii").iter().all(|event| event.media.len() == 1));
}
