//! What WAHA's bodies become, kind by kind of trouble that users reported.

use adapters::{Context, Direction, Fields, Kind, Origin, provider};
use serde_json::{Value, json};

fn parse(body: &Value) -> Fields {
    let events = provider("waha").unwrap().fields(body.to_string().as_bytes(), &Context::default()).unwrap();
    assert_eq!(events.len(), 1);
    events.into_iter().next().unwrap()
}

fn envelope(event: &str, payload: &Value) -> Value {
    json!({"id": "evt_1", "timestamp": 1_794_312_009_123_i64, "event": event, "session": "s",
        "me": {"id": "12025550100@c.us", "pushName": "Demo Shop"}, "payload": payload})
}

fn message(extra: &Value) -> Fields {
    let mut payload = json!({"id": "false_12025550143@c.us_AA", "timestamp": 1_794_312_000, "fromMe": false,
        "from": "12025550143@c.us", "body": null, "hasMedia": false, "media": null});
    payload.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    parse(&envelope("message.any", &payload))
}

/// The member of a NOWEB message.
fn noweb(member: &Value) -> Fields {
    message(&json!({ "_data": { "key": { "id": "AA" }, "message": member } }))
}

#[test]
fn what_the_engine_notes_is_no_message() {
    let members = [
        json!({"protocolMessage": {"type": "EPHEMERAL_SETTING"}}),
        json!({"ephemeralMessage": {"message": {"protocolMessage": {"type": "REVOKE"}}}}),
        json!({"senderKeyDistributionMessage": {"groupId": "g"}}),
        json!({"messageContextInfo": {"deviceListMetadataVersion": 2}}),
        json!({"senderKeyDistributionMessage": {"groupId": "g"}, "messageContextInfo": {}}),
        json!({"secretEncryptedMessage": {"secretEncType": "MESSAGE_EDIT"}}),
        json!({"call": {"callKey": "A"}}),
        json!({"keepInChatMessage": {}}),
        json!({"pinInChatMessage": {}}),
        json!({"encReactionMessage": {}}),
        json!({"botInvokeMessage": {"message": {"conversation": "x"}}}),
        json!({"pollUpdateMessage": {}}),
        json!({"albumMessage": {"expectedImageCount": 2}}),
        json!({"editedMessage": {"message": {"protocolMessage": {"type": "MESSAGE_EDIT",
            "editedMessage": {"conversation": "new"}}}}}),
        json!({"somethingOfNextYear": {"x": 1}}),
    ];
    for member in members {
        let event = noweb(&member);
        assert_eq!(event.kind, Kind::Ignored, "{member}");
        assert!(event.reason.unwrap().starts_with("technical_message:"), "{member}");
    }
    for (name, body) in [
        ("e2e_notification", ""),
        ("notification_template", "This business uses a secure service"),
        ("gp2", ""),
        ("call_log", "Missed call"),
        ("protocol", ""),
        ("revoked", ""),
        ("pinned_message", ""),
        ("album", ""),
        ("something_of_next_year", ""),
    ] {
        let event = message(&json!({"body": body, "_data": {"type": name}}));
        assert_eq!((event.kind, event.reason), (Kind::Ignored, Some(format!("technical_message:{name}"))));
    }
    let waiting = message(&json!({"_data": {"type": "ciphertext"}}));
    assert_eq!((waiting.kind, waiting.reason.as_deref()), (Kind::Ignored, Some("waiting")));
    for stub in [json!(2), json!("CIPHERTEXT")] {
        let event = message(&json!({"_data": {"key": {}, "messageStubType": stub}}));
        assert_eq!(event.reason.as_deref(), Some("waiting"));
    }
    let stub = message(&json!({"_data": {"key": {}, "messageStubType": 127}}));
    assert_eq!(stub.reason.as_deref(), Some("technical_message:stub"));
    // A copy of it must not stand in the way of the real one.
    assert_eq!((stub.message_key(), stub.once_key()), (None, Some("ignored:evt_1".into())));
    for nothing in [json!({}), json!({"body": ""}), json!({"_data": {"message": {"conversation": ""}}})] {
        let event = message(&nothing);
        assert_eq!((event.kind, event.reason.as_deref()), (Kind::Ignored, Some("empty")), "{nothing}");
    }
}

