//! A conversation: what comes in, what goes out, what becomes of it.

use std::time::Duration;

use emulators::meta::{File, Press};
use serde_json::{Value, json};

use crate::kit::meta::{Line, MetaWorld, send, status};
use crate::kit::{Client, World};
use crate::on_both;

const PICTURE: &[u8] = b"\xff\xd8\xff\xe0 a picture";
const VOICE: &[u8] = b"OggS a voice note";

/// The bytes of a file that is shown.
async fn bytes(world: &World, file: &Value) -> Vec<u8> {
    let token = world.api("agent@example.com").await.token;
    let address = world.url(&format!("/api/v1/media/{}", file["id"].as_str().expect("an id")));
    let answer = crate::kit::http().get(address).bearer_auth(token).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    answer.bytes().await.expect("bytes").to_vec()
}

async fn ready(manager: &mut Client, kind: &str) -> Value {
    let is_ready = |data: &Value| {
        data["message"]["kind"] == kind && data["message"]["attachments"][0]["state"] == "ready"
    };
    manager.publication(is_ready).await["message"].clone()
}

/// A burst with a picture and a voice note: the files are here, and it is one turn.
async fn burst(all: &MetaWorld, line: &Line, manager: &mut Client, worker: &mut Client) -> Value {
    let (meta, account, person) = (&all.meta, line.account, line.person);
    meta.customer_says(account, person, "Hello");
    meta.customer_sends(account, person, &File::image(PICTURE), Some("this one"));
    meta.customer_sends(account, person, &File::voice(VOICE), None);
    meta.customer_says(account, person, "is it there?");
    let picture = ready(manager, "image").await;
    assert_eq!(bytes(&all.world, &picture["attachments"][0]).await, PICTURE);
    let kind = if line.has_captions() { "voice" } else { "audio" };
    let voice = ready(manager, kind).await;
    assert_eq!(bytes(&all.world, &voice["attachments"][0]).await, VOICE);
    let count = if line.has_captions() { 4 } else { 5 };
    let mut turn = worker.offered().await;
    let first = turn["id"].clone();
    while turn["messages"].as_array().map(Vec::len) != Some(count) {
        turn = worker.offered().await;
        assert_eq!(turn["id"], first, "it is one turn");
    }
    turn
}

/// The AI answers, once; how far it came is shown.
async fn answer(all: &MetaWorld, line: &Line, manager: &mut Client, worker: &mut Client, turn: &Value) {
    let reply = json!({ "turn": turn["id"], "lease": turn["lease"], "text": "It is there" });
    worker.rpc("turn.reply", reply).await.expect("the answer");
    let sent = all.sent_reaches(line, 1).await;
    assert_eq!(sent[0].text.as_deref(), Some("It is there"));
    let answered = |data: &Value| {
        data["message"]["author"]["kind"] == "responder"
            && ["sent", "delivered"].iter().any(|status| data["message"]["status"] == *status)
    };
    let message = manager.publication(answered).await["message"].clone();
    if line.channel.kind != "instagram" && message["status"] != "delivered" {
        status(manager, &message, "delivered").await;
    }
    all.meta.customer_reads(&sent[0].id);
    status(manager, &message, "read").await;
    assert_eq!(all.sent(line).len(), 1, "it left once");
}

