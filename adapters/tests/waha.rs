//! Sending, fetching and connecting against an emulated WAHA server.

use std::time::Duration;

use adapters::{
    Account, Acknowledge, Address, Client, Context, FetchError, HealthState, Hook, MediaKind, MediaRef,
    MediaState, OutMedia, Outgoing, Outward, Provider, SendOutcome, http_client, provider,
};
use serde_json::{Value, json};

use crate::server::{Answer, Server};

const KEY: &str = "waha-key-of-a-test";
const CHAT: &str = "12025550143@c.us";

fn waha() -> &'static dyn Provider {
    provider("waha").unwrap()
}

fn client() -> Client {
    http_client(Duration::from_secs(20), &Outward::allowing(&["127.0.0.1"])).unwrap()
}

fn account(server: &Server) -> Account {
    let base = format!("{}/", server.url());
    let settings = [("base_url", base.as_str()), ("api_key", KEY), ("session", "shop-main")];
    Account {
        external_id: None,
        settings: settings.map(|(name, value)| (name.into(), value.into())).into(),
        ..Account::default()
    }
}

const HELLO: Outgoing<'_> = Outgoing::text(Address::chat(CHAT), "hello");

async fn outcome(answer: Answer) -> SendOutcome {
    let server = Server::start().await;
    server.on("POST /api/sendText", answer);
    waha().send(&client(), &account(&server), &HELLO).await
}

