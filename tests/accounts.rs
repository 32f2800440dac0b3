//! A channel's secrets stay at the address that they were given for, and an account of a provider belongs to one channel
//! of the installation, whoever asks and however the server is spelled.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use hubbub::accounts::tenants::{CompanyKind, CreateCompany, CreateTenant};
use hubbub::accounts::{PlatformRole, Role, Scope};
use hubbub::channels::connect::connect;
use hubbub::channels::settings::{ChannelChanges, CreateChannel, UpdateChannel};
use hubbub::error::Error;
use hubbub::model::Channel;
use hubbub::store::{Tx, Verb, channels, places};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::kit::{Api, SESSION, World, quick, user};
use crate::on_both;

/// Another business on the same installation.
struct Rival {
    scope: Scope,
    company: Uuid,
    api: Api,
}

impl Rival {
    async fn of(world: &World) -> Self {
        let tenant =
            world.app.store.write(CreateTenant { name: "Rival".into() }).await.expect("a tenant").value.id;
        let scope = Scope::system(tenant);
        let company =
            CreateCompany { scope: scope.clone(), name: "Rival".into(), kind: CompanyKind::Product };
        let company = world.app.store.write(company).await.expect("a company").value.id;
        user(&world.app, "rival@example.com", None, Some((tenant, Role::Owner))).await;
        Self { scope, company, api: world.api("rival@example.com").await }
    }

    async fn create(&self, kind: &str, credentials: &Value) -> (u16, Value) {
        let body = json!({ "tenant": self.scope.tenant(), "company": self.company, "kind": kind, "name": kind,
            "credentials": credentials });
        self.api.post("/api/v1/channels", &body).await
    }
}

async fn patch(world: &World, api: &Api, channel: &str, body: &Value) -> (u16, Value) {
    let url = world.url(&format!("/api/v1/channels/{channel}"));
    let request = crate::kit::http().patch(url).bearer_auth(&api.token).json(body);
    let answer = request.send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.unwrap_or(Value::Null))
}

async fn connected(api: &Api, channel: &str) -> (u16, Value) {
    api.post(&format!("/api/v1/channels/{channel}/connect"), &json!({})).await
}

fn id_of(channel: &Value) -> String {
    channel["id"].as_str().expect("an id").to_owned()
}

struct Stored(Uuid);

impl Verb for Stored {
    type Out = Channel;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Channel, Error> {
        let place = places::CHANNEL.anywhere(tx, self.0).await?;
        let (tenant, _) = place.ok_or(Error::NotFound("channel"))?;
        channels::by_id(tx, tenant, self.0).await?.ok_or(Error::NotFound("channel"))
    }
}

async fn hook_secret(world: &World, channel: Uuid) -> String {
    world.secret(&world.app.store.read(Stored(channel)).await.expect("it is there"))
}

