//! Sending, fetching and connecting against an emulated Bot API.

use std::time::Duration;

use adapters::{
    Account, Acknowledge, Address, Client, FetchError, HealthState, Hook, MediaKind, MediaRef, MediaState,
    OutMedia, Outgoing, Outward, Provider, SendOutcome, http_client, provider,
};
use serde_json::json;

use crate::server::{Answer, Server};

const TOKEN: &str = "123456:secret-token_of-a-bot";

fn telegram() -> &'static dyn Provider {
    provider("telegram").unwrap()
}

fn client() -> Client {
    http_client(Duration::from_secs(20), &Outward::allowing(&["127.0.0.1"])).unwrap()
}

fn account(base: &str) -> Account {
    let settings =
        [("token", TOKEN), ("api_base", base)].map(|(name, value)| (name.to_owned(), value.to_owned()));
    Account { external_id: None, settings: settings.into(), ..Account::default() }
}

fn route(method: &str) -> String {
    format!("POST /bot{TOKEN}/{method}")
}

const HELLO: Outgoing<'_> =
    Outgoing { reply_to: Some("5550001001:7"), ..Outgoing::text(Address::chat("5550001001"), "hello") };

async fn outcome(answer: Answer) -> SendOutcome {
    let server = Server::start().await;
    server.on(&route("sendMessage"), answer);
    telegram().send(&client(), &account(&server.url()), &HELLO).await
}

fn refused(code: u16, description: &str) -> Answer {
    Answer::Json(code, json!({"ok": false, "error_code": code, "description": description}))
}

#[tokio::test]
async fn a_sent_message_is_named_as_its_echo_would_be() {
    let server = Server::start().await;
    let result = json!({"message_id": 42, "chat": {"id": 5_550_001_001_i64, "type": "private"}, "date": 1});
    server.json(&route("sendMessage"), 200, json!({"ok": true, "result": result}));
    let sent = telegram().send(&client(), &account(&server.url()), &HELLO).await;
    let expected = SendOutcome::Sent { external_id: "42".into(), dedupe_key: "5550001001:42".into() };
    assert_eq!(sent, expected);
    let body = server.last().body;
    assert_eq!(body["chat_id"], 5_550_001_001_i64);
    assert_eq!(body["reply_parameters"], json!({"message_id": 7, "allow_sending_without_reply": true}));
    assert!(body.get("parse_mode").is_none());
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let flood = json!({"ok": false, "error_code": 429, "description": "Too Many Requests: retry after 3",
        "parameters": {"retry_after": 3}});
    let flooded = outcome(Answer::Json(429, flood)).await;
    assert!(matches!(flooded, SendOutcome::Retry { after_ms: Some(3000), .. }), "{flooded:?}");
    let blocked = outcome(refused(403, "Forbidden: bot was blocked by the user")).await;
    assert!(
        matches!(&blocked, SendOutcome::Rejected { code, channel_down: false, .. } if code == "blocked"),
        "{blocked:?}"
    );
    let bad = outcome(refused(400, "Bad Request: chat not found")).await;
    assert!(matches!(bad, SendOutcome::Rejected { channel_down: false, .. }), "{bad:?}");
    let revoked = outcome(refused(401, "Unauthorized")).await;
    assert!(matches!(revoked, SendOutcome::Rejected { channel_down: true, .. }), "{revoked:?}");
    let broken = outcome(refused(500, "Internal Server Error")).await;
    let SendOutcome::Unknown { reason, .. } = &broken else { panic!("{broken:?}") };
    assert!(reason.contains("Internal Server Error"), "{reason}");
}

#[tokio::test]
async fn silence_is_unknown_and_a_closed_door_is_retried() {
    let server = Server::start().await;
    server.on(&route("sendMessage"), Answer::Silence);
    let hurried = http_client(Duration::from_millis(150), &Outward::allowing(&["127.0.0.1"])).unwrap();
    let silent = telegram().send(&hurried, &account(&server.url()), &HELLO).await;
    assert!(matches!(silent, SendOutcome::Unknown { .. }), "{silent:?}");

    let torn = outcome(Answer::Torn(200)).await;
    assert!(matches!(torn, SendOutcome::Unknown { .. }), "{torn:?}");

    // Bound and dropped: nobody listens there any more.
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let closed = telegram().send(&client(), &account(&format!("http://{gone}")), &HELLO).await;
    let SendOutcome::Retry { reason, .. } = closed else { panic!("{closed:?}") };
    assert!(!reason.contains(TOKEN) && !reason.contains("bot"), "{reason}");
}

