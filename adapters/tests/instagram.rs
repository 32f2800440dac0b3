//! Both doors of Instagram against an emulated API: its own, and that of the linked page.

use adapters::{Account, Address, Hook, Outgoing, Provider, SendOutcome, Unit, measure, provider, split};
use serde_json::json;

use crate::{
    messenger::{account, client, refused},
    server::{Answer, Server},
};

const ACCOUNT: &str = "17841400000000001";
const PAGE: &str = "1020000000000001";
const DAY_MS: i64 = 24 * 3_600_000;
const HELLO: Outgoing<'_> =
    Outgoing { our_reference: "out-1", ..Outgoing::text(Address::chat("9300000000000001"), "hello") };

fn instagram() -> &'static dyn Provider {
    provider("instagram").unwrap()
}

fn own(base: &str) -> Account {
    account(&[("account_id", ACCOUNT), ("access_token", "IGexample-token"), ("instagram_base", base)])
}

fn by_page(base: &str) -> Account {
    account(&[
        ("account_id", ACCOUNT),
        ("login", "page"),
        ("page_id", PAGE),
        ("access_token", "EAAexample"),
        ("graph_base", base),
    ])
}

#[tokio::test]
async fn each_door_is_called_by_its_own_name() {
    for (settings, sender) in [(own as fn(&str) -> Account, ACCOUNT), (by_page, PAGE)] {
        let server = Server::start().await;
        let settings = settings(&server.url());
        server.json(&format!("POST /v25.0/{sender}/messages"), 200, json!({ "message_id": "m_9" }));
        let sent = instagram().send(&client(), &settings, &HELLO).await;
        assert_eq!(sent, SendOutcome::Sent { external_id: "m_9".into(), dedupe_key: "m_9".into() });
        let asked = server.last();
        assert_eq!(
            asked.body,
            json!({ "recipient": { "id": "9300000000000001" }, "message": { "text": "hello" } })
        );
        assert!(asked.bearer.is_some_and(|bearer| bearer.ends_with(settings.get("access_token").unwrap())));
        assert_eq!(instagram().claims(&settings), [format!("account:{ACCOUNT}")]);
    }
    let mut odd = own("https://graph.instagram.com");
    odd.settings.insert("login".into(), "carrier".into());
    let refused = instagram().send(&client(), &odd, &HELLO).await;
    assert!(matches!(refused, SendOutcome::Rejected { channel_down: true, .. }), "{refused:?}");
}

#[test]
fn texts_are_measured_in_bytes() {
    let limits = instagram().limits();
    assert_eq!((limits.unit, limits.max_text, limits.max_caption), (Unit::Bytes, 1_000, 0));
    let text = "щ".repeat(1_200);
    let parts = split(&text, limits.max_text, limits.unit);
    assert!(parts.len() == 3 && parts.iter().all(|part| measure(part, Unit::Bytes) <= 1_000));
    assert_eq!(parts.concat(), text);
    assert_eq!(provider("messenger").unwrap().limits().max_text, 2_000);
}

#[tokio::test]
async fn the_token_has_to_be_the_account_s_own() {
    let hook = Hook { url: "https://hub.example.com/hooks/meta/1", secret: "s" };
    let me = "GET /v25.0/me?fields=user_id%2Cusername%2Cname";
    let server = Server::start().await;
    server.json(me, 200, json!({ "user_id": ACCOUNT, "id": "26000000000000001", "username": "shop" }));
    server.json(&format!("POST /v25.0/{ACCOUNT}/subscribed_apps"), 200, json!({ "success": true }));
    server.json(&format!("DELETE /v25.0/{ACCOUNT}/subscribed_apps"), 200, json!({ "success": true }));
    let settings = own(&server.url());
    let info = instagram().connect(&client(), &settings, &hook).await.unwrap();
    assert_eq!((info.external_id.as_str(), info.name.as_deref()), (ACCOUNT, Some("@shop")));
    let fields = server.last().body["subscribed_fields"].as_str().unwrap().to_owned();
    for field in ["messages", "messaging_seen", "message_edit", "standby"] {
        assert!(fields.split(',').any(|one| one == field), "{field}");
    }
    instagram().disconnect(&client(), &settings, hook.url).await.unwrap();
    assert!(server.last().path.starts_with("DELETE"));
    let stranger = Server::start().await;
    stranger.json(me, 200, json!({ "user_id": "17841400000000002" }));
    let wrong = instagram().connect(&client(), &own(&stranger.url()), &hook).await.unwrap_err();
    assert_eq!(wrong.code, "wrong_account");

    let server = Server::start().await;
    let linked = "fields=id%2Cname%2Cinstagram_business_account%7Bid%2Cusername%2Cname%7D";
    let asked = format!("GET /v25.0/{PAGE}?{linked}");
    server.json(
        &asked,
        200,
        json!({ "id": PAGE, "instagram_business_account": { "id": ACCOUNT, "username": "shop" } }),
    );
    server.json(&format!("POST /v25.0/{PAGE}/subscribed_apps"), 200, json!({ "success": true }));
    let settings = by_page(&server.url());
    instagram().connect(&client(), &settings, &hook).await.unwrap();
    // The page's own channel has the same subscription: the last of both ends it.
    let of_page = provider("messenger").unwrap().subscription(&settings);
    assert!(of_page.is_some() && instagram().subscription(&settings) == of_page);
    assert_eq!(instagram().subscription(&own(&server.url())), None);
    server.json(&format!("DELETE /v25.0/{PAGE}/subscribed_apps"), 200, json!({ "success": true }));
    instagram().disconnect(&client(), &settings, hook.url).await.unwrap();
    assert!(server.last().path.starts_with("DELETE"));
}