on_both!(a_new_address_or_account_needs_the_secrets_again, |engine| async move {
    let world = World::start(engine).await;
    let api = world.api("owner@example.com").await;
    let deaf = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let elsewhere = format!("http://{}", deaf.local_addr().expect("its address"));
    let (bot, phone) = (world.bot.id.to_string(), world.phone.id.to_string());
    for (channel, change, field) in [
        (&phone, json!({ "base_url": elsewhere }), "credentials.api_key"),
        (&phone, json!({ "session": "other" }), "credentials.api_key"),
        (&phone, json!({ "base_url": elsewhere, "api_key": " " }), "credentials.api_key"),
        (&phone, json!({ "base_url": format!("{}/below", world.waha.base_url()) }), "credentials.api_key"),
        (&bot, json!({ "api_base": elsewhere }), "credentials.token"),
        (&bot, json!({ "api_base": "" }), "credentials.token"),
    ] {
        let (status, refused) = patch(&world, &api, channel, &json!({ "credentials": change })).await;
        assert_eq!((status, &refused["field"]), (400, &json!(field)), "{change}: {refused}");
    }
    // Nothing has changed, and nobody was asked elsewhere.
    let before = hook_secret(&world, world.phone.id).await;
    assert_eq!(before, world.secret(&world.phone));
    for channel in [&bot, &phone] {
        assert_eq!(connected(&api, channel).await.0, 200);
    }
    // The same address in other letters is no other address.
    let port = world.waha.address.port();
    for same in [
        format!("HTTP://127.0.0.1:{port}/"),
        format!("http://0x7f.1:{port}//"),
        format!(" http://[::ffff:7f00:1]:{port}"),
    ] {
        let (status, answer) =
            patch(&world, &api, &phone, &json!({ "credentials": { "base_url": same } })).await;
        assert_eq!(status, 200, "{same}: {answer}");
    }
    assert_eq!(hook_secret(&world, world.phone.id).await, before);
    let same = json!({ "credentials": { "base_url": world.waha.base_url() } });
    assert_eq!(patch(&world, &api, &phone, &same).await.0, 200);
    // With its secret it moves, and the former place knows no secret of it any more.
    let mut moved = json!({ "credentials": { "session": "second", "api_key": world.waha.api_key() } });
    let (status, refused) = patch(&world, &api, &phone, &moved).await;
    assert_eq!((status, &refused["code"]), (409, &json!("other_account")), "{refused}");
    moved["other_account"] = json!(true);
    assert_eq!(patch(&world, &api, &phone, &moved).await.0, 200);
    let after = hook_secret(&world, world.phone.id).await;
    assert_ne!(after, before);
    assert_eq!(connected(&api, &phone).await.0, 200);
    // A token names its bot without a field for it: another one's is not taken for a new one of this bot.
    let secret = hook_secret(&world, world.bot.id).await;
    for change in [json!({ "token": "77:another" }), json!({ "token": "77:another", "api_base": elsewhere })]
    {
        let (status, refused) = patch(&world, &api, &bot, &json!({ "credentials": change })).await;
        assert_eq!((status, &refused["code"]), (409, &json!("other_account")), "{refused}");
    }
    assert_eq!(hook_secret(&world, world.bot.id).await, secret);
    let own = world.telegram.token().split(':').next().expect("its id").to_owned();
    let renewed = json!({ "credentials": { "token": format!("{own}:renewed") } });
    assert_eq!(patch(&world, &api, &bot, &renewed).await.0, 200, "a new token of this bot");
    let moved =
        json!({ "credentials": { "api_base": elsewhere, "token": "77:another" }, "other_account": true });
    assert_eq!(patch(&world, &api, &bot, &moved).await.0, 200);
    assert_ne!(hook_secret(&world, world.bot.id).await, secret);
    let heard = tokio::time::timeout(std::time::Duration::from_millis(50), deaf.accept()).await;
    assert!(heard.is_err(), "nothing was called there");
    world.finish().await;
});

