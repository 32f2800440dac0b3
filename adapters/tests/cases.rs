//! Every case of `fixtures/index.json`: the body becomes the events that it names, in their order.

use std::{collections::BTreeMap, fs, path::Path};

use adapters::{InspectError, Kind, inspect, provider};
use serde_json::{Map, Value};

pub(crate) fn fixture(path: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(path)).unwrap()
}

pub(crate) fn cases() -> Vec<Value> {
    let index: Value = serde_json::from_slice(&fixture("index.json")).unwrap();
    index["cases"].as_array().unwrap().clone()
}

/// What of `expected` the event does not show; null means absent.
fn differences(event: &Value, expected: &Map<String, Value>) -> Vec<String> {
    let shown = |key: &str| event.get(key).unwrap_or(&Value::Null);
    let text = shown("text").as_str().unwrap_or_default();
    let holds = |part: &Value| text.contains(part.as_str().unwrap());
    let is_right = |key: &str, value: &Value| match key {
        "text_contains" => value.as_array().unwrap().iter().all(holds),
        "text_not_contains" => !value.as_array().unwrap().iter().any(holds),
        // The two take the place of the exact comparison.
        "text" if expected.contains_key("text_contains") => true,
        _ => shown(key) == value,
    };
    let wrong = expected.iter().filter(|(key, value)| !is_right(key, value));
    wrong.map(|(key, value)| format!("{key}: expected {value}, got {} of {event}", shown(key))).collect()
}

/// How many there are of each, as the summary of `make test` shows it.
pub(crate) fn counts(all: &[Value], by: &str) -> String {
    let mut counts = BTreeMap::new();
    for one in all {
        *counts.entry(one[by].as_str().unwrap()).or_insert(0) += 1;
    }
    counts.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
}

#[test]
fn every_case_normalises_as_it_says() {
    let mut wrong = Vec::new();
    let cases = cases();
    for case in &cases {
        let name = format!("{}/{}", case["provider"].as_str().unwrap(), case["case"].as_str().unwrap());
        let body = fixture(case["file"].as_str().unwrap());
        let context = case.get("context").map(Value::to_string);
        let result =
            inspect(case["provider"].as_str().unwrap(), context.as_deref().map(str::as_bytes), &body);
        let expect = &case["expect"];
        if expect["outcome"] == "rejected" {
            if !matches!(result, Err(InspectError::NotJson(_))) {
                wrong.push(format!("{name}: has to be refused, got {result:?}"));
            }
            continue;
        }
        let events: Vec<Value> = serde_json::from_str(&result.unwrap()).unwrap();
        let expected = expect["events"].as_array().unwrap();
        if events.len() != expected.len() {
            wrong.push(format!("{name}: expected {} events, got {}", expected.len(), events.len()));
        }
        for (event, expected) in events.iter().zip(expected) {
            let differs = differences(event, expected.as_object().unwrap());
            wrong.extend(differs.into_iter().map(|difference| format!("{name}: {difference}")));
        }
        let ignored = events.iter().all(|event| event["kind"] == "ignored");
        assert_eq!(ignored, expect["outcome"] == "ignored", "{name}");
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(cases.len(), 193);
    println!("# {} cases: {}", cases.len(), counts(&cases, "provider"));
}

#[test]
fn what_is_stored_has_a_key_and_carries_no_host_or_secret() {
    for case in cases() {
        // Billing is no conversation.
        let Some(provider) = provider(case["provider"].as_str().unwrap()) else { continue };
        let body = fixture(case["file"].as_str().unwrap());
        for event in provider.fields(&body, &adapters::Context::default()).unwrap_or_default() {
            let name = &case["file"];
            assert_eq!(event.kind.is_message(), event.message_key().is_some(), "{name}");
            assert_eq!(event.attachments, event.media.len(), "{name}");
            if event.kind.is_action() {
                assert!(event.target_key().is_some(), "{name}");
            }
            if event.kind == Kind::Status {
                assert!(event.target_key().is_some() || event.watermark_ms.is_some(), "{name}");
            }
            let is_of_nothing = matches!(
                event.kind,
                Kind::Ignored | Kind::Session | Kind::Presence | Kind::MailHistory | Kind::MailError
            );
            if !is_of_nothing {
                assert!(event.once_key().is_some(), "{name}");
            }
            for media in &event.media {
                assert!(!media.reference.to_string().contains("://"), "{name}");
            }
        }
    }
}
