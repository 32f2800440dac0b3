//! What a mailbox lives by: access tokens, the watch, the person's permission, and the keys that prove pushes.

use emulators::Answer;
use emulators::gmail::{EmulatorConfig, Forgery, Mail};
use serde_json::{Value, json};

use super::{MAILBOX, Shop, settings};
use crate::health::look_now;
use crate::on_both;

fn mail(text: &str) -> Mail {
    Mail::new("ari@example.org", "Order", text)
}

async fn set(shop: &Shop, credentials: Value) {
    let path = format!("/api/v1/channels/{}", shop.mailbox.id);
    let (status, answer) = shop.api.patch(&path, &json!({ "credentials": credentials })).await;
    assert_eq!(status, 200, "{answer}");
}

/// A person sends into a thread.
async fn says(shop: &Shop, thread: &str, text: &str) {
    let id = shop.conversation(thread).await.expect("a conversation");
    let path = format!("/api/v1/conversations/{id}/messages");
    let (status, said) = shop.api.post(&path, &json!({ "client_id": text, "text": text })).await;
    assert_eq!(status, 201, "{said}");
}

on_both!(the_watch_is_renewed_daily_and_tells_when_it_cannot_be, |engine| async move {
    let shop = Shop::start(engine).await;
    for text in ["m-one", "m-two", "m-three"] {
        shop.google.arrives(MAILBOX, &mail(text));
        shop.is_read().await;
    }
    let watches = shop.calls("/watch").len();
    assert!(watches <= 2, "{watches}: with connecting, and once more at most");
    // A day later.
    let refused = Answer::of("/watch", 503, Value::Null);
    shop.google.answers(refused);
    set(&shop, json!({ "watch_renew_at_ms": "1" })).await;
    let degraded = async |shop: &Shop| {
        look_now(&shop.world).await;
        shop.health().await["state"] == "degraded"
    };
    shop.until("the failure", degraded).await;
    shop.google.answers_itself("POST", "/watch");
    set(&shop, json!({ "watch_renew_at_ms": "1" })).await;
    let well = async |shop: &Shop| {
        look_now(&shop.world).await;
        shop.health().await["state"] == "connected"
    };
    shop.until("it is well", well).await;
    shop.finish().await;
});

on_both!(a_token_that_ran_out_is_renewed_once_by_all_who_need_it, |engine| async move {
    let shop = Shop::start(engine).await;
    let threads: Vec<_> =
        ["m-one", "m-two", "m-three"].map(|text| shop.google.arrives(MAILBOX, &mail(text)).thread).into();
    shop.is_quiet().await;
    let before = shop.calls("/token").len();
    shop.google.expires_access();
    set(&shop, json!({ "access_expires_at_ms": "1" })).await;
    shop.google.arrives(MAILBOX, &mail("m-four"));
    futures_util::future::join_all(threads.iter().map(|thread| says(&shop, thread, "Here I am"))).await;
    shop.google.sent_reaches(3).await;
    shop.is_read().await;
    assert_eq!(shop.calls("/token").len() - before, 1, "renewals");
    // One that Google ended early: nobody knew.
    shop.google.expires_access();
    says(&shop, &threads[0], "And again").await;
    shop.google.arrives(MAILBOX, &mail("m-five"));
    shop.google.sent_reaches(4).await;
    shop.is_read().await;
    assert_eq!((shop.google.sent().len(), shop.health().await["state"].clone()), (4, json!("connected")));
    // Each call that found it ended had to renew it, and what one of them got is stored: the next has nothing to renew.
    let place = (shop.mailbox.tenant, shop.mailbox.id);
    let stored = async |shop: &Shop| {
        let connected = shop.world.app.channels.by_id(place.0, place.1).await.expect("it is read");
        let credentials = &connected.expect("the channel").secrets.credentials;
        shop.google.takes(&credentials["access_token"])
    };
    shop.until("the token is stored", stored).await;
    let before = shop.calls("/token").len();
    says(&shop, &threads[0], "For the last time").await;
    shop.google.arrives(MAILBOX, &mail("m-six"));
    shop.google.sent_reaches(5).await;
    shop.is_read().await;
    assert_eq!(shop.calls("/token").len(), before, "renewals");
    shop.finish().await;
});

