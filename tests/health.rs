//! Every channel says how it is and why: what its provider tells, what a look at it finds, and how it fared.

use emulators::Answer;
use hubbub::error::Error;
use hubbub::store::jobs::Class;
use hubbub::store::{Tx, Verb, Wake};
use serde_json::{Value, json};

use crate::kit::{SESSION, World};
use crate::on_both;

/// Lets every channel be looked at now. A run that is under way may have passed some of them, and the next would come after its
/// interval only: it is waited for.
pub async fn look_now(world: &World) {
    while !world.app.store.write(LookNow).await.expect("due").value {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

struct LookNow;

impl Verb for LookNow {
    /// `false`: a run is under way.
    type Out = bool;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool, Error> {
        let hurry = "update jobs set run_at = 0 where kind = 'watch_channels' and state = 'ready'";
        let waits = tx.exec(hurry, &[]).await? == 1;
        if waits {
            for sql in [
                "update channels set look_at = 0 where look_at is not null",
                "update queues set next_at = 0 where class = 9",
            ] {
                tx.exec(sql, &[]).await?;
            }
            tx.wake(Wake::Job { class: Class::Upkeep, at: 0 });
        }
        Ok(waits)
    }
}

/// Looks in a row that got no answer, of the channel with the most of them.
struct Failures;

impl Verb for Failures {
    type Out = i64;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<i64, Error> {
        Ok(tx.one::<(i64,)>("select max(looks_failed) from channels", &[]).await?.map_or(0, |(count,)| count))
    }
}

async fn history(world: &World, query: &str) -> Value {
    let viewer = world.api("viewer@example.com").await;
    let (status, page) = viewer.get(&format!("/api/v1/channels/{}/health{query}", world.phone.id)).await;
    assert_eq!(status, 200, "{page}");
    page
}

fn states(page: &Value) -> Vec<&str> {
    page["entries"].as_array().expect("entries").iter().filter_map(|one| one["state"].as_str()).collect()
}

on_both!(each_change_of_a_channels_health_is_told_once_with_the_one_thing_to_do, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    for (status, state, action) in [
        ("FAILED", "down", json!("connect")),
        ("FAILED", "", json!(null)),
        ("SCAN_QR_CODE", "needs_attention", json!("scan_code")),
        ("SCAN_QR_CODE", "", json!(null)),
        ("PASSKEY_REQUIRED", "needs_attention", json!("confirm_passkey")),
        ("WORKING", "connected", json!(null)),
    ] {
        world.waha.set_status(SESSION, status);
        world.waha.idle().await;
        if !state.is_empty() {
            let told = manager.publication(|data| data["channel_state"]["health"].is_object()).await;
            let health = &told["channel_state"]["health"];
            assert_eq!((&health["state"], &health["action"]), (&json!(state), &action), "{health}");
        }
    }
    let page = history(&world, "").await;
    let now = &page["health"];
    assert_eq!((&now["state"], &now["code"]), (&json!("connected"), &json!(null)));
    assert_eq!(states(&page)[..4], ["connected", "needs_attention", "needs_attention", "down"]);
    assert_eq!(page["entries"][1]["code"], "needs_person");
    let first = history(&world, "?limit=2").await;
    let next = history(&world, &format!("?limit=2&before={}", first["next"].as_str().expect("more"))).await;
    assert_eq!(states(&next), ["needs_attention", "down"]);
    world.finish().await;
});

on_both!(a_channel_that_changes_all_the_time_writes_little_and_ends_as_it_is, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let state = |data: &Value| data["channel_state"]["health"]["state"].clone();
    // The first changes are told at once.
    for (status, level) in [("FAILED", "down"), ("WORKING", "connected")] {
        world.waha.set_status(SESSION, status);
        manager.publication(|data| state(data) == level).await;
    }
    for _ in 0..100 {
        for status in ["FAILED", "WORKING"] {
            world.waha.set_status(SESSION, status);
        }
    }
    // States of one millisecond have no order.
    world.waha.idle().await;
    world.waha.set_status(SESSION, "SCAN_QR_CODE");
    world.waha.idle().await;
    // One for each look beside the first: a slow machine has some of them meanwhile.
    let before = history(&world, "?limit=100").await;
    assert!(states(&before).len() <= 50, "{}", states(&before).len());
    // What it ended with is told when it is looked at next, which is soon.
    look_now(&world).await;
    let told = manager.publication(|data| state(data) == "needs_attention").await;
    assert_eq!(told["channel_state"]["health"]["action"], "scan_code");
    let after = history(&world, "?limit=100").await;
    assert_eq!(after["health"]["state"], "needs_attention");
    assert!(states(&after).len() <= 50, "{after}");
    world.finish().await;
});

