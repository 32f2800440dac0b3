//! Tenants are walls: nothing of one is seen, heard or touched from another, by any way in.

use hubbub::accounts::tenants::{CompanyKind, CreateCompany, CreateTenant};
use hubbub::accounts::{PlatformRole, Role, Scope};
use serde_json::json;

use crate::kit::{World, user};
use crate::on_both;

on_both!(tenants_are_walls, |engine| async move {
    let world = World::start(engine).await;
    let other =
        world.app.store.write(CreateTenant { name: "Rival".into() }).await.expect("a tenant").value.id;
    let company =
        CreateCompany { scope: Scope::system(other), name: "Rival".into(), kind: CompanyKind::Product };
    world.app.store.write(company).await.expect("a company");
    user(&world.app, "spy@example.com", None, Some((other, Role::Owner))).await;
    user(&world.app, "platform@example.com", Some(PlatformRole::Manager), None).await;
    let mut spy = world.person("spy@example.com").await;
    let mut owner = world.person("owner@example.com").await;
    let key = world
        .app
        .accounts
        .create_key(&Scope::system(other), "Spy", Role::Responder)
        .await
        .expect("a key")
        .key;
    let mut worker =
        crate::kit::Client::connect(world.address, crate::kit::client::As::Key { key, capacity: 4 }).await;

    let picture = emulators::telegram::File::photo([&b"\x89PNG\r\n\x1a\n"[..], &[1; 50]].concat());
    world.telegram.customer_sends(5550301, picture, None);
    let event = owner.event("message.created").await;
    let file = owner.publication(|data| data["message"]["attachments"][0]["state"] == "ready").await;
    let conversation = event["conversation"]["id"].as_str().expect("an id").to_owned();
    let media = file["message"]["attachments"][0]["id"].as_str().expect("an id").to_owned();

    let api = world.api("spy@example.com").await;
    for path in [
        format!("/api/v1/conversations/{conversation}"),
        format!("/api/v1/conversations/{conversation}/messages"),
        format!("/api/v1/conversations/{conversation}/touches"),
        format!("/api/v1/links?tenant={}", world.tenant),
        format!("/api/v1/leads?tenant={}", world.tenant),
        format!("/api/v1/lead-sources?tenant={}", world.tenant),
        format!("/api/v1/source-names?tenant={}", world.tenant),
        format!("/api/v1/media/{media}"),
        format!("/api/v1/events?tenant={}&after=0", world.tenant),
        format!("/api/v1/inbox?tenant={}", world.tenant),
        format!("/api/v1/integration-log?tenant={}", world.tenant),
        format!("/api/v1/users?tenant={}", world.tenant),
        format!("/api/v1/companies?tenant={}", world.tenant),
        format!("/api/v1/search?q=hello&tenant={}", world.tenant),
    ] {
        let (status, body) = api.get(&path).await;
        assert_eq!(status, 404, "{path}: {body}");
    }
    for (verb, body) in [
        ("messages", json!({ "client_id": "s", "text": "hello" })),
        ("notes", json!({ "client_id": "s", "text": "hello" })),
        ("take-over", json!({})),
        ("hand-back", json!({})),
        ("close", json!({})),
        ("read", json!({ "seq": 1 })),
        ("assign", json!({ "assignee": null })),
        ("flush-turn", json!({})),
    ] {
        let (status, answer) = api.post(&format!("/api/v1/conversations/{conversation}/{verb}"), &body).await;
        assert_eq!(status, 404, "{verb}: {answer}");
    }
    assert!(api.inbox().await.is_empty());
    let (_, channels) = api.get("/api/v1/channels").await;
    assert_eq!(channels["channels"], json!([]));

    // Over the socket: no room, no call, no frame.
    for room in
        [format!("tenant:{}", world.tenant), format!("conversation:{conversation}"), "user:1".to_owned()]
    {
        assert!(spy.subscribe(&room).await.get("error").is_some(), "{room}");
        assert!(worker.subscribe(&room).await.get("error").is_some(), "{room}");
    }
    let named = json!({ "conversation": conversation });
    assert_eq!(spy.rpc("conversation.take_over", named.clone()).await, Err(404));
    assert_eq!(spy.rpc("conversation.typing", named.clone()).await, Err(404));
    assert_eq!(worker.rpc("conversation.take_over", named).await, Err(404));
    let heard: Vec<_> =
        spy.unread().chain(worker.unread()).filter(|frame| frame["push"]["pub"].is_object()).collect();
    assert!(heard.is_empty(), "{heard:?}");

    // A person of the platform sees every tenant, and answers there.
    let platform = world.api("platform@example.com").await;
    assert_eq!(platform.inbox().await.len(), 1);
    let sent = platform.post(&format!("/api/v1/conversations/{conversation}/take-over"), &json!({})).await;
    assert_eq!(sent.0, 200);
    world.finish().await;
});

