//! Whatever a provider says, and wherever we take it from: a short clean line without our secrets comes out.

use std::{collections::BTreeMap, time::Duration};

use adapters::{
    Account, Acknowledge, Address, Context, FetchError, Hook, Kind, MediaKind, MediaRef, MediaState,
    Outgoing, Outward, Provider, SendError, SendOutcome, Words, http_client, providers,
};
use axum::{Router, http::StatusCode};
use serde_json::{Value, json};

const SECRET: &str = "77:a-secret-of-the-channel";
const HOOK_SECRET: &str = "a-secret-of-the-hook";

/// Quotes both secrets in the middle and across the place where a line is cut.
fn hostile() -> String {
    let around = "х".repeat(Words::MOST - 30);
    format!(
        "no \0\u{1b}[31m\u{202e} {SECRET}\n{HOOK_SECRET} {around}{SECRET}{HOOK_SECRET} {}",
        "y".repeat(5_000)
    )
}

/// What a server can say in the places where each provider's words are looked for.
fn bodies() -> Vec<String> {
    let said = hostile();
    let fields = json!({ "description": said, "message": said, "error": said, "status": said, "expected": [said],
        "me": { "pushName": said }, "exception": { "message": said }, "verified_name": said });
    let with = |more: Value| {
        let mut body = fields.clone();
        let object = body.as_object_mut().expect("an object");
        object.extend(more.as_object().expect("an object").clone());
        body.to_string()
    };
    vec![
        with(json!({ "ok": false, "error_code": 400 })),
        with(json!({ "ok": false, "error_code": 404 })),
        with(json!({ "ok": false })),
        with(
            json!({ "ok": true, "result": { "id": 7, "username": said, "url": "set", "last_error_message": said } }),
        ),
        with(json!({ "message": [said] })),
        with(json!({ "id": "7", "status": said })),
        json!({ "error": { "code": 131_009, "message": said, "fbtrace_id": said } }).to_string(),
        json!({ "error": { "code": 1, "message": "m", "error_data": { "details": said } } }).to_string(),
        said,
    ]
}

