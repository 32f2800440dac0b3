//! Bodies of the Messenger Platform, of Messenger and of Instagram, and the events that they become.

use adapters::{
    Context, Direction, Event, Fields, HealthState, Kind, MediaState, NoAnswer, Origin, Status, provider,
};
use serde_json::{Value, json};

const PAGE: &str = "1020000000000001";
const ACCOUNT: &str = "17841400000000001";
const PERSON: &str = "7300000000000001";
const APP: u64 = 555_000_111_222_333;
const AT: i64 = 1_794_312_000_250;

fn context() -> Context {
    Context {
        page_id: Some(json!(PAGE)),
        our_app_id: Some(json!(APP)),
        ig_account_id: Some(json!(ACCOUNT)),
        ..Context::default()
    }
}

fn read(name: &str, body: &Value) -> Vec<Fields> {
    provider(name).unwrap().fields(body.to_string().as_bytes(), &context()).unwrap()
}

fn ours(name: &str) -> &'static str {
    if name == "messenger" { PAGE } else { ACCOUNT }
}

/// The events of elements of `messaging`.
fn all(name: &str, messaging: &[Value]) -> Vec<Fields> {
    let object = if name == "messenger" { "page" } else { "instagram" };
    read(
        name,
        &json!({ "object": object, "entry": [{ "id": ours(name), "time": AT, "messaging": messaging }] }),
    )
}

/// What the customer did.
fn from(name: &str, what: Value) -> Value {
    with(json!({ "sender": {"id": PERSON}, "recipient": {"id": ours(name)}, "timestamp": AT }), what)
}

/// What left the business.
fn to(name: &str, what: Value) -> Value {
    with(json!({ "sender": {"id": ours(name)}, "recipient": {"id": PERSON}, "timestamp": AT }), what)
}

fn with(mut value: Value, more: Value) -> Value {
    let Value::Object(more) = more else { panic!() };
    value.as_object_mut().unwrap().extend(more);
    value
}

fn one(name: &str, element: Value) -> Fields {
    let mut events = all(name, &[element]);
    assert_eq!(events.len(), 1, "{events:?}");
    events.remove(0)
}

fn message(name: &str, content: Value) -> Fields {
    one(name, from(name, json!({ "message": with(json!({ "mid": "m_1" }), content) })))
}

fn attached(name: &str, attachments: Value) -> Fields {
    message(name, json!({ "attachments": attachments }))
}

const CDN: &str = "https://scontent.xx.fbcdn.net/a?oh=1";

#[test]
fn every_file_is_one_of_its_kind() {
    for (kind, expected) in [
        ("image", Kind::Image),
        ("audio", Kind::Audio),
        ("video", Kind::Video),
        ("file", Kind::Document),
        ("sticker", Kind::Sticker),
        ("ig_reel", Kind::Video),
        ("reel", Kind::Video),
        ("ig_post", Kind::Image),
        ("share", Kind::Image),
        ("story_mention", Kind::Image),
    ] {
        for name in ["messenger", "instagram"] {
            let event = attached(name, json!([{ "type": kind, "payload": { "url": CDN } }]));
            assert_eq!((event.kind, event.attachments), (expected, 1), "{kind}");
            assert_eq!(event.media[0].state, MediaState::Ready);
        }
    }
    let gone = attached("instagram", json!([{ "type": "image", "payload": null }]));
    assert_eq!((gone.kind, gone.media[0].state), (Kind::Image, MediaState::Unavailable));
    let named = attached(
        "messenger",
        json!([{ "type": "file", "payload": { "url": "https://cdn.fbsbx.com/v/price%20list.pdf?x=1" } }]),
    );
    assert_eq!(named.media[0].name.as_deref(), Some("price list.pdf"));
    let unknown = attached("messenger", json!([{ "type": "hologram", "payload": { "url": CDN } }]));
    assert_eq!((unknown.kind, unknown.attachments), (Kind::Document, 1));
}