#[test]
fn what_a_person_sends_is_a_message_on_every_engine() {
    for (extra, kind, text) in [
        (json!({"body": "plain"}), Kind::Text, Some("plain")),
        (json!({"body": "gows", "_data": {"Info": {"Type": "text"}}}), Kind::Text, Some("gows")),
        (json!({"body": "new", "_data": {"type": "something_new"}}), Kind::Text, Some("new")),
        (json!({"body": "new", "_data": {"message": {"somethingNew": {}}}}), Kind::Text, Some("new")),
        (json!({"_data": {"message": {"conversation": "member"}}}), Kind::Text, Some("member")),
        (
            json!({"_data": {"message": {"senderKeyDistributionMessage": {}, "messageContextInfo": {},
                "extendedTextMessage": {"text": "first in a group"}}}}),
            Kind::Text,
            Some("first in a group"),
        ),
        (
            json!({"_data": {"message": {"ephemeralMessage": {"message": {"extendedTextMessage": {"text": "gone soon"}}}}}}),
            Kind::Text,
            Some("gone soon"),
        ),
        (
            json!({"_data": {"message": {"deviceSentMessage": {"destinationJid": "x", "message": {"conversation": "mine"}}}}}),
            Kind::Text,
            Some("mine"),
        ),
        (
            json!({"_data": {"Message": {"documentWithCaptionMessage": {"message": {"documentMessage":
                {"mimetype": "application/pdf", "fileName": "a.pdf", "caption": "bill"}}}}}}),
            Kind::Document,
            Some("bill"),
        ),
        (
            json!({"hasMedia": true, "_data": {"message": {"audioMessage": {"ptt": true, "mimetype": "audio/ogg"}}}}),
            Kind::Voice,
            None,
        ),
        (json!({"hasMedia": true, "_data": {"type": "sticker"}}), Kind::Sticker, None),
        (
            json!({"_data": {"message": {"liveLocationMessage": {"degreesLatitude": 40.4, "degreesLongitude": -3.7}}}}),
            Kind::Location,
            None,
        ),
        (
            json!({"_data": {"message": {"contactMessage": {"displayName": "D", "vcard": "BEGIN:VCARD\nFN:D\nEND:VCARD"}}}}),
            Kind::Contacts,
            None,
        ),
        (
            json!({"_data": {"message": {"orderMessage": {"orderId": "1", "itemCount": 2}}}}),
            Kind::Order,
            None,
        ),
    ] {
        let event = message(&extra);
        assert_eq!((event.kind, event.text.as_deref()), (kind, text), "{extra}");
        assert_eq!(event.message_key(), Some("AA"));
    }
}

#[test]
fn what_a_person_sent_and_nobody_can_read_is_shown_as_such() {
    let poll =
        noweb(&json!({"pollCreationMessageV3": {"name": "When?", "options": [{"optionName": "today"}]}}));
    assert_eq!(poll.kind, Kind::Unsupported);
    assert_eq!(poll.data["poll"], json!({"question": "When?", "options": ["today"]}));
    for member in [
        json!({"viewOnceMessageV2": {"message": {"imageMessage": {"viewOnce": true}}}}),
        json!({"imageMessage": {"viewOnce": true}}),
        json!({"viewOnceMessage": {"message": {}}}),
    ] {
        let event = noweb(&member);
        assert_eq!((event.kind, event.attachments), (Kind::Unsupported, 0), "{member}");
        assert_eq!(event.data["view_once"], true, "{member}");
    }
    for data in [
        json!({"key": {"id": "AA", "isViewOnce": true}, "status": 3}),
        json!({"key": {"id": "AA", "isViewOnce": true}, "messageStubType": 2}),
        json!({"IsViewOnce": true, "Info": {"Type": "media"}, "Message": {"imageMessage": {}}}),
        json!({"type": "image", "isViewOnce": true}),
    ] {
        let event = message(&json!({ "_data": data }));
        assert_eq!((event.kind, &event.data["view_once"]), (Kind::Unsupported, &json!(true)), "{data}");
    }
    for extra in [
        json!({"_data": {"type": "poll_creation"}, "body": "When?"}),
        json!({"_data": {"type": "unknown"}}),
        json!({"_data": {"type": "interactive"}}),
        json!({"_data": {"message": {"interactiveMessage": {"nativeFlowMessage": {}}}}}),
        json!({"_data": {"message": {"eventMessage": {"name": "n"}}}}),
        json!({"_data": {"message": {"groupInviteMessage": {}}}}),
        json!({"_data": {"Info": {"Type": "poll"}}}),
    ] {
        assert_eq!(message(&extra).kind, Kind::Unsupported, "{extra}");
    }
    let open = message(
        &json!({"hasMedia": true, "media": {"url": "http://w/api/files/s/a.jpg", "mimetype": "image/jpeg"},
        "_data": {"message": {"viewOnceMessageV2": {"message": {"imageMessage": {"viewOnce": true}}}}}}),
    );
    assert_eq!((open.kind, open.attachments), (Kind::Image, 1));
}