on_both!(roles_are_kept, |engine| async move {
    let world = World::start(engine).await;
    let mut viewer = world.person("viewer@example.com").await;
    world.telegram.customer_says(5550302, "Hello");
    let event = viewer.event("message.created").await;
    let conversation = event["conversation"]["id"].clone();
    let send = json!({ "conversation": conversation, "client_id": "v", "text": "I may only look" });
    assert_eq!(viewer.rpc("message.send", send).await, Err(403));
    assert_eq!(viewer.rpc("conversation.take_over", json!({ "conversation": conversation })).await, Err(403));
    viewer
        .rpc("conversation.read", json!({ "conversation": conversation, "seq": 1 }))
        .await
        .expect("reading is for all");
    let read = viewer.event("conversation.read").await;
    assert_eq!(read["read"]["inbound_count"], 1);
    let agent = world.api("agent@example.com").await;
    assert_eq!(agent.get(&format!("/api/v1/integration-log?tenant={}", world.tenant)).await.0, 403);
    world.finish().await;
});

on_both!(a_disabled_user_is_out_at_once, |engine| async move {
    let world = World::start(engine).await;
    let mut agent = world.person("agent@example.com").await;
    let api = world.api("agent@example.com").await;
    let id = agent.hello["connect"]["data"]["user"]["id"].as_str().expect("an id").parse().expect("a uuid");
    let verb = hubbub::accounts::users::SetActive { user: id, active: false };
    world.app.store.write(verb).await.expect("disabled");
    let (code, _) = agent.closed().await;
    assert_eq!(code, 3011);
    assert_eq!(api.get("/api/v1/inbox").await.0, 401);
    let (code, _) =
        crate::kit::Client::refused(world.address, crate::kit::client::As::Token(api.token)).await;
    assert_eq!(code, 3500);
    world.finish().await;
});

/// Another way to write the same id would be a second name of the same room: others in it would not be seen.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_has_one_name() {
    let world = World::start(hubbub::store::Engine::Sqlite).await;
    assert_eq!(world.hook(&world.bot, &World::update(1, 5550307, 1, "Hello")).await, 200);
    let api = world.api("owner@example.com").await;
    let id = api.inbox().await[0]["id"].as_str().expect("an id").to_owned();
    let mut owner = world.person("owner@example.com").await;
    for name in [
        id.to_uppercase(),
        id.replace('-', ""),
        format!("{{{id}}}"),
        format!("urn:uuid:{id}"),
        format!(" {id}"),
        format!("{id}\0"),
    ] {
        let reply = owner.subscribe(&format!("conversation:{name}")).await;
        assert_eq!(reply["error"]["code"], 102, "{name}: {reply}");
    }
    let reply = owner.subscribe(&format!("conversation:{id}")).await;
    assert!(reply.get("error").is_none(), "{reply}");
    owner.close().await;
    world.finish().await;
}
