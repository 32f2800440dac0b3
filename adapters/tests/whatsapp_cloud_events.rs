//! What bodies of the WhatsApp Cloud API become, beyond the fixtures.

use adapters::{
    Context, Event, Fields,
    HealthState::{Down, Up},
    Kind, MediaState, NoAnswer, Origin, Status,
    event::{Author, What},
    provider,
};
use serde_json::{Value, json};

const PERSON: &str = "12025550143";
const HIDDEN: &str = "US.13490000000000000001";

fn body(field: &str, value: Value) -> Vec<u8> {
    let mut value = value;
    value["metadata"] =
        json!({"display_phone_number": "+1 202-555-0100", "phone_number_id": "106500000000001"});
    let change = json!({"field": field, "value": value});
    json!({"object": "whatsapp_business_account", "entry": [{"id": "1022", "changes": [change]}]})
        .to_string()
        .into_bytes()
}

fn read(body: &[u8]) -> Vec<Fields> {
    provider("whatsapp-cloud").unwrap().fields(body, &Context::default()).unwrap()
}

fn parsed(body: &[u8]) -> Vec<Event> {
    provider("whatsapp-cloud").unwrap().parse(body, &Context::default()).unwrap()
}

/// A message of the person, with these members besides.
fn said(more: Value) -> Value {
    let mut message = json!({"from": PERSON, "id": "wamid.A", "timestamp": "1794312000"});
    if let Value::Object(more) = more {
        message.as_object_mut().unwrap().extend(more);
    }
    message
}

fn one(more: Value) -> Fields {
    let mut events = read(&body("messages", json!({"messages": [said(more)]})));
    assert_eq!(events.len(), 1);
    events.remove(0)
}

#[test]
fn every_kind_of_choice_is_read() {
    let interactive = |reply: Value| one(json!({"type": "interactive", "interactive": reply}));
    let list = interactive(json!({"type": "list_reply",
        "list_reply": {"id": "s1", "title": "Thu", "description": "10 am"}}));
    assert_eq!((list.kind, list.text.as_deref()), (Kind::Interactive, Some("Thu")));
    assert_eq!((&list.data["payload"], &list.data["description"]), (&json!("s1"), &json!("10 am")));
    let form = interactive(json!({"type": "nfm_reply",
        "nfm_reply": {"name": "flow", "body": "Sent", "response_json": "{\"size\":\"M\",\"flow_token\":\"t\"}"}}));
    assert_eq!((form.kind, form.text.as_deref()), (Kind::Interactive, Some("Sent")));
    assert_eq!(form.data["form"], json!({"size": "M", "flow_token": "t"}));
    let torn = interactive(json!({"type": "nfm_reply", "nfm_reply": {"response_json": "{\"a\":"}}));
    assert_eq!(
        (torn.kind, torn.data.get("form"), &torn.data["payload"]),
        (Kind::Interactive, None, &json!("{\"a\":"))
    );
    let call = interactive(json!({"type": "call_permission_reply", "call_permission_reply":
        {"response": "accept", "is_permanent": false, "expiration_timestamp": "1794398400"}}));
    assert_eq!((call.kind, &call.data["payload"]), (Kind::Interactive, &json!("accept")));
    assert_eq!(call.data["call_permission"]["expires_ms"], 1_794_398_400_000_i64);
    assert_eq!(interactive(json!({"type": "of_the_future"})).kind, Kind::Interactive);
    assert_eq!(one(json!({"type": "interactive"})).kind, Kind::Unsupported);
    let button = one(json!({"type": "button", "button": {"text": "Yes", "payload": "yes"}}));
    assert_eq!((button.text.as_deref(), &button.data["label"]), (Some("Yes"), &json!("Yes")));
    let welcome = one(json!({"type": "request_welcome"}));
    assert_eq!(
        (welcome.kind, welcome.text, &welcome.data["payload"]),
        (Kind::Interactive, None, &json!("request_welcome"))
    );
}