#[test]
fn what_leads_to_a_page_is_no_file() {
    for (kind, url) in [
        ("fallback", "https://l.facebook.com/l.php?u=x"),
        ("fallback", CDN),
        ("post", "https://www.facebook.com/examplepage/posts/1"),
        ("share", "https://shop.example.com/p/1"),
        ("reel", "https://www.facebook.com/reel/1"),
        ("ig_post", "https://www.instagram.com/p/x/"),
        ("hologram", "https://example.com/x"),
    ] {
        let event =
            attached("messenger", json!([{ "type": kind, "payload": { "url": url, "title": "Bags" } }]));
        assert_eq!((event.kind, event.attachments, event.text.as_deref()), (Kind::Text, 0, None), "{kind}");
        assert_eq!(event.data["links"], json!([{ "text": "Bags", "url": url }]), "{kind}");
        assert!(event.message_key().is_some());
    }
    // As it was written in earlier versions.
    let old = attached(
        "messenger",
        json!([{ "type": "fallback", "title": "Bags", "url": "https://example.com/", "payload": null }]),
    );
    assert_eq!(old.data["links"], json!([{ "text": "Bags", "url": "https://example.com/" }]));
    let script =
        attached("messenger", json!([{ "type": "fallback", "payload": { "url": "javascript:alert(1)" } }]));
    assert!(!script.data.contains_key("links"));
    let place = attached(
        "messenger",
        json!([{ "type": "location", "payload": { "coordinates": { "lat": 1.5, "long": -2.5 } } }]),
    );
    assert_eq!(
        (place.kind, &place.data["latitude"], &place.data["longitude"]),
        (Kind::Location, &json!(1.5), &json!(-2.5))
    );
    let template = json!([{ "type": "template", "payload": { "template_type": "button", "text": "Choose", "buttons": [] } }]);
    let echo = one(
        "messenger",
        to(
            "messenger",
            json!({ "message": { "mid": "m_2", "is_echo": true, "app_id": APP, "attachments": template } }),
        ),
    );
    assert_eq!((echo.kind, echo.attachments, echo.text.as_deref()), (Kind::Text, 0, Some("Choose")));
    let booked = attached("messenger", json!([{ "type": "appointment_booking", "payload": {} }]));
    assert_eq!(
        (booked.kind, &booked.data["unsupported_type"]),
        (Kind::Unsupported, &json!("appointment_booking"))
    );
}

#[test]
fn one_thing_under_two_types_is_one() {
    let other = "https://scontent.xx.fbcdn.net/b?oh=2";
    let count = |attachments: Value| {
        let event = attached("instagram", attachments);
        (event.kind, event.attachments)
    };
    let sticker = |first: &str, second: &str, id: Value| {
        json!([{ "type": "image", "payload": { "url": first, "sticker_id": id } },
            { "type": "sticker", "payload": { "url": second, "sticker_id": 369 } }])
    };
    assert_eq!(count(sticker(CDN, CDN, Value::Null)), (Kind::Sticker, 1));
    assert_eq!(count(sticker(CDN, other, json!("369"))), (Kind::Sticker, 1));
    assert_eq!(count(sticker(CDN, other, Value::Null)), (Kind::Sticker, 1));
    let mut turned = sticker(CDN, other, json!(369));
    turned.as_array_mut().unwrap().reverse();
    assert_eq!(count(turned), (Kind::Sticker, 1));
    let share = |first: &str, second: &str, kind: &str| json!([{ "type": "share", "payload": { "url": first } }, { "type": kind, "payload": { "url": second } }]);
    assert_eq!(count(share(CDN, CDN, "ig_post")), (Kind::Image, 1));
    assert_eq!(count(share(CDN, other, "ig_post")), (Kind::Image, 1));
    assert_eq!(count(share(CDN, CDN, "ig_reel")), (Kind::Video, 1));
    assert_eq!(
        count(
            json!([{ "type": "image", "payload": { "url": CDN } }, { "type": "image", "payload": { "url": other } }])
        ),
        (Kind::Image, 2)
    );
    assert_eq!(
        count(
            json!([{ "type": "image", "payload": { "url": CDN } }, { "type": "image", "payload": { "url": CDN } }])
        ),
        (Kind::Image, 1)
    );
    assert_eq!(
        count(json!([{ "type": "image", "payload": {} }, { "type": "image", "payload": {} }])),
        (Kind::Image, 2)
    );
    assert_eq!(
        count(json!([7, null, { "type": "image", "payload": { "url": CDN } }, { "payload": {} }])),
        (Kind::Image, 1)
    );
    let old =
        attached("messenger", json!([{ "type": "image", "payload": { "url": CDN, "sticker_id": 369 } }]));
    assert_eq!(old.kind, Kind::Sticker);
}

