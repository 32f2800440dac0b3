//! Any bytes survive: nothing that arrives from the network may panic, hang or pass a signature check by luck.

use adapters::{Context, Headers, Scheme, provider, providers, verify::verify};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::cases::{cases, fixture};

fn parse_everywhere(body: &[u8]) {
    for provider in providers() {
        if let Ok(events) = provider.fields(body, &Context::default()) {
            assert!(!events.is_empty(), "JSON becomes at least one event");
            serde_json::to_string(&events).unwrap();
        }
    }
}

/// Values that no schema expects.
fn junk() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        Just(json!(1e300)),
        Just(json!(u64::MAX)),
        "\\PC{0,12}".prop_map(Value::from),
        Just(json!("\u{0}")),
        Just(json!("true_@_")),
        Just(json!([[], {}, null, 1])),
        Just(json!({"id": {"id": {"_serialized": 1}}})),
    ]
}

/// Puts `with` in the place of the n-th value of the tree.
fn replace(value: &mut Value, n: &mut usize, with: &Value) {
    if *n == 0 {
        value.clone_from(with);
        *n = usize::MAX;
        return;
    }
    *n = n.saturating_sub(1);
    match value {
        Value::Array(members) => members.iter_mut().for_each(|member| replace(member, n, with)),
        Value::Object(members) => members.values_mut().for_each(|member| replace(member, n, with)),
        _ => {}
    }
}

#[test]
fn deep_nesting_is_refused_by_the_parser() {
    let body = [b"{\"event\":".as_slice(), &b"[".repeat(100_000)].concat();
    for provider in providers() {
        assert!(provider.parse(&body, &Context::default()).is_err());
    }
}

#[test]
fn every_prefix_of_a_body_survives() {
    for file in [
        "telegram/photo_sizes.json",
        "waha/reply_quote_full_id.json",
        "messenger/get_started_ad.json",
        "instagram/story_reply.json",
    ] {
        let body = fixture(file);
        for length in 0..body.len() {
            parse_everywhere(&body[..length]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_bytes_survive_parse_and_verify(body in prop::collection::vec(any::<u8>(), 0..400), value in "\\PC{0,80}") {
        parse_everywhere(&body);
        let names = ["X-Hub-Signature-256", "X-Webhook-Hmac", "X-Telegram-Bot-Api-Secret-Token", "Stripe-Signature"];
        let headers: Headers = names.iter().map(|name| (*name, value.as_str())).collect();
        for scheme in Scheme::ALL {
            prop_assert!(verify(scheme, "a-secret-that-no-text-hits", &headers, &body, Some(0)).is_err());
            prop_assert!(verify(scheme, "", &headers, &body, Some(0)).is_err());
        }
    }

    #[test]
    fn any_json_survives(body in "[\\[\\]{}\":,0-9a-z_.\\\\u-]{0,120}") {
        parse_everywhere(body.as_bytes());
    }

    #[test]
    fn any_damaged_fixture_survives(case in any::<prop::sample::Index>(), at in 0usize..120, with in junk()) {
        let cases = cases();
        let case = case.get(&cases);
        let Ok(mut body) = serde_json::from_slice::<Value>(&fixture(case["file"].as_str().unwrap())) else {
            return Ok(());
        };
        let mut n = at;
        replace(&mut body, &mut n, &with);
        parse_everywhere(body.to_string().as_bytes());
        prop_assert!(provider(case["provider"].as_str().unwrap()).is_some());
    }
}