#[test]
fn a_choice_keeps_its_label() {
    for member in [
        json!({"buttonsResponseMessage": {"selectedButtonId": "b1", "selectedDisplayText": "Pick-up"}}),
        json!({"listResponseMessage": {"title": "Pick-up", "singleSelectReply": {"selectedRowId": "b1"}}}),
        json!({"templateButtonReplyMessage": {"selectedId": "b1", "selectedDisplayText": "Pick-up"}}),
    ] {
        let event = noweb(&member);
        assert_eq!((event.kind, event.text.as_deref()), (Kind::Interactive, Some("Pick-up")), "{member}");
        assert_eq!(
            (&event.data["label"], &event.data["payload"]),
            (&json!("Pick-up"), &json!("b1")),
            "{member}"
        );
    }
}

fn edit(extra: &Value) -> Fields {
    let mut payload = json!({"id": "false_12025550143@c.us_AA", "timestamp": 1_794_312_000, "fromMe": false,
        "from": "12025550143@c.us", "hasMedia": false, "editedMessageId": "AA"});
    payload.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    parse(&envelope("message.edited", &payload))
}

#[test]
fn an_edit_has_its_own_time_and_all_its_content() {
    let text = edit(&json!({"body": "three boxes", "_data": {"newBody": "three boxes"}}));
    assert_eq!((text.kind, text.content), (Kind::Edited, Some(Kind::Text)));
    assert_eq!(text.timestamp_ms, Some(1_794_312_009_123));
    let photo = edit(&json!({"body": "caption", "hasMedia": true, "_data": {"type": "image"},
        "media": {"url": "http://w/api/files/s/new.jpg", "mimetype": "image/jpeg"}}));
    assert_eq!(
        (photo.content, photo.text.as_deref(), photo.attachments),
        (Some(Kind::Image), Some("caption"), 1)
    );
    // The caption was removed, and the engine has not got the file again: it is as it was.
    let bare = edit(
        &json!({"id": "false_12025550143@c.us_BB", "body": "", "hasMedia": true, "_data": {"message":
        {"editedMessage": {"message": {"protocolMessage": {"editedMessage": {"imageMessage": {"mimetype": "image/jpeg"}}}}}}}}),
    );
    assert_eq!((bare.content, bare.text.as_deref(), bare.attachments), (Some(Kind::Image), None, 0));
    assert_eq!(photo.media[0].reference["message"], "false_12025550143@c.us_AA");
    assert_eq!(bare.target_key(), Some("AA"));
    // A video of an album: its edit comes as a message.
    let child =
        message(&json!({"id": "false_12025550143@c.us_BB", "_data": {"Message": {"messageContextInfo": {},
        "associatedChildMessage": {"message": {"protocolMessage": {"key": {"ID": "AA"}, "type": 14,
            "editedMessage": {"videoMessage": {"caption": "the blue one"}}}}}}}}));
    assert_eq!(
        (child.kind, child.content, child.target_key()),
        (Kind::Edited, Some(Kind::Video), Some("AA"))
    );
    assert_eq!((child.text.as_deref(), child.attachments), (Some("the blue one"), 0));
    let place = edit(&json!({"location": {"latitude": 1.5, "longitude": 2.5}}));
    assert_eq!((place.content, &place.data["latitude"]), (Some(Kind::Location), &json!(1.5)));
    let closed = edit(&json!({"_data": {"message": {"secretEncryptedMessage": {}}}}));
    assert_eq!(closed.kind, Kind::Ignored);
}

