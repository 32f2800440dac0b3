//! What happened to messages and beside them.

use adapters::{Direction, Event, Fields, HealthState, Kind, NoAnswer, Status};
use serde_json::{Value, json};

use super::{ACCOUNT, APP, AT, PAGE, PERSON, all, from, one, read, to};

#[test]
fn receipts_are_times_or_messages() {
    let delivered = one(
        "messenger",
        from("messenger", json!({ "delivery": { "mids": ["m_1", "m_2"], "watermark": AT } })),
    );
    assert_eq!((delivered.status, delivered.watermark_ms), (Some(Status::Delivered), Some(AT)));
    let Event::Watermark(until) = Event::from(delivered) else { panic!() };
    assert_eq!(
        (until.chat.as_str(), until.until_ms, until.named),
        (PERSON, AT, vec!["m_1".to_owned(), "m_2".to_owned()])
    );
    // Without a time, each of them.
    let each = all(
        "messenger",
        &[
            from("messenger", json!({ "delivery": { "mids": ["m_1", 7, "m_2"] } })),
            from("messenger", json!({ "message": { "mid": "m_3", "text": "x" } })),
        ],
    );
    assert_eq!(
        each.iter().map(Fields::target_key).collect::<Vec<_>>(),
        [Some("m_1"), Some("7"), Some("m_2"), None]
    );
    assert!(
        matches!(Event::from(each[0].clone()), Event::Receipt(receipt) if receipt.status == Status::Delivered)
    );
    let seen = one("instagram", from("instagram", json!({ "read": { "mid": "m_1" } })));
    assert_eq!((seen.status, seen.watermark_ms, seen.target_key()), (Some(Status::Read), None, Some("m_1")));
    let read = one("messenger", from("messenger", json!({ "read": { "watermark": "1794312044250" } })));
    assert_eq!(read.watermark_ms, Some(1_794_312_044_250));
    assert_ne!(seen.once_key(), read.once_key());
    let own = one("messenger", to("messenger", json!({ "read": { "watermark": AT } })));
    assert_eq!(own.reason.as_deref(), Some("receipt_of_inbound"));
    for nothing in
        [json!({ "read": {} }), json!({ "delivery": {} }), json!({ "delivery": { "watermark": "soon" } })]
    {
        assert_eq!(one("messenger", from("messenger", nothing)).reason.as_deref(), Some("malformed"));
    }
}

#[test]
fn another_app_has_the_conversation() {
    let body = json!({ "object": "page", "entry": [{ "id": PAGE, "time": AT, "standby": [
        from("messenger", json!({ "message": { "mid": "m_1", "text": "x" } })),
        from("messenger", json!({ "read": { "watermark": AT } })),
    ] }] });
    let events = read("messenger", &body);
    assert_eq!((events[0].kind, &events[0].data["standby"]), (Kind::Text, &json!(true)));
    let Event::Message(message) = Event::from(events[0].clone()) else { panic!() };
    assert_eq!(message.no_answer, Some(NoAnswer::Standby));
    assert_eq!(events[1].status, Some(Status::Read));
    let passed = one(
        "messenger",
        from("messenger", json!({ "pass_thread_control": { "new_owner_app_id": APP, "metadata": "x" } })),
    );
    assert_eq!((passed.kind, &passed.data["new_owner_app_id"]), (Kind::Handover, &json!(APP.to_string())));
    let roles = one(
        "messenger",
        json!({ "recipient": { "id": PAGE }, "timestamp": AT, "app_roles": { "123": ["primary_receiver"] } }),
    );
    assert_eq!(roles.kind, Kind::Handover);
}

#[test]
fn what_nobody_wrote_is_no_message() {
    for (element, reason) in [
        (json!({ "optin": { "ref": "x" } }), "optin"),
        (json!({ "account_linking": {} }), "account_linking"),
        (json!({ "sparkle": {} }), "unknown_event"),
        (json!({}), "unknown_event"),
        (json!({ "message": "x" }), "malformed"),
        (json!({ "message": { "text": "no id" } }), "malformed"),
        (json!({ "message": { "mid": {} } }), "malformed"),
    ] {
        assert_eq!(
            one("messenger", from("messenger", element.clone())).reason.as_deref(),
            Some(reason),
            "{element}"
        );
    }
    let ticked = json!({ "sender": { "user_ref": "box-1" }, "recipient": { "id": PAGE }, "timestamp": AT, "optin": { "user_ref": "box-1" } });
    assert_eq!(one("messenger", ticked).reason.as_deref(), Some("optin"));
    let own = json!({ "sender": { "id": ACCOUNT }, "recipient": { "id": ACCOUNT }, "timestamp": AT, "message": { "mid": "m", "text": "note" } });
    assert_eq!(one("instagram", own).reason.as_deref(), Some("own_chat"));
    let closed = json!({ "recipient": { "id": PAGE }, "timestamp": AT, "policy_enforcement": { "action": "block", "reason": "spam" } });
    let Event::Health(health) = Event::from(one("messenger", closed)) else { panic!() };
    assert_eq!((health.state, health.detail.as_deref()), (HealthState::Down, Some("block: spam")));
}

