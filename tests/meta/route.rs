//! One address for all accounts of an app: each channel gets what is its own, whole and in order.

use aws_lc_rs::hmac;
use emulators::meta::{Mode, Number};
use serde_json::{Value, json};

use crate::kit::meta::{MetaWorld, NUMBER, WABA};
use crate::on_both;

const OTHER: &str = "106500000000002";
const OTHER_WABA: &str = "102200000000002";

fn change(number: &str, id: &str, from: &str, text: &str) -> Value {
    json!({ "field": "messages", "value": { "messaging_product": "whatsapp",
        "metadata": { "display_phone_number": "12025550100", "phone_number_id": number },
        "contacts": [{ "wa_id": from, "profile": { "name": "Mira" } }],
        "messages": [{ "from": from, "id": id, "timestamp": "1795950000", "type": "text", "text": { "body": text } }] } })
}

fn body(entries: &[(&str, Vec<Value>)]) -> Value {
    let entry = |(id, changes): &(&str, Vec<Value>)| json!({ "id": id, "changes": changes });
    json!({ "object": "whatsapp_business_account", "entry": entries.iter().map(entry).collect::<Vec<_>>() })
}

/// Posts a body to an app's address, signed with a secret.
async fn post(url: &str, secret: &str, body: &Value) -> u16 {
    let body = body.to_string();
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let signature = format!("sha256={}", hex::encode(hmac::sign(&key, body.as_bytes())));
    let request = reqwest::Client::new().post(url).header("X-Hub-Signature-256", signature).body(body);
    request.send().await.expect("an answer").status().as_u16()
}

on_both!(a_thousand_changes_of_one_body_are_whole_and_in_order, |engine| async move {
    let all = MetaWorld::start(engine).await;
    all.whatsapp().await;
    let secret = all.meta.config().app_secret.clone();
    let changes: Vec<_> = (0..1_000)
        .map(|n| change(NUMBER, &format!("wamid.N{n}"), "12025550143", &format!("number {n}")))
        .collect();
    let whole = body(&[(WABA, changes)]);
    assert_eq!(post(&all.callback(), &secret, &whole).await, 200);
    // The provider repeats what it thinks was not taken.
    assert_eq!(post(&all.callback(), &secret, &whole).await, 200);
    let api = all.world.api("agent@example.com").await;
    let inbox = api.inbox().await;
    let messages = api.messages(inbox[0]["id"].as_str().expect("an id")).await;
    let texts: Vec<_> = messages.iter().map(|one| one["text"].as_str().unwrap_or_default()).collect();
    let right: Vec<_> = (0..1_000).map(|n| format!("number {n}")).collect();
    assert_eq!(texts, right);
    all.finish().await;
});

on_both!(repeated_and_shuffled_deliveries_change_nothing, |engine| async move {
    let all = MetaWorld::start(engine).await;
    let lines = all.all().await;
    all.meta.delivers(Mode { batch: 7, shuffled: Some(20_261_129), copies: 2 });
    all.meta.holds(true);
    for line in &lines {
        for number in 0..20 {
            let id = all.meta.customer_says(line.account, line.person, &format!("{number}"));
            if number % 5 == 0 {
                all.meta.customer_reacts(line.account, line.person, &id, Some("👍"));
                all.meta.customer_edits(line.account, line.person, &id, &format!("{number} edited"), 1);
            }
        }
    }
    all.meta.holds(false);
    all.meta.idle().await;
    let api = all.world.api("agent@example.com").await;
    let inbox = api.inbox().await;
    assert_eq!(inbox.len(), lines.len());
    for conversation in inbox {
        let messages = api.messages(conversation["id"].as_str().expect("an id")).await;
        assert_eq!(messages.len(), 20, "each once");
        let edited = |one: &&Value| one["text"].as_str().is_some_and(|text| text.ends_with(" edited"));
        assert_eq!(messages.iter().filter(edited).count(), 4);
        assert_eq!(messages.iter().filter(|one| one["reactions"][0]["emoji"] == "👍").count(), 4);
    }
    assert_eq!(all.meta.lost(), 0);
    all.finish().await;
});

on_both!(what_is_told_of_a_business_account_reaches_all_its_numbers, |engine| async move {
    let all = MetaWorld::start(engine).await;
    let third = "106500000000003";
    let number = Number {
        id: third.into(),
        waba: WABA.into(),
        phone: "12025550103".into(),
        name: "Demo Shop, second line".into(),
    };
    all.meta.has(&[number], &[], &[], &[]);
    let first = all.whatsapp().await.channel;
    let connect = async |number: &str, waba: &str| {
        let token = all.meta.number_token(number);
        let credentials = [("phone_number_id", number), ("waba_id", waba), ("access_token", token.as_str())];
        all.connect("whatsapp-cloud", &credentials).await
    };
    let second = connect(third, WABA).await;
    let elsewhere = connect(OTHER, OTHER_WABA).await;
    let mut manager = all.world.person("owner@example.com").await;
    let secret = all.meta.config().app_secret.clone();
    let ban = |state: &str| {
        json!({ "field": "account_update", "value": { "event": "DISABLED_UPDATE",
            "ban_info": { "waba_ban_state": state, "waba_ban_date": "2026-11-29" } } })
    };
    let template = json!({ "field": "message_template_status_update",
        "value": { "event": "REJECTED", "message_template_name": "order_ready", "reason": "NONE" } });
    assert_eq!(post(&all.callback(), &secret, &body(&[(WABA, vec![template, ban("DISABLE")])])).await, 200);
    for channel in [&first, &second] {
        let id = channel.id.to_string();
        let is_down = |data: &Value| {
            data["channel_state"]["id"] == id.as_str() && data["channel_state"]["health"]["state"] == "down"
        };
        manager.publication(is_down).await;
    }
    let told = |data: &Value| data["channel_state"]["id"] == elsewhere.id.to_string().as_str();
    assert!(!manager.unread().any(|frame| {
        told(&frame["push"]["pub"]["data"])
            && frame["push"]["pub"]["data"]["channel_state"]["health"]["state"] == "down"
    }));
    // One of them is left: the account's other number is told all the same.
    let owner = all.world.api("owner@example.com").await;
    assert_eq!(owner.post(&format!("/api/v1/channels/{}/disconnect", second.id), &json!({})).await.0, 200);
    assert_eq!(post(&all.callback(), &secret, &body(&[(WABA, vec![ban("REINSTATE")])])).await, 200);
    let id = first.id.to_string();
    let is_well = |data: &Value| {
        data["channel_state"]["id"] == id.as_str() && data["channel_state"]["health"]["state"] == "connected"
    };
    manager.publication(is_well).await;
    manager.close().await;
    all.finish().await;
});