#[test]
fn an_echo_tells_who_wrote_it() {
    let echo = |name: &str, more: Value| {
        one(
            name,
            to(name, json!({ "message": with(json!({ "mid": "m_1", "is_echo": true, "text": "x" }), more) })),
        )
    };
    for (app, origin) in [
        (json!(APP), Some(Origin::OurApi)),
        (json!(APP.to_string()), Some(Origin::OurApi)),
        (json!(42), Some(Origin::OtherApp)),
        (json!(263_902_037_430_900_u64), Some(Origin::HumanDevice)),
        (Value::Null, Some(Origin::HumanDevice)),
    ] {
        let event = echo("messenger", json!({ "app_id": app }));
        assert_eq!((event.direction, event.origin), (Some(Direction::Outbound), origin), "{app}");
        assert_eq!(event.external_conversation_id.as_deref(), Some(PERSON));
        assert_eq!(event.external_contact_id, None);
    }
    // It names no app of ours either: what we sent is found by its id or its words.
    assert_eq!(echo("instagram", json!({})).origin, None);
    assert_eq!(echo("instagram", json!({ "app_id": 42 })).origin, Some(Origin::OtherApp));
    let known = echo("messenger", json!({ "app_id": APP, "metadata": "out-1" }));
    assert_eq!(known.our_reference.as_deref(), Some("out-1"));
    let foreign = echo("messenger", json!({ "app_id": 42, "metadata": "out-1" }));
    assert_eq!(foreign.our_reference, None);
    // Written as ours without the flag.
    let unmarked = one("instagram", to("instagram", json!({ "message": { "mid": "m_1", "text": "x" } })));
    assert_eq!(unmarked.direction, Some(Direction::Outbound));
    for (no, is_echo) in
        [(json!(false), false), (json!("false"), false), (json!(0), false), (json!("True"), true)]
    {
        let element = from("messenger", json!({ "message": { "mid": "m_1", "text": "x", "is_echo": no } }));
        let event = one("messenger", element);
        assert_eq!(event.kind == Kind::Ignored, is_echo, "an echo to the page itself: {no}");
    }
}

#[test]
fn answers_name_what_they_answer() {
    let reply =
        message("messenger", json!({ "text": "this", "reply_to": { "mid": "m_0", "is_self_reply": false } }));
    assert_eq!((reply.reply_to.as_deref(), reply.reply_key()), (Some("m_0"), Some("m_0")));
    let story = message(
        "instagram",
        json!({ "text": "nice", "reply_to": { "story": { "id": 18_000_000_000_000_001_u64, "url": "https://lookaside.fbsbx.com/x?asset_id=2" } } }),
    );
    assert_eq!((story.reply_to.as_deref(), story.attachments), (None, 0));
    assert_eq!(story.data["story_id"], "18000000000000001");
    assert_eq!(story.data["quoted"], json!({ "kind": "story" }));
    assert_eq!(story.data["story"]["url"], "https://lookaside.fbsbx.com/x?asset_id=2");
    let ended = message("instagram", json!({ "text": "nice", "reply_to": { "story": {} } }));
    assert_eq!((&ended.data["story"], ended.data.contains_key("story_id")), (&json!({}), false));
    let press = message("messenger", json!({ "text": "Red", "quick_reply": { "payload": "COLOR_RED" } }));
    assert_eq!((press.kind, &press.data["payload"]), (Kind::Interactive, &json!("COLOR_RED")));
    let empty = message("messenger", json!({ "text": "Red", "quick_reply": {} }));
    assert_eq!((empty.kind, empty.data.contains_key("payload")), (Kind::Interactive, false));
}

#[test]
fn a_referral_says_no_more_than_it_does() {
    let led = |referral: Value| {
        message("messenger", json!({ "text": "hi", "referral": referral })).data["referral"].clone()
    };
    assert_eq!(
        led(json!({ "source": "ADS", "type": "OPEN_THREAD", "ad_id": 12, "ref": "autumn" })),
        json!({ "source": "ADS", "ad_id": "12", "ref": "autumn" })
    );
    assert_eq!(led(json!({ "source": "SHORTLINK", "ref": null })), json!({ "source": "SHORTLINK" }));
    assert_eq!(led(json!({})), json!({}));
    let alone = one(
        "instagram",
        from(
            "instagram",
            json!({ "referral": { "source": "ADS", "ads_context_data": { "ad_title": "Coats", "post_id": "1_2" } } }),
        ),
    );
    assert_eq!(
        (alone.kind, &alone.data["ad"]),
        (Kind::Referral, &json!({ "title": "Coats", "post_id": "1_2" }))
    );
    assert!(matches!(Event::from(alone), Event::Noted), "nobody wrote anything");
}