#[test]
fn an_order_and_a_product_are_kept() {
    let order =
        one(json!({"type": "order", "order": {"catalog_id": "55", "text": "please", "product_items": [
        {"product_retailer_id": "bag-40", "quantity": 2, "item_price": 35.5, "currency": "EUR"}, 7]}}));
    assert_eq!((order.kind, order.text.as_deref()), (Kind::Order, Some("please")));
    assert_eq!(order.data["order"]["items"], 2);
    assert_eq!(
        order.data["order"]["products"][0],
        json!({"id": "bag-40", "quantity": 2.0, "price": 35.5, "currency": "EUR"})
    );
    let asked = one(json!({"type": "text", "text": {"body": "this one?"}, "context":
        {"from": "12025550100", "id": "wamid.P", "referred_product": {"catalog_id": "55", "product_retailer_id": "bag-40"}}}));
    assert_eq!(asked.data["referred_product"], json!({"catalog_id": "55", "product_retailer_id": "bag-40"}));
    assert_eq!(asked.reply_key(), Some("wamid.P"));
}

#[test]
fn a_forwarded_message_answers_nothing() {
    let forwarded = one(json!({"type": "text", "text": {"body": "x"}, "context": {"forwarded": true}}));
    assert_eq!((forwarded.reply_to, &forwarded.data["forwarded"]), (None, &json!(true)));
    let often =
        one(json!({"type": "image", "image": {"id": "9"}, "context": {"frequently_forwarded": true}}));
    assert_eq!((&often.data["forwarded"], &often.data["frequently_forwarded"]), (&json!(true), &json!(true)));
}

#[test]
fn a_file_that_is_lost_is_said_to_be() {
    let lost = one(json!({"type": "video", "video": {"id": "9", "mime_type": "video/mp4"}, "errors":
        [{"code": 131_052, "title": "Media download error", "error_data": {"details": "too large"}}]}));
    assert_eq!((lost.kind, lost.attachments, lost.media[0].state), (Kind::Video, 1, MediaState::Unavailable));
    assert_eq!(
        (&lost.data["error_code"], &lost.data["error"]),
        (&json!(131_052), &json!("too large (131052)"))
    );
    let bare = one(json!({"type": "document"}));
    assert_eq!((bare.kind, bare.media[0].state), (Kind::Document, MediaState::Unavailable));
    let sticker =
        one(json!({"type": "sticker", "sticker": {"id": 77, "animated": true, "mime_type": "image/webp"}}));
    assert_eq!((sticker.kind, &sticker.data["media_id"]), (Kind::Sticker, &json!("77")));
}

#[test]
fn what_has_no_place_or_words_is_kept_as_unreadable() {
    for odd in [
        json!({"type": "location", "location": {"latitude": "north"}}),
        json!({"type": "text"}),
        json!({"type": "text", "text": "bare"}),
        json!({"type": "contacts", "contacts": {}}),
        json!({"type": 7}),
        json!({}),
    ] {
        assert_eq!(one(odd.clone()).kind, Kind::Unsupported, "{odd}");
    }
    assert_eq!(one(json!({"type": "text", "text": {"body": ""}})).kind, Kind::Text);
}

