//! What the limits promise fits: over JSON and HTTP, however its characters are written; what is over them is refused
//! in words, and the connection stays. And what providers send is kept on both engines, whatever is in it.

use adapters::Context;
use hubbub::inbox::receive::receive;
use hubbub::model::ChannelSettings;
use serde_json::{Value, json};

use crate::kit::client::As;
use crate::kit::{Client, World};
use crate::on_both;

const MOST: usize = 40_000;

/// Texts of so many characters, as they stand in JSON: from one byte a character to twelve.
fn texts(characters: usize) -> Vec<(&'static str, String)> {
    [
        ("plain", "x"),
        ("two bytes", "ж"),
        ("four bytes", "😀"),
        ("quotes", r#"\""#),
        ("escaped", r"\u0436"),
        ("escaped pairs", r"\ud83d\ude00"),
    ]
    .map(|(name, unit)| (name, unit.repeat(characters)))
    .into()
}

async fn conversation(world: &World) -> String {
    world.hook(&world.bot, &World::update(1, 5550401, 1, "Hello")).await;
    world.api("owner@example.com").await.inbox().await[0]["id"].as_str().expect("an id").to_owned()
}

fn people_only() -> ChannelSettings {
    ChannelSettings { ai: false, ..crate::kit::quick() }
}

on_both!(the_longest_message_is_sent_over_the_socket_and_http, |engine| async move {
    let world = World::with(engine, people_only()).await;
    let id = conversation(&world).await;
    let api = world.api("agent@example.com").await;
    let mut client = Client::connect(world.address, As::Token(api.token.clone())).await;
    for (number, (name, text)) in texts(MOST).into_iter().enumerate() {
        for method in ["message.send", "note.add"] {
            let arguments =
                format!(r#"{{"conversation":"{id}","client_id":"{method}{number}","text":"{text}"}}"#);
            let reply = client.raw_rpc(method, &arguments).await;
            let kept = reply["rpc"]["data"]["message"]["text"].as_str();
            assert_eq!(
                kept.map(|text| text.chars().count()),
                Some(MOST),
                "{method} {name}: {}",
                reply["error"]
            );
        }
        for kind in ["messages", "notes"] {
            let path = world.url(&format!("/api/v1/conversations/{id}/{kind}"));
            let body = format!(r#"{{"client_id":"http {kind} {number}","text":"{text}"}}"#);
            let request = crate::kit::http().post(path).bearer_auth(&api.token).body(body);
            let answer = request.header("content-type", "application/json").send().await.expect("an answer");
            assert_eq!(answer.status(), 201, "{kind} {name}");
        }
    }
    for (name, text) in texts(MOST + 1) {
        let arguments = format!(r#"{{"conversation":"{id}","client_id":"over {name}","text":"{text}"}}"#);
        let error = client.raw_rpc("message.send", &arguments).await["error"].clone();
        assert_eq!((&error["code"], error["temporary"].as_bool()), (&json!(400), None), "{name}: {error}");
        assert!(error["message"].as_str().is_some_and(|words| words.contains("40000")), "{error}");
    }
    // With everything else that a message may have, written as badly as can be.
    let letters = |letter: &str, count: usize| letter.repeat(count);
    let (url, label) = (letters(r"\u0061", 1_975), letters(r"\ud83d\ude00", 200));
    let file = format!(
        r#"{{"kind":"image","url":"https://files.example.com{url}","name":"{label}","mime":"{label}"}}"#
    );
    let files = vec![file; 10].join(",");
    let text = letters(r"\ud83d\ude00", MOST);
    let arguments = format!(
        r#"{{"conversation":"{id}","client_id":"{}","text":"{text}","attachments":[{files}]}}"#,
        letters(r"\u0061", 100)
    );
    let reply = client.raw_rpc("message.send", &arguments).await;
    assert_eq!(
        reply["rpc"]["data"]["message"]["attachments"].as_array().map(Vec::len),
        Some(10),
        "{}",
        reply["error"]
    );
    let words = client
        .raw_rpc(
            "message.send",
            &format!(r#"{{"conversation":"{id}","client_id":"last","text":"a\u0007b\r\nc"}}"#),
        )
        .await;
    assert_eq!(words["rpc"]["data"]["message"]["text"], "ab\nc", "the same connection goes on: {words}");
    client.close().await;
    world.finish().await;
});

on_both!(the_longest_answer_is_taken_whole_and_in_parts, |engine| async move {
    let world = World::start(engine).await;
    let mut worker = world.worker(1).await;
    let mut customer = 5_550_500;
    for (name, unit) in [("raw", "😀"), ("escaped", r"\ud83d\ude00")] {
        for parts in [1, 10] {
            customer += 1;
            world.hook(&world.bot, &World::update(customer, customer, 1, "Hello")).await;
            let turn = worker.offered().await;
            let head = format!(r#""turn":{},"lease":{}"#, turn["id"], turn["lease"]);
            let delta = unit.repeat(16 * 1024 / 4);
            let reply = worker.raw_rpc("turn.delta", &format!(r#"{{{head},"text":"{delta}"}}"#)).await;
            assert!(reply.get("error").is_none(), "{name}: {reply}");
            let part = |characters: usize| format!(r#"{{"text":"{}"}}"#, unit.repeat(characters));
            let over = vec![part(MOST / parts + 1); parts].join(",");
            let reply = worker.raw_rpc("turn.reply", &format!(r#"{{{head},"parts":[{over}]}}"#)).await;
            assert_eq!(reply["error"]["code"], 400, "{name} {parts}: {}", reply["error"]);
            let most = vec![part(MOST / parts); parts].join(",");
            let reply = worker.raw_rpc("turn.reply", &format!(r#"{{{head},"parts":[{most}]}}"#)).await;
            let messages = reply["rpc"]["data"]["messages"].as_array().map(Vec::len);
            assert_eq!(messages, Some(parts), "{name} {parts}: {}", reply["error"]);
        }
    }
    worker.close().await;
    world.finish().await;
});

on_both!(before_it_connects_nobody_has_long_frames, |engine| async move {
    let world = World::start(engine).await;
    let (code, _) = Client::refused(world.address, As::Token("x".repeat(65 * 1024))).await;
    assert_eq!(code, 1009);
    world.finish().await;
});

/// Every string of a document, and every name of a member, with U+0000 in it.
fn spoil(value: &mut Value) {
    match value {
        Value::String(text) => *text = format!("\0{text}\0"),
        Value::Array(members) => members.iter_mut().for_each(spoil),
        Value::Object(members) => {
            members.values_mut().for_each(spoil);
            // A copy beside it, so that the body is still understood.
            for name in members.keys().cloned().collect::<Vec<_>>() {
                let member = members[&name].clone();
                members.insert(format!("{name}\0"), member);
            }
        }
        _ => {}
    }
}

fn fixtures() -> Vec<(String, Vec<u8>)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("adapters/fixtures");
    let index = std::fs::read(folder.join("index.json")).expect("the list");
    let index: Value = serde_json::from_slice(&index).expect("JSON");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let read = |case: &Value| {
        (text(&case["provider"]), std::fs::read(folder.join(text(&case["file"]))).expect("a fixture"))
    };
    index["cases"].as_array().expect("cases").iter().map(read).collect()
}

on_both!(whatever_providers_send_is_kept, |engine| async move {
    let world = World::start(engine).await;
    let mut tried = 0;
    for (kind, body) in fixtures() {
        let channel = if kind == "waha" { &world.phone } else { &world.bot };
        let Ok(mut value) = serde_json::from_slice::<Value>(&body) else { continue };
        spoil(&mut value);
        // As it is first, so that an id cleaned of what was put into it is found to be the same.
        for body in [body, value.to_string().into_bytes()] {
            // Stripe's bodies are looked at and not received.
            let Some(provider) = adapters::provider(&kind) else { continue };
            let parsed = provider.parse(&body, &Context::default());
            let parsed = parsed.map_err(|error| error.to_string());
            let channel = std::sync::Arc::new(channel.clone());
            let received = receive(&world.app.store, channel, body.clone().into(), parsed).await;
            let shown = String::from_utf8_lossy(&body);
            let received = received.unwrap_or_else(|error| panic!("{error:#}: {shown}"));
            assert_ne!(received.outcome, "failed", "{shown}");
            tried += 1;
        }
    }
    println!("{tried} bodies of providers");
    assert!(tried >= 100, "{tried}");
    world.finish().await;
});