on_both!(who_took_the_permission_back_signs_in_again_and_nothing_is_lost, |engine| async move {
    let shop = Shop::start(engine).await;
    let thread = shop.google.arrives(MAILBOX, &mail("m-one")).thread;
    shop.is_read().await;
    shop.google.owner_revokes(MAILBOX);
    says(&shop, &thread, "Here I am").await;
    shop.google.arrives(MAILBOX, &mail("m-two"));
    shop.until("it is told", async |shop| shop.health().await["state"] == "needs_attention").await;
    let health = shop.health().await;
    assert_eq!(health["action"], "sign_in", "{health}");
    assert!(shop.google.sent().is_empty());
    let messages = shop.messages(&thread).await;
    assert_ne!(messages[1]["status"], "failed", "it waits: {messages:?}");
    let tokens = shop.google.grant(MAILBOX);
    set(
        &shop,
        json!({ "refresh_token": tokens.refresh_token, "access_token": tokens.access_token,
        "access_expires_at_ms": tokens.access_expires_at_ms.to_string() }),
    )
    .await;
    let path = format!("/api/v1/channels/{}/connect", shop.mailbox.id);
    let (status, answer) = shop.api.post(&path, &json!({})).await;
    assert_eq!(status, 200, "{answer}");
    let sent = shop.google.sent_reaches(1).await;
    assert_eq!(sent[0].text.as_deref().map(str::trim), Some("Here I am"));
    shop.is_read().await;
    assert!(shop.subjects().await.iter().any(|text| text.contains("m-two")));
    assert_eq!((shop.google.sent().len(), shop.health().await["state"].clone()), (1, json!("connected")));
    shop.finish().await;
});

on_both!(pushes_of_others_are_refused_and_new_keys_are_fetched, |engine| async move {
    let shop = Shop::start(engine).await;
    shop.google.arrives(MAILBOX, &mail("m-one"));
    shop.is_quiet().await;
    let reads = shop.calls("/history").len();
    for forgery in [
        Forgery::OtherAudience,
        Forgery::OtherAccount,
        Forgery::UnverifiedEmail,
        Forgery::Expired,
        Forgery::OtherIssuer,
        Forgery::OtherKey,
        Forgery::AlgorithmNone,
        Forgery::NoToken,
    ] {
        let status = shop.google.notifies_forged(MAILBOX, forgery).await;
        assert!(matches!(status, 401 | 403), "{forgery:?}: {status}");
    }
    assert_eq!((shop.calls("/history").len(), shop.calls("/certs").len()), (reads, 1));
    shop.google.rotates_keys(false);
    shop.google.arrives(MAILBOX, &mail("m-two"));
    shop.is_read().await;
    assert_eq!(shop.calls("/certs").len(), 2, "once more, for the unknown key");
    assert_eq!(shop.subjects().await.len(), 2);
    shop.finish().await;
});

on_both!(pushes_wait_while_the_keys_cannot_be_had, |engine| async move {
    let shop = Shop::start(engine).await;
    shop.google.outage(true);
    shop.google.arrives(MAILBOX, &mail("m-one"));
    let push = json!({ "data": "e30", "messageId": "1", "publishTime": "2026-11-10T00:00:00Z" });
    // Signed by a key that nobody could fetch yet.
    shop.google.rotates_keys(false);
    shop.until("a refusal", async |shop| shop.google.post(&push).await == 503).await;
    shop.google.outage(false);
    shop.is_read().await;
    assert_eq!(shop.subjects().await.len(), 1);
    shop.finish().await;
});

on_both!(a_push_finds_its_client_among_many, |engine| async move {
    let opened = Shop::opened_among(engine, EmulatorConfig::default(), 40).await;
    let shop = Shop::connected(opened, settings()).await;
    shop.google.arrives(MAILBOX, &mail("m-one"));
    shop.is_read().await;
    assert!(shop.google.deliveries().iter().all(|one| one.status == 200), "{:?}", shop.google.deliveries());
    assert_eq!((shop.subjects().await.len(), shop.calls("/certs").len()), (1, 1));
    let status = shop.google.notifies_forged(MAILBOX, Forgery::OtherAudience).await;
    assert_eq!(status, 401);
    shop.finish().await;
});