#[test]
fn a_person_is_known_by_every_id_that_is_told() {
    let contacts = json!([
        {"profile": {"name": "Somebody Else"}, "wa_id": "12025550151", "user_id": "US.2"},
        {"profile": {"name": "Ari Sample", "username": "@ari"}, "wa_id": PERSON, "user_id": HIDDEN},
    ]);
    let with = |message: Value| {
        let events = read(&body("messages", json!({"contacts": contacts, "messages": [message]})));
        events.into_iter().next().unwrap()
    };
    let text = json!({"id": "wamid.A", "type": "text", "text": {"body": "x"}, "timestamp": "1"});
    let mut both = text.clone();
    both["from"] = PERSON.into();
    let by_phone = with(both);
    assert_eq!(by_phone.external_contact_id.as_deref(), Some(PERSON));
    assert_eq!(by_phone.alternate_contact_id.as_deref(), Some(HIDDEN));
    assert_eq!(
        (by_phone.contact_name.as_deref(), by_phone.contact_handle.as_deref()),
        (Some("Ari Sample"), Some("ari"))
    );
    assert_eq!((by_phone.contact_phone.as_deref(), by_phone.timestamp_ms), (Some(PERSON), None));
    let mut hidden = text.clone();
    hidden["from_user_id"] = HIDDEN.into();
    let by_user = with(hidden);
    assert_eq!(by_user.external_conversation_id.as_deref(), Some(HIDDEN));
    assert_eq!(by_user.alternate_contact_id.as_deref(), Some(PERSON));
    assert_eq!(by_user.contact_name.as_deref(), Some("Ari Sample"));
    let mut unknown = text.clone();
    unknown["from"] = "12025550177".into();
    let unknown = with(unknown);
    assert_eq!((unknown.contact_name, unknown.alternate_contact_id), (None, None));
    let nobody = with(text);
    assert_eq!((nobody.kind, nobody.reason.as_deref()), (Kind::Ignored, Some("malformed")));
}

#[test]
fn a_group_is_the_chat_and_its_participant_the_person() {
    let event = one(json!({"group_id": "Y2FwaV9ncm91cDox", "type": "text", "text": {"body": "hi all"}}));
    assert!(event.is_group);
    assert_eq!(event.external_conversation_id.as_deref(), Some("Y2FwaV9ncm91cDox"));
    assert_eq!(event.external_contact_id.as_deref(), Some(PERSON));
    let status = json!({"id": "wamid.G", "status": "read", "timestamp": "1794312000", "recipient_type": "group",
        "recipient_id": "Y2FwaV9ncm91cDox", "recipient_participant_id": PERSON});
    let status = read(&body("messages", json!({"statuses": [status]}))).remove(0);
    assert!(status.partial && status.is_group);
    assert_eq!(status.external_conversation_id.as_deref(), Some("Y2FwaV9ncm91cDox"));
    assert_eq!(status.once_key().as_deref(), Some("status:wamid.G:read:12025550143"));
}

#[test]
fn a_receipt_says_how_far_and_why_not() {
    let status = |more: Value| {
        let mut status = json!({"id": "wamid.S", "timestamp": "1794312000"});
        status.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        read(&body("messages", json!({"statuses": [status]}))).remove(0)
    };
    for (word, right) in [
        ("sent", Status::Sent),
        ("delivered", Status::Delivered),
        ("read", Status::Read),
        ("played", Status::Played),
    ] {
        let event = status(json!({"status": word, "recipient_user_id": HIDDEN}));
        assert_eq!((event.status, event.retryable), (Some(right), None));
        assert_eq!(event.external_conversation_id.as_deref(), Some(HIDDEN));
    }
    let failed = |code: i64| {
        status(json!({"status": "failed", "recipient_id": PERSON, "biz_opaque_callback_data": "01-ab",
            "errors": [{"code": code, "title": "T", "error_data": {"details": "why"}}]}))
    };
    for code in [1, 2, 4, 80_007, 130_429, 131_000, 131_016, 131_056, 131_057, 133_004] {
        assert_eq!(failed(code).retryable, Some(true), "{code}");
    }
    for code in [
        0, 10, 100, 131_021, 131_026, 131_047, 131_048, 131_049, 131_050, 131_053, 132_001, 190, 200, 368,
        777_777,
    ] {
        assert_eq!(failed(code).retryable, Some(false), "{code}");
    }
    let window = failed(131_047);
    let reason = window.reason.as_deref().unwrap();
    assert!(reason.contains("24 hours") && reason.ends_with("why (131047)"), "{reason}");
    assert_eq!(window.our_reference.as_deref(), Some("01-ab"));
    let Event::Receipt(receipt) = Event::from(window) else { panic!("a receipt") };
    assert_eq!((receipt.target_key.as_str(), receipt.our_reference.as_deref()), ("wamid.S", Some("01-ab")));
    let bare = status(json!({"status": "failed"}));
    assert_eq!((bare.status, bare.reason, bare.retryable), (Some(Status::Failed), None, Some(false)));
    assert_eq!(status(json!({"status": "of_the_future"})).kind, Kind::Ignored);
    assert_eq!(status(json!({"status": "sent", "type": "call"})).kind, Kind::Ignored);
}

