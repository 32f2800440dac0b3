//! A number that is used in the app on a phone beside: what is told of the time before it was connected, what the app keeps
//! to itself, and what another app of the page has.

use serde_json::{Value, json};

use super::stage::{Case, Stage};
use crate::kit::meta::{INSTAGRAM, NUMBER};
use crate::on_both;

const CHAT: &str = "12025550177";

fn case(field: &str, value: &Value) -> Case {
    let mut whole = json!({ "messaging_product": "whatsapp",
        "metadata": { "display_phone_number": "12025550100", "phone_number_id": NUMBER } });
    whole.as_object_mut().expect("an object").extend(value.as_object().expect("an object").clone());
    let body = json!({ "object": "whatsapp_business_account",
        "entry": [{ "id": "102200000000001", "changes": [{ "field": field, "value": whole }] }] });
    Case { provider: "whatsapp-cloud".to_owned(), steps: vec![json!({ "whatsapp-cloud": body })] }
}

fn placeholder(from: &str, id: &str) -> Value {
    json!({ "from": from, "to": CHAT, "id": id, "timestamp": "1794300000", "type": "media_placeholder",
        "history_context": { "status": "READ" } })
}

fn picture(from: &str, id: &str) -> Value {
    json!({ "from": from, "to": CHAT, "id": id, "timestamp": "1794300000", "type": "image",
        "image": { "id": "5550001", "mime_type": "image/jpeg", "sha256": "AA==", "caption": "the blue one" } })
}

on_both!(a_picture_of_the_history_takes_the_place_of_its_placeholder, |engine| async move {
    let stage = Stage::start(engine, NUMBER).await;
    let ids = [(CHAT, "wamid.HIST1"), ("12025550100", "wamid.HIST2")];
    let told: Vec<_> = ids.iter().map(|(from, id)| placeholder(from, id)).collect();
    let history = json!([{ "metadata": { "phase": 0 }, "threads": [{ "id": CHAT, "messages": told }] }]);
    stage.run(&case("history", &json!({ "history": history }))).await;
    let before = stage.messages(CHAT).await;
    assert_eq!(before.iter().filter(|one| one["kind"] == "unsupported").count(), 2, "{before:#?}");
    // Each file comes in a body of its own, and may come twice.
    for (from, id) in [ids[0], ids[1], ids[0]] {
        stage.run(&case("history", &json!({ "messages": [picture(from, id)] }))).await;
    }
    let after = stage.messages(CHAT).await;
    assert_eq!(after.len(), 2, "{after:#?}");
    for (message, was) in after.iter().zip(&before) {
        assert_eq!((&message["id"], &message["kind"]), (&was["id"], &json!("image")), "{message}");
        assert_eq!(
            (&message["text"], message["edited_at"].is_null()),
            (&json!("the blue one"), true),
            "{message}"
        );
        assert_eq!(message["attachments"].as_array().map(Vec::len), Some(1), "{message}");
        assert_eq!(message["data"]["history"], true, "{message}");
    }
    assert_eq!(stage.listed(CHAT).await["last_message"]["kind"], "image");
    // The placeholder after its picture changes nothing.
    stage.run(&case("history", &json!({ "history": history }))).await;
    assert_eq!(stage.messages(CHAT).await[0]["kind"], "image");
    stage.finish().await;
});

on_both!(what_the_app_on_the_phone_keeps_to_itself_is_still_seen, |engine| async move {
    let stage = Stage::start(engine, NUMBER).await;
    let errors = json!([{ "code": 131_060, "title": "This message is unavailable" }]);
    let message = json!({ "from": CHAT, "id": "wamid.KEPT", "timestamp": "1794312000", "type": "unsupported",
        "errors": errors });
    let contacts = json!([{ "profile": { "name": "Dana" }, "wa_id": CHAT }]);
    stage.run(&case("messages", &json!({ "contacts": contacts, "messages": [message] }))).await;
    let shown = stage.messages(CHAT).await;
    assert_eq!((shown.len(), &shown[0]["kind"]), (1, &json!("unsupported")), "{shown:#?}");
    assert_eq!(stage.listed(CHAT).await["contact"]["name"], "Dana");
    // Nobody wrote: a reaction to what we do not have, and a history that its owner does not share.
    let reaction = json!({ "from": "12025550178", "id": "wamid.R1", "timestamp": "1794312000", "type": "reaction",
        "reaction": { "message_id": "wamid.NEVER", "emoji": "👍" } });
    stage.run(&case("messages", &json!({ "messages": [reaction] }))).await;
    let declined = json!([{ "errors": [{ "code": 2_593_109, "title": "History sharing is turned off" }] }]);
    stage.run(&case("history", &json!({ "history": declined }))).await;
    assert_eq!(stage.conversation("12025550178").await, None);
    assert_eq!(stage.health().await["state"], "connected");
    stage.finish().await;
});

on_both!(what_another_app_has_is_shown_and_not_answered, |engine| async move {
    let stage = Stage::start(engine, INSTAGRAM).await;
    let said = |form: &str, mid: &str, text: &str| {
        let element = json!({ "sender": { "id": "9300000000000077" }, "recipient": { "id": INSTAGRAM },
            "timestamp": 1_794_312_000_000_i64, "message": { "mid": mid, "text": text } });
        let body = json!({ "object": "instagram",
            "entry": [{ "id": INSTAGRAM, "time": 1_794_312_000_000_i64, form: [element] }] });
        Case {
            provider: "instagram".to_owned(),
            steps: vec![json!({ "instagram": body }), json!({ "wait_ms": 1500 })],
        }
    };
    stage.run(&said("standby", "mid.standby", "is it there?")).await;
    let shown = stage.message("9300000000000077", "is it there?").await;
    assert_eq!(shown["direction"], "in", "{shown}");
    assert!(stage.sends("9300000000000077").is_empty(), "the other app answers");
    stage.finish().await;
});