#[test]
fn only_empty_text_takes_a_reaction_back() {
    let reaction = |reaction: Value, id: &str| {
        parse(&envelope(
            "message.reaction",
            &json!({"id": id, "fromMe": false, "timestamp": 1_794_312_025.25,
            "participant": "12025550151@c.us", "reaction": reaction}),
        ))
    };
    let id = "false_12025550143@c.us_RX";
    let removed = reaction(json!({"text": "", "messageId": "true_12025550143@c.us_AA"}), id);
    assert_eq!(
        (removed.kind, removed.removed, removed.timestamp_ms),
        (Kind::Reaction, Some(true), Some(1_794_312_025_250))
    );
    for text in [json!({"messageId": "AA"}), json!({"messageId": "AA", "text": null})] {
        assert_eq!(reaction(text, id).kind, Kind::Ignored);
    }
    let group = reaction(
        json!({"text": "👍", "messageId": "AA"}),
        "false_120363000000000123@g.us_RX_12025550151@c.us",
    );
    assert_eq!(group.external_contact_id.as_deref(), Some("12025550151@c.us"));
    assert_eq!((group.emoji.as_deref(), group.removed), (Some("👍"), Some(false)));
}

#[test]
fn a_deletion_has_its_own_time() {
    let revoked = |after: &str| {
        let after = json!({"id": after, "timestamp": 1_794_312_001, "fromMe": false});
        parse(&envelope(
            "message.revoked",
            &json!({"after": after, "revokedMessageId": "AA", "before": null}),
        ))
    };
    // The deleted message itself: its time is not the deletion's.
    assert_eq!(revoked("false_12025550143@c.us_AA").timestamp_ms, Some(1_794_312_009_123));
    assert_eq!(revoked("false_12025550143@c.us_BB").timestamp_ms, Some(1_794_312_001_000));
}

#[test]
fn a_quote_keeps_its_words() {
    let reply = json!({"id": "OLD1", "participant": "12025550100@c.us", "body": "Canvas bag 40 l, 35 EUR"});
    let quoted = message(&json!({"body": "this one", "replyTo": reply}));
    assert_eq!(
        quoted.data["quoted"],
        json!({"text": "Canvas bag 40 l, 35 EUR", "author": "Demo Shop", "kind": "text"})
    );
    assert_eq!(quoted.reply_key(), Some("OLD1"));
    let photo =
        message(&json!({"body": "and this", "replyTo": {"id": "OLD2", "participant": "12025550143@c.us",
        "body": "", "hasMedia": true, "media": {"mimetype": "image/jpeg"}}}));
    assert_eq!(photo.data["quoted"], json!({"author": "+12025550143", "kind": "image"}));
    let status =
        noweb(&json!({"extendedTextMessage": {"text": "how much?", "contextInfo": {"stanzaId": "ST",
        "remoteJid": "status@broadcast", "participant": "12025550100@s.whatsapp.net",
        "quotedMessage": {"imageMessage": {"caption": "New bags!"}}}}}));
    assert_eq!(
        status.data["quoted"],
        json!({"text": "New bags!", "author": "Demo Shop", "kind": "image", "elsewhere": true})
    );
    // GOWS gives the quote beside, and its place in the engine's own part only.
    let gows = message(
        &json!({"body": "how much?", "replyTo": {"id": "ST", "participant": "12025550100@c.us", "body": "New bags!"},
        "_data": {"Message": {"extendedTextMessage": {"text": "how much?", "contextInfo": {"stanzaID": "ST", "remoteJID": "status@broadcast"}}}}}),
    );
    assert_eq!(gows.data["quoted"]["elsewhere"], true);
    let passed_on = noweb(&json!({"extendedTextMessage": {"text": "x", "contextInfo": {"isForwarded": true,
        "forwardedNewsletterMessageInfo": {"newsletterName": "Bag News"}}}}));
    assert_eq!(
        (&passed_on.data["forwarded"], &passed_on.data["forwarded_from"]),
        (&json!(true), &json!("Bag News"))
    );
    let group = parse(&envelope(
        "message.any",
        &json!({"id": "false_120363000000000123@g.us_AA_12025550151@c.us",
        "body": "hi", "_data": {"chat": {"name": "Bag lovers"}}}),
    ));
    assert_eq!(group.chat_title.as_deref(), Some("Bag lovers"));
}

#[test]
fn a_failed_message_says_why() {
    let ack = json!({"id": "true_12025550143@c.us_AA", "fromMe": true, "ack": -1, "error": {"code": "463"}});
    let event = parse(&envelope("message.ack", &ack));
    assert!(event.reason.unwrap().contains("463"));
}