on_both!(an_account_belongs_to_one_channel, |engine| async move {
    let world = World::start(engine).await;
    let rival = Rival::of(&world).await;
    let port = world.waha.address.port();
    let key = world.waha.api_key();
    let taken = |answer: &(u16, Value), what: &str| {
        assert_eq!((answer.0, &answer.1["code"]), (409, &json!("account_taken")), "{what}: {answer:?}");
        let text = answer.1.to_string();
        assert!(!text.contains("Lantern") && !text.contains(&world.tenant.to_string()), "{text}");
    };
    for base in
        [world.waha.base_url(), format!("http://127.1:{port}/"), format!("HTTP://[::ffff:127.0.0.1]:{port}")]
    {
        let phone = json!({ "base_url": base, "api_key": key, "session": SESSION });
        taken(&rival.create("waha", &phone).await, &base);
    }
    let token = world.telegram.token();
    let bot = token.split(':').next().expect("its id");
    for (token, base) in [
        (token.to_owned(), world.telegram.api_base()),
        (format!("0{bot}:forged"), "https://bots.example.com".into()),
    ] {
        taken(&rival.create("telegram", &json!({ "token": token, "api_base": base })).await, &base);
    }
    // By way of a channel of one's own.
    let phone = json!({ "base_url": world.waha.base_url(), "api_key": key, "session": "rival" });
    let (status, made) = rival.create("waha", &phone).await;
    assert_eq!(status, 201, "{made}");
    let mine = id_of(&made);
    assert_eq!(connected(&rival.api, &mine).await.0, 200);
    let join = json!({ "credentials": { "session": SESSION, "api_key": key }, "other_account": true });
    taken(&patch(&world, &rival.api, &mine, &join).await, "the other's session");
    // A second channel in the house is one too many as well, unless the first one rests.
    let api = world.api("owner@example.com").await;
    let second = json!({ "tenant": world.tenant, "company": world.phone.company, "kind": "waha", "name": "Second",
        "credentials": { "base_url": world.waha.base_url(), "api_key": key, "session": SESSION } });
    taken(&api.post("/api/v1/channels", &second).await, "twice in a house");
    let first = world.phone.id.to_string();
    assert_eq!(patch(&world, &api, &first, &json!({ "state": "disabled" })).await.0, 200);
    taken(&patch(&world, &rival.api, &mine, &join).await, "one that rests");
    assert_eq!(api.post("/api/v1/channels", &second).await.0, 201);
    taken(&patch(&world, &api, &first, &json!({ "state": "active" })).await, "back again");
    // What is moved away from is free.
    let away = json!({ "credentials": { "session": "third", "api_key": key }, "other_account": true });
    assert_eq!(patch(&world, &rival.api, &mine, &away).await.0, 200);
    let phone = json!({ "base_url": world.waha.base_url(), "api_key": key, "session": "rival" });
    let (status, next) = rival.create("waha", &phone).await;
    assert_eq!(status, 201, "{next}");
    assert_eq!(connected(&rival.api, &id_of(&next)).await.0, 200, "the former channel's webhook is off");
    world.finish().await;
});

/// Another address of a server.
async fn forward(to: SocketAddr) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(async move {
        while let Ok((mut from, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut to = tokio::net::TcpStream::connect(to).await?;
                tokio::io::copy_bidirectional(&mut from, &mut to).await
            });
        }
    });
    address
}

/// How many webhooks the session of the world's channel has.
async fn webhooks(world: &World) -> usize {
    let session = format!("{}/api/sessions/{SESSION}", world.waha.base_url());
    let request = crate::kit::http().get(session).header("X-Api-Key", world.waha.api_key());
    let answer: Value = request.send().await.expect("an answer").json().await.expect("JSON");
    answer["config"]["webhooks"].as_array().map_or(0, Vec::len)
}

on_both!(another_name_of_the_same_server_does_not_help, |engine| async move {
    let world = World::start(engine).await;
    let rival = Rival::of(&world).await;
    // The same server by way of a path that a proxy takes off, or by an alias: another address for all that we can see.
    let alias = forward(world.waha.address).await;
    let phone =
        json!({ "base_url": format!("http://{alias}"), "api_key": world.waha.api_key(), "session": SESSION });
    let (status, made) = rival.create("waha", &phone).await;
    assert_eq!(status, 201, "{made}");
    let (status, refused) = connected(&rival.api, &id_of(&made)).await;
    assert_eq!((status, &refused["code"]), (409, &json!("account_taken")), "{refused}");
    assert_eq!(webhooks(&world).await, 1, "the session was not joined");
    // Even where the first webhook is not seen there, the account is the same.
    let session = format!("{}/api/sessions/{SESSION}", world.waha.base_url());
    let bare = crate::kit::http().put(session).header("X-Api-Key", world.waha.api_key());
    assert!(
        bare.json(&json!({ "name": SESSION, "config": {} }))
            .send()
            .await
            .expect("an answer")
            .status()
            .is_success()
    );
    let (status, refused) = connected(&rival.api, &id_of(&made)).await;
    assert_eq!((status, &refused["code"]), (409, &json!("account_taken")), "{refused}");
    assert_eq!(webhooks(&world).await, 0, "the webhook is off again");
    let (_, list) = rival.api.get("/api/v1/channels").await;
    assert_eq!(list["channels"][0]["health"]["state"], "down", "{list}");
    let detail = list["channels"][0]["health"]["detail"].as_str().expect("a detail").to_owned();
    assert!(detail.contains("another channel"), "{detail}");
    world.finish().await;
});

