//! What somebody wrote, with what hung on it.

use adapters::{Direction, Event, Kind, MediaState, Origin};
use serde_json::{Value, json};

use super::{APP, AT, PERSON, attached, from, message, one, to, with};

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
            let event = attached(name, &json!([{ "type": kind, "payload": { "url": CDN } }]));
            assert_eq!((event.kind, event.attachments), (expected, 1), "{kind}");
            assert_eq!(event.media[0].state, MediaState::Ready);
        }
    }
    let story = json!([{ "type": "ig_story", "payload": { "story_media_id": "9", "story_media_url": CDN } }]);
    let story = attached("instagram", &story);
    assert_eq!((story.kind, story.attachments), (Kind::Image, 1), "a story that was passed on");
    let gone = attached("instagram", &json!([{ "type": "image", "payload": null }]));
    assert_eq!((gone.kind, gone.media[0].state), (Kind::Image, MediaState::Unavailable));
    let named = attached(
        "messenger",
        &json!([{ "type": "file", "payload": { "url": "https://cdn.fbsbx.com/v/price%20list.pdf?x=1" } }]),
    );
    assert_eq!(named.media[0].name.as_deref(), Some("price list.pdf"));
    let unknown = attached("messenger", &json!([{ "type": "hologram", "payload": { "url": CDN } }]));
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
            attached("messenger", &json!([{ "type": kind, "payload": { "url": url, "title": "Bags" } }]));
        assert_eq!((event.kind, event.attachments, event.text.as_deref()), (Kind::Text, 0, None), "{kind}");
        assert_eq!(event.data["links"], json!([{ "text": "Bags", "url": url }]), "{kind}");
        assert!(event.message_key().is_some());
    }
    // As it was written in earlier versions.
    let old = attached(
        "messenger",
        &json!([{ "type": "fallback", "title": "Bags", "url": "https://example.com/", "payload": null }]),
    );
    assert_eq!(old.data["links"], json!([{ "text": "Bags", "url": "https://example.com/" }]));
    let script =
        attached("messenger", &json!([{ "type": "fallback", "payload": { "url": "javascript:alert(1)" } }]));
    assert!(!script.data.contains_key("links"));
    let place = attached(
        "messenger",
        &json!([{ "type": "location", "payload": { "coordinates": { "lat": 1.5, "long": -2.5 } } }]),
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
    let booked = attached("messenger", &json!([{ "type": "appointment_booking", "payload": {} }]));
    assert_eq!(
        (booked.kind, &booked.data["unsupported_type"]),
        (Kind::Unsupported, &json!("appointment_booking"))
    );
}

#[test]
fn one_thing_under_two_types_is_one() {
    let other = "https://scontent.xx.fbcdn.net/b?oh=2";
    let count = |attachments: Value| {
        let event = attached("instagram", &attachments);
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
        attached("messenger", &json!([{ "type": "image", "payload": { "url": CDN, "sticker_id": 369 } }]));
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
    assert!(matches!(Event::from(alone), Event::Referred(_)), "nobody wrote anything");
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
