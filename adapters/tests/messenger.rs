//! Sending, fetching and connecting against an emulated Graph API, as a page.

use std::time::Duration;

use adapters::{
    Account, Acknowledge, Address, Button, Client, FetchError, HealthState, Hook, MediaKind, MediaRef,
    MediaState, OutMedia, Outgoing, Outward, Profile, Provider, SendOutcome, http_client, provider,
};
use serde_json::{Value, json};

use crate::server::{Answer, Server};

pub(crate) const TOKEN: &str = "EAAexample-page-token";
const PAGE: &str = "1020000000000001";
const PERSON: Address<'_> = Address::chat("7300000000000001");
const MESSAGES: &str = "POST /v25.0/1020000000000001/messages";

fn messenger() -> &'static dyn Provider {
    provider("messenger").unwrap()
}

pub(crate) fn client() -> Client {
    http_client(Duration::from_secs(20), &Outward::allowing(&["127.0.0.1"])).unwrap()
}

pub(crate) fn account(settings: &[(&str, &str)]) -> Account {
    let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Account { external_id: None, settings: settings.collect(), ..Account::default() }
}

fn page(base: &str) -> Account {
    account(&[
        ("page_id", PAGE),
        ("access_token", TOKEN),
        ("graph_base", base),
        ("app_id", "555000111222333"),
    ])
}

const HELLO: Outgoing<'_> = Outgoing { our_reference: "out-1", ..Outgoing::text(PERSON, "hello") };

fn sent(id: &str) -> SendOutcome {
    SendOutcome::Sent { external_id: id.into(), dedupe_key: id.into() }
}

async fn outcome(answer: Answer) -> SendOutcome {
    let server = Server::start().await;
    server.on(MESSAGES, answer);
    messenger().send(&client(), &page(&server.url()), &HELLO).await
}

pub(crate) fn refused(status: u16, code: i64, subcode: i64, message: &str) -> Answer {
    let error =
        json!({ "message": message, "type": "OAuthException", "code": code, "error_subcode": subcode });
    Answer::Json(status, json!({ "error": error }))
}

#[tokio::test]
async fn a_message_is_named_as_its_echo_will_be() {
    let server = Server::start().await;
    server.json(MESSAGES, 200, json!({ "recipient_id": PERSON.chat, "message_id": "m_9" }));
    let account = page(&server.url());
    let buttons = [Button { id: "YES".into(), title: "Yes".into() }];
    let out = Outgoing { reply_to: Some("m_1"), buttons: &buttons, ..HELLO };
    assert_eq!(messenger().send(&client(), &account, &out).await, sent("m_9"));
    let asked = server.last();
    assert_eq!(asked.bearer.as_deref(), Some(&*format!("Bearer {TOKEN}")));
    let quick = json!([{ "content_type": "text", "title": "Yes", "payload": "YES" }]);
    let right = json!({
        "recipient": { "id": PERSON.chat }, "messaging_type": "RESPONSE", "reply_to": { "mid": "m_1" },
        "message": { "text": "hello", "metadata": "out-1", "quick_replies": quick },
    });
    assert_eq!(asked.body, right);
    let url = "https://hub.example.com/files/a.pdf";
    let media = OutMedia {
        kind: MediaKind::Document,
        url,
        bytes: None,
        name: Some("a.pdf"),
        mime: None,
        caption: None,
    };
    let file = Outgoing { text: None, media: Some(media), human_agent: true, ..HELLO };
    assert_eq!(messenger().send(&client(), &account, &file).await, sent("m_9"));
    let body = server.last().body;
    assert_eq!(body["message"]["attachment"], json!({ "type": "file", "payload": { "url": url } }));
    assert_eq!((&body["messaging_type"], &body["tag"]), (&json!("MESSAGE_TAG"), &json!("HUMAN_AGENT")));
    // Never beside each other: nothing is sent, and nothing is left out.
    let before = server.asked().len();
    let both = messenger().send(&client(), &account, &Outgoing { text: Some("x"), ..file }).await;
    assert!(matches!(&both, SendOutcome::Rejected { code, .. } if code == "caption"), "{both:?}");
    assert_eq!(server.asked().len(), before);
}

