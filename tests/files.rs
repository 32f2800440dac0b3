//! Uploaded files, end to end: brought in one request or in pieces, sent through every provider, kept once, removed.

mod hostile;
mod kept;
mod pieces;

use emulators::{sha256, waha};
use hubbub::store::Engine;
use serde_json::{Value, json};

use crate::kit::meta::MetaWorld;
use crate::kit::{Api, Client, PATIENCE, World};
use crate::on_both;

/// A picture that readers take, of so many pixels.
pub(crate) fn picture(width: u32, height: u32) -> Vec<u8> {
    let image = image::RgbImage::from_fn(width, height, |x, y| image::Rgb([x as u8, y as u8, 7]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Png).expect("a picture");
    bytes.into_inner()
}

/// The beginning of an Ogg stream with Opus, and something after it.
pub(crate) fn voice() -> Vec<u8> {
    [b"OggS\0\x02".as_slice(), &[0; 20], b"\x01\x13OpusHead", &[5; 3_000]].concat()
}

pub(crate) fn document() -> Vec<u8> {
    [b"%PDF-1.7\n".as_slice(), &vec![b'x'; 200_000], b"\n%%EOF"].concat()
}

/// Brings a file as the body of one request; gives the status and the answer.
pub(crate) async fn bring(world: &World, api: &Api, query: &str, mime: &str, bytes: Vec<u8>) -> (u16, Value) {
    let request = crate::kit::http()
        .post(world.url(&format!("/api/v1/files?{query}")))
        .bearer_auth(&api.token)
        .header("content-type", mime)
        .body(bytes);
    let answer = request.send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.unwrap_or(Value::Null))
}

/// A receipt may overtake the answer of the call.
fn has_left(data: &Value) -> bool {
    ["sent", "delivered", "read"].iter().any(|status| data["message"]["status"] == *status)
}

/// Brings a file for a conversation and sends it; gives the message.
async fn sends(
    world: &World,
    api: &Api,
    manager: &mut Client,
    conversation: &Value,
    (kind, name, mime, bytes): (&str, &str, &str, &[u8]),
) -> Value {
    let conversation_id = conversation.as_str().expect("an id");
    let query = format!("conversation={conversation_id}&kind={kind}&name={name}");
    let (code, answer) = bring(world, api, &query, mime, bytes.to_vec()).await;
    assert_eq!(code, 201, "{answer}");
    assert_eq!(answer["file"]["sha256"], sha256(bytes), "{answer}");
    let attachment = json!({ "kind": kind, "file": answer["file"]["id"] });
    let send = json!({ "conversation": conversation, "client_id": format!("{kind} {name}"), "attachments": [attachment] });
    let message = manager.rpc("message.send", send).await.expect("it is queued")["message"].clone();
    assert_eq!(message["attachments"][0]["state"], "ready", "{message}");
    manager.publication(|data| data["message"]["id"] == message["id"] && has_left(data)).await;
    message
}

const MIRA: &str = "12025550107@c.us";

async fn first(world: &World, manager: &mut Client, chat: &str) -> Value {
    if chat.contains('@') {
        world.waha.customer_says(crate::kit::SESSION, chat, "hello there");
    } else {
        world.telegram.customer_says(chat.parse().expect("a number"), "hello there");
    }
    let event = manager.publication(|data| data["message"]["text"] == "hello there").await;
    event["conversation"]["id"].clone()
}