#[test]
fn edits_and_deletions_name_their_message() {
    let edit = json!({"type": "edit", "edit": {"original_message_id": "wamid.O", "message":
        {"type": "text", "text": {"body": "four boxes"}, "context": {"id": "wamid.Q"}}}});
    let event = one(edit.clone());
    assert_eq!(
        (event.kind, event.content, event.text.as_deref()),
        (Kind::Edited, Some(Kind::Text), Some("four boxes"))
    );
    assert_eq!((event.target_key(), event.update_key()), (Some("wamid.O"), Some("wamid.A")));
    let caption = one(json!({"type": "edit", "edit": {"original_message_id": "wamid.O", "message":
        {"type": "image", "image": {"caption": "now blue"}}}}));
    assert_eq!(
        (caption.content, caption.text.as_deref(), caption.attachments),
        (Some(Kind::Image), Some("now blue"), 0)
    );
    assert!(!caption.data.contains_key("media_unavailable"));
    let revoke = json!({"type": "revoke", "revoke": {"original_message_id": "wamid.O"}});
    assert_eq!(
        (one(revoke.clone()).kind, one(revoke.clone()).target_message_id.as_deref()),
        (Kind::Deleted, Some("wamid.O"))
    );
    assert_eq!(one(json!({"type": "revoke", "revoke": {}})).kind, Kind::Ignored);
    for (change, right) in [(edit, true), (revoke, false)] {
        let mut echo =
            json!({"from": "12025550100", "to": PERSON, "id": "wamid.E", "timestamp": "1794312000"});
        echo.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let events = parsed(&body("smb_message_echoes", json!({"message_echoes": [echo]})));
        let Event::Change(change) = &events[0] else { panic!("{events:?}") };
        assert!(change.by_us && change.target_key == "wamid.O");
        assert_eq!(matches!(change.what, What::Edited { .. }), right);
    }
}

#[test]
fn a_reaction_without_an_emoji_is_taken_back() {
    let reaction = |reaction: Value| one(json!({"type": "reaction", "reaction": reaction}));
    assert_eq!(reaction(json!({"message_id": "wamid.O"})).removed, Some(true));
    assert_eq!(reaction(json!({"message_id": "wamid.O", "emoji": ""})).removed, Some(true));
    assert_eq!(reaction(json!({"message_id": "wamid.O", "emoji": "👍🏽"})).emoji.as_deref(), Some("👍🏽"));
    assert_eq!(reaction(json!({"emoji": "👍"})).reason.as_deref(), Some("malformed"));
}

#[test]
fn an_echo_is_of_a_person_at_another_device() {
    let echo = json!({"from": "12025550100", "to_user_id": HIDDEN, "id": "wamid.E", "timestamp": "1794312000",
        "type": "image", "image": {"id": "5", "caption": "here"}});
    let events = parsed(&body("smb_message_echoes", json!({"message_echoes": [echo]})));
    let Event::Message(message) = &events[0] else { panic!("{events:?}") };
    assert_eq!((message.author, message.chat.id.as_str()), (Author::Phone, HIDDEN));
    assert_eq!((message.sender.id.as_deref(), message.content.media.len()), (None, 1));
}