/// A person quotes the customer, and sends a picture with a text.
async fn person(all: &MetaWorld, line: &Line, manager: &mut Client, conversation: &Value) {
    let api = all.world.api("agent@example.com").await;
    let messages = api.messages(conversation.as_str().expect("an id")).await;
    let quoted = &messages[0];
    let reply = json!({ "conversation": conversation, "client_id": "r", "text": "A person now",
        "reply_to": quoted["id"] });
    manager.rpc("message.send", reply).await.expect("it is queued");
    let sent = all.sent_reaches(line, 2).await;
    assert!(sent[1].reply_to.is_some(), "it quotes: {:?}", sent[1]);
    let url = "https://cdn.example.com/lantern.jpg";
    let file = json!({ "conversation": conversation, "client_id": "f", "text": "Like this",
        "attachments": [{ "kind": "image", "url": url }] });
    let message = manager.rpc("message.send", file).await.expect("it is queued")["message"].clone();
    let parts = if line.has_captions() { 1 } else { 2 };
    let sent = all.sent_reaches(line, 2 + parts).await;
    assert!(sent[2].media.as_deref().is_some_and(|media| media == url), "{:?}", sent[2]);
    let words = sent.last().expect("one").text.clone();
    assert_eq!(words.as_deref(), Some("Like this"));
    all.meta.idle().await;
    // What is read while it is still being handed over is told by the next look at the chat.
    let api = all.world.api("agent@example.com").await;
    let chat = conversation.as_str().expect("an id");
    let begin = std::time::Instant::now();
    loop {
        for one in &sent[2..] {
            all.meta.customer_reads(&one.id);
        }
        all.meta.idle().await;
        let all_messages = api.messages(chat).await;
        if all_messages.iter().any(|one| one["id"] == message["id"] && one["status"] == "read") {
            break;
        }
        assert!(begin.elapsed() < crate::kit::PATIENCE, "{all_messages:?}");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

/// Reactions of both sides, edits and deletions of the customer's.
async fn changes(all: &MetaWorld, line: &Line, manager: &mut Client, conversation: &Value) {
    let (meta, account, person) = (&all.meta, line.account, line.person);
    let ours = all.sent(line).last().expect("one").id.clone();
    meta.customer_reacts(account, person, &ours, Some("👍"));
    let reacted = |data: &Value| data["message"]["reactions"][0]["emoji"] == "👍";
    let message = manager.publication(reacted).await["message"].clone();
    assert_eq!(message["direction"], "out");
    meta.customer_reacts(account, person, &ours, None);
    let id = message["id"].clone();
    manager
        .publication(|data| data["message"]["id"] == id && data["message"]["reactions"] == json!([]))
        .await;

    let before = meta.calls().len();
    let theirs = meta.customer_says(account, person, "tow boxes");
    let shown = manager.publication(|data| data["message"]["text"] == "tow boxes").await["message"].clone();
    let react = json!({ "conversation": conversation, "message": shown["id"], "emoji": "🎉" });
    manager.rpc("message.react", react).await.expect("it is shown");
    let told = async {
        loop {
            let calls = meta.calls();
            let is_it =
                |body: &Value| body["reaction"]["emoji"] == "🎉" || body["payload"]["reaction"] == "🎉";
            if let Some(call) = calls.iter().skip(before).find(|call| is_it(&call.body) && call.status != 0) {
                break call.status;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let told = tokio::time::timeout(crate::kit::PATIENCE, told).await.expect("the provider is told");
    assert_eq!(told, 200);
    meta.customer_edits(account, person, &theirs, "two boxes", 1);
    let edited = manager.publication(|data| data["message"]["text"] == "two boxes").await;
    assert_eq!(edited["message"]["id"], shown["id"]);
    if line.channel.kind != "messenger" {
        meta.customer_deletes(account, person, &theirs);
        let deleted =
            |data: &Value| data["message"]["id"] == shown["id"] && !data["message"]["deleted_at"].is_null();
        manager.publication(deleted).await;
    }
}

/// Buttons go out, and what is pressed comes back.
async fn buttons(all: &MetaWorld, line: &Line, manager: &mut Client, conversation: &Value) {
    let before = all.sent(line).len();
    let ask = json!({ "conversation": conversation, "client_id": "b", "text": "Which size?",
        "buttons": [{ "id": "size-m", "title": "M" }, { "id": "size-l", "title": "L" }] });
    manager.rpc("message.send", ask).await.expect("it is queued");
    let under = all.sent_reaches(line, before + 1).await[before].id.clone();
    let press = Press::Button { payload: "size-l".into(), title: "L".into() };
    all.meta.customer_presses(line.account, line.person, &under, &press);
    let pressed = manager.publication(|data| data["message"]["text"] == "L").await["message"].clone();
    assert!(pressed["data"].to_string().contains("size-l"), "{pressed}");
}

on_both!(a_conversation_on_each_service, |engine| async move {
    let all = MetaWorld::start(engine).await;
    let lines = all.all().await;
    for line in &lines {
        let mut manager = all.world.person("agent@example.com").await;
        let mut worker = all.world.worker(4).await;
        let turn = burst(&all, line, &mut manager, &mut worker).await;
        let conversation = turn["conversation"].clone();
        answer(&all, line, &mut manager, &mut worker, &turn).await;
        person(&all, line, &mut manager, &conversation).await;
        changes(&all, line, &mut manager, &conversation).await;
        buttons(&all, line, &mut manager, &conversation).await;
        all.meta.idle().await;
        let api = all.world.api("agent@example.com").await;
        let messages = api.messages(conversation.as_str().expect("an id")).await;
        let out = messages.iter().filter(|one| one["direction"] == "out").count();
        assert_eq!(out, 4, "no echo of ours is shown beside it: {messages:#?}");
        manager.close().await;
        worker.close().await;
    }
    assert_eq!(all.meta.lost(), 0);
    all.finish().await;
});

on_both!(what_the_owner_writes_elsewhere_silences_the_ai, |engine| async move {
    let all = MetaWorld::start(engine).await;
    let lines = all.all().await;
    for line in &lines {
        let mut manager = all.world.person("agent@example.com").await;
        let mut worker = all.world.worker(4).await;
        all.meta.customer_says(line.account, line.person, "Hello");
        let turn = worker.offered().await;
        all.meta.owner_says(line.account, line.person, "I am here myself");
        let withdrawn = worker.publication(|data| data["type"] == "turn.withdrawn").await;
        assert_eq!(withdrawn["turn"], turn["id"]);
        let event = manager.publication(|data| data["message"]["text"] == "I am here myself").await;
        assert_eq!(event["message"]["author"]["kind"], "phone", "{event}");
        assert_eq!(event["conversation"]["owner"], "human");
        // What we send ourselves comes back as an echo too, and is ours.
        let message = send(&mut manager, &turn["conversation"], "And I from here").await;
        all.sent_reaches(line, 1).await;
        all.meta.idle().await;
        let api = all.world.api("agent@example.com").await;
        let shown = api.messages(turn["conversation"].as_str().expect("an id")).await;
        assert_eq!(shown.len(), 3, "{shown:#?}");
        assert_eq!(shown[2]["id"], message["id"]);
        manager.close().await;
        worker.close().await;
    }
    all.finish().await;
});