#[tokio::test]
async fn a_connection_cut_after_the_request_is_unknown() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        use tokio::io::AsyncReadExt;
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut read = [0; 4096];
            let _ = socket.read(&mut read).await;
        }
    });
    let cut = telegram().send(&client(), &account(&format!("http://{address}")), &HELLO).await;
    let SendOutcome::Unknown { reason, .. } = cut else { panic!("{cut:?}") };
    assert!(!reason.contains(TOKEN), "{reason}");
}

#[tokio::test]
async fn a_group_that_moved_is_followed_once() {
    let server = Server::start().await;
    let moved = json!({"ok": false, "error_code": 400, "description": "Bad Request: group chat was upgraded",
        "parameters": {"migrate_to_chat_id": -1_005_550_000_001_i64}});
    let result = json!({"message_id": 1, "chat": {"id": -1_005_550_000_001_i64, "type": "supergroup"}});
    server.json(&route("sendMessage"), 400, moved);
    server.json(&route("sendMessage"), 200, json!({"ok": true, "result": result}));
    let out = Outgoing { to: Address::chat("-55500001"), ..HELLO };
    let sent = telegram().send(&client(), &account(&server.url()), &out).await;
    assert!(
        matches!(&sent, SendOutcome::Sent { dedupe_key, .. } if dedupe_key == "-1005550000001:1"),
        "{sent:?}"
    );
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn unusable_settings_send_nothing() {
    for (name, value) in [("token", "1:a/../../x"), ("token", ""), ("api_base", "file:///etc")] {
        let mut account = account("http://127.0.0.1:1");
        account.settings.insert(name.into(), value.into());
        let outcome = telegram().send(&client(), &account, &HELLO).await;
        assert!(matches!(outcome, SendOutcome::Rejected { channel_down: true, .. }), "{name}: {outcome:?}");
    }
}

#[tokio::test]
async fn files_go_by_their_address_and_presses_are_answered() {
    let server = Server::start().await;
    let done = json!({"ok": true, "result": {"message_id": 1, "chat": {"id": 1}}});
    for method in ["sendPhoto", "sendVoice", "sendDocument"] {
        server.json(&route(method), 200, done.clone());
    }
    let account = account(&server.url());
    for (kind, member) in
        [(MediaKind::Image, "photo"), (MediaKind::Voice, "voice"), (MediaKind::Document, "document")]
    {
        let url = "https://files.example.com/f";
        let media = OutMedia { kind, url, bytes: None, name: None, mime: None, caption: Some("look") };
        let sent = telegram().send(&client(), &account, &Outgoing { media: Some(media), ..HELLO }).await;
        assert!(matches!(sent, SendOutcome::Sent { .. }), "{sent:?}");
        let body = server.last().body;
        assert_eq!((&body[member], &body["caption"]), (&json!(url), &json!("look")));
    }
    let old = json!({"ok": false, "error_code": 400, "description": "Bad Request: query is too old"});
    server.json(&route("answerCallbackQuery"), 400, old);
    let press =
        Acknowledge { to: Address::chat("1"), message: None, participant: None, callback: Some("99") };
    telegram().acknowledge(&client(), &account, &press).await.unwrap();
    assert_eq!(server.last().body, json!({"callback_query_id": "99"}));
}

fn photo() -> MediaRef {
    MediaRef {
        kind: MediaKind::Image,
        mime: Some("image/png".into()),
        name: None,
        size: None,
        state: MediaState::Ready,
        reference: json!({"file_id": "AgACbig"}),
    }
}

async fn fetch(server: &Server, limit: u64) -> Result<(String, Vec<u8>), FetchError> {
    let mut sink = Vec::new();
    let account = account(&server.url());
    let fetched = telegram().fetch(&client(), &account, &photo(), limit, &mut sink).await?;
    assert_eq!(fetched.size, sink.len() as u64);
    Ok((fetched.mime, sink))
}

#[tokio::test]
async fn a_file_is_fetched_within_its_limit_and_typed_by_its_bytes() {
    let server = Server::start().await;
    server.json(&route("getFile"), 200, json!({"ok": true, "result": {"file_path": "photos/file_1.jpg"}}));
    let bytes = [b"\xff\xd8\xff".as_slice(), &[7; 5000]].concat();
    server.on(&format!("GET /file/bot{TOKEN}/photos/file_1.jpg"), Answer::Bytes(200, bytes.clone()));
    assert_eq!(fetch(&server, 10_000).await, Ok(("image/jpeg".into(), bytes)));
    assert_eq!(fetch(&server, 5_000).await, Err(FetchError::TooLarge { limit_bytes: 5_000 }));
}

#[tokio::test]
async fn an_answer_goes_to_the_place_that_it_came_from() {
    for (chat, thread, expected) in [
        ("5", Some("topic:42"), json!({"chat_id": 5, "message_thread_id": 42})),
        ("5", Some("business:bc1"), json!({"chat_id": 5, "business_connection_id": "bc1"})),
        ("-100555:11", None, json!({"chat_id": -100_555, "direct_messages_topic_id": 11})),
    ] {
        let server = Server::start().await;
        let business = expected.get("business_connection_id");
        let result =
            json!({"message_id": 9, "chat": {"id": expected["chat_id"]}, "business_connection_id": business});
        server.json(&route("sendMessage"), 200, json!({"ok": true, "result": result}));
        server.json(&route("sendChatAction"), 200, json!({"ok": true, "result": true}));
        let to = Address { chat, thread };
        let out = Outgoing { to, reply_to: None, ..HELLO };
        let sent = telegram().send(&client(), &account(&server.url()), &out).await;
        let key =
            if business.is_some() { "bc1:5:9".to_owned() } else { format!("{}:9", expected["chat_id"]) };
        assert!(matches!(&sent, SendOutcome::Sent { dedupe_key, .. } if *dedupe_key == key), "{sent:?}");
        let shows = |body: &serde_json::Value| {
            expected.as_object().unwrap().iter().all(|(name, value)| &body[name] == value)
        };
        assert!(shows(&server.last().body), "{}", server.last().body);
        telegram().typing(&client(), &account(&server.url()), to, true).await.unwrap();
        assert!(shows(&server.last().body), "{}", server.last().body);
    }
    let gone = outcome(refused(400, "Bad Request: message thread not found")).await;
    assert!(
        matches!(&gone, SendOutcome::Rejected { code, reason, channel_down: false }
            if code == "thread_not_found" && reason.contains("topic")),
        "{gone:?}"
    );
}

#[tokio::test]
async fn a_path_in_any_alphabet_is_escaped_segment_by_segment() {
    for (path, escaped) in [
        (
            "documents/file_3.накладная",
            "documents/file_3.%D0%BD%D0%B0%D0%BA%D0%BB%D0%B0%D0%B4%D0%BD%D0%B0%D1%8F",
        ),
        ("documents/file_4.2 final", "documents/file_4.2%20final"),
        ("documents/file_5.c++", "documents/file_5.c%2B%2B"),
        ("documents/100%25?#.pdf", "documents/100%2525%3F%23.pdf"),
    ] {
        let server = Server::start().await;
        server.json(&route("getFile"), 200, json!({"ok": true, "result": {"file_path": path}}));
        server.on(&format!("GET /file/bot{TOKEN}/{escaped}"), Answer::Bytes(200, b"%PDF-1.7".to_vec()));
        assert_eq!(fetch(&server, 100).await.unwrap().1, b"%PDF-1.7", "{path}");
    }
    for path in ["documents/../../x", "a/./b", "a//b", "a\\b", "a/\u{7}b"] {
        let server = Server::start().await;
        server.json(&route("getFile"), 200, json!({"ok": true, "result": {"file_path": path}}));
        assert!(matches!(fetch(&server, 100).await, Err(FetchError::Refused(_))), "{path}");
        assert_eq!(server.asked().len(), 1, "{path}");
    }
}

#[tokio::test]
async fn a_local_servers_files_are_asked_for_where_they_are_served() {
    let on_disk = |path: &str| json!({"ok": true, "result": {"file_path": path}});
    let disk = format!("/var/lib/telegram-bot-api/{TOKEN}/documents/file_3.pdf");
    let windows = format!("C:\\bots\\{}\\documents\\file_3.pdf", TOKEN.replace(':', "~"));
    for path in [&disk, &windows] {
        let server = Server::start().await;
        server.json(&route("getFile"), 200, on_disk(path));
        server.on(
            &format!("GET /file/bot{TOKEN}/documents/file_3.pdf"),
            Answer::Bytes(200, b"%PDF-1.7".to_vec()),
        );
        assert_eq!(fetch(&server, 100).await.unwrap().1, b"%PDF-1.7", "{path}");
    }
    // Nothing serves them: the file is not gone, and nobody has to believe so.
    let server = Server::start().await;
    server.json(&route("getFile"), 200, on_disk(&disk));
    let Err(FetchError::Refused(reason)) = fetch(&server, 100).await else { panic!() };
    assert!(reason.contains("files_base") && !reason.contains(TOKEN), "{reason}");
    let files = Server::start().await;
    files.on("GET /bot/documents/file_3.pdf", Answer::Bytes(200, b"%PDF-1.7".to_vec()));
    files.on("GET /bot/srv/other/file.pdf", Answer::Bytes(200, b"%PDF-1.7".to_vec()));
    let mut account = account(&server.url());
    account.settings.insert("files_base".into(), format!("{}/bot/", files.url()));
    server.json(&route("getFile"), 200, on_disk("/srv/other/file.pdf"));
    for _ in 0..2 {
        let mut sink = Vec::new();
        telegram().fetch(&client(), &account, &photo(), 100, &mut sink).await.unwrap();
        assert_eq!(sink, b"%PDF-1.7");
    }
    assert!(!files.asked().iter().any(|asked| asked.path.contains(TOKEN)));
}

#[tokio::test]
async fn a_file_elsewhere_is_not_followed() {
    let server = Server::start().await;
    server.json(&route("getFile"), 200, json!({"ok": true, "result": {"file_path": "a.jpg"}}));
    server.on(&format!("GET /file/bot{TOKEN}/a.jpg"), Answer::Redirect(format!("{}/inner", server.url())));
    assert!(matches!(fetch(&server, 100).await, Err(FetchError::Refused(_))));
    assert!(!server.asked().iter().any(|asked| asked.path.contains("inner")));
    let other = Server::start().await;
    other.json(&route("getFile"), 200, json!({"ok": true, "result": {"file_path": "../../x"}}));
    assert!(matches!(fetch(&other, 100).await, Err(FetchError::Refused(_))));
    let big = Server::start().await;
    big.on(&route("getFile"), refused(400, "Bad Request: file is too big"));
    assert!(matches!(fetch(&big, 100).await, Err(FetchError::TooLarge { .. })));
}

#[tokio::test]
async fn connecting_names_every_update_kind_and_the_secret() {
    let server = Server::start().await;
    let me = json!({"id": 7_000_000_001_i64, "is_bot": true, "username": "demo_shop_test_bot"});
    server.json(&route("getMe"), 200, json!({"ok": true, "result": me}));
    server.json(&route("setWebhook"), 200, json!({"ok": true, "result": true}));
    let hook = Hook { url: "https://hub.example.com/hooks/t", secret: "s-1" };
    let info = telegram().connect(&client(), &account(&server.url()), &hook).await.unwrap();
    assert_eq!(
        (info.external_id.as_str(), info.name.as_deref()),
        ("7000000001", Some("@demo_shop_test_bot"))
    );
    let body = server.last().body;
    assert_eq!((&body["url"], &body["secret_token"]), (&json!(hook.url), &json!("s-1")));
    assert!(body["allowed_updates"].as_array().unwrap().contains(&json!("message_reaction")));

    let waiting =
        json!({"url": hook.url, "pending_update_count": 3, "last_error_message": "Connection refused"});
    server.json(&route("getWebhookInfo"), 200, json!({"ok": true, "result": waiting}));
    let health = telegram().health(&client(), &account(&server.url())).await.unwrap();
    assert_eq!((health.state, health.pending), (HealthState::Up, Some(3)));
    let stranger = Server::start().await;
    let health = telegram().health(&client(), &account(&stranger.url())).await.unwrap();
    assert_eq!(health.state, HealthState::Down);
}
