//! What Telegram's updates become, kind by kind of trouble that users reported.

use adapters::{Context, Direction, Fields, Kind, MediaKind, Origin, provider};
use serde_json::{Value, json};

fn parse_all(update: &Value, context: &Context) -> Vec<Fields> {
    provider("telegram").unwrap().fields(update.to_string().as_bytes(), context).unwrap()
}

fn parse(kind: &str, content: &Value) -> Fields {
    let mut events = parse_all(&json!({"update_id": 1, kind: content}), &Context::default());
    assert_eq!(events.len(), 1);
    events.remove(0)
}

fn message(extra: &Value) -> Value {
    let mut message = json!({"message_id": 5, "date": 1_794_312_000, "chat": {"id": 7, "type": "private"},
        "from": {"id": 7, "first_name": "Ana", "username": "ana_example"}});
    message.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    message
}

#[test]
fn only_what_a_person_sends_is_a_message() {
    for name in [
        "gift",
        "unique_gift",
        "gift_upgrade_sent",
        "giveaway",
        "giveaway_created",
        "giveaway_winners",
        "giveaway_completed",
        "checklist_tasks_done",
        "checklist_tasks_added",
        "paid_message_price_changed",
        "direct_message_price_changed",
        "successful_payment",
        "refunded_payment",
        "suggested_post_approved",
        "suggested_post_paid",
        "boost_added",
        "write_access_allowed",
        "proximity_alert_triggered",
        "chat_background_set",
        "pinned_message",
        "new_chat_photo",
        "chat_owner_left",
        "something_of_next_year",
    ] {
        let event = parse("message", &message(&json!({ name: {"text": "inner", "x": 1} })));
        assert_eq!((event.kind, event.reason), (Kind::Ignored, Some(format!("service_message:{name}"))));
    }
    for (name, value) in [("group_chat_created", json!(true)), ("new_chat_members", json!([{"id": 1}]))] {
        assert_eq!(parse("message", &message(&json!({ name: value }))).kind, Kind::Ignored, "{name}");
    }
    for nothing in [json!({}), json!({"text": ""}), json!({"effect_id": "1"})] {
        assert_eq!(parse("message", &message(&nothing)).reason.as_deref(), Some("empty"));
    }
    for (extra, kind) in [
        (json!({"text": "hi", "suggested_post_info": {}, "new_member_of_next_year": 1}), Kind::Text),
        (json!({"checklist": {"title": "t", "tasks": [{"id": 1, "text": "a"}]}}), Kind::Unsupported),
        (json!({"dice": {"emoji": "🎲", "value": 3}}), Kind::Unsupported),
        (json!({"poll": {"question": "q", "options": []}}), Kind::Unsupported),
        (json!({"story": {"id": 1}}), Kind::Unsupported),
        (json!({"game": {"title": "g"}}), Kind::Unsupported),
        (json!({"new_media_of_next_year": {}, "caption": "look"}), Kind::Unsupported),
        (
            json!({"live_photo": {"file_id": "L"}, "photo": [{"file_id": "P", "width": 1, "height": 1}]}),
            Kind::Image,
        ),
        (
            json!({"users_shared": {"request_id": 1, "users": [{"user_id": 3, "first_name": "Bo"}]}}),
            Kind::Contacts,
        ),
    ] {
        assert_eq!(parse("message", &message(&extra)).kind, kind, "{extra}");
    }
    assert_eq!(
        parse("edited_message", &message(&json!({"gift": {}, "edit_date": 1_794_312_020}))).kind,
        Kind::Ignored
    );
}

#[test]
fn an_edit_carries_all_that_the_message_is_now() {
    let edit = |extra: &Value| {
        let mut message = message(extra);
        message["edit_date"] = 1_794_312_020.into();
        parse("edited_message", &message)
    };
    let photo = edit(&json!({"photo": [{"file_id": "RIGHT", "width": 90, "height": 90}]}));
    assert_eq!((photo.kind, photo.content, photo.text.as_deref()), (Kind::Edited, Some(Kind::Image), None));
    assert_eq!(
        (photo.media[0].kind, &photo.media[0].reference["file_id"]),
        (MediaKind::Image, &json!("RIGHT"))
    );
    assert_eq!((photo.timestamp_ms, photo.target_key()), (Some(1_794_312_020_000), Some("7:5")));
    let place = edit(&json!({"location": {"latitude": 1.5, "longitude": 2.5, "live_period": 900}}));
    assert_eq!((place.content, &place.data["latitude"]), (Some(Kind::Location), &json!(1.5)));
    let link = edit(
        &json!({"text": "here", "entities": [{"type": "text_link", "offset": 0, "length": 4, "url": "https://shop.example.com/"}]}),
    );
    assert_eq!(link.data["links"], json!([{"text": "here", "url": "https://shop.example.com/"}]));
}