#[test]
fn a_press_without_an_id_happens_once() {
    let press = |at: i64, payload: &str| {
        let mut element = from("messenger", json!({ "postback": { "title": "Menu", "payload": payload } }));
        element["timestamp"] = at.into();
        let event = one("messenger", element);
        assert_eq!(event.external_message_id, None);
        event.once_key().unwrap()
    };
    assert_eq!(press(AT, "A"), press(AT, "A"));
    assert_ne!(press(AT, "A"), press(AT + 1, "A"));
    assert_ne!(press(AT, "A"), press(AT, "B"));
    let named = one("messenger", from("messenger", json!({ "postback": { "mid": "m_9", "title": "Menu" } })));
    assert_eq!(named.message_key(), Some("m_9"));
    let nothing = one("messenger", from("messenger", json!({ "postback": {} })));
    assert_eq!(nothing.reason.as_deref(), Some("malformed"));
}

#[test]
fn reactions_are_set_and_taken_back() {
    let react = |reaction: Value| {
        one("instagram", from("instagram", json!({ "reaction": with(json!({ "mid": "m_1" }), reaction) })))
    };
    let set = react(json!({ "action": "react", "reaction": "love", "emoji": "❤️" }));
    assert_eq!((set.removed, set.emoji.as_deref(), set.target_key()), (Some(false), Some("❤️"), Some("m_1")));
    assert_eq!(react(json!({ "action": "react", "reaction": "wow" })).emoji.as_deref(), Some("😮"));
    assert_eq!(react(json!({ "action": "react", "reaction": "other" })).removed, Some(false));
    assert_eq!(react(json!({ "action": "unreact", "emoji": "❤️" })).removed, Some(true));
    assert_eq!(react(json!({ "action": "unreact" })).removed, Some(true));
    assert_eq!(react(json!({})).reason.as_deref(), Some("no_reaction"));
    let own = one(
        "messenger",
        to("messenger", json!({ "reaction": { "mid": "m_1", "action": "react", "emoji": "👍" } })),
    );
    assert_eq!((own.direction, own.external_contact_id.as_deref()), (Some(Direction::Outbound), None));
}

#[test]
fn edits_and_deletions_find_their_message() {
    let edit = |content: Value| {
        one("messenger", from("messenger", json!({ "message_edit": with(json!({ "mid": "m_1" }), content) })))
    };
    let edited = edit(json!({ "text": "two coats", "num_edit": 1 }));
    assert_eq!(
        (edited.kind, edited.target_key(), edited.text.as_deref()),
        (Kind::Edited, Some("m_1"), Some("two coats"))
    );
    assert_ne!(edited.once_key(), edit(json!({ "text": "two coats", "num_edit": 2 })).once_key());
    for nothing in [
        json!({ "text": "x", "num_edit": 0 }),
        json!({ "text": "x", "num_edit": "0" }),
        json!({ "num_edit": 1 }),
        json!({}),
    ] {
        assert_eq!(edit(nothing.clone()).reason.as_deref(), Some("nothing_edited"), "{nothing}");
    }
    for yes in [json!(true), json!("true"), json!("TRUE"), json!(1)] {
        let deleted = message("instagram", json!({ "is_deleted": yes, "text": "x" }));
        assert_eq!((deleted.kind, deleted.target_key()), (Kind::Deleted, Some("m_1")), "{yes}");
        assert_eq!(deleted.external_message_id, None);
    }
    for no in [json!(false), json!("false"), Value::Null] {
        assert_eq!(message("instagram", json!({ "is_deleted": no, "text": "x" })).kind, Kind::Text, "{no}");
    }
    let own = one(
        "instagram",
        to("instagram", json!({ "message": { "mid": "m_1", "is_echo": true, "is_deleted": true } })),
    );
    assert_eq!((own.kind, own.direction), (Kind::Deleted, Some(Direction::Outbound)));
}

#[test]
fn what_cannot_be_shown_is_kept() {
    for content in [
        json!({ "is_unsupported": true }),
        json!({ "is_unsupported": "true", "text": "" }),
        json!({}),
        json!({ "attachments": [] }),
    ] {
        let event = message("instagram", content.clone());
        assert_eq!((event.kind, event.message_key()), (Kind::Unsupported, Some("m_1")), "{content}");
    }
}

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