#[tokio::test]
async fn a_token_is_renewed_long_before_it_ends() {
    let now = 1_794_312_000_000;
    let with = |base: &str, ends: i64| {
        let mut settings = own(base);
        settings.settings.insert("access_expires_at_ms".into(), ends.to_string());
        settings
    };
    let server = Server::start().await;
    let expiry = instagram().expiry(&with("", now + 60 * DAY_MS)).unwrap();
    assert!(
        !expiry.needs_person && expiry.renew_at_ms > now + DAY_MS && expiry.renew_at_ms < expiry.ends_at_ms
    );
    let renewal = "GET /v25.0/refresh_access_token?grant_type=ig_refresh_token&access_token=IGexample-token";
    server.json(renewal, 200, json!({ "access_token": "IGnext", "expires_in": 5_184_000 }));
    let renewed = instagram().renew(&client(), &with(&server.url(), now + DAY_MS), now).await.unwrap();
    assert_eq!(renewed.settings["access_token"], "IGnext");
    assert_eq!(renewed.settings["access_expires_at_ms"], (now + 60 * DAY_MS).to_string());
    let before = server.asked().len();
    let ended = instagram().renew(&client(), &with(&server.url(), now - 1), now).await.unwrap_err();
    assert!(!ended.retryable && server.asked().len() == before);
    let server = Server::start().await;
    server.on(renewal, refused(400, 190, 463, "Session has expired"));
    let refused = instagram().renew(&client(), &with(&server.url(), now + DAY_MS), now).await.unwrap_err();
    assert!(!refused.retryable);
    let mut page = by_page("");
    assert_eq!(instagram().expiry(&page), None);
    page.settings.insert("access_expires_at_ms".into(), (now + DAY_MS).to_string());
    assert!(instagram().expiry(&page).unwrap().needs_person);
}

#[tokio::test]
async fn who_signs_in_at_instagram_is_the_account() {
    let server = Server::start().await;
    let base = server.url();
    let app = account(&[
        ("app_id", "555000111222333"),
        ("app_secret", "hush-hush"),
        ("instagram_app_id", "666000111222333"),
        ("instagram_app_secret", "hush-too"),
        ("instagram_base", &base),
        ("instagram_token_base", &base),
    ]);
    let login = instagram().sign_in().unwrap();
    let url = login.authorize_url(&app, "https://hub.example.com/back", "st-1").unwrap();
    assert!(url.starts_with("https://www.instagram.com/oauth/authorize?client_id=666000111222333"), "{url}");
    assert!(url.contains("instagram_business_manage_messages") && url.contains("state=st-1"), "{url}");
    server.json(
        "POST /oauth/access_token",
        200,
        json!({ "access_token": "short", "user_id": 17_841_400_000_000_001_u64 }),
    );
    server.json(
        "GET /v25.0/access_token?grant_type=ig_exchange_token&client_secret=hush-too&access_token=short",
        200,
        json!({ "access_token": "long", "token_type": "bearer", "expires_in": 5_184_000 }),
    );
    let refused =
        login.exchange(&client(), &app, "c-1#_", "https://hub.example.com/back", 0).await.unwrap_err();
    assert!(!refused.reason.contains("long"), "{refused}");
    let asked = server.asked();
    assert!(
        asked[0].text.contains("grant_type=authorization_code") && asked[0].text.ends_with("code=c-1"),
        "{asked:?}"
    );
    server.json(&asked[2].path, 200, json!({ "user_id": ACCOUNT, "username": "shop" }));
    let choices = login.exchange(&client(), &app, "c-1", "https://hub.example.com/back", 0).await.unwrap();
    assert_eq!((choices.len(), choices[0].name.as_str()), (1, "@shop"));
    let right = [
        ("access_expires_at_ms", "5184000000"),
        ("access_token", "long"),
        ("account_id", ACCOUNT),
        ("granted_by", ACCOUNT),
        ("login", "instagram"),
    ];
    let right = right.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(choices[0].credentials, right.into());
    let server = Server::start().await;
    let mut app = app;
    app.settings.insert("instagram_token_base".into(), server.url());
    let refusal =
        json!({ "error_type": "OAuthException", "code": 400, "error_message": "Invalid authorization code" });
    server.on("POST /oauth/access_token", Answer::Json(400, refusal));
    let refused =
        login.exchange(&client(), &app, "c-1", "https://hub.example.com/back", 0).await.unwrap_err();
    assert_eq!((refused.code.as_str(), refused.retryable), ("code_refused", false));
}
