//! Connecting an account by signing in at its provider, as the page does it: begin, come back, choose. And what the page
//! draws its forms from.

use std::collections::BTreeSet;

use emulators::Answer;
use emulators::meta::{EmulatorConfig, MetaEmulator, SignIn, error};
use emulators::waha;
use hubbub::accounts::{PlatformRole, Role};
use serde_json::{Value, json};

use crate::kit::{self, Api, PASSWORD, PATIENCE, World};
use crate::on_both;

const PAGES: [&str; 2] = ["1020000000000001", "1020000000000002"];

/// A world with an operator who has added an app at an emulated Meta; who signs in there shares two pages.
async fn with_app(world: &World) -> (MetaEmulator, Api) {
    let meta = MetaEmulator::start(EmulatorConfig::default()).await.expect("the emulated Meta");
    meta.signs_in(SignIn { granted: PAGES.map(str::to_owned).into(), ..SignIn::default() });
    kit::user(&world.app, "operator@example.com", Some(PlatformRole::Admin), None).await;
    let operator = Api::sign_in(world.address, "operator@example.com", PASSWORD).await;
    let settings: serde_json::Map<_, _> =
        meta.app_settings().into_iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
    let new = json!({ "family": "meta", "name": "Lanterns", "state": "approved", "settings": settings });
    let (status, made) = operator.post("/api/v1/apps", &new).await;
    assert_eq!(status, 201, "{made}");
    (meta, operator)
}

/// What the browser brings back from the provider's page.
async fn sign_in(api: &Api, begin: &Value) -> (String, String) {
    let (status, begun) = api.post("/api/v1/sign-ins", begin).await;
    assert_eq!(status, 200, "{begun}");
    let http =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let answer = http.get(begun["url"].as_str().expect("an address")).send().await.expect("an answer");
    let to = answer.headers()["location"].to_str().expect("an address");
    let to = reqwest::Url::parse(to).expect("an address");
    assert_eq!(to.path(), "/connect/messenger");
    let query =
        |wanted: &str| to.query_pairs().find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned());
    (query("state").expect("a state"), query("code").expect("a code"))
}

fn begin(world: &World) -> Value {
    json!({ "tenant": world.tenant, "company": world.bot.company, "kind": "messenger" })
}

on_both!(an_account_is_connected_by_signing_in_at_its_provider, |engine| async move {
    let world = World::start(engine).await;
    let (meta, _) = with_app(&world).await;
    let api = world.api("owner@example.com").await;
    let (state, code) = sign_in(&api, &begin(&world)).await;
    let back = json!({ "state": state, "code": code });
    // Somebody else at the same browser can neither finish it nor learn anything.
    kit::user(&world.app, "other@example.com", None, Some((world.tenant, Role::Owner))).await;
    let other = world.api("other@example.com").await;
    let (status, refused) = other.post("/api/v1/sign-ins/finish", &back).await;
    assert_eq!((status, &refused["code"]), (409, &json!("sign_in_of_another")));
    let (status, choices) = api.post("/api/v1/sign-ins/finish", &back).await;
    assert_eq!(status, 200, "{choices}");
    let ids: BTreeSet<_> = choices["accounts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["external_id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, BTreeSet::from(PAGES));
    // The page was loaded again: a code is good for one exchange, and the accounts are still there.
    assert_eq!(api.post("/api/v1/sign-ins/finish", &back).await, (200, choices));
    let choose = json!({ "state": state, "account": PAGES[1], "name": "Other page" });
    let (status, channel) = api.post("/api/v1/sign-ins/choose", &choose).await;
    assert_eq!(
        (status, &channel["name"], &channel["health"]["state"]),
        (200, &json!("Other page"), &json!("connected"))
    );
    assert!(meta.subscribed(PAGES[1]).is_some(), "the provider delivers");
    // It is over.
    let (_, over) = api.post("/api/v1/sign-ins/choose", &choose).await;
    assert_eq!(over["code"], "sign_in_over");
    // The same account is not connected twice, and the same channel is connected anew.
    let (state, code) = sign_in(&api, &begin(&world)).await;
    api.post("/api/v1/sign-ins/finish", &json!({ "state": state, "code": code })).await;
    let again = json!({ "state": state, "account": PAGES[1] });
    assert_eq!(api.post("/api/v1/sign-ins/choose", &again).await.1["code"], "account_taken");
    let mut anew = begin(&world);
    anew["channel"] = channel["id"].clone();
    let (state, code) = sign_in(&api, &anew).await;
    let (_, choices) = api.post("/api/v1/sign-ins/finish", &json!({ "state": state, "code": code })).await;
    assert_eq!((&choices["channel"], &choices["own"]), (&channel["id"], &json!(PAGES[1])));
    let (status, same) =
        api.post("/api/v1/sign-ins/choose", &json!({ "state": state, "account": PAGES[1] })).await;
    assert_eq!((status, &same["id"], &same["name"]), (200, &channel["id"], &json!("Other page")), "{same}");
    world.finish().await;
});

