//! Pairing a phone: the codes come live to those who manage the channel, as the provider refreshes them, and to nobody else.

use emulators::Answer;
use emulators::waha::{EmulatorConfig, WahaEmulator};
use serde_json::{Value, json};

use crate::kit::{Client, SESSION, World};
use crate::on_both;

async fn shown(client: &mut Client, fits: impl Fn(&Value) -> bool) -> Value {
    client.publication(|data| data["kind"] == "pairing" && fits(data)).await
}

on_both!(codes_are_shown_live_until_the_phone_is_linked, |engine| async move {
    let world = World::start(engine).await;
    let (owner, agent) = (world.api("owner@example.com").await, world.api("agent@example.com").await);
    let path = format!("/api/v1/channels/{}/pair", world.phone.id);
    let room = format!("pairing:{}", world.phone.id);
    world.waha.set_status(SESSION, "SCAN_QR_CODE");
    world.waha.idle().await;
    let mut watching = world.person("owner@example.com").await;
    assert!(watching.subscribe(&room).await["error"].is_null());
    let mut other = world.person("agent@example.com").await;
    assert_eq!(other.subscribe(&room).await["error"]["code"], 103, "an agent does not manage channels");
    assert_eq!(agent.post(&path, &json!({})).await.0, 403);
    assert_eq!(owner.post(&path, &json!({})).await.0, 200);
    let first = shown(&mut watching, |data| data["qr"].is_string()).await;
    assert!(first["qr"].as_str().is_some_and(|qr| qr.starts_with("data:image/png;base64,")), "{first}");
    // The emulator's is a picture that a person can see, and not a dot.
    assert!(first["qr"].as_str().is_some_and(|qr| qr.len() > 300), "{first}");
    assert_eq!((&first["state"], &first["attempt"]), (&json!("scan"), &json!(1)));
    world.waha.next_code(SESSION);
    let second = shown(&mut watching, |data| data["attempt"] == 2).await;
    assert_ne!(second["qr"], first["qr"]);
    // A second manager sees the same, and asks for a code to be typed.
    let mut colleague = world.person("owner@example.com").await;
    colleague.subscribe(&room).await;
    assert_eq!(owner.post(&path, &json!({ "phone": "+1 202 555 0100" })).await.0, 200);
    let typed = shown(&mut colleague, |data| data["code"].is_string()).await;
    assert_eq!((&typed["code"], &typed["qr"]), (&json!("ABCD-EFGH"), &second["qr"]));
    world.waha.set_status(SESSION, "PASSKEY_REQUIRED");
    let passkey = shown(&mut watching, |data| data["state"] == "passkey").await;
    assert!(passkey["qr"].is_null(), "nothing is to be scanned then");
    world.waha.scan(SESSION);
    shown(&mut watching, |data| data["state"] == "connected").await;
    let (_, body) = owner.get(&format!("/api/v1/channels/{}/health", world.phone.id)).await;
    assert_eq!(body["health"]["state"], "connected", "{body}");
    world.finish().await;
});

on_both!(a_pairing_that_nobody_scans_ends, |engine| async move {
    let world = World::start(engine).await;
    let owner = world.api("owner@example.com").await;
    let path = format!("/api/v1/channels/{}/pair", world.phone.id);
    let mut watching = world.person("owner@example.com").await;
    watching.subscribe(&format!("pairing:{}", world.phone.id)).await;
    world.waha.set_status(SESSION, "SCAN_QR_CODE");
    assert_eq!(owner.post(&path, &json!({})).await.0, 200);
    shown(&mut watching, |data| data["attempt"] == 1).await;
    for _ in 0..6 {
        world.waha.next_code(SESSION);
    }
    shown(&mut watching, |data| data["state"] == "timed_out").await;
    // A bot has nothing to be paired with, and a number has digits.
    let bot = format!("/api/v1/channels/{}/pair", world.bot.id);
    assert_eq!(owner.post(&bot, &json!({})).await.0, 409);
    assert!((400..500).contains(&owner.post(&path, &json!({ "phone": "12" })).await.0));
    world.finish().await;
});

on_both!(a_phone_that_was_just_linked_is_left_alone, |engine| async move {
    let world = World::start(engine).await;
    let me = "12025550177@c.us".to_owned();
    let unlinked = EmulatorConfig { links_itself: false, me, ..EmulatorConfig::default() };
    let waha = WahaEmulator::start(unlinked).await.expect("the emulated WAHA");
    let owner = world.api("owner@example.com").await;
    let credentials =
        json!({ "base_url": waha.base_url(), "api_key": waha.api_key(), "session": "second-phone" });
    let new = json!({ "tenant": world.tenant, "company": world.bot.company, "kind": "waha", "name": "Second",
        "credentials": credentials });
    let (_, made) = owner.post("/api/v1/channels", &new).await;
    let id = made["id"].as_str().expect("an id");
    owner.post(&format!("/api/v1/channels/{id}/connect"), &json!({})).await;
    let mut watching = world.person("owner@example.com").await;
    watching.subscribe(&format!("pairing:{id}")).await;
    owner.post(&format!("/api/v1/channels/{id}/pair"), &json!({})).await;
    shown(&mut watching, |data| data["qr"].is_string()).await;
    let before = waha.calls().len();
    waha.scan("second-phone");
    shown(&mut watching, |data| data["state"] == "connected").await;
    // A changed configuration starts the session anew, in the middle of its first synchronisation.
    let orders: Vec<_> =
        waha.calls().split_off(before).into_iter().filter(|call| call.method != "GET").collect();
    assert!(orders.is_empty(), "{orders:#?}");
    assert_eq!(waha.status("second-phone").as_deref(), Some("WORKING"));
    world.finish().await;
});

on_both!(a_code_that_cannot_be_had_is_no_silence, |engine| async move {
    let world = World::start(engine).await;
    let owner = world.api("owner@example.com").await;
    let path = format!("/api/v1/channels/{}/pair", world.phone.id);
    let mut watching = world.person("owner@example.com").await;
    watching.subscribe(&format!("pairing:{}", world.phone.id)).await;
    let broken = |end: &str| {
        let words = json!({ "exception": { "message": "the page crashed" } });
        let answer = Answer::of(&format!("/api/{SESSION}/auth/{end}"), 500, words);
        world.waha.answers(Answer { times: Some(1), ..answer });
    };
    broken("qr");
    world.waha.set_status(SESSION, "SCAN_QR_CODE");
    assert_eq!(owner.post(&path, &json!({})).await.0, 200);
    let told = shown(&mut watching, |data| data["problem"].is_string()).await;
    assert_eq!((&told["state"], &told["qr"]), (&json!("scan"), &Value::Null), "{told}");
    // It is asked for again by itself.
    let code = shown(&mut watching, |data| data["qr"].is_string()).await;
    assert!(code["problem"].is_null(), "{code}");
    broken("request-code");
    assert_eq!(owner.post(&path, &json!({ "phone": "12025550100" })).await.0, 200);
    let told = shown(&mut watching, |data| data["code_problem"].is_string()).await;
    assert!(told["code"].is_null() && told["qr"].is_string(), "{told}");
    assert_eq!(owner.post(&path, &json!({ "phone": "12025550100" })).await.0, 200);
    let typed = shown(&mut watching, |data| data["code"].is_string()).await;
    assert!(typed["code_problem"].is_null(), "{typed}");
    world.waha.scan(SESSION);
    shown(&mut watching, |data| data["state"] == "connected").await;
    world.finish().await;
});
