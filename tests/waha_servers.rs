//! WAHA servers of the installation: tenants connect numbers on them without an address or a key, as many as there are
//! places.

use emulators::waha::{EmulatorConfig, WahaEmulator};
use hubbub::accounts::PlatformRole;
use hubbub::channels::connect::connect;
use serde_json::{Value, json};

use crate::kit::{self, Api, PASSWORD, World};
use crate::on_both;

/// Every server links phones of its own.
async fn server(area: u32) -> WahaEmulator {
    let config = EmulatorConfig { me: format!("1{area}5550100@c.us"), ..EmulatorConfig::default() };
    WahaEmulator::start(config).await.expect("an emulated server")
}

async fn with_server(operator: &Api, area: u32, capacity: u32) -> (WahaEmulator, Value) {
    let server = server(area).await;
    let settings = json!({
        "base_url": server.base_url(), "api_key": server.api_key(), "capacity": capacity.to_string(),
    });
    let new = json!({ "family": "waha", "name": "Server", "state": "approved", "settings": settings });
    let (status, made) = operator.post("/api/v1/apps", &new).await;
    assert_eq!(status, 201, "{made}");
    (server, made)
}

fn new(world: &World, name: &str, credentials: &Value) -> Value {
    json!({
        "tenant": world.tenant, "company": world.bot.company, "kind": "waha", "name": name, "credentials": credentials,
    })
}

/// A number on whichever server has a place.
async fn connected(world: &World, api: &Api, name: &str) -> (String, String) {
    let (status, made) = api.post("/api/v1/channels", &new(world, name, &json!({}))).await;
    assert_eq!(status, 201, "{made}");
    let id = made["id"].as_str().expect("an id").to_owned();
    let (status, answer) = api.post(&format!("/api/v1/channels/{id}/connect"), &json!({})).await;
    assert_eq!(status, 200, "{answer}");
    let session = format!("hubbub-{}", id.replace('-', ""));
    (id, session)
}

on_both!(numbers_are_connected_on_the_servers_of_the_installation, |engine| async move {
    let world = World::start(engine).await;
    kit::user(&world.app, "operator@example.com", Some(PlatformRole::Admin), None).await;
    let operator = Api::sign_in(world.address, "operator@example.com", PASSWORD).await;
    let owner = world.api("owner@example.com").await;
    let kinds = async || {
        let (_, kinds) = owner.get("/api/v1/channels/kinds").await;
        kinds["kinds"].as_array().unwrap().iter().find(|kind| kind["name"] == "waha").unwrap().clone()
    };
    // Without a server, a number names one.
    assert_eq!(kinds().await["given"], json!([]));
    let (status, refused) = owner.post("/api/v1/channels", &new(&world, "A", &json!({}))).await;
    assert_eq!((status, &refused["field"]), (400, &json!("credentials.base_url")), "{refused}");

    let (large, app) = with_server(&operator, 301, 2).await;
    let (small, _) = with_server(&operator, 302, 1).await;
    assert_eq!((&app["hook_path"], &app["capacity"]), (&Value::Null, &json!(2)));
    assert_eq!((&kinds().await["given"][0], &kinds().await["family"]), (&json!("base_url"), &Value::Null));

    // The one with the most free places, then the oldest.
    let (first, one) = connected(&world, &owner, "A").await;
    let (_, two) = connected(&world, &owner, "B").await;
    let (_, three) = connected(&world, &owner, "C").await;
    assert!(large.status(&one).is_some() && large.status(&two).is_some() && small.status(&three).is_some());
    let (_, listed) = operator.get("/api/v1/apps").await;
    let pool = listed["pool"].as_array().unwrap().iter().find(|one| one["family"] == "waha").unwrap();
    assert_eq!((&pool["free"], &pool["few"], &pool["has_places"]), (&json!(0), &json!(true), &json!(true)));
    let taken: i64 =
        listed["apps"].as_array().unwrap().iter().map(|app| app["channels"].as_i64().unwrap()).sum();
    assert_eq!(taken, 3);

    // All are full: one of one's own is still taken.
    let (status, refused) = owner.post("/api/v1/channels", &new(&world, "D", &json!({}))).await;
    assert_eq!((status, &refused["code"]), (409, &json!("no_place")), "{refused}");
    let own = server(304).await;
    let credentials = json!({ "base_url": own.base_url(), "api_key": own.api_key() });
    assert_eq!(owner.post("/api/v1/channels", &new(&world, "Own", &credentials)).await.0, 201);

    // Nobody reaches another's session, or draws the key to a server of one's own.
    let path = format!("/api/v1/channels/{first}");
    for (name, value) in
        [("session", three.clone()), ("base_url", own.base_url()), ("api_key", "k".to_owned())]
    {
        let change = json!({ "credentials": { name: value } });
        let (status, refused) = owner.patch(&path, &change).await;
        assert_eq!((status, &refused["field"]), (400, &json!(format!("credentials.{name}"))), "{refused}");
    }
    // A name of a session alone means a server of one's own.
    let (status, refused) =
        owner.post("/api/v1/channels", &new(&world, "E", &json!({ "session": three }))).await;
    assert_eq!((status, &refused["field"]), (400, &json!("credentials.base_url")), "{refused}");
    let (_, shown) = owner.get("/api/v1/channels").await;
    assert!(!shown.to_string().contains(large.api_key()), "the key is the installation's");

    // It is disconnected: the session is removed, and its place is free for the next one.
    assert_eq!(owner.post(&format!("{path}/disconnect"), &json!({})).await.0, 200);
    large.removed(&one).await;
    let (_, four) = connected(&world, &owner, "F").await;
    assert!(large.status(&four).is_some());
    let (status, refused) = owner.post(&format!("{path}/connect"), &json!({})).await;
    assert_eq!((status, &refused["code"]), (409, &json!("no_place")), "{refused}");

    // A further server: what was disconnected goes on there, under its own name.
    let (further, _) = with_server(&operator, 303, 5).await;
    // By the address at which this test's server listens.
    let (app, scope, url) = (&world.app, world.scope(), world.url(""));
    let id = first.parse().expect("an id");
    connect(&app.store, &app.vault, &app.http, &url, &scope, id).await.expect("it is connected");
    assert!(further.status(&one).is_some());
    // It is a channel like any other: a customer is heard, and answered from the same session.
    further.scan(&one);
    let mut manager = world.person("agent@example.com").await;
    further.customer_says(&one, "12025550177@c.us", "Do you have lanterns?");
    manager.publication(|data| data["message"]["text"] == "Do you have lanterns?").await;
    world.finish().await;
});