#[test]
fn a_reaction_without_text_is_still_one() {
    let reaction = |new: Value| {
        parse(
            "message_reaction",
            &json!({"chat": {"id": 7, "type": "private"}, "message_id": 61, "user": {"id": 7},
            "date": 1_794_312_009, "old_reaction": [{"type": "emoji", "emoji": "👍"}], "new_reaction": new}),
        )
    };
    let custom = reaction(json!([{"type": "custom_emoji", "custom_emoji_id": "555"}]));
    assert_eq!((custom.removed, custom.emoji.as_deref()), (Some(false), Some("✨")));
    assert_eq!(custom.data["custom_emoji_id"], "555");
    assert_eq!(reaction(json!([{"type": "paid"}])).emoji.as_deref(), Some("⭐"));
    let future = reaction(json!([{"type": "of_next_year"}]));
    assert_eq!((future.removed, future.emoji.as_deref()), (Some(false), Some("✨")));
    let several = reaction(json!([{"type": "emoji", "emoji": "👍"}, {"type": "emoji", "emoji": "❤"}]));
    assert_eq!((several.emoji.as_deref(), &several.data["emojis"]), (Some("❤"), &json!(["👍", "❤"])));
    let removed = reaction(json!([]));
    assert_eq!(
        (removed.removed, removed.emoji, removed.timestamp_ms),
        (Some(true), None, Some(1_794_312_009_000))
    );
}

#[test]
fn a_topic_is_a_thread_and_a_reply_thread_is_none() {
    let topic = parse(
        "message",
        &message(&json!({"text": "x", "message_thread_id": 4242, "is_topic_message": true})),
    );
    assert_eq!((topic.thread.as_deref(), topic.message_key()), (Some("topic:4242"), Some("7:5")));
    let reply = parse("message", &message(&json!({"text": "x", "message_thread_id": 9})));
    assert_eq!(reply.thread, None);
    let press = json!({"id": "99", "from": {"id": 7}, "data": "y", "message": message(&json!({"text": "?",
        "message_thread_id": 4242, "is_topic_message": true}))});
    assert_eq!(parse("callback_query", &press).thread.as_deref(), Some("topic:4242"));
}

#[test]
fn two_customers_of_a_channel_are_two_contacts() {
    let direct = |topic: i64, user: i64, from: i64| {
        parse(
            "message",
            &message(&json!({"chat": {"id": -100_555, "type": "supergroup", "is_direct_messages": true},
            "direct_messages_topic": {"topic_id": topic, "user": {"id": user, "first_name": "Cy"}},
            "from": {"id": from, "first_name": "Who"}, "text": "x"})),
        )
    };
    let (one, two) = (direct(11, 501, 501), direct(12, 502, 502));
    assert_eq!(one.external_conversation_id.as_deref(), Some("-100555:11"));
    assert_ne!(one.external_conversation_id, two.external_conversation_id);
    assert_eq!((one.external_contact_id.as_deref(), one.is_group), (Some("501"), false));
    let admin = direct(11, 501, 900);
    assert_eq!((admin.direction, admin.origin), (Some(Direction::Outbound), Some(Origin::HumanDevice)));
}