#[tokio::test]
async fn refusals_are_told_apart() {
    for (code, subcode, name, down) in [
        (10, 2_018_278, "window_closed", false),
        (551, 1_545_041, "unreachable", false),
        (100, 0, "parameter", false),
        (100, 33, "account_gone", true),
        (10, 1_893_063, "restricted", true),
        (190, 460, "token_refused", true),
        (368, 0, "policy", true),
    ] {
        let got = outcome(refused(400, code, subcode, "(#0) No, because.")).await;
        let SendOutcome::Rejected { code, reason, channel_down } = got else { panic!("{got:?}") };
        assert_eq!((code.as_str(), channel_down), (name, down));
        assert!(reason.contains("No, because."), "{reason}");
    }
    for code in [4, 613, 80_006, 32, 2, 1200] {
        let got = outcome(refused(400, code, 0, "later")).await;
        assert!(matches!(got, SendOutcome::Retry { .. }), "{code}: {got:?}");
    }
    for answer in [
        refused(500, 2, 0, "An unexpected error has occurred."),
        refused(503, 1200, 0, "x"),
        Answer::Bytes(502, b"<html>".to_vec()),
        Answer::Torn(200),
        Answer::Json(200, json!({ "recipient_id": "1" })),
    ] {
        let got = outcome(answer).await;
        assert!(matches!(got, SendOutcome::Unknown { channel_down: false, .. }), "{got:?}");
    }
}

#[tokio::test]
async fn courtesies_are_requests_of_their_own() {
    let server = Server::start().await;
    server.json(MESSAGES, 200, json!({ "recipient_id": PERSON.chat }));
    let (http, account) = (client(), page(&server.url()));
    let actions = |server: &Server| server.last().body;
    let to = json!({ "id": PERSON.chat });
    let seen = Acknowledge { to: PERSON, message: Some("m_1"), participant: None, callback: None };
    messenger().acknowledge(&http, &account, &seen).await.unwrap();
    assert_eq!(actions(&server), json!({ "recipient": to, "sender_action": "mark_seen" }));
    for (on, action) in [(true, "typing_on"), (false, "typing_off")] {
        messenger().typing(&http, &account, PERSON, on).await.unwrap();
        assert_eq!(actions(&server), json!({ "recipient": to, "sender_action": action }));
    }
    messenger().react(&http, &account, PERSON, "m_1", Some("👍")).await.unwrap();
    let payload = json!({ "message_id": "m_1", "reaction": "👍" });
    assert_eq!(actions(&server), json!({ "recipient": to, "sender_action": "react", "payload": payload }));
    messenger().react(&http, &account, PERSON, "m_1", None).await.unwrap();
    assert_eq!(actions(&server)["payload"], json!({ "message_id": "m_1" }));
    assert_eq!(actions(&server)["sender_action"], "unreact");
    // Nobody is there yet who could see it.
    let before = server.asked().len();
    messenger().typing(&http, &account, Address::chat("user_ref:box-1"), true).await.unwrap();
    assert_eq!(server.asked().len(), before);
}

fn file(link: &Value) -> MediaRef {
    let (kind, state) = (MediaKind::Image, MediaState::Ready);
    MediaRef { kind, mime: None, name: None, size: None, state, reference: json!({ "link": link }) }
}

#[tokio::test]
async fn a_file_is_fetched_from_meta_s_hosts_and_without_the_token() {
    let (server, other) = (Server::start().await, Server::start().await);
    let png = b"\x89PNG\r\n\x1a\n0000".to_vec();
    server.on("GET /a?oh=1", Answer::Bytes(200, png.clone()));
    server.on("GET /moved?oh=1", Answer::Redirect("/a?oh=1".into()));
    server.on("GET /away?oh=1", Answer::Redirect(format!("{}/a?oh=1", other.url())));
    server.on("GET /busy?oh=1", Answer::Bytes(503, Vec::new()));
    server.on("GET /403?oh=1", Answer::Bytes(403, b"URL signature expired".to_vec()));
    let host = server.address.to_string();
    let mut account = page("https://graph.facebook.com");
    account.settings.insert("media_hosts".into(), format!("media.example.com, {host}"));
    let link = |path: &str| file(&json!({ "https": false, "host": host, "path": path, "query": "oh=1" }));
    for path in ["/a", "/moved"] {
        let mut sink = Vec::new();
        let got = messenger().fetch(&client(), &account, &link(path), 1_000, &mut sink).await.unwrap();
        assert_eq!((got.mime.as_str(), sink), ("image/png", png.clone()), "{path}");
    }
    assert!(server.asked().iter().all(|asked| asked.bearer.is_none()));
    let refusal = async |account: &Account, media: &MediaRef, limit| {
        messenger().fetch(&client(), account, media, limit, &mut tokio::io::sink()).await.unwrap_err()
    };
    for gone in ["/403", "/nowhere"] {
        assert_eq!(refusal(&account, &link(gone), 1_000).await, FetchError::Gone, "{gone}");
    }
    assert!(refusal(&account, &link("/busy"), 1_000).await.retryable());
    // A page that says that the story has ended, or nothing at all, is no picture.
    let page = b"\n<!DOCTYPE HTML><title>This page isn't available</title>".to_vec();
    server.on("GET /page?oh=1", Answer::Bytes(200, page));
    server.on("GET /empty?oh=1", Answer::Bytes(200, Vec::new()));
    for none in ["/page", "/empty"] {
        assert!(refusal(&account, &link(none), 1_000).await.retryable(), "{none}");
    }
    assert!(matches!(refusal(&account, &link("/a"), 3).await, FetchError::TooLarge { limit_bytes: 3 }));
    assert!(matches!(refusal(&account, &link("/away"), 1_000).await, FetchError::Refused(_)));
    assert!(other.asked().is_empty());
    account.settings.remove("media_hosts");
    let before = server.asked().len();
    assert!(matches!(refusal(&account, &link("/a"), 1_000).await, FetchError::Refused(_)));
    assert_eq!(server.asked().len(), before);
    assert_eq!(
        refusal(&account, &MediaRef { reference: Value::Null, ..link("/a") }, 1).await,
        FetchError::Gone
    );
}