on_both!(a_typed_account_is_kept_from_nobody, |engine| async move {
    let world = World::start(engine).await;
    let rival = Rival::of(&world).await;
    let api = world.api("owner@example.com").await;
    let phone = |key: &str| json!({ "base_url": world.waha.base_url(), "api_key": key, "session": "soon" });
    // The rival knows the server's address and the session's name, and not the key.
    let (status, squat) = rival.create("waha", &phone("made-up")).await;
    assert_eq!(status, 201, "{squat}");
    assert_eq!(connected(&rival.api, &id_of(&squat)).await.1["code"], "connect_failed");
    let mine = json!({ "tenant": world.tenant, "company": world.phone.company, "kind": "waha", "name": "Second phone",
        "credentials": phone(world.waha.api_key()) });
    let (status, made) = api.post("/api/v1/channels", &mine).await;
    assert_eq!(status, 201, "{made}");
    // Asking again does not help against who is connected.
    assert_eq!(connected(&rival.api, &id_of(&squat)).await.1["code"], "connect_failed");
    assert_eq!(connected(&api, &id_of(&made)).await.0, 200);
    assert_eq!(connected(&rival.api, &id_of(&squat)).await.1["code"], "account_taken");
    assert_eq!(rival.create("waha", &phone("made-up")).await.0, 409);
    world.finish().await;
});

on_both!(what_operators_made_only_operators_point_elsewhere, |engine| async move {
    let world = World::start(engine).await;
    let rival = Rival::of(&world).await;
    user(&world.app, "admin@example.com", Some(PlatformRole::Admin), None).await;
    let credentials = [
        ("base_url", world.waha.base_url()),
        ("api_key", world.waha.api_key().to_owned()),
        ("session", "made".to_owned()),
    ];
    let credentials: BTreeMap<_, _> =
        credentials.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let operator = Scope::operator(world.tenant);
    let verb = CreateChannel {
        scope: operator.clone(),
        vault: Arc::clone(&world.app.vault),
        company: world.phone.company,
        kind: "waha".into(),
        name: "Made by the operator".into(),
        credentials,
        settings: quick(),
    };
    let made = world.app.store.write(verb).await.expect("a channel").value;
    let url = world.url("");
    connect(&world.app.store, &world.app.vault, &world.app.http, &url, &operator, made.id)
        .await
        .expect("it connects");
    let id = made.id.to_string();
    let (owner, admin) = (world.api("owner@example.com").await, world.api("admin@example.com").await);
    let elsewhere = |session: &str| json!({ "credentials": { "session": session, "api_key": world.waha.api_key() }, "other_account": true });
    let (status, refused) = patch(&world, &owner, &id, &elsewhere("other")).await;
    assert_eq!((status, &refused["code"]), (403, &json!("forbidden")), "{refused}");
    // All else is the owner's: a name, a key that was renewed.
    let renewed =
        json!({ "name": "Ours", "credentials": { "api_key": world.waha.api_key(), "session": "made" } });
    assert_eq!(patch(&world, &owner, &id, &renewed).await.0, 200);
    assert_eq!(connected(&owner, &id).await.0, 200);
    assert_eq!(patch(&world, &admin, &id, &elsewhere("admins")).await.0, 200);
    // Where a tenant has what is another's, an operator pauses it and gives the account to whose it is.
    assert_eq!(
        patch(&world, &admin, &world.phone.id.to_string(), &json!({ "state": "disabled" })).await.0,
        200
    );
    let phone =
        json!({ "base_url": world.waha.base_url(), "api_key": world.waha.api_key(), "session": SESSION });
    assert_eq!(rival.create("waha", &phone).await.0, 409);
    let body = json!({ "tenant": rival.scope.tenant(), "company": rival.company, "kind": "waha", "name": "Given",
        "credentials": phone });
    assert_eq!(admin.post("/api/v1/channels", &body).await.0, 201);
    let changes = ChannelChanges {
        credentials: Some(
            [("session", "operators"), ("api_key", "k")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
        ),
        other_account: true,
        ..ChannelChanges::default()
    };
    let verb = UpdateChannel { scope: operator, vault: Arc::clone(&world.app.vault), id: made.id, changes };
    world.app.store.write(verb).await.expect("the operator may");
    world.finish().await;
});