#[test]
fn a_business_connection_is_in_the_keys_and_in_the_address() {
    let business = message(
        &json!({"business_connection_id": "bc1", "text": "x", "reply_to_message": {"message_id": 4}}),
    );
    for kind in ["business_message", "edited_business_message"] {
        let event = parse(kind, &business);
        assert_eq!(event.thread.as_deref(), Some("business:bc1"));
        assert_eq!(event.external_conversation_id.as_deref(), Some("7"));
        let key = if kind == "business_message" { event.message_key() } else { event.target_key() };
        assert_eq!(key, Some("bc1:7:5"));
    }
    assert_eq!(parse("business_message", &business).reply_key(), Some("bc1:7:4"));
    // Three people in it: only the database knows who the owner is.
    let context =
        Context { business_connection_owner: [("bc1".to_owned(), json!(7))].into(), ..Context::default() };
    let update = json!({"update_id": 1, "business_message": message(&json!({"business_connection_id": "bc1", "text": "x",
        "chat": {"id": 8, "type": "private"}}))});
    assert_eq!(parse_all(&update, &context)[0].origin, Some(Origin::HumanDevice));
    for (rights, can_reply) in [
        (json!({"rights": {"can_reply": true}}), true),
        (json!({"rights": {}}), false),
        (json!({"can_reply": true}), true),
    ] {
        let mut connection = json!({"id": "bc1", "user": {"id": 777, "first_name": "Owner"}, "user_chat_id": 777,
            "date": 1_794_312_000, "is_enabled": true});
        connection.as_object_mut().unwrap().extend(rights.as_object().unwrap().clone());
        let event = parse("business_connection", &connection);
        assert_eq!(event.kind, Kind::Connection);
        assert_eq!((&event.data["connection_id"], &event.data["owner_id"]), (&json!("bc1"), &json!("777")));
        assert_eq!((&event.data["enabled"], &event.data["can_reply"]), (&json!(true), &json!(can_reply)));
    }
}

#[test]
fn quotes_origins_and_labels_are_kept() {
    let original = json!({"message_id": 4, "from": {"id": 9, "first_name": "Demo", "last_name": "Shop"}, "caption": "Canvas bag",
        "photo": [{"file_id": "P", "width": 1, "height": 1}], "chat": {"id": 7, "type": "private"}});
    let reply = parse("message", &message(&json!({"text": "this", "reply_to_message": original})));
    assert_eq!(reply.data["quoted"], json!({"text": "Canvas bag", "author": "Demo Shop", "kind": "image"}));
    let part = parse(
        "message",
        &message(&json!({"text": "this", "reply_to_message": original, "quote": {"text": "bag"}})),
    );
    assert_eq!(part.data["quoted"]["text"], "bag");
    let external = parse(
        "message",
        &message(&json!({"text": "same?", "quote": {"text": "35 EUR"}, "external_reply": {
        "origin": {"type": "channel", "chat": {"id": -1, "type": "channel", "title": "Bag News"}, "message_id": 3}, "photo": [{"file_id": "P"}]}})),
    );
    assert_eq!(
        external.data["quoted"],
        json!({"text": "35 EUR", "author": "Bag News", "kind": "image", "elsewhere": true})
    );
    let story =
        parse("message", &message(&json!({"text": "wow", "reply_to_story": {"id": 1, "chat": {"id": 2}}})));
    assert_eq!(story.data["quoted"], json!({"kind": "story", "elsewhere": true}));
    for (origin, name) in [
        (json!({"type": "user", "sender_user": {"id": 1, "first_name": "Bo"}}), "Bo"),
        (json!({"type": "hidden_user", "sender_user_name": "Hidden Bo"}), "Hidden Bo"),
        (json!({"type": "chat", "sender_chat": {"id": -1, "title": "Bag Club"}}), "Bag Club"),
        (json!({"type": "channel", "chat": {"id": -1, "title": "Bag News"}}), "Bag News"),
    ] {
        let event = parse("message", &message(&json!({"text": "x", "forward_origin": origin})));
        assert_eq!(event.data["forwarded_from"], name);
    }
    let keyboard = json!({"inline_keyboard": [[{"text": "No", "callback_data": "n"}, {"text": "Yes, please", "callback_data": "y"}]]});
    let press = json!({"id": "99", "from": {"id": 7}, "data": "y", "message": message(&json!({"text": "?", "reply_markup": keyboard}))});
    assert_eq!(parse("callback_query", &press).data["label"], "Yes, please");
    let group = parse(
        "message",
        &message(&json!({"text": "x", "chat": {"id": -5, "type": "supergroup", "title": "Bag lovers"}})),
    );
    assert_eq!(
        (group.chat_title.as_deref(), group.contact_handle.as_deref()),
        (Some("Bag lovers"), Some("ana_example"))
    );
}