#[tokio::test]
async fn a_page_is_connected_looked_at_and_let_go() {
    let server = Server::start().await;
    let account = page(&server.url());
    let (me, apps) =
        ("GET /v25.0/1020000000000001?fields=id%2Cname", "/v25.0/1020000000000001/subscribed_apps");
    server.json(me, 200, json!({ "id": PAGE, "name": "Shop" }));
    server.json(&format!("POST {apps}"), 200, json!({ "success": true }));
    let hook = Hook { url: "https://hub.example.com/hooks/meta/1", secret: "s" };
    let info = messenger().connect(&client(), &account, &hook).await.unwrap();
    assert_eq!((info.external_id.as_str(), info.claim), (PAGE, messenger().claims(&account).pop()));
    assert_eq!(info.name.as_deref(), Some("Shop"));
    let fields = server.last().body["subscribed_fields"].as_str().unwrap().to_owned();
    for field in ["messages", "message_echoes", "message_edits", "message_reads", "standby"] {
        assert!(fields.split(',').any(|one| one == field), "{field}");
    }
    let (http, get) = (client(), format!("GET {apps}"));
    let health = async || messenger().health(&http, &account).await.unwrap();
    server.json(&get, 200, json!({ "data": [{ "id": "555000111222333", "subscribed_fields": fields.split(',').collect::<Vec<_>>() }] }));
    assert_eq!(health().await.state, HealthState::Up);
    server.json(&get, 200, json!({ "data": [{ "id": "42", "subscribed_fields": ["messages"] }] }));
    server.json(&get, 200, json!({ "data": [] }));
    server.on(&get, refused(401, 190, 463, "Session has expired"));
    // The answer that stood alone is given once more.
    let mut states = Vec::new();
    for _ in 0..4 {
        states.push(health().await.state);
    }
    assert_eq!(states[1..], [HealthState::Down, HealthState::Down, HealthState::NeedsPerson]);
    server.json(&format!("DELETE {apps}"), 200, json!({ "success": true }));
    messenger().disconnect(&client(), &account, hook.url).await.unwrap();
    assert_eq!(server.last().path, format!("DELETE {apps}"));
    // Another page's token.
    server.json(me, 200, json!({ "id": "1020000000000002", "name": "Other" }));
    let _ = messenger().connect(&client(), &account, &hook).await;
    let wrong = messenger().connect(&client(), &account, &hook).await.unwrap_err();
    assert_eq!((wrong.code.as_str(), wrong.retryable), ("wrong_account", false));
}

#[tokio::test]
async fn a_field_that_meta_knows_no_more_costs_only_itself() {
    let server = Server::start().await;
    server.json("GET /v25.0/1020000000000001?fields=id%2Cname", 200, json!({ "id": PAGE }));
    let apps = "POST /v25.0/1020000000000001/subscribed_apps";
    server.on(apps, refused(400, 100, 0, "(#100) Param subscribed_fields[6] must be one of {...}"));
    server.json(apps, 200, json!({ "success": true }));
    let hook = Hook { url: "https://hub.example.com/hooks/meta/1", secret: "s" };
    messenger().connect(&client(), &page(&server.url()), &hook).await.unwrap();
    let fields = server.last().body["subscribed_fields"].as_str().unwrap().to_owned();
    assert!(fields.starts_with("messages,") && !fields.contains("message_edits"), "{fields}");
}