on_both!(a_look_finds_what_no_delivery_told, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let path = format!("/api/sessions/{SESSION}");
    let silently = |status: &str| Answer::of(&path, 200, json!({ "name": SESSION, "status": status }));
    world.waha.answers(silently("STOPPED"));
    look_now(&world).await;
    let down = manager.publication(|data| data["channel_state"]["health"]["state"] == "down").await;
    assert_eq!(down["channel_state"]["health"]["detail"], "STOPPED");
    // Deliveries that fail at the provider are seen from its side only.
    let refused = json!({ "ok": true, "result": {
        "url": "https://hub.example.com/hooks/x", "pending_update_count": 3, "last_error_message": "Connection refused"
    } });
    world.telegram.answers(Answer::of("getWebhookInfo", 200, refused));
    world.waha.answers(silently("WORKING"));
    look_now(&world).await;
    let (mut is_up, mut is_degraded) = (false, false);
    while !(is_up && is_degraded) {
        let told = manager.publication(|data| data["channel_state"]["health"].is_object()).await;
        let health = &told["channel_state"]["health"];
        is_up |= health["state"] == "connected" && told["channel_state"]["kind"] == "waha";
        is_degraded |= health["code"] == "delivery_errors" && health["detail"] == "Connection refused";
    }
    world.finish().await;
});

on_both!(a_provider_that_does_not_answer_is_told_after_some_looks, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let path = format!("/api/sessions/{SESSION}");
    world.waha.answers(Answer::of(&path, 502, json!({ "error": "Bad Gateway" })));
    while world.app.store.read(Failures).await.expect("counted") < 3 {
        look_now(&world).await;
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let told = manager.publication(|data| data["channel_state"]["health"]["code"] == "unreachable").await;
    assert_eq!(told["channel_state"]["health"]["state"], "degraded");
    assert_eq!(states(&history(&world, "").await)[..2], ["degraded", "connected"]);
    world.waha.answers_itself(&path);
    look_now(&world).await;
    manager.publication(|data| data["channel_state"]["health"]["state"] == "connected").await;
    world.finish().await;
});

on_both!(a_phone_that_nobody_was_asked_about_sends_nothing, |engine| async move {
    const CUSTOMER: &str = "12025550100@c.us";
    const FOREIGN: &str = "12025550188@c.us";
    let world = World::start(engine).await;
    let owner = world.api("owner@example.com").await;
    let mut manager = world.person("agent@example.com").await;
    world.waha.customer_says(SESSION, CUSTOMER, "Is it open?");
    let id = manager.event("message.created").await["conversation"]["id"].clone();
    let links = async |me: &str| {
        world.waha.set_status(SESSION, "SCAN_QR_CODE");
        world.waha.idle().await;
        world.waha.scan_with(SESSION, me);
        world.waha.idle().await;
        look_now(&world).await;
    };
    let tells = |state: &'static str, code: Value| {
        move |data: &Value| {
            let (kind, health) = (&data["channel_state"]["kind"], &data["channel_state"]["health"]);
            kind == "waha" && health["state"] == state && health["code"] == code
        }
    };
    // The session is linked anew at the provider's own page, with somebody else's phone.
    links(FOREIGN).await;
    let told = manager.publication(tells("needs_attention", json!("other_account"))).await;
    let told = &told["channel_state"]["health"];
    assert_eq!((&told["detail"], &told["action"]), (&json!(FOREIGN), &json!("connect")), "{told}");
    let send = json!({ "conversation": id, "client_id": "1", "text": "Until six." });
    let sent = manager.rpc("message.send", send).await.expect("it is queued");
    assert_eq!(sent["message"]["status"], "queued", "{sent}");
    // That the session says again that it works is no answer.
    world.waha.set_status(SESSION, "WORKING");
    world.waha.idle().await;
    look_now(&world).await;
    assert_eq!(history(&world, "").await["health"]["code"], "other_account");
    assert!(world.waha.sent().is_empty());
    // A person goes on with it.
    let connect = format!("/api/v1/channels/{}/connect", world.phone.id);
    let (status, connected) = owner.post(&connect, &json!({})).await;
    assert_eq!((status, &connected["health"]["state"]), (200, &json!("connected")), "{connected}");
    let is_sent =
        |data: &Value| data["message"]["text"] == "Until six." && data["message"]["status"] != "queued";
    manager.publication(is_sent).await;
    // The former phone is as foreign as any other now, and linking the present one again is no question.
    links("12025550177@c.us").await;
    manager.publication(tells("needs_attention", json!("other_account"))).await;
    links(FOREIGN).await;
    manager.publication(tells("connected", Value::Null)).await;
    world.finish().await;
});
