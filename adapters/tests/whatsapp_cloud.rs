//! Sending, fetching, connecting and signing in against an emulated Graph API.

use std::time::Duration;

use adapters::{
    Account, Acknowledge, Address, Client, FetchError, HealthState, Hook, MediaKind, MediaRef, MediaState,
    Outgoing, Outward, Provider, SendOutcome, http_client, provider,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use crate::server::{Answer, Server};

const TOKEN: &str = "EAAsecret-token";
const SEND: &str = "POST /v25.0/1065/messages";
const ABOUT: &str = "GET /v25.0/1065?fields=id%2Cdisplay_phone_number%2Cverified_name%2Cquality_rating%2Cstatus%2Cname_status";
const HELLO: Outgoing<'_> =
    Outgoing { our_reference: "01-ab", ..Outgoing::text(Address::chat("12025550143"), "hello") };

fn cloud() -> &'static dyn Provider {
    provider("whatsapp-cloud").unwrap()
}

fn client() -> Client {
    http_client(Duration::from_secs(20), &Outward::allowing(&["127.0.0.1"])).unwrap()
}

fn account(base: &str, more: &[(&str, &str)]) -> Account {
    let own = [("phone_number_id", "1065"), ("access_token", TOKEN), ("graph_base", base)];
    let pairs = own.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Account { external_id: None, settings: pairs.collect(), ..Account::default() }
}

fn error(status: u16, code: i64) -> Answer {
    let error = json!({"message": "(#1) No", "type": "OAuthException", "code": code, "fbtrace_id": "Atrace",
        "error_data": {"details": "why"}});
    Answer::Json(status, json!({ "error": error }))
}

async fn outcome(answer: Answer) -> SendOutcome {
    let server = Server::start().await;
    server.on(SEND, answer);
    cloud().send(&client(), &account(&server.url(), &[]), &HELLO).await
}

#[tokio::test]
async fn what_is_accepted_is_named_by_its_id() {
    let server = Server::start().await;
    server.json(SEND, 200, json!({"messages": [{"id": "wamid.X", "message_status": "accepted"}]}));
    let sent = cloud().send(&client(), &account(&server.url(), &[]), &HELLO).await;
    assert_eq!(sent, SendOutcome::Sent { external_id: "wamid.X".into(), dedupe_key: "wamid.X".into() });
    let asked = server.last();
    assert_eq!(asked.bearer.as_deref(), Some("Bearer EAAsecret-token"));
    assert_eq!(
        (&asked.body["to"], &asked.body["biz_opaque_callback_data"]),
        (&json!("+12025550143"), &json!("01-ab"))
    );
    let nameless = outcome(Answer::Json(200, json!({"messages": []}))).await;
    assert!(matches!(nameless, SendOutcome::Unknown { .. }), "{nameless:?}");
}

#[tokio::test]
async fn every_refusal_has_its_own_outcome() {
    for (status, code, name, down) in [
        (400, 131_047, "window_closed", false),
        (400, 131_026, "unreachable", false),
        (400, 131_050, "opted_out", false),
        (400, 132_001, "template", false),
        (401, 190, "token_refused", true),
        (403, 10, "permission", true),
        (403, 131_031, "locked", true),
        (400, 368, "policy", true),
        (400, 133_010, "not_registered", true),
        (500, 131_042, "payment", true),
    ] {
        let refused = outcome(error(status, code)).await;
        let SendOutcome::Rejected { code: known, reason, channel_down } = &refused else {
            panic!("{refused:?}")
        };
        assert_eq!((known.as_str(), *channel_down), (name, down), "{code}");
        assert!(reason.ends_with(&format!("why ({code}, trace Atrace)")), "{reason}");
    }
    // The number was disconnected at Meta, and nothing else tells.
    let gone = json!({"message": "Object does not exist", "code": 100, "error_subcode": 33});
    let gone = outcome(Answer::Json(400, json!({ "error": gone }))).await;
    assert!(
        matches!(&gone, SendOutcome::Rejected { code, channel_down: true, .. } if code == "account_gone"),
        "{gone:?}"
    );
    for (status, code, after) in [
        (400, 131_056, Some(6_000)),
        (400, 130_429, Some(1_000)),
        (400, 4, None),
        (500, 131_016, Some(1_000)),
    ] {
        let later = outcome(error(status, code)).await;
        assert!(matches!(&later, SendOutcome::Retry { after_ms, .. } if *after_ms == after), "{later:?}");
    }
    for answer in [
        error(500, 131_000),
        error(500, 1),
        error(502, 2),
        Answer::Bytes(502, b"<html>".to_vec()),
        Answer::Torn(200),
    ] {
        let unknown = outcome(answer).await;
        assert!(matches!(unknown, SendOutcome::Unknown { channel_down: false, .. }), "{unknown:?}");
    }
    let mut hurried = account("", &[]);
    let server = Server::start().await;
    server.on(SEND, Answer::Silence);
    hurried.settings.insert("graph_base".into(), server.url());
    let http = http_client(Duration::from_millis(150), &Outward::allowing(&["127.0.0.1"])).unwrap();
    let silent = cloud().send(&http, &hurried, &HELLO).await;
    assert!(matches!(silent, SendOutcome::Unknown { .. }), "{silent:?}");
}