on_both!(a_channel_is_connected_anew_only_with_its_own_account, |engine| async move {
    let world = World::start(engine).await;
    let (meta, _) = with_app(&world).await;
    let api = world.api("owner@example.com").await;
    let (state, code) = sign_in(&api, &begin(&world)).await;
    let (_, choices) = api.post("/api/v1/sign-ins/finish", &json!({ "state": state, "code": code })).await;
    assert_eq!((&choices["channel"], &choices["own"]), (&Value::Null, &Value::Null));
    // A provider that refuses leaves a channel without an account: any may still be chosen.
    meta.answers(Answer {
        times: Some(1),
        ..Answer::of("/subscribed_apps", 400, error(1, None, "Unknown."))
    });
    let choose = |state: &str, page: &str| json!({ "state": state, "account": page });
    assert_eq!(api.post("/api/v1/sign-ins/choose", &choose(&state, PAGES[0])).await.0, 409);
    let (status, channel) = api.post("/api/v1/sign-ins/choose", &choose(&state, PAGES[1])).await;
    assert_eq!(status, 200, "{channel}");
    let mut anew = begin(&world);
    anew["channel"] = channel["id"].clone();
    for disconnects in [false, true] {
        if disconnects {
            let path = format!("/api/v1/channels/{}/disconnect", channel["id"].as_str().expect("an id"));
            assert_eq!(api.post(&path, &json!({})).await.0, 200);
        }
        let (state, code) = sign_in(&api, &anew).await;
        let (_, choices) =
            api.post("/api/v1/sign-ins/finish", &json!({ "state": state, "code": code })).await;
        assert_eq!(choices["own"], PAGES[1], "{choices}");
        let (status, refused) = api.post("/api/v1/sign-ins/choose", &choose(&state, PAGES[0])).await;
        assert_eq!((status, &refused["code"]), (409, &json!("other_account")), "{refused}");
        assert!(meta.subscribed(PAGES[0]).is_none(), "the other page delivers nothing");
        let (status, same) = api.post("/api/v1/sign-ins/choose", &choose(&state, PAGES[1])).await;
        assert_eq!((status, &same["id"]), (200, &channel["id"]), "{same}");
    }
    world.finish().await;
});