#[test]
fn one_bad_element_costs_no_other() {
    let good = |mid: &str| from("messenger", json!({ "message": { "mid": mid, "text": "x" } }));
    let body = json!({ "object": "page", "entry": [
        7,
        { "id": PAGE, "messaging": "x" },
        { "id": PAGE, "messaging": [null, good("m_1"), { "message": { "mid": "m" } }, [], good("m_2")], "standby": {}, "changes": [good("m_9"), 1] },
        { "id": PAGE, "time": AT },
        { "id": "1020000000000002", "messaging": [good("m_3")] },
        { "messaging": [good("m_4")] },
    ] });
    let events = read("messenger", &body);
    let kept: Vec<_> = events.iter().filter_map(Fields::message_key).collect();
    assert_eq!(kept, ["m_1", "m_2", "m_3", "m_4"]);
    let accounts: Vec<_> = events
        .iter()
        .filter(|event| event.kind == Kind::Text)
        .map(|event| event.external_account_id.as_deref())
        .collect();
    assert_eq!(accounts, [Some(PAGE), Some(PAGE), Some("1020000000000002"), Some(PAGE)]);
    for body in [
        json!({}),
        json!([]),
        json!("x"),
        json!({ "object": "page" }),
        json!({ "object": "page", "entry": [] }),
        json!({ "object": "instagram", "entry": [] }),
    ] {
        let events = read("messenger", &body);
        assert!(events.len() == 1 && events[0].kind == Kind::Ignored, "{body}");
    }
}

#[test]
fn ids_and_times_come_in_every_spelling() {
    let element = json!({ "sender": { "id": 7_300_000_000_000_001_u64 }, "recipient": { "id": 17_841_400_000_000_001_u64 },
        "timestamp": 1_794_312_000, "message": { "mid": "m_1", "text": "\u{0}a\u{0}" } });
    let body = json!({ "object": "instagram", "entry": [{ "id": 17_841_400_000_000_001_u64, "time": 1_794_312_001, "messaging": [element] }] });
    let event = read("instagram", &body).remove(0);
    assert_eq!(event.external_conversation_id.as_deref(), Some(PERSON));
    assert_eq!((event.timestamp_ms, event.told_ms), (Some(1_794_312_000_000), Some(1_794_312_001_000)));
    assert_eq!((event.text.as_deref(), event.external_account_id.as_deref()), (Some("a"), Some(ACCOUNT)));
    let mut late = from("instagram", json!({ "message": { "mid": "m_1", "text": "x" } }));
    late["timestamp"] = json!("never");
    assert_eq!(
        one("instagram", late).timestamp_ms,
        None,
        "the time of the delivery is not that of the message"
    );
}

#[test]
fn changes_are_comments_or_tests() {
    let change = |id: &str, field: &str, value: Value| {
        let body = json!({ "object": "instagram", "entry": [{ "id": id, "time": 1_794_312_060, "changes": [{ "field": field, "value": value }] }] });
        read("instagram", &body).remove(0)
    };
    let value = |person: &str, account: &str| json!({ "sender": { "id": person }, "recipient": { "id": account }, "timestamp": "1527459824", "message": { "mid": "t", "text": "x" } });
    for (id, account) in [("0", "23245"), ("17841400000000002", "17841400000000002"), (ACCOUNT, "23245")] {
        assert_eq!(
            change(id, "messages", value("12334", account)).reason.as_deref(),
            Some("unknown_account"),
            "{id}"
        );
    }
    assert_eq!(change(ACCOUNT, "messages", value(PERSON, ACCOUNT)).message_key(), Some("t"));
    let comment = |from: &str| json!({ "id": "17900000000000002", "from": { "id": from, "username": "sample_buyer" }, "text": "nice!", "media": { "id": "178" } });
    let theirs = change(ACCOUNT, "comments", comment(PERSON));
    assert_eq!(
        (theirs.kind, theirs.contact_handle.as_deref(), &theirs.data["media_id"]),
        (Kind::Comment, Some("sample_buyer"), &json!("178"))
    );
    assert!(theirs.message_key().is_none() && theirs.once_key().is_some());
    assert_eq!(change(ACCOUNT, "live_comments", comment(ACCOUNT)).direction, Some(Direction::Outbound));
    assert_eq!(
        change(ACCOUNT, "mentions", json!({ "media_id": "1" })).reason.as_deref(),
        Some("unhandled_event")
    );
    assert_eq!(change(ACCOUNT, "comments", json!(7)).reason.as_deref(), Some("malformed"));
    // In the entry itself.
    let entry = json!({ "object": "instagram", "entry": [{ "id": ACCOUNT, "time": 1_794_312_060, "field": "comments", "value": comment(PERSON) }] });
    assert_eq!(read("instagram", &entry)[0].kind, Kind::Comment);
    let feed = json!({ "object": "page", "entry": [{ "id": PAGE, "time": 1, "changes": [{ "field": "feed", "value": { "item": "comment", "verb": "add", "comment_id": "1_2", "from": { "id": "9", "name": "Ann" }, "message": "hi", "created_time": 1_794_312_060 } }] }] });
    let comment = read("messenger", &feed).remove(0);
    assert_eq!(
        (comment.kind, comment.text.as_deref(), comment.timestamp_ms),
        (Kind::Comment, Some("hi"), Some(1_794_312_060_000))
    );
}
