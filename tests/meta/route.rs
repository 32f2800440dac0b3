//! One address for all accounts of an app: each channel gets what is its own, whole and in order.

use std::sync::Arc;

use aws_lc_rs::hmac;
use emulators::meta::{EmulatorConfig, MetaEmulator, Mode, Number};
use hubbub::accounts::Scope;
use hubbub::accounts::tenants::{CompanyKind, CreateCompany, CreateTenant};
use hubbub::channels::apps::{AppChanges, CreateApp, UpdateApp};
use hubbub::model::ProviderAppState;
use serde_json::{Value, json};

use crate::kit::meta::{MetaWorld, NUMBER, WABA, settings};
use crate::kit::{channel, quick};
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
    let request = crate::kit::http().post(url).header("X-Hub-Signature-256", signature).body(body);
    request.send().await.expect("an answer").status().as_u16()
}

on_both!(one_body_of_two_tenants_is_shared_out, |engine| async move {
    let all = MetaWorld::start(engine).await;
    let (app, secret) = (&all.world.app, all.meta.config().app_secret.clone());
    all.whatsapp().await;
    // The app is given to another tenant, whose number is connected through it too.
    let other =
        app.store.write(CreateTenant { name: "Candle Shop".into() }).await.expect("a tenant").value.id;
    let scope = Scope::system(other);
    let company = CreateCompany { scope: scope.clone(), name: "Candles".into(), kind: CompanyKind::Product };
    let company = app.store.write(company).await.expect("a company").value.id;
    let changes = AppChanges { tenant: Some(other), ..AppChanges::default() };
    let give = UpdateApp { vault: Arc::clone(&app.vault), id: all.app, changes };
    app.store.write(give).await.expect("it is given");
    let credentials = [
        ("phone_number_id", OTHER.to_owned()),
        ("waba_id", OTHER_WABA.to_owned()),
        ("access_token", all.meta.number_token(OTHER)),
    ];
    let theirs =
        channel(app, &scope, company, "whatsapp-cloud", &credentials, quick(), all.world.address).await;
    crate::kit::user(app, "candles@example.com", None, Some((other, hubbub::accounts::Role::Owner))).await;
    let ours = all.world.api("owner@example.com").await;
    let candles = all.world.api("candles@example.com").await;
    let mixed = body(&[
        (WABA, vec![change(NUMBER, "wamid.A1", "12025550143", "for lanterns")]),
        (OTHER_WABA, vec![change(OTHER, "wamid.B1", "12025550144", "for candles")]),
        ("102200000000009", vec![change("106500000000009", "wamid.C1", "12025550145", "for nobody")]),
        (WABA, vec![change(NUMBER, "wamid.A2", "12025550143", "again for lanterns")]),
    ]);
    assert_eq!(post(&all.callback(), "another secret", &mixed).await, 401);
    assert!(ours.inbox().await.is_empty());
    assert_eq!(post(&all.callback(), &secret, &mixed).await, 200);
    let texts = async |api: &crate::kit::Api| {
        let mut texts = Vec::new();
        for conversation in api.inbox().await {
            for message in api.messages(conversation["id"].as_str().expect("an id")).await {
                texts.push(message["text"].as_str().unwrap_or_default().to_owned());
            }
        }
        texts
    };
    assert_eq!(texts(&ours).await, ["for lanterns", "again for lanterns"]);
    assert_eq!(texts(&candles).await, ["for candles"]);

    // Another app's secret opens another app's address only, and none of this app's channels.
    let config = EmulatorConfig { app_id: "555000111222999".into(), ..EmulatorConfig::default() };
    let foreign = MetaEmulator::start(config).await.expect("the emulator");
    let create = CreateApp {
        vault: Arc::clone(&app.vault),
        family: "meta".into(),
        name: "Another".into(),
        state: ProviderAppState::Approved,
        assigned_to: None,
        settings: settings(&foreign),
    };
    let id = app.store.write(create).await.expect("an app").value.id;
    let url = all.world.url(&format!("/hooks/meta/{id}"));
    let forged = body(&[(WABA, vec![change(NUMBER, "wamid.F1", "12025550143", "forged")])]);
    assert_eq!(post(&url, &foreign.config().app_secret, &forged).await, 200);
    assert_eq!(texts(&ours).await.len(), 2, "nothing is written");

    // A retired app still has its channels.
    let changes = AppChanges { state: Some(ProviderAppState::Retired), ..AppChanges::default() };
    let retire = UpdateApp { vault: Arc::clone(&app.vault), id: all.app, changes };
    app.store.write(retire).await.expect("it is retired");
    let late = body(&[(OTHER_WABA, vec![change(OTHER, "wamid.B2", "12025550144", "still there")])]);
    assert_eq!(post(&all.callback(), &secret, &late).await, 200);
    assert_eq!(texts(&candles).await, ["for candles", "still there"]);
    assert_eq!(theirs.tenant, other);
    all.finish().await;
});

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