on_both!(a_code_that_never_left_is_exchanged_later, |engine| async move {
    let world = World::start(engine).await;
    let (meta, operator) = with_app(&world).await;
    let api = world.api("owner@example.com").await;
    let (_, apps) = operator.get("/api/v1/apps").await;
    let app = &apps["apps"][0]["id"];
    let settings: serde_json::Map<_, _> =
        meta.app_settings().into_iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
    let (state, code) = sign_in(&api, &begin(&world)).await;
    let back = json!({ "state": state, "code": code });
    // Nobody listens there.
    let nobody =
        std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let mut away = settings.clone();
    away.insert("graph_base".to_owned(), json!(format!("http://{nobody}")));
    let (status, answer) = operator.patch("/api/v1/apps", &json!({ "id": app, "settings": away })).await;
    assert_eq!(status, 200, "{answer}");
    for _ in 0..2 {
        let (status, refused) = api.post("/api/v1/sign-ins/finish", &back).await;
        assert_eq!((status, &refused["code"]), (409, &json!("not_reached")), "{refused}");
    }
    let (status, answer) = operator.patch("/api/v1/apps", &json!({ "id": app, "settings": settings })).await;
    assert_eq!(status, 200, "{answer}");
    let (status, choices) = api.post("/api/v1/sign-ins/finish", &back).await;
    assert_eq!(status, 200, "{choices}");
    world.finish().await;
});

on_both!(an_account_that_its_provider_refuses_at_first_can_be_chosen_again, |engine| async move {
    let world = World::start(engine).await;
    let (meta, _) = with_app(&world).await;
    let api = world.api("owner@example.com").await;
    let (state, code) = sign_in(&api, &begin(&world)).await;
    api.post("/api/v1/sign-ins/finish", &json!({ "state": state, "code": code })).await;
    let refusal = error(1, None, "An unknown error has occurred.");
    meta.answers(Answer { times: Some(1), ..Answer::of("/subscribed_apps", 400, refusal) });
    let choose = json!({ "state": state, "account": PAGES[0] });
    let (status, refused) = api.post("/api/v1/sign-ins/choose", &choose).await;
    assert_eq!((status, &refused["code"]), (409, &json!("not_now")), "{refused}");
    let (status, channel) = api.post("/api/v1/sign-ins/choose", &choose).await;
    assert_eq!(status, 200, "{channel}");
    let (_, all) = api.get("/api/v1/channels").await;
    let pages = all["channels"].as_array().unwrap().iter().filter(|one| one["kind"] == "messenger");
    assert_eq!(pages.count(), 1, "the second attempt is for the channel of the first");
    world.finish().await;
});

on_both!(
    the_page_is_told_what_each_kind_needs_and_what_a_person_may_do_on_the_platform,
    |engine| async move {
        let world = World::start(engine).await;
        let (_meta, operator) = with_app(&world).await;
        let owner = world.api("owner@example.com").await;
        let (status, kinds) = owner.get("/api/v1/channels/kinds").await;
        assert_eq!(status, 200);
        let names: Vec<_> =
            kinds["kinds"].as_array().unwrap().iter().map(|kind| kind["name"].clone()).collect();
        assert_eq!(names, adapters::providers().map(adapters::Provider::name).collect::<Vec<_>>());
        let of =
            |name: &str| kinds["kinds"].as_array().unwrap().iter().find(|kind| kind["name"] == name).unwrap();
        assert_eq!((&of("telegram")["sign_in"], &of("telegram")["family"]), (&json!(false), &Value::Null));
        assert_eq!((&of("messenger")["sign_in"], &of("messenger")["family"]), (&json!(true), &json!("meta")));
        let token = &of("telegram")["credentials"][0];
        assert_eq!(
            (&token["name"], &token["secret"], &token["required"]),
            (&json!("token"), &json!(true), &json!(true))
        );
        // An operator without a business.
        let (_, me) = operator.get("/api/v1/me").await;
        assert!(me["permissions"].as_array().unwrap().contains(&json!("operate")), "{me}");
        let (_, me) = owner.get("/api/v1/me").await;
        assert_eq!(me["permissions"], json!([]));
        let (status, apps) = operator.get("/api/v1/apps").await;
        assert_eq!(status, 200);
        let pool = apps["pool"].as_array().unwrap().iter().find(|one| one["family"] == "meta").unwrap();
        assert_eq!(
            (&pool["free"], &pool["few"], &pool["one_tenant"]),
            (&json!(1), &json!(true), &json!(true))
        );
        assert!(pool["sign_in_kinds"].as_array().unwrap().contains(&json!("messenger")));
        assert!(!apps["apps"].to_string().contains("appsecret_of_the_emulated_app"));
        assert_eq!(owner.get("/api/v1/apps").await.0, 403);
        world.finish().await;
    }
);