#[tokio::test]
async fn reactions_and_read_marks_have_their_form() {
    let server = Server::start().await;
    server.json(SEND, 200, json!({"success": true, "messages": [{"id": "wamid.R"}]}));
    let account = account(&server.url(), &[]);
    let hidden = Address::chat("US.55500044455566677788");
    cloud().react(&client(), &account, hidden, "wamid.A", Some("👍")).await.unwrap();
    let asked = server.last().body;
    assert_eq!((&asked["recipient"], asked.get("to")), (&json!(hidden.chat), None));
    assert_eq!(asked["reaction"], json!({"message_id": "wamid.A", "emoji": "👍"}));
    cloud().react(&client(), &account, hidden, "wamid.A", None).await.unwrap();
    assert_eq!(server.last().body["reaction"]["emoji"], "");
    let seen = Acknowledge { to: hidden, message: Some("wamid.A"), participant: None, callback: None };
    cloud().acknowledge(&client(), &account, &seen).await.unwrap();
    let mut right = json!({"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.A"});
    assert_eq!(server.last().body, right);
    let newest = Some("wamid.A");
    cloud().typing_under(&client(), &account, hidden, true, newest).await.unwrap();
    right["typing_indicator"] = json!({"type": "text"});
    assert_eq!(server.last().body, right);
    let before = server.asked().len();
    cloud().acknowledge(&client(), &account, &Acknowledge { message: None, ..seen }).await.unwrap();
    cloud().typing_under(&client(), &account, hidden, true, None).await.unwrap();
    cloud().typing_under(&client(), &account, hidden, false, newest).await.unwrap();
    assert_eq!(server.asked().len(), before);
}

fn picture() -> MediaRef {
    MediaRef {
        kind: MediaKind::Image,
        mime: Some("image/jpeg".into()),
        name: None,
        size: None,
        state: MediaState::Ready,
        reference: json!({"id": "1370", "sha256": null}),
    }
}

/// SHA-256 of `PICTURE`.
fn digest() -> Vec<u8> {
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"PICTURE").as_ref().to_vec()
}

async fn fetched(server: &Server, more: &[(&str, &str)]) -> Result<Vec<u8>, FetchError> {
    let mut sink = Vec::new();
    let account = account(&server.url(), more);
    cloud().fetch(&client(), &account, &picture(), 1_000, &mut sink).await.map(|_| sink)
}

#[tokio::test]
async fn a_file_comes_in_two_steps_and_its_address_is_asked_anew_once() {
    let server = Server::start().await;
    let about = |n: u8, sha: &str| json!({"url": format!("{}/file?n={n}", server.url()), "sha256": sha, "file_size": 7});
    server.json("GET /v25.0/1370", 200, about(1, &hex::encode(digest())));
    server.json("GET /v25.0/1370", 200, about(2, &BASE64_STANDARD.encode(digest())));
    server.on("GET /file?n=1", Answer::Bytes(404, Vec::new()));
    server.on("GET /file?n=2", Answer::Bytes(200, b"PICTURE".to_vec()));
    assert_eq!(fetched(&server, &[]).await.unwrap(), b"PICTURE");
    let asked = server.asked();
    assert_eq!(asked.len(), 4);
    assert!(asked.iter().all(|asked| asked.bearer.as_deref() == Some("Bearer EAAsecret-token")));
    // The id still names a file, so another try may get it.
    server.forget("GET /file?n=2");
    assert!(fetched(&server, &[]).await.unwrap_err().retryable());
}

#[tokio::test]
async fn an_address_that_has_run_out_is_asked_anew_whatever_it_answers() {
    for status in [400, 401, 403, 410] {
        let server = Server::start().await;
        for n in [1, 2] {
            let url = format!("{}/file?n={n}", server.url());
            server.json("GET /v25.0/1370", 200, json!({"url": url, "sha256": hex::encode(digest())}));
        }
        server.on("GET /file?n=1", Answer::Bytes(status, Vec::new()));
        server.on("GET /file?n=2", Answer::Bytes(200, b"PICTURE".to_vec()));
        assert_eq!(fetched(&server, &[]).await.unwrap(), b"PICTURE", "{status}");
    }
}