#[test]
fn what_machines_write_is_no_message() {
    for (chat, reason) in [
        ("0@c.us", "service_account"),
        ("0@s.whatsapp.net", "service_account"),
        ("867051314767696@bot", "bot"),
        ("13135550002@c.us", "bot"),
    ] {
        for from_me in [false, true] {
            let said =
                message(&json!({"id": format!("{from_me}_{chat}_AA"), "fromMe": from_me, "from": chat,
                "source": "app", "body": "I am a model"}));
            assert_eq!((said.kind, said.reason.as_deref()), (Kind::Ignored, Some(reason)), "{chat}");
        }
    }
    let group = message(&json!({"id": "false_120363000000000123@g.us_AA_867051314767696@bot",
        "from": "120363000000000123@g.us", "participant": "867051314767696@bot", "body": "I am a model"}));
    assert_eq!(group.reason.as_deref(), Some("bot"));
}

#[test]
fn notes_to_oneself_are_nobody_elses() {
    let own = "12025550100@c.us";
    let payload = json!({"id": format!("true_{own}_AA"), "timestamp": 1_794_312_000, "fromMe": true, "source": "app",
        "from": own, "to": own, "body": "buy milk", "reaction": {"text": "👍", "messageId": "true_1@c.us_AA"},
        "editedMessageId": "AA", "revokedMessageId": "AA", "ack": 3});
    for event in ["message.any", "message.reaction", "message.edited", "message.ack"] {
        assert_eq!(parse(&envelope(event, &payload)).reason.as_deref(), Some("own_chat"), "{event}");
    }
    let revoked = parse(&envelope("message.revoked", &json!({"after": payload, "revokedMessageId": "AA"})));
    assert_eq!(revoked.reason.as_deref(), Some("own_chat"));
}

/// NOWEB: `fromMe` is false, and the participant our own account, by its phone or its hidden id.
#[test]
fn what_we_wrote_in_a_group_is_ours_whatever_the_engine_says() {
    let group = "120363000000000123@g.us";
    let told = |event: &str, own: &str, extra: &Value| {
        let mut payload = json!({"id": format!("false_{group}_AA_{own}"), "timestamp": 1_794_312_000, "from": group,
            "fromMe": false, "participant": own, "body": "hi"});
        payload.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let mut body = envelope(event, &payload);
        body["me"]["lid"] = "190000000000001@lid".into();
        parse(&body)
    };
    for own in ["12025550100@c.us", "12025550100:4@s.whatsapp.net", "190000000000001@lid"] {
        for (source, origin) in [("app", Origin::HumanDevice), ("api", Origin::OurApi)] {
            let event = told("message.any", own, &json!({"source": source}));
            assert_eq!((event.direction, event.origin), (Some(Direction::Outbound), Some(origin)), "{own}");
            assert_eq!((event.external_contact_id, event.message_key), (None, Some("AA".into())));
        }
        let reaction = told(
            "message.reaction",
            own,
            &json!({"reaction": {"text": "👍", "messageId": "false_1@c.us_BB"}}),
        );
        assert_eq!(reaction.direction, Some(Direction::Outbound));
        let edit = told("message.edited", own, &json!({"editedMessageId": "AA"}));
        assert_eq!((edit.kind, edit.direction), (Kind::Edited, Some(Direction::Outbound)));
    }
    assert_eq!(told("message.any", "12025550151@c.us", &json!({})).direction, Some(Direction::Inbound));
    // Of a receipt the participant is the reader: that we read a message does not make it ours.
    let read = told("message.ack", "12025550100@c.us", &json!({"ack": 3}));
    assert_eq!(read.reason.as_deref(), Some("ack_of_inbound"));
}

/// WEBJS: both parts have the id of the note, and the engine's data alone names the message.
#[test]
fn a_deletion_is_of_the_message_that_the_engine_names() {
    let key = json!({"fromMe": false, "remote": "12025550143@c.us", "id": "ORIGINAL"});
    let serialized = json!({"id": {"_serialized": "false_12025550143@c.us_ORIGINAL"}});
    for key in [key, serialized] {
        let note = json!({"id": "false_12025550143@c.us_NOTE", "timestamp": 1_794_312_000, "fromMe": false,
            "from": "12025550143@c.us", "body": "", "_data": {"type": "revoked", "protocolMessageKey": key}});
        for payload in [json!({"before": note, "after": note}), json!({"before": null, "after": note})] {
            let event = parse(&envelope("message.revoked", &payload));
            assert_eq!((event.kind, event.target_key()), (Kind::Deleted, Some("ORIGINAL")));
            assert_eq!(event.timestamp_ms, Some(1_794_312_000_000), "the note's own time");
        }
    }
}