on_both!(a_phone_that_was_never_linked_asks_for_a_scan_whatever_else_is_refused, |engine| async move {
    let world = World::start(engine).await;
    let unlinked = waha::EmulatorConfig { links_itself: false, ..waha::EmulatorConfig::default() };
    let waha = waha::WahaEmulator::start(unlinked).await.expect("the emulated WAHA");
    let credentials = [
        ("base_url", waha.base_url()),
        ("api_key", waha.api_key().to_owned()),
        ("session", "second-phone".to_owned()),
    ];
    let owner = world.api("owner@example.com").await;
    let credentials: serde_json::Map<_, _> =
        credentials.into_iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
    let new = json!({ "tenant": world.tenant, "company": world.bot.company, "kind": "waha", "name": "Second",
        "credentials": credentials });
    let (_, made) = owner.post("/api/v1/channels", &new).await;
    let channel = format!("/api/v1/channels/{}", made["id"].as_str().expect("an id"));
    let (status, connected) = owner.post(&format!("{channel}/connect"), &json!({})).await;
    assert_eq!((status, &connected["health"]["action"]), (200, &json!("scan_code")), "{connected}");
    // Its history is read, and refused; the refusal is stored by the time that the job is gone.
    tokio::time::timeout(PATIENCE, waha.called("/chats/overview")).await.expect("the history is asked for");
    let world = world.restart().await;
    let owner = world.api("owner@example.com").await;
    let (_, body) = owner.get(&format!("{channel}/health")).await;
    let told = (&body["health"]["state"], &body["health"]["action"]);
    assert_eq!(told, (&json!("needs_attention"), &json!("scan_code")), "{body}");
    world.finish().await;
});

on_both!(a_provider_that_does_not_answer_has_refused_nothing, |engine| async move {
    let world = World::start(engine).await;
    let api = world.api("owner@example.com").await;
    // Nobody listens there.
    let nobody =
        std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let of = |session: &str, base: String| {
        json!({ "tenant": world.tenant, "company": world.phone.company, "kind": "waha", "name": session,
            "credentials": { "base_url": base, "api_key": world.waha.api_key(), "session": session } })
    };
    let (status, made) = api.post("/api/v1/channels", &of("away", format!("http://{nobody}"))).await;
    assert_eq!(status, 201, "{made}");
    let path = |channel: &Value| format!("/api/v1/channels/{}", channel["id"].as_str().expect("an id"));
    let (status, refused) = api.post(&format!("{}/connect", path(&made)), &json!({})).await;
    assert_eq!((status, &refused["code"]), (409, &json!("not_reached")), "{refused}");
    assert!(!refused.to_string().contains("os error"), "{refused}");
    let health = |channel: Value| {
        let api = &api;
        async move { api.get(&format!("{}/health", path(&channel))).await.1["health"].clone() }
    };
    let told = health(made).await;
    assert_eq!(
        (&told["state"], &told["code"], &told["detail"], &told["action"]),
        (&json!("down"), &json!("unreachable"), &Value::Null, &json!("connect")),
    );
    // A wrong key is a refusal.
    let mut wrong = of("locked", world.waha.base_url());
    wrong["credentials"]["api_key"] = json!("made-up");
    let (_, made) = api.post("/api/v1/channels", &wrong).await;
    let (_, refused) = api.post(&format!("{}/connect", path(&made)), &json!({})).await;
    assert_eq!(refused["code"], "connect_failed", "{refused}");
    assert_eq!(health(made).await["action"], "check_credentials");
    world.finish().await;
});