#[test]
fn groups_and_topics_have_titles() {
    let chat = json!({"id": -1_005, "type": "supergroup", "title": "Bag lovers", "is_forum": true});
    let notice = |extra: Value| {
        let mut all = json!({"chat": chat});
        all.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        parse("message", &message(&all))
    };
    let titles = |event: &Fields| {
        (event.kind, event.thread.clone(), event.thread_title.clone(), event.chat_title.clone())
    };
    let expected = |title: &str| {
        (Kind::Title, Some("topic:42".to_owned()), Some(title.to_owned()), Some("Bag lovers".to_owned()))
    };
    let created = json!({"message_thread_id": 42, "is_topic_message": true, "forum_topic_created": {"name": "Sizes", "icon_color": 1}});
    assert_eq!(titles(&notice(created)), expected("Sizes"));
    let edited =
        json!({"message_thread_id": 42, "is_topic_message": true, "forum_topic_edited": {"name": "Colours"}});
    assert_eq!(titles(&notice(edited)), expected("Colours"));
    let icon = json!({"message_thread_id": 42, "is_topic_message": true, "forum_topic_edited": {"icon_custom_emoji_id": "1"}});
    assert_eq!(notice(icon).reason.as_deref(), Some("service_message:forum_topic_edited"));
    let said = notice(json!({"text": "hi", "message_thread_id": 42, "is_topic_message": true,
        "reply_to_message": {"message_id": 42, "forum_topic_created": {"name": "Sizes"}}}));
    assert_eq!((said.kind, said.thread_title.as_deref()), (Kind::Text, Some("Sizes")));
    let renamed = notice(json!({"new_chat_title": "Bag friends"}));
    assert_eq!(
        (renamed.kind, renamed.chat_title.as_deref(), renamed.thread),
        (Kind::Title, Some("Bag friends"), None)
    );
}

#[test]
fn updates_without_a_chat_make_no_message() {
    let inline = json!({"id": "99", "from": {"id": 7}, "inline_message_id": "AAA", "data": "y"});
    assert_eq!(parse("callback_query", &inline).reason.as_deref(), Some("no_chat"));
    let two = json!({"update_id": 1, "message": message(&json!({"text": "a"})), "callback_query": inline});
    let events = parse_all(&two, &Context::default());
    assert_eq!((events.len(), events[0].reason.as_deref()), (1, Some("malformed")));
    let vote = parse(
        "poll_answer",
        &json!({"poll_id": "555", "user": {"id": 7, "first_name": "Ana"}, "option_ids": [0, 2]}),
    );
    assert_eq!((vote.kind, vote.external_contact_id.as_deref()), (Kind::PollVote, Some("7")));
    assert_eq!((&vote.data["selected"], vote.target_message_id.as_deref()), (&json!([0, 2]), Some("555")));
    assert_eq!(vote.message_key(), None);
}

#[test]
fn what_machines_write_is_no_message() {
    let group = json!({"id": -1001, "type": "supergroup", "title": "Talk"});
    let news = json!({"id": -1009, "type": "channel", "title": "Shop news"});
    let bot = json!({"id": 555, "is_bot": true, "first_name": "Other bot"});
    let telegram = json!({"id": 777_000, "is_bot": false, "first_name": "Telegram"});
    let cases = [
        (
            "message",
            json!({"chat": group, "from": telegram, "sender_chat": news, "is_automatic_forward": true}),
            "channel",
        ),
        ("message", json!({"chat": group, "from": bot}), "bot"),
        ("message", json!({"chat": {"id": 555, "type": "private"}, "from": bot}), "bot"),
        (
            "business_message",
            json!({"chat": {"id": 555, "type": "private"}, "from": bot, "business_connection_id": "bc1"}),
            "bot",
        ),
        (
            "business_message",
            json!({"chat": {"id": 777_000, "type": "private"}, "from": telegram, "business_connection_id": "bc1"}),
            "service_account",
        ),
    ];
    for (kind, extra, reason) in cases {
        let mut content = message(&extra);
        content["text"] = "Login code: 12345".into();
        for kind in [kind.to_owned(), format!("edited_{kind}")] {
            let event = parse(&kind, &content);
            assert_eq!(
                (event.kind, event.reason.as_deref()),
                (Kind::Ignored, Some(reason)),
                "{kind} {extra}"
            );
        }
    }
    // Who hides behind the group is a person, though a bot stands in for him.
    let anonymous = json!({"chat": group, "sender_chat": group, "text": "hello",
        "from": {"id": 1_087_968_824, "is_bot": true, "first_name": "Group"}});
    assert_eq!(parse("message", &message(&anonymous)).kind, Kind::Text);
    // A post that a person forwards, and what he sends by the help of a bot, are his.
    let forwarded = json!({"text": "look", "forward_origin": {"type": "channel", "chat": news, "message_id": 7, "date": 1}});
    assert_eq!(parse("message", &message(&forwarded)).kind, Kind::Text);
    assert_eq!(parse("message", &message(&json!({"text": "a gif", "via_bot": bot}))).kind, Kind::Text);
}
