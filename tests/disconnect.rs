//! A channel that is disconnected: the provider is told, nothing leaves, conversations stay and go on when it is connected
//! again, and the account is free for another channel meanwhile.

use emulators::Answer;
use hubbub::channels::connect::connect;
use hubbub::model::{ChannelState, HealthLevel};
use serde_json::json;

use crate::kit::{SESSION, World};
use crate::on_both;

on_both!(
    a_disconnected_channel_is_left_by_its_provider_and_goes_on_when_connected_again,
    |engine| async move {
        let world = World::start(engine).await;
        let mut manager = world.person("agent@example.com").await;
        let owner = world.api("owner@example.com").await;
        let path = format!("/api/v1/channels/{}", world.bot.id);
        world.telegram.customer_says(5_550_301, "Hello");
        let conversation = manager.event("message.created").await["conversation"]["id"].clone();
        let (status, channel) = owner.post(&format!("{path}/disconnect"), &json!({})).await;
        assert_eq!((status, &channel["state"]), (200, &json!("disconnected")), "{channel}");
        world.telegram.called("deleteWebhook").await;
        let told = manager.publication(|data| data["channel_state"]["state"] == "disconnected").await;
        assert_eq!(told["channel_state"]["health"]["code"], "disconnected");
        let send = json!({ "conversation": conversation, "client_id": "d1", "text": "Hello?" });
        assert_eq!(manager.rpc("message.send", send.clone()).await, Err(409));
        for state in ["active", "disabled", "disconnected"] {
            let (status, body) = owner.patch(&path, &json!({ "state": state })).await;
            assert!(status == 422 || status == 400 || state == "disconnected", "{state}: {status} {body}");
        }
        // A second time changes nothing.
        assert_eq!(owner.post(&format!("{path}/disconnect"), &json!({})).await.0, 200);
        // By the address at which this test's server listens.
        let (app, scope, url) = (&world.app, world.scope(), world.url(""));
        let channel = connect(&app.store, &app.vault, &app.http, &url, &scope, world.bot.id).await;
        let channel = channel.expect("it is connected");
        assert_eq!(channel.state, ChannelState::Active);
        assert_eq!(channel.health.map(|health| health.state), Some(HealthLevel::Connected));
        manager.rpc("message.send", send).await.expect("it goes on");
        world.telegram.sent_reaches(1).await;
        world.telegram.customer_says(5_550_301, "Here again");
        let event = manager.publication(|data| data["message"]["text"] == "Here again").await;
        assert_eq!(event["conversation"]["id"], conversation, "the same conversation goes on");
        world.finish().await;
    }
);

on_both!(a_provider_that_does_not_answer_does_not_stop_a_disconnect, |engine| async move {
    let world = World::start(engine).await;
    let mut manager = world.person("agent@example.com").await;
    let owner = world.api("owner@example.com").await;
    let path = format!("/api/sessions/{SESSION}");
    world.waha.answers(Answer::of(&path, 502, json!({ "error": "Bad Gateway" })));
    let disconnect = format!("/api/v1/channels/{}/disconnect", world.phone.id);
    assert_eq!(owner.post(&disconnect, &json!({})).await.0, 200);
    let is_told = |data: &serde_json::Value| {
        let health = &data["channel_state"]["health"];
        health["code"] == "disconnected" && health["detail"].is_string()
    };
    manager.publication(is_told).await;
    world.waha.answers_itself(&path);
    // It is asked again, and takes the webhook off.
    let done = |data: &serde_json::Value| {
        let health = &data["channel_state"]["health"];
        health["code"] == "disconnected" && health["detail"].is_null()
    };
    manager.publication(done).await;
    world.waha.customer_says(SESSION, "12025550161@c.us", "anybody?");
    let agent = world.api("agent@example.com").await;
    assert!(agent.inbox().await.is_empty(), "nothing is taken in");
    world.finish().await;
});

on_both!(a_disconnected_channels_account_is_free_for_another, |engine| async move {
    let world = World::start(engine).await;
    let owner = world.api("owner@example.com").await;
    let new = json!({
        "tenant": world.tenant, "company": world.bot.company, "kind": "telegram", "name": "Another",
        "credentials": { "token": world.telegram.token(), "api_base": world.telegram.api_base() },
    });
    assert_eq!(owner.post("/api/v1/channels", &new).await.0, 409, "it is taken");
    let disconnect = format!("/api/v1/channels/{}/disconnect", world.bot.id);
    assert_eq!(owner.post(&disconnect, &json!({})).await.0, 200);
    assert_eq!(owner.post("/api/v1/channels", &new).await.0, 201);
    let agent = world.api("agent@example.com").await;
    assert_eq!(agent.post(&disconnect, &json!({})).await.0, 403, "only those who manage");
    world.finish().await;
});