fn three() -> [(&'static str, &'static str, &'static str, Vec<u8>); 3] {
    [
        ("image", "Lantern.png", "image/png", picture(40, 30)),
        ("voice", "note.ogg", "audio/ogg", voice()),
        ("document", "Offer.pdf", "application/pdf", document()),
    ]
}

on_both!(a_picture_a_voice_note_and_a_document_reach_telegram_and_waha, |engine| async move {
    let world = World::start(engine).await;
    let api = world.api("agent@example.com").await;
    let mut manager = world.person("agent@example.com").await;
    let conversation = first(&world, &mut manager, "5550107").await;
    for (kind, name, mime, bytes) in three() {
        sends(&world, &api, &mut manager, &conversation, (kind, name, mime, &bytes)).await;
        let sent = world.telegram.sent().pop().expect("a message");
        assert_eq!(sent.media, Some(emulators::brought(&bytes)), "{sent:?}");
        assert_eq!(sent.method.to_lowercase(), format!("send{}", kind.replace("image", "photo")));
    }
    let conversation = first(&world, &mut manager, MIRA).await;
    for (kind, name, mime, bytes) in three() {
        sends(&world, &api, &mut manager, &conversation, (kind, name, mime, &bytes)).await;
        let sent = world.waha.sent().pop().expect("a message");
        assert_eq!(sent.media, Some(emulators::brought(&bytes)), "{sent:?}");
    }
    // What the customer sends has its size, by the same library.
    let file = waha::File::image(picture(200, 100));
    world.waha.customer_sends(crate::kit::SESSION, MIRA, file, None);
    let ready = |data: &Value| {
        data["message"]["direction"] == "in" && data["message"]["attachments"][0]["state"] == "ready"
    };
    let event = manager.publication(ready).await;
    let attachment = &event["message"]["attachments"][0];
    assert_eq!(
        (&attachment["width"], &attachment["height"], &attachment["thumbnail"]),
        (&json!(200), &json!(100), &json!(true))
    );
    let id = attachment["id"].as_str().expect("an id");
    let small = crate::kit::http().get(world.url(&format!("/api/v1/media/{id}/thumbnail")));
    let small = small.bearer_auth(&api.token).send().await.expect("an answer");
    assert_eq!(
        (small.status().as_u16(), &small.headers()["content-type"]),
        (200, &"image/jpeg".parse().unwrap())
    );
    image::load_from_memory(&small.bytes().await.expect("bytes")).expect("a picture");
    world.finish().await;
});

/// A voice note as browsers record it: one packet of Opus in WebM.
fn recorded() -> Vec<u8> {
    let element = |id: &[u8], body: &[u8]| {
        let size = (body.len() as u64 | 1 << 56).to_be_bytes();
        [id, &size, body].concat()
    };
    let head = b"OpusHead\x01\x01\x38\x01\x80\xbb\0\0\0\0\0";
    let about = [element(b"\xD7", &[1]), element(b"\x86", b"A_OPUS"), element(b"\x63\xA2", head)].concat();
    let packet = [&[0x81, 0, 0, 0x80, 0x78][..], &[7; 300]].concat();
    let cluster = element(b"\x1F\x43\xB6\x75", &element(b"\xA3", &packet));
    let tracks = element(b"\x16\x54\xAE\x6B", &element(b"\xAE", &about));
    let begin = element(b"\x1A\x45\xDF\xA3", b"\x42\x82\x84webm");
    [begin, element(b"\x18\x53\x80\x67", &[tracks, cluster].concat())].concat()
}

on_both!(a_voice_note_in_webm_leaves_as_one_in_ogg, |engine| async move {
    let world = World::start(engine).await;
    let api = world.api("agent@example.com").await;
    let mut manager = world.person("agent@example.com").await;
    for chat in ["5550117", MIRA] {
        let conversation = first(&world, &mut manager, chat).await;
        let query =
            format!("conversation={}&kind=voice&name=voice.webm", conversation.as_str().expect("an id"));
        let (code, answer) = bring(&world, &api, &query, "audio/webm", recorded()).await;
        assert_eq!(code, 201, "{answer}");
        let file = &answer["file"];
        assert_eq!((&file["mime"], &file["name"]), (&json!("audio/ogg"), &json!("voice.ogg")), "{answer}");
        let attachment = json!({ "kind": "voice", "file": file["id"] });
        let send = json!({ "conversation": conversation, "client_id": "v", "attachments": [attachment] });
        let message = manager.rpc("message.send", send).await.expect("queued")["message"].clone();
        manager.publication(|data| data["message"]["id"] == message["id"] && has_left(data)).await;
        let is_sent = |media: &Option<String>| {
            media
                .as_deref()
                .is_some_and(|media| file["sha256"].as_str().is_some_and(|sum| media.contains(sum)))
        };
        if chat == MIRA {
            let sent = world.waha.sent().pop().expect("a message");
            assert!(sent.call.ends_with("sendVoice") && is_sent(&sent.media), "{sent:?}");
        } else {
            let sent = world.telegram.sent().pop().expect("a message");
            assert!(sent.method.eq_ignore_ascii_case("sendVoice") && is_sent(&sent.media), "{sent:?}");
        }
    }
    // As a video it stays what it is.
    let query = format!("tenant={}&kind=video&name=a.webm", world.tenant);
    let (_, answer) = bring(&world, &api, &query, "video/webm", recorded()).await;
    assert_eq!(answer["file"]["mime"], "video/webm", "{answer}");
    world.finish().await;
});

on_both!(a_picture_a_voice_note_and_a_document_reach_whatsapp_and_messenger, |engine| async move {
    let shop = MetaWorld::start(engine).await;
    let api = shop.world.api("agent@example.com").await;
    let mut manager = shop.world.person("agent@example.com").await;
    for line in [shop.whatsapp().await, shop.messenger().await] {
        let conversation = shop.conversation(&line, &mut manager).await;
        for (at, (kind, name, mime, bytes)) in three().into_iter().enumerate() {
            sends(&shop.world, &api, &mut manager, &conversation, (kind, name, mime, &bytes)).await;
            let sent = shop.sent_reaches(&line, at + 1).await.pop().expect("a message");
            let media = sent.media.expect("a file");
            assert!(!media.starts_with("http"), "brought, not fetched: {media}");
            assert_eq!(shop.meta.digest_of(&media), Some(sha256(&bytes)));
            let is_voice = sent.body["audio"]["voice"] == true;
            assert_eq!(is_voice, kind == "voice" && line.has_captions(), "{}", sent.body);
        }
    }
    shop.finish().await;
});

on_both!(instagram_fetches_from_an_address_that_ends, |engine| async move {
    let config = emulators::meta::EmulatorConfig { fetch_media: true, ..Default::default() };
    let shop = MetaWorld::with(engine, config).await;
    let api = shop.world.api("agent@example.com").await;
    let mut manager = shop.world.person("agent@example.com").await;
    let line = shop.instagram().await;
    let conversation = shop.conversation(&line, &mut manager).await;
    for (at, (kind, name, mime, bytes)) in three().into_iter().enumerate() {
        sends(&shop.world, &api, &mut manager, &conversation, (kind, name, mime, &bytes)).await;
        let sent = shop.sent_reaches(&line, at + 1).await.pop().expect("a message");
        let address = sent.media.expect("a file");
        assert!(address.starts_with(&shop.world.url("/f/")), "{address}");
        assert_eq!(shop.meta.digest_of(&address), Some(sha256(&bytes)));
        // Nobody makes another of it.
        let other = format!("{}x", &address[..address.len() - 1]);
        let refused = reqwest::get(&other).await.expect("an answer").status();
        assert!(refused == 404 || other == address, "{refused}");
    }
    let conversation_id = conversation.as_str().expect("an id");
    let query = format!("conversation={conversation_id}");
    let zip = b"PK\x03\x04....".to_vec();
    let (code, refused) = bring(&shop.world, &api, &query, "application/zip", zip).await;
    assert_eq!((code, &refused["field"]), (400, &json!("file")), "{refused}");
    shop.finish().await;
});

on_both!(an_ai_worker_answers_with_a_file, |engine| async move {
    let world = World::start(engine).await;
    let scope = world.scope();
    let key = world.app.accounts.create_key(&scope, "Worker", hubbub::accounts::Role::Responder);
    let key = key.await.expect("a key").key;
    let http = crate::kit::http();
    let request = http
        .post(world.url(&format!("/api/v1/files?tenant={}&name=Menu.pdf", world.tenant)))
        .header("x-api-key", &key)
        .body(document());
    let answer: Value = request.send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(answer["file"]["mime"], "application/pdf", "{answer}");
    let mut worker = Client::connect(world.address, crate::kit::client::As::Key { key, capacity: 1 }).await;
    world.telegram.customer_says(5_550_108, "the menu, please");
    let turn = worker.publication(|data| data["type"] == "turn.offered").await["turn"].clone();
    let reply = json!({ "turn": turn["id"], "lease": turn["lease"], "text": "Here it is",
        "attachments": [{ "kind": "document", "file": answer["file"]["id"] }] });
    worker.rpc("turn.reply", reply).await.expect("it is taken");
    let sent = tokio::time::timeout(PATIENCE, world.telegram.sent_reaches(1)).await.expect("it is sent");
    assert_eq!(sent[0].media, Some(emulators::brought(&document())));
    assert_eq!(sent[0].text.as_deref(), Some("Here it is"));
    world.finish().await;
});

on_both!(what_a_message_cannot_have_is_refused_by_field, |engine: Engine| async move {
    let world = World::start(engine).await;
    let api = world.api("agent@example.com").await;
    let mut manager = world.person("agent@example.com").await;
    let conversation = first(&world, &mut manager, "5550109").await;
    let (_, file) =
        bring(&world, &api, &format!("tenant={}", world.tenant), "image/png", picture(3, 3)).await;
    let file = file["file"]["id"].clone();
    let path = format!("/api/v1/conversations/{}/messages", conversation.as_str().expect("an id"));
    for (attachment, field) in [
        (json!({ "kind": "image", "file": uuid::Uuid::nil() }), "attachments.file"),
        (
            json!({ "kind": "image", "file": file, "url": "https://cdn.example.com/a.png" }),
            "attachments.file",
        ),
        (json!({ "kind": "image" }), "attachments.file"),
    ] {
        let body = json!({ "client_id": "c1", "attachments": [attachment] });
        let (code, refused) = api.post(&path, &body).await;
        assert_eq!((code, refused["field"].as_str()), (400, Some(field)), "{refused}");
    }
    for (query, field) in [("", "tenant"), (&*format!("tenant={}&kind=program", world.tenant), "kind")] {
        let (code, refused) = bring(&world, &api, query, "image/png", picture(2, 2)).await;
        assert_eq!((code, refused["field"].as_str()), (400, Some(field)), "{refused}");
    }
    let viewer = world.api("viewer@example.com").await;
    let (code, _) =
        bring(&world, &viewer, &format!("tenant={}", world.tenant), "image/png", picture(2, 2)).await;
    assert_eq!(code, 403);
    world.finish().await;
});