#[test]
fn history_and_standby_are_shown_and_not_answered() {
    let ours = json!({"from": "12025550100", "to": PERSON, "id": "wamid.H1", "timestamp": "1700000000", "type": "text",
        "text": {"body": "we are open"}, "history_context": {"status": "READ"}});
    let theirs = json!({"from": PERSON, "id": "wamid.H2", "timestamp": "1700000001", "type": "text",
        "text": {"body": "thanks"}});
    let threads = json!([{"id": PERSON, "messages": [ours, theirs]}]);
    let history = json!({"history": [{"metadata": {"phase": 0, "chunk_order": 1, "progress": 55}, "threads": threads}]});
    let events = parsed(&body("history", history));
    let messages: Vec<_> = events
        .iter()
        .map(|event| match event {
            Event::Message(message) => (message.author, message.chat.id.as_str(), message.no_answer),
            other => panic!("{other:?}"),
        })
        .collect();
    let history = Some(NoAnswer::History);
    assert_eq!(messages, [(Author::Phone, PERSON, history), (Author::Customer, PERSON, history)]);
    let media = said(json!({"type": "image", "image": {"id": "5"}}));
    let events = read(&body("history", json!({"messages": [media]})));
    assert_eq!((events[0].kind, events[0].no_answer), (Kind::Image, history));
    let declined =
        read(&body("history", json!({"history": [{"errors": [{"code": 2_593_109, "title": "declined"}]}]})));
    assert_eq!((declined[0].kind, &declined[0].data["error_code"]), (Kind::AccountError, &json!(2_593_109)));

    let text = said(json!({"type": "text", "text": {"body": "hello"}}));
    for value in [
        json!({"messages": [text]}),
        json!({"standby": {"messages": [text]}}),
        json!({"standby": [{"messages": [text]}]}),
    ] {
        let events = read(&body("standby", value));
        assert_eq!((events[0].kind, events[0].no_answer), (Kind::Text, Some(NoAnswer::Standby)));
        assert_eq!(events[0].data["standby"], true);
    }
    let agent = json!({"from": "12025550100", "to": PERSON, "id": "wamid.B", "timestamp": "1", "type": "text", "text": {"body": "bot"}});
    let events = read(&body("standby", json!({"message_echoes": [agent]})));
    assert_eq!(events[0].origin, Some(Origin::OtherApp));
    assert_eq!(read(&body("messaging_handovers", json!({"from": PERSON})))[0].kind, Kind::Handover);
}

#[test]
fn a_person_with_new_ids_keeps_the_chat() {
    let system = |message: Value| {
        let mut message = message;
        message["id"] = "wamid.I".into();
        message["type"] = "system".into();
        let events = parsed(&body("messages", json!({"messages": [message]})));
        match &events[0] {
            Event::Renamed(renamed) => Some((renamed.from.clone(), renamed.to.clone())),
            Event::Noted => None,
            other => panic!("{other:?}"),
        }
    };
    let pair = |from: &str, to: &str| Some((from.to_owned(), to.to_owned()));
    let number = json!({"from": PERSON, "system": {"type": "user_changed_number", "wa_id": "12025550199"}});
    assert_eq!(system(number), pair(PERSON, "12025550199"));
    let older =
        json!({"from": PERSON, "system": {"type": "customer_changed_number", "new_wa_id": "12025550199"}});
    assert_eq!(system(older), pair(PERSON, "12025550199"));
    let hidden =
        json!({"system": {"type": "user_changed_user_id", "previous_user_id": HIDDEN, "user_id": "US.9"}});
    assert_eq!(system(hidden), pair(HIDDEN, "US.9"));
    let same_phone = json!({"from": PERSON, "system": {"type": "user_changed_user_id", "wa_id": PERSON,
        "previous_user_id": HIDDEN, "user_id": "US.9"}});
    assert_eq!(system(same_phone), None);
    let key = json!({"from": PERSON, "system": {"type": "customer_identity_changed", "customer": PERSON}});
    assert_eq!(system(key), None);
    let other = one(json!({"type": "system", "system": {"type": "of_the_future"}}));
    assert_eq!(other.reason.as_deref(), Some("system_message"));
}