#[tokio::test]
async fn a_file_elsewhere_too_large_or_damaged_is_not_taken() {
    let answered = async |about: Value| {
        let server = Server::start().await;
        server.json("GET /v25.0/1370", 200, about);
        let result = fetched(&server, &[]).await.unwrap_err();
        assert_eq!(server.asked().len(), 1);
        result
    };
    let elsewhere = answered(json!({"url": "http://127.0.0.1:9/x"})).await;
    assert!(matches!(elsewhere, FetchError::Refused(_)), "{elsewhere:?}");
    let large = answered(json!({"url": "https://lookaside.fbsbx.com/x", "file_size": 5_000})).await;
    assert_eq!(large, FetchError::TooLarge { limit_bytes: 1_000 });
    assert_eq!(answered(json!({})).await, FetchError::Gone);
    let server = Server::start().await;
    let url = format!("{}/file", server.url());
    server.json("GET /v25.0/1370", 200, json!({"url": url, "sha256": hex::encode([7; 32])}));
    server.on("GET /file", Answer::Bytes(200, b"PICTURE".to_vec()));
    let damaged = fetched(&server, &[]).await.unwrap_err();
    assert!(matches!(damaged, FetchError::Unavailable(_)), "{damaged:?}");
    let gone = Server::start().await;
    gone.on("GET /v25.0/1370", error(400, 100));
    assert_eq!(fetched(&gone, &[]).await, Err(FetchError::Gone));
}

#[tokio::test]
async fn connecting_proves_the_number_and_subscribes_the_app() {
    let server = Server::start().await;
    server.json(
        ABOUT,
        200,
        json!({"id": "1065", "verified_name": "Shop", "display_phone_number": "+1 202-555-0100",
        "quality_rating": "GREEN", "status": "CONNECTED"}),
    );
    server.json("POST /v25.0/1022/subscribed_apps", 200, json!({"success": true}));
    let hook = Hook { url: "https://hub.example.com/hooks/x", secret: "hook-secret" };
    let own = account(&server.url(), &[("waba_id", "1022")]);
    let info = cloud().connect(&client(), &own, &hook).await.unwrap();
    assert_eq!((info.external_id.as_str(), info.claim.as_deref()), ("1065", Some("number:1065")));
    assert_eq!((info.name.unwrap().as_str(), info.health.state), ("Shop (+1 202-555-0100)", HealthState::Up));
    let right = json!({"override_callback_uri": hook.url, "verify_token": hook.secret});
    assert_eq!(server.last().body, right);
    let mut of_app = own.clone();
    of_app.settings.insert("app_id".into(), "555".into());
    cloud().connect(&client(), &of_app, &hook).await.unwrap();
    assert_eq!(server.last().body, json!({}));
    assert_eq!(cloud().claims(&own), ["number:1065"]);
    let refusing = Server::start().await;
    refusing.on(ABOUT, error(401, 190));
    let failure = cloud().connect(&client(), &account(&refusing.url(), &[]), &hook).await.unwrap_err();
    assert_eq!((failure.code.as_str(), failure.retryable), ("token_refused", false));
    let health = cloud().health(&client(), &account(&refusing.url(), &[])).await.unwrap();
    assert_eq!(health.state, HealthState::Down);
}

#[tokio::test]
async fn disconnecting_spares_the_other_numbers_of_the_account() {
    for (numbers, right) in [(json!([{"id": "1065"}]), 2), (json!([{"id": "1065"}, {"id": "1066"}]), 1)] {
        let server = Server::start().await;
        server.json("GET /v25.0/1022/phone_numbers?fields=id", 200, json!({ "data": numbers }));
        server.json("DELETE /v25.0/1022/subscribed_apps", 200, json!({"success": true}));
        cloud().disconnect(&client(), &account(&server.url(), &[("waba_id", "1022")]), "").await.unwrap();
        assert_eq!(server.asked().len(), right);
    }
}