/// What each engine answers a send with.
fn engine_answers() -> [(&'static str, Value); 3] {
    [
        (
            "WEBJS",
            json!({"id": {"fromMe": true, "remote": CHAT, "id": "3EB0AA", "_serialized": format!("true_{CHAT}_3EB0AA")}}),
        ),
        (
            "NOWEB",
            json!({"key": {"remoteJid": "12025550143@s.whatsapp.net", "fromMe": true, "id": "3EB0AA"}, "status": "PENDING"}),
        ),
        ("GOWS", json!({"id": format!("true_{CHAT}_3EB0AA"), "_data": {"Info": {"ID": "3EB0AA"}}})),
    ]
}

#[tokio::test]
async fn every_engines_answer_gives_the_key_of_its_echo() {
    for (engine, answer) in engine_answers() {
        let sent = outcome(Answer::Json(201, answer)).await;
        let SendOutcome::Sent { external_id, dedupe_key } = sent else { panic!("{engine}: {sent:?}") };
        assert_eq!(external_id, format!("true_{CHAT}_3EB0AA"), "{engine}");
        let echo = json!({"event": "message.any", "session": "shop-main",
            "payload": {"id": external_id, "fromMe": true, "source": "api", "body": "hello"}});
        let events = waha().fields(echo.to_string().as_bytes(), &Context::default()).unwrap();
        assert_eq!(events[0].message_key(), Some(dedupe_key.as_str()), "{engine}");
    }
}

#[tokio::test]
async fn a_reserved_id_is_sent_and_names_the_message_even_without_an_answer() {
    let server = Server::start().await;
    server.json("GET /api/shop-main/new-message-id", 200, json!({"id": "3EB0RESERVED"}));
    server.on("POST /api/sendText", Answer::Bytes(201, Vec::new()));
    let account = account(&server);
    let reserved = waha().reserve_id(&client(), &account).await.unwrap();
    assert_eq!(reserved.as_deref(), Some("3EB0RESERVED"));
    let out = Outgoing { reserved_id: reserved.as_deref(), reply_to: Some("3EB0Q"), ..HELLO };
    let sent = waha().send(&client(), &account, &out).await;
    assert!(
        matches!(&sent, SendOutcome::Sent { dedupe_key, .. } if dedupe_key == "3EB0RESERVED"),
        "{sent:?}"
    );
    let asked = server.last();
    assert_eq!(asked.key.as_deref(), Some(KEY));
    let expected = json!({"session": "shop-main", "chatId": CHAT, "text": "hello", "reply_to": "3EB0Q", "id": "3EB0RESERVED"});
    assert_eq!(asked.body, expected);
}

#[tokio::test]
async fn servers_without_reservation_give_none_and_an_empty_answer_is_unknown() {
    for status in [404, 422, 500, 501] {
        let server = Server::start().await;
        server.json("GET /api/shop-main/new-message-id", status, json!({}));
        assert_eq!(waha().reserve_id(&client(), &account(&server)).await, Ok(None), "{status}");
    }
    // Asking for an id sends nothing, so that is asked again.
    for status in [429, 502, 503, 504] {
        let server = Server::start().await;
        server.json("GET /api/shop-main/new-message-id", status, json!({}));
        assert!(waha().reserve_id(&client(), &account(&server)).await.unwrap_err().retryable, "{status}");
    }
    let refused = Server::start().await;
    refused.json("GET /api/shop-main/new-message-id", 401, json!({}));
    assert!(waha().reserve_id(&client(), &account(&refused)).await.unwrap_err().channel_down);
    let empty = outcome(Answer::Bytes(201, Vec::new())).await;
    assert!(matches!(empty, SendOutcome::Unknown { .. }), "{empty:?}");
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let session = |status: &str| json!({"error": "Session status is not as expected.", "status": status, "expected": ["WORKING"]});
    let starting = outcome(Answer::Json(422, session("STARTING"))).await;
    assert!(matches!(starting, SendOutcome::Retry { after_ms: Some(_), .. }), "{starting:?}");
    let scan = outcome(Answer::Json(422, session("SCAN_QR_CODE"))).await;
    assert!(matches!(scan, SendOutcome::Rejected { channel_down: true, .. }), "{scan:?}");
    let message = json!({"exception": {"message": "server returned error 463"}});
    let reputation = outcome(Answer::Json(500, message)).await;
    assert!(matches!(reputation, SendOutcome::Rejected { channel_down: false, .. }), "{reputation:?}");
    let later = outcome(Answer::Later(429, 4)).await;
    assert!(matches!(later, SendOutcome::Retry { after_ms: Some(4000), .. }), "{later:?}");
    let broken = outcome(Answer::Json(500, json!({"exception": {"message": "boom"}}))).await;
    assert!(matches!(&broken, SendOutcome::Unknown { reason, .. } if reason.contains("boom")), "{broken:?}");
    let busy = outcome(Answer::Later(503, 2)).await;
    assert!(matches!(busy, SendOutcome::Retry { after_ms: Some(2000), .. }), "{busy:?}");
    let elsewhere = outcome(Answer::Redirect("https://waha.example.com/api/sendText".into())).await;
    assert!(
        matches!(&elsewhere, SendOutcome::Rejected { code, channel_down: true, .. } if code == "redirected")
    );
    let invalid = outcome(Answer::Json(400, json!({"message": ["chatId must be a string"]}))).await;
    assert!(matches!(invalid, SendOutcome::Rejected { channel_down: false, .. }), "{invalid:?}");
}

#[tokio::test]
async fn a_conversation_that_is_no_chat_is_not_sent() {
    let server = Server::start().await;
    let out = Outgoing { to: Address::chat("+1 202 555 0143"), ..HELLO };
    let outcome = waha().send(&client(), &account(&server), &out).await;
    assert!(matches!(&outcome, SendOutcome::Rejected { code, .. } if code == "bad_chat"), "{outcome:?}");
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn files_and_courtesies_go_to_their_calls() {
    let server = Server::start().await;
    for path in ["sendImage", "sendVoice", "sendVideo", "sendFile", "sendSeen", "startTyping", "stopTyping"] {
        server.json(&format!("POST /api/{path}"), 201, json!({"id": format!("true_{CHAT}_3EB0AA")}));
    }
    let account = account(&server);
    let kinds = [
        (MediaKind::Image, "sendImage"),
        (MediaKind::Voice, "sendVoice"),
        (MediaKind::Video, "sendVideo"),
        (MediaKind::Document, "sendFile"),
    ];
    for (kind, path) in kinds {
        let media = OutMedia {
            kind,
            url: "https://files.example.com/f",
            bytes: None,
            name: Some("f"),
            mime: None,
            caption: None,
        };
        waha().send(&client(), &account, &Outgoing { media: Some(media), ..HELLO }).await;
        let asked = server.last();
        assert_eq!(asked.path, format!("POST /api/{path}"));
        assert_eq!((&asked.body["file"]["filename"], &asked.body["caption"]), (&json!("f"), &json!("hello")));
    }
    let seen =
        Acknowledge { to: Address::chat(CHAT), message: Some("false_x"), participant: None, callback: None };
    waha().acknowledge(&client(), &account, &seen).await.unwrap();
    assert_eq!(
        server.last().body,
        json!({"session": "shop-main", "chatId": CHAT, "messageIds": ["false_x"]})
    );
    waha().typing(&client(), &account, Address::chat(CHAT), true).await.unwrap();
    assert_eq!(server.last().path, "POST /api/startTyping");
}

fn media(path: Option<&str>) -> MediaRef {
    MediaRef {
        kind: MediaKind::Image,
        mime: None,
        name: None,
        size: None,
        state: MediaState::Ready,
        reference: json!({"path": path, "chat": CHAT, "message": format!("false_{CHAT}_3EB0AA")}),
    }
}

const RENEW: &str = "GET /api/shop-main/chats/12025550143%40c%2Eus/messages/false_12025550143%40c%2Eus_3EB0AA?downloadMedia=true";

#[tokio::test]
async fn a_file_that_expired_is_asked_for_again() {
    for path in [Some("/api/files/shop-main/old.png"), None] {
        let server = Server::start().await;
        let moved = json!({"media": {"url": "http://localhost:3000/api/files/shop-main/new.png"}});
        server.json(RENEW, 200, moved);
        let bytes = b"\x89PNG\r\n\x1a\n rest".to_vec();
        server.on("GET /api/files/shop-main/new.png", Answer::Bytes(200, bytes.clone()));
        let mut sink = Vec::new();
        let fetched =
            waha().fetch(&client(), &account(&server), &media(path), 1000, &mut sink).await.unwrap();
        assert_eq!((fetched.mime.as_str(), sink), ("image/png", bytes));
        assert!(server.asked().iter().all(|asked| asked.key.as_deref() == Some(KEY)));
    }
}

#[tokio::test]
async fn a_lost_file_is_gone_and_a_hostile_path_is_never_asked_for() {
    let server = Server::start().await;
    let mut sink = Vec::new();
    for path in ["/api/files/../sessions", "http://other.example.com/x", "/api/files/lost.png"] {
        let error = waha()
            .fetch(&client(), &account(&server), &media(Some(path)), 1000, &mut sink)
            .await
            .unwrap_err();
        assert_eq!(error, FetchError::Gone, "{path}");
    }
    assert!(!server.asked().iter().any(|asked| asked.path.contains("sessions")));
}

/// A file in a store of its own, as the server's webhook names it.
fn stored(url: &str) -> MediaRef {
    let body = json!({"event": "message.any", "session": "shop-main", "payload": {
        "id": format!("false_{CHAT}_3EB0AA"), "hasMedia": true, "media": {"url": url, "mimetype": "image/png"}}});
    let events = waha().fields(body.to_string().as_bytes(), &Context::default()).unwrap();
    events[0].media[0].clone()
}

#[tokio::test]
async fn a_store_is_asked_without_the_key_and_only_if_the_channel_names_it() {
    let (server, store) = (Server::start().await, Server::start().await);
    let bytes = b"\x89PNG\r\n\x1a\n rest".to_vec();
    let path = "/bucket/a%20b.png?X-Amz-Signature=cafe&X-Amz-Expires=60";
    store.on(&format!("GET {path}"), Answer::Bytes(200, bytes.clone()));
    let media = stored(&format!("{}{path}", store.url()));
    assert!(!media.reference.to_string().contains("://"));
    let mut account = account(&server);
    let refused = waha().fetch(&client(), &account, &media, 1000, &mut Vec::new()).await.unwrap_err();
    let FetchError::Refused(reason) = &refused else { panic!("{refused:?}") };
    assert!(reason.contains("media_host") && !reason.contains("cafe"), "{reason}");
    assert!(store.asked().is_empty());
    account.settings.insert("media_host".into(), store.address.to_string());
    let mut sink = Vec::new();
    waha().fetch(&client(), &account, &media, 1000, &mut sink).await.unwrap();
    assert_eq!((sink, store.last().key), (bytes.clone(), None));
    // A signature that has run out is renewed by asking the server for the message again.
    let (late, fresh) = ("/bucket/late.png?X-Amz-Signature=0", "/bucket/late.png?X-Amz-Signature=1");
    store.on(&format!("GET {late}"), Answer::Bytes(403, Vec::new()));
    store.on(&format!("GET {fresh}"), Answer::Bytes(200, bytes.clone()));
    server.json(RENEW, 200, json!({"media": {"url": format!("{}{fresh}", store.url())}}));
    let media = stored(&format!("{}{late}", store.url()));
    let mut sink = Vec::new();
    waha().fetch(&client(), &account, &media, 1000, &mut sink).await.unwrap();
    assert_eq!(sink, bytes);
}

#[tokio::test]
async fn a_file_name_in_any_alphabet_is_fetched() {
    let server = Server::start().await;
    server.on(
        "GET /api/files/shop-main/%D1%81%D1%87%D1%91%D1%82%20100%25.pdf",
        Answer::Bytes(200, b"%PDF-".to_vec()),
    );
    let media = stored("http://localhost:3000/api/files/shop-main/счёт 100%.pdf");
    let mut sink = Vec::new();
    waha().fetch(&client(), &account(&server), &media, 1000, &mut sink).await.unwrap();
    assert_eq!(sink, b"%PDF-");
}

#[tokio::test]
async fn a_page_in_place_of_an_answer_is_no_proof() {
    let server = Server::start().await;
    server.on("POST /api/sendText", Answer::Bytes(200, b"<html>please sign in".to_vec()));
    let out = Outgoing { reserved_id: Some("3EB0RESERVED"), ..HELLO };
    let outcome = waha().send(&client(), &account(&server), &out).await;
    assert!(matches!(outcome, SendOutcome::Unknown { .. }), "{outcome:?}");
}

#[tokio::test]
async fn connecting_writes_the_whole_configuration_back() {
    let server = Server::start().await;
    let other = json!({"url": "https://other.example.com/", "events": ["message"]});
    let info = json!({"name": "shop-main", "status": "WORKING", "me": {"id": CHAT, "pushName": "Demo Shop"},
        "config": {"debug": true, "webhooks": [other]}});
    server.json("GET /api/sessions/shop-main", 200, info.clone());
    server.json("PUT /api/sessions/shop-main", 200, info);
    let hook = Hook { url: "https://hub.example.com/hooks/w", secret: "hmac-key" };
    let connected = waha().connect(&client(), &account(&server), &hook).await.unwrap();
    assert_eq!((connected.external_id.as_str(), connected.name.as_deref()), ("shop-main", Some("Demo Shop")));
    assert_eq!(connected.health.state, HealthState::Up);
    let put = server.asked().into_iter().find(|asked| asked.path.starts_with("PUT")).unwrap();
    let config = &put.body["config"];
    assert_eq!(config["debug"], true);
    assert_eq!(config["webhooks"][0], other);
    assert_eq!(config["webhooks"][1]["hmac"]["key"], "hmac-key");
    let events = config["webhooks"][1]["events"].as_array().unwrap();
    assert!(events.contains(&json!("message.any")) && !events.contains(&json!("message")));
}

#[tokio::test]
async fn connecting_again_changes_nothing_and_leaving_keeps_what_others_wrote() {
    let server = Server::start().await;
    let account = account(&server);
    let hook = Hook { url: "https://hub.example.com/hooks/w", secret: "hmac-key" };
    let key = account.get("api_key").expect("a key").to_owned();
    let other =
        json!({"url": "https://other.example.com/", "customHeaders": [{"name": "X-Api-Key", "value": key}]});
    let info =
        |webhooks: Value| json!({"name": "shop-main", "status": "WORKING", "config": {"webhooks": webhooks}});
    server.json("GET /api/sessions/shop-main", 200, info(json!([other])));
    server.json("PUT /api/sessions/shop-main", 200, json!({}));
    waha().connect(&client(), &account, &hook).await.unwrap();
    let puts =
        || server.asked().into_iter().filter(|asked| asked.path.starts_with("PUT")).collect::<Vec<_>>();
    let webhooks = puts()[0].body["config"]["webhooks"].clone();
    assert_eq!(webhooks[0], other, "as it was");
    server.forget("GET /api/sessions/shop-main");
    server.json("GET /api/sessions/shop-main", 200, info(webhooks));
    waha().connect(&client(), &account, &hook).await.unwrap();
    assert_eq!(puts().len(), 1, "a change would start the session anew");
    waha().disconnect(&client(), &account, hook.url).await.unwrap();
    assert_eq!(puts()[1].body["config"]["webhooks"], json!([other]));
}

#[tokio::test]
async fn connecting_creates_a_missing_session_and_refuses_an_empty_secret() {
    let server = Server::start().await;
    server.on("GET /api/sessions/shop-main", Answer::Bytes(404, Vec::new()));
    server.json("GET /api/sessions/shop-main", 200, json!({"name": "shop-main", "status": "SCAN_QR_CODE"}));
    server.json("POST /api/sessions", 201, json!({}));
    let hook = Hook { url: "https://hub.example.com/hooks/w", secret: "" };
    assert!(waha().connect(&client(), &account(&server), &hook).await.is_err());
    assert!(server.asked().is_empty());
    let hook = Hook { secret: "k", ..hook };
    let connected = waha().connect(&client(), &account(&server), &hook).await.unwrap();
    assert_eq!(connected.health.state, HealthState::NeedsPerson);
    let created = server.asked().into_iter().find(|asked| asked.path == "POST /api/sessions").unwrap();
    assert_eq!(created.body["config"]["webhooks"][0]["hmac"]["key"], "k");
}

#[tokio::test]
async fn a_page_of_what_a_server_holds_is_bounded_in_memory() {
    let server = Server::start().await;
    let chat = |n: usize| format!("120255501{n:02}@c.us");
    let chats: Vec<_> =
        (0..20).map(|n| json!({"id": chat(n), "lastMessage": {"timestamp": 1_794_312_000}})).collect();
    server.json("GET /api/shop-main/chats/overview?limit=20&offset=0", 200, chats.into());
    for n in 0..20 {
        let message = |at: usize| {
            json!({"id": format!("false_{}_A{n}B{at}", chat(n)), "timestamp": 1_794_312_000,
                "from": chat(n), "fromMe": false, "body": "x".repeat(8_000)})
        };
        let messages: Vec<_> = (0..99).map(message).collect();
        let route = format!(
            "GET /api/shop-main/chats/{}/messages?downloadMedia=false&limit=100&offset=0&filter.timestamp.gte=1794311880",
            chat(n).replace('@', "%40").replace('.', "%2E")
        );
        server.json(&route, 200, messages.into());
    }
    let since = adapters::Since { cursor: Some("1794312000"), page: None, at_ms: 0 };
    let news = waha().news(&client(), &account(&server), &since).await.unwrap().unwrap();
    let bytes: usize = news.items.iter().filter_map(|item| item.body.as_ref()).map(Vec::len).sum();
    assert!((4 << 20..6 << 20).contains(&bytes), "{bytes}");
    assert_eq!(news.items.len(), 6 * 99, "whole chats");
    assert_eq!((news.page.as_deref(), news.cursor), (Some("6:1794312000"), None), "the others come next");
}