#[test]
fn the_account_says_how_it_does() {
    let health = |field: &str, value: Value| match parsed(&body(field, value)).remove(0) {
        Event::Health(health) => Some(health.state),
        _ => None,
    };
    let update = |event: &str, state: &str| {
        health("account_update", json!({"event": event, "ban_info": {"waba_ban_state": state}}))
    };
    assert_eq!(update("DISABLED_UPDATE", "DISABLE"), Some(Down));
    assert_eq!(update("DISABLED_UPDATE", "SCHEDULE_FOR_DISABLE"), None);
    assert_eq!(update("DISABLED_UPDATE", "REINSTATE"), Some(Up));
    assert_eq!(update("PARTNER_REMOVED", ""), Some(Down));
    assert_eq!(health("account_review_update", json!({"decision": "REJECTED"})), Some(Down));
    assert_eq!(health("account_review_update", json!({"decision": "APPROVED"})), None);
    let error = |code: i64| health("messages", json!({"errors": [{"code": code, "title": "T"}]}));
    assert_eq!((error(131_031), error(131_042), error(130_429)), (Some(Down), Some(Down), None));
    for field in ["message_template_status_update", "business_capability_update", "security", "of_the_future"]
    {
        assert_eq!(
            read(&body(field, json!({"event": "X"})))[0].reason.as_deref(),
            Some("other_field"),
            "{field}"
        );
    }
}

#[test]
fn a_wish_not_to_be_advertised_to_is_noted_and_blocks_nothing() {
    let wish = json!({"wa_id": PERSON, "user_id": HIDDEN, "category": "marketing_messages", "value": "stop",
        "timestamp": "1794312000", "detail": "User requested to stop marketing messages"});
    let body = body("user_preferences", json!({"user_preferences": [wish]}));
    let event = read(&body).remove(0);
    assert_eq!((event.kind, event.state.as_deref()), (Kind::Membership, Some("marketing_stopped")));
    assert_eq!(event.external_contact_id.as_deref(), Some(PERSON));
    assert!(event.once_key().is_some());
    assert_eq!(parsed(&body), [Event::Noted]);
}

#[test]
fn one_bad_element_takes_none_of_its_neighbours() {
    let good = said(json!({"type": "text", "text": {"body": "still here"}}));
    let status =
        json!({"id": "wamid.S", "status": "read", "recipient_id": PERSON, "timestamp": "1794312000"});
    let value = json!({"contacts": [null, 7, {"wa_id": [1]}], "messages": [null, 7, {}, {"id": {}, "from": PERSON}, good, "x"],
        "statuses": [{}, {"status": 1, "id": "x"}, status], "errors": "none"});
    let kinds: Vec<_> = read(&body("messages", value)).iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [Kind::Ignored, Kind::Text, Kind::Ignored, Kind::Status]);
    assert_eq!(read(&body("messages", json!({})))[0].reason.as_deref(), Some("empty"));
    let none = json!({"object": "whatsapp_business_account", "entry": []}).to_string();
    assert_eq!(read(none.as_bytes())[0].reason.as_deref(), Some("empty"));
    assert_eq!(read(b"[]")[0].reason.as_deref(), Some("malformed"));
}

#[test]
fn what_is_of_a_number_that_nobody_connected_is_not_read() {
    let body = body("messages", json!({"messages": [said(json!({"type": "text", "text": {"body": "x"}}))]}));
    let known = |ids: Value| {
        let context: Context = serde_json::from_value(json!({ "known_phone_number_ids": ids })).unwrap();
        provider("whatsapp-cloud").unwrap().fields(&body, &context).unwrap().remove(0)
    };
    assert_eq!(known(json!(["106500000000001"])).kind, Kind::Text);
    assert_eq!(known(json!([106_500_000_000_001_i64])).kind, Kind::Text);
    assert_eq!(known(json!(["1"])).reason.as_deref(), Some("unknown_account"));
    assert_eq!(known(json!([])).reason.as_deref(), Some("unknown_account"));
}