#[tokio::test]
async fn a_refused_profile_costs_the_name_only() {
    let server = Server::start().await;
    let account = page(&server.url());
    let route = "GET /v25.0/7300000000000001?fields=name%2Cfirst_name%2Clast_name";
    let ask = async || messenger().profile(&client(), &account, PERSON.chat).await;
    for (status, code) in [(403, 230), (400, 100), (400, 190), (400, 9010)] {
        let server = Server::start().await;
        server.on(route, refused(status, code, 0, "no"));
        let got = messenger().profile(&client(), &page(&server.url()), PERSON.chat).await;
        assert_eq!(got, Ok(None), "{code}");
    }
    server.on(route, refused(400, 613, 0, "slow down"));
    let busy = ask().await.unwrap_err();
    assert!(busy.retryable && !busy.channel_down);
    server.json(route, 200, json!({ "first_name": "Kim", "last_name": "Lee", "id": PERSON.chat }));
    let _ = ask().await;
    let told = ask().await.unwrap();
    assert_eq!(told, Some(Profile { name: Some("Kim Lee".into()), handle: None }));
}

#[tokio::test]
async fn who_signs_in_chooses_among_their_pages() {
    let server = Server::start().await;
    let app = account(&[
        ("app_id", "555000111222333"),
        ("app_secret", "hush-hush"),
        ("graph_base", &server.url()),
        ("dialog_base", "https://www.facebook.com"),
    ]);
    let login = messenger().sign_in().unwrap();
    let url = login.authorize_url(&app, "https://hub.example.com/back", "st-1").unwrap();
    assert!(
        url.starts_with("https://www.facebook.com/v25.0/dialog/oauth?client_id=555000111222333"),
        "{url}"
    );
    for part in ["pages_messaging", "state=st-1", "redirect_uri=https%3A%2F%2Fhub.example.com%2Fback"] {
        assert!(url.contains(part), "{url}");
    }
    let app =
        Account { settings: app.settings.into_iter().collect(), external_id: None, ..Account::default() };
    let exchange = format!(
        "GET /v25.0/oauth/access_token?client_id=555000111222333&client_secret=hush-hush&redirect_uri={}&code=c-1",
        "https%3A%2F%2Fhub.example.com%2Fback"
    );
    server.json(&exchange, 200, json!({ "access_token": "lasting", "token_type": "bearer" }));
    let pages = json!({ "data": [
        { "id": PAGE, "name": "Shop", "access_token": TOKEN, "instagram_business_account": { "id": "17841400000000001", "username": "shop" } },
        { "id": "1020000000000002", "name": "Not theirs" },
        { "id": "1020000000000003", "name": "Bare", "access_token": "other" },
    ] });
    let (first, _) = accounts(&server, &app).await;
    server.json(&first, 200, pages);
    let choices = login.exchange(&client(), &app, "c-1", "https://hub.example.com/back", 0).await.unwrap();
    let names: Vec<_> = choices.iter().map(|choice| choice.name.as_str()).collect();
    assert_eq!(names, ["Shop", "Bare"]);
    assert_eq!(choices[0].credentials["access_token"], TOKEN);
    // By the same pages to their Instagram accounts.
    let login = provider("instagram").unwrap().sign_in().unwrap();
    let choices = login.exchange(&client(), &app, "c-1", "https://hub.example.com/back", 0).await.unwrap();
    assert_eq!(choices.len(), 1);
    assert_eq!((choices[0].external_id.as_str(), choices[0].name.as_str()), ("17841400000000001", "@shop"));
    assert_eq!((&*choices[0].credentials["login"], &*choices[0].credentials["page_id"]), ("page", PAGE));
}

/// The address under which the pages are asked for, learnt by asking once.
async fn accounts(server: &Server, app: &Account) -> (String, bool) {
    let login = messenger().sign_in().unwrap();
    let refused = login.exchange(&client(), app, "c-1", "https://hub.example.com/back", 0).await;
    let asked = server.last();
    assert!(asked.path.starts_with("GET /v25.0/me/accounts?"), "{}", asked.path);
    assert_eq!(asked.bearer.as_deref(), Some("Bearer lasting"));
    (asked.path, refused.is_err())
}
