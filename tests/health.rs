//! Every channel says how it is and why: what its provider tells, what a look at it finds, and how it fared.

use emulators::Answer;
use hubbub::error::Error;
use hubbub::store::jobs::Class;
use hubbub::store::{Tx, Verb, Wake};
use serde_json::{Value, json};

use crate::kit::{SESSION, World};
use crate::on_both;

/// Lets every channel be looked at now.
pub struct LookNow;

impl Verb for LookNow {
    type Out = ();

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        for sql in [
            "update channels set look_at = 0 where look_at is not null",
            "update jobs set run_at = 0 where kind = 'watch_channels' and state = 'ready'",
            "update queues set next_at = 0 where class = 9",
        ] {
            tx.exec(sql, &[]).await?;
        }
        tx.wake(Wake::Job { class: Class::Upkeep, at: 0 });
        Ok(())
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

on_both!(a_look_finds_what_no_delivery_told, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let path = format!("/api/sessions/{SESSION}");
    let silently = |status: &str| Answer::of(&path, 200, json!({ "name": SESSION, "status": status }));
    world.waha.answers(silently("STOPPED"));
    world.app.store.write(LookNow).await.expect("due");
    let down = manager.publication(|data| data["channel_state"]["health"]["state"] == "down").await;
    assert_eq!(down["channel_state"]["health"]["detail"], "STOPPED");
    // Deliveries that fail at the provider are seen from its side only.
    let refused = json!({ "ok": true, "result": {
        "url": "https://hub.example.com/hooks/x", "pending_update_count": 3, "last_error_message": "Connection refused"
    } });
    world.telegram.answers(Answer::of("getWebhookInfo", 200, refused));
    world.waha.answers(silently("WORKING"));
    world.app.store.write(LookNow).await.expect("due");
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
        world.app.store.write(LookNow).await.expect("due");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let told = manager.publication(|data| data["channel_state"]["health"]["code"] == "unreachable").await;
    assert_eq!(told["channel_state"]["health"]["state"], "degraded");
    assert_eq!(states(&history(&world, "").await)[..2], ["degraded", "connected"]);
    world.waha.answers_itself(&path);
    world.app.store.write(LookNow).await.expect("due");
    manager.publication(|data| data["channel_state"]["health"]["state"] == "connected").await;
    world.finish().await;
});