async fn server(status: u16, body: String) -> String {
    let answer = move || {
        let (status, body) = (StatusCode::from_u16(status).expect("a status"), body.clone());
        async move { (status, body) }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    format!("http://{address}")
}

fn account(provider: &dyn Provider, base: &str) -> Account {
    let value = |name: &str, secret: bool| match name {
        _ if secret => SECRET,
        "api_base" | "base_url" | "files_base" | "token_base" | "graph_base" | "instagram_base" => base,
        "login" => "instagram",
        "mailbox" => "shop@example.com",
        _ => "shop",
    };
    let fields = provider.app().map_or(&[][..], |app| app.fields()).iter().chain(provider.credentials());
    let settings: BTreeMap<_, _> =
        fields.map(|field| (field.name.to_owned(), value(field.name, field.secret).to_owned())).collect();
    Account { external_id: None, settings, ..Account::default() }
}

/// All that the provider makes of what its server says, by the call.
async fn said(provider: &dyn Provider, account: &Account) -> Vec<(&'static str, Words)> {
    let http = http_client(Duration::from_secs(10), &Outward::allowing(&["127.0.0.1"])).expect("a client");
    let chat = if provider.name() == "waha" { "12025550143@c.us" } else { "1" };
    let (to, mut all) = (Address::chat(chat), Vec::new());
    let mut failed = |call, error: SendError| all.push((call, error.reason));
    let out = Outgoing { contact: Some("ari@example.org"), ..Outgoing::text(to, "hello") };
    let what = Acknowledge { to, message: Some("1"), participant: None, callback: Some("2") };
    if let Err(error) = provider.reserve_id(&http, account).await {
        failed("reserve_id", error);
    }
    if let Err(error) = provider.acknowledge(&http, account, &what).await {
        failed("acknowledge", error);
    }
    if let Err(error) = provider.typing(&http, account, to, true).await {
        failed("typing", error);
    }
    if let Err(error) = provider.disconnect(&http, account, "https://hub.example.com/hooks/x").await {
        failed("disconnect", error);
    }
    if let Err(error) = provider.pairing(&http, account).await {
        failed("pairing", error);
    }
    match provider.health(&http, account).await {
        Ok(health) => all.extend(
            [("health", health.detail)].into_iter().chain(health.last_error.map(|it| ("last_error", it))),
        ),
        Err(error) => all.push(("health", error.reason)),
    }
    let hook = Hook { url: "https://hub.example.com/hooks/x", secret: HOOK_SECRET };
    match provider.connect(&http, account, &hook).await {
        Ok(info) => {
            all.extend([("connect", info.health.detail)].into_iter().chain(info.name.map(|it| ("name", it))));
        }
        Err(failure) => all.push(("connect", failure.reason)),
    }
    match provider.send(&http, account, &out).await {
        SendOutcome::Sent { .. } => {}
        SendOutcome::Retry { reason, .. }
        | SendOutcome::Rejected { reason, .. }
        | SendOutcome::Unknown { reason, .. } => {
            all.push(("send", reason));
        }
    }
    let media = MediaRef {
        kind: MediaKind::Image,
        mime: None,
        name: None,
        size: None,
        state: MediaState::Ready,
        reference: json!({ "file_id": "1", "path": "/api/files/shop/1.jpg", "chat": "1", "message": "1", "id": "1" }),
    };
    if let Err(error) = provider.fetch(&http, account, &media, 1_000, &mut tokio::io::sink()).await {
        match error {
            FetchError::Refused(reason) | FetchError::Unavailable(reason) => all.push(("fetch", reason)),
            FetchError::TooLarge { .. } | FetchError::Gone | FetchError::NotPublic(_) => {}
        }
    }
    all
}

#[tokio::test]
async fn what_a_provider_says_is_a_short_clean_line_without_our_secrets() {
    for provider in providers() {
        let mut calls = BTreeMap::<_, usize>::new();
        for status in [200, 400, 401, 403, 404, 409, 422, 429, 500, 502, 503] {
            for body in bodies() {
                let base = server(status, body.clone()).await;
                for (call, words) in said(provider, &account(provider, &base)).await {
                    let place = format!("{} {call} {status}: {words:?}", provider.name());
                    assert!(words.chars().count() <= 200, "{place}");
                    assert!(!words.chars().any(|one| one.is_control() || one == '\u{202e}'), "{place}");
                    // Where deliveries come to an app, the provider knows no hook.
                    let was_told = ["connect", "name"].contains(&call) && provider.app().is_none();
                    let hook = was_told.then_some(&HOOK_SECRET[..12]);
                    for secret in [Some(&SECRET[..12]), hook].into_iter().flatten() {
                        assert!(!words.contains(secret), "{place}");
                    }
                    *calls.entry(call).or_default() += usize::from(words.contains('х'));
                }
            }
        }
        for call in ["health", "connect", "send"] {
            assert!(
                calls[call] > 0,
                "{}: {call} never quoted the server, so it was not tried",
                provider.name()
            );
        }
    }
}

#[test]
fn what_is_ignored_is_ignored_for_a_short_reason() {
    let said = hostile();
    let odd = json!({ "event": said, "session": said, "payload": said, "update_id": 1, said.clone(): said });
    for provider in providers() {
        for event in provider.fields(odd.to_string().as_bytes(), &Context::default()).expect("it is JSON") {
            assert_eq!(event.kind, Kind::Ignored);
            assert!(event.reason.is_some_and(|reason| reason.chars().count() <= 200));
        }
        let broken = provider.parse(hostile().as_bytes(), &Context::default()).expect_err("it is not");
        assert!(broken.to_string().chars().count() <= 200);
    }
}