#[tokio::test]
async fn a_number_says_how_it_does() {
    for (word, right) in [
        ("CONNECTED", HealthState::Up),
        ("FLAGGED", HealthState::Up),
        ("PENDING", HealthState::NeedsPerson),
        ("BANNED", HealthState::Down),
    ] {
        let server = Server::start().await;
        server.json(ABOUT, 200, json!({"id": "1065", "status": word, "quality_rating": "RED"}));
        let health = cloud().health(&client(), &account(&server.url(), &[])).await.unwrap();
        assert_eq!((health.state, health.detail.as_str()), (right, format!("{word}, quality RED").as_str()));
    }
    let server = Server::start().await;
    server.json(&format!("{ABOUT}&appsecret_proof={}", proof(TOKEN)), 200, json!({"id": "1065"}));
    let debug = "GET /v25.0/debug_token?input_token=EAAsecret-token";
    for (about, right) in [
        (json!({"is_valid": false}), HealthState::Down),
        (json!({"is_valid": true, "scopes": ["email"]}), HealthState::NeedsPerson),
        (json!({"is_valid": true, "scopes": ["whatsapp_business_messaging"]}), HealthState::Up),
        (json!({}), HealthState::Up),
    ] {
        server.json(debug, 200, json!({ "data": about }));
        let app = [("app_id", "555"), ("app_secret", "app-secret")];
        let health = cloud().health(&client(), &account(&server.url(), &app)).await.unwrap();
        assert_eq!(health.state, right, "{about}");
        assert_eq!(server.last().bearer.as_deref(), Some("Bearer 555|app-secret"));
        server.forget(debug);
    }
}

fn proof(token: &str) -> String {
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, b"app-secret");
    hex::encode(aws_lc_rs::hmac::sign(&key, token.as_bytes()))
}

#[tokio::test]
async fn a_token_that_ends_is_prolonged_in_time() {
    const NOW: i64 = 1_794_312_000_000;
    let server = Server::start().await;
    let route = "GET /v25.0/oauth/access_token?grant_type=fb_exchange_token&client_id=555&client_secret=app-secret&fb_exchange_token=EAAsecret-token";
    server.json(route, 200, json!({"access_token": TOKEN, "expires_in": 5_184_000}));
    let end = (NOW + 86_400_000).to_string();
    let app = [("app_id", "555"), ("app_secret", "app-secret"), ("access_expires_at_ms", end.as_str())];
    let account = account(&server.url(), &app);
    let expiry = cloud().expiry(&account).unwrap();
    assert!(expiry.renew_at_ms < NOW && !expiry.needs_person);
    let renewed = cloud().renew(&client(), &account, NOW).await.unwrap().settings;
    assert_eq!(
        (renewed["access_token"].as_str(), renewed["access_expires_at_ms"].as_str()),
        (TOKEN, "1799496000000")
    );
    let late = cloud().renew(&client(), &account, NOW + 90_000_000).await.unwrap_err();
    assert!(!late.retryable && late.code == "token_refused");
    assert_eq!(cloud().expiry(&self::account("", &[])), None);
    assert_eq!(cloud().expiry(&self::account("", &[("access_expires_at_ms", "0")])), None);
}

#[tokio::test]
async fn who_signs_in_chooses_among_the_numbers() {
    let server = Server::start().await;
    let base = server.url();
    let mut app = account(
        &base,
        &[("app_id", "555"), ("app_secret", "app-secret"), ("config_id", "77"), ("dialog_base", &base)],
    );
    app.settings.remove("access_token");
    let sign_in = cloud().sign_in().unwrap();
    let redirect = "https://hub.example.com/back";
    let url = sign_in.authorize_url(&app, redirect, "st&ate").unwrap();
    assert!(url.starts_with(&format!("{base}/v25.0/dialog/oauth?client_id=555&")), "{url}");
    assert!(url.contains("config_id=77") && url.contains("state=st%26ate"), "{url}");
    server.json("GET /v25.0/oauth/access_token?client_id=555&client_secret=app-secret&redirect_uri=https%3A%2F%2Fhub.example.com%2Fback&code=CODE", 200,
        json!({"access_token": "EAAnew"}));
    server.json(
        "GET /v25.0/debug_token?input_token=EAAnew",
        200,
        json!({"data": {"is_valid": true,
        "granular_scopes": [{"scope": "whatsapp_business_management", "target_ids": ["1022"]}]}}),
    );
    let proof = proof("EAAnew");
    server.json(
        &format!("GET /v25.0/1022/phone_numbers?fields=id%2Cdisplay_phone_number%2Cverified_name%2Cquality_rating&appsecret_proof={proof}"),
        200,
        json!({"data": [{"id": "1065", "verified_name": "Shop"}, {"id": "1066", "display_phone_number": "+1 202-555-0101"}]}),
    );
    let choices = sign_in.exchange(&client(), &app, "CODE", redirect, 0).await.unwrap();
    assert_eq!(
        choices.iter().map(|choice| choice.name.as_str()).collect::<Vec<_>>(),
        ["Shop", "+1 202-555-0101"]
    );
    let credentials = &choices[0].credentials;
    let right = [("access_token", "EAAnew"), ("phone_number_id", "1065"), ("waba_id", "1022")];
    assert!(right.iter().all(|(name, value)| credentials[*name] == *value) && credentials.len() == 3);
    let refused = sign_in.exchange(&client(), &app, "OTHER", redirect, 0).await.unwrap_err();
    assert!(!refused.to_string().contains("app-secret"));
}
