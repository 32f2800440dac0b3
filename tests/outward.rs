//! Whatever address a tenant, a customer or a model names, the server calls nothing inside: not when a channel is saved,
//! connected or sent on, not for a file, and not by a name that means something else by then.

#[path = "../adapters/tests/support/deaf.rs"]
mod deaf;

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use adapters::outward::{Lookup, Outward};
use async_trait::async_trait;
use aws_lc_rs::hmac;
use hubbub::accounts::tenants::{CompanyKind, CreateCompany, CreateTenant};
use hubbub::accounts::{Role, Scope};
use hubbub::app::{App, AppState};
use hubbub::channels::ChannelSecrets;
use hubbub::channels::connect::connect;
use hubbub::channels::settings::CreateChannel;
use hubbub::clock::Clock;
use hubbub::config::Config;
use hubbub::model::Channel;
use serde_json::{Value, json};
use uuid::Uuid;

use self::deaf::Deaf;
use crate::kit::{Api, PASSWORD, World, quick, user};
use crate::on_both;

/// What every name means, until the test says otherwise.
#[derive(Default)]
struct Names(Mutex<Vec<IpAddr>>);

impl Names {
    fn mean(&self, addresses: &[&str]) {
        let addresses = addresses.iter().map(|text| text.parse().expect("an address")).collect();
        *self.0.lock().expect("no panic") = addresses;
    }
}

#[async_trait]
impl Lookup for Names {
    async fn lookup(&self, _name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(self.0.lock().expect("no panic").clone())
    }
}

/// A server whose operator allows only what is named, with a tenant of one company.
struct Shop {
    app: AppState,
    address: SocketAddr,
    tenant: Uuid,
    company: Uuid,
    api: Api,
    _folder: tempfile::TempDir,
}

impl Shop {
    async fn start(allowed: &[&str], names: Arc<Names>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut config = Config::embedded(folder.path());
        config.calls.provider_timeout_ms = 2_000;
        config.server.shutdown_grace_ms = 5_000;
        let listener = hubbub::http::serve::listen(config.server.listen).await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let outward = Outward::with_lookup(allowed, names);
        let app = App::start_with(config, Clock::System, &outward).await.expect("the app starts");
        hubbub::server::start(listener, app.clone());
        let tenant = app.store.write(CreateTenant { name: "Shop".into() }).await.expect("a tenant").value.id;
        let company =
            CreateCompany { scope: Scope::system(tenant), name: "Shop".into(), kind: CompanyKind::Product };
        let company = app.store.write(company).await.expect("a company").value.id;
        user(&app, "owner@example.com", None, Some((tenant, Role::Owner))).await;
        let api = Api::sign_in(address, "owner@example.com", PASSWORD).await;
        Self { app, address, tenant, company, api, _folder: folder }
    }

    fn scope(&self) -> Scope {
        Scope::system(self.tenant)
    }

    /// As it was stored before addresses were judged.
    async fn channel(&self, kind: &str, base: &str, name: &str) -> Channel {
        let credentials: &[(&str, &str)] = if kind == "waha" {
            &[("base_url", base), ("api_key", "k"), ("session", name)]
        } else {
            &[("api_base", base), ("token", name)]
        };
        let credentials: BTreeMap<_, _> =
            credentials.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let verb = CreateChannel {
            scope: self.scope(),
            vault: Arc::clone(&self.app.vault),
            company: self.company,
            kind: kind.into(),
            name: name.into(),
            credentials,
            settings: quick(),
        };
        self.app.store.write(verb).await.expect("a channel").value
    }

    async fn connect(&self, channel: &Channel) -> Result<Channel, String> {
        let url = format!("http://{}", self.address);
        let done =
            connect(&self.app.store, &self.app.vault, &self.app.http, &url, &self.scope(), channel.id).await;
        done.map_err(|error| error.to_string())
    }

    /// A customer of a WAHA channel sends a picture.
    async fn picture(&self, channel: &Channel, name: &str, base: &str) {
        let body = json!({
            "id": format!("evt_{name}"), "timestamp": 1_794_312_000_000_i64, "event": "message.any", "session": name,
            "me": { "id": "12025550100@c.us", "pushName": "Shop" }, "engine": "GOWS", "environment": {},
            "payload": { "id": format!("false_12025550171@c.us_3EB0{name}"), "timestamp": 1_794_312_000,
                "from": "12025550171@c.us", "fromMe": false, "source": "app", "to": "12025550100@c.us", "body": "",
                "hasMedia": true, "media": { "url": format!("{base}/api/files/a.jpg"), "mimetype": "image/jpeg" },
                "ack": 1, "replyTo": null },
        });
        let secret = ChannelSecrets::open(&self.app.vault, channel).expect("its secrets").hook_secret;
        let body = body.to_string();
        let key = hmac::Key::new(hmac::HMAC_SHA512, secret.as_bytes());
        let signature = hex::encode(hmac::sign(&key, body.as_bytes()));
        let url = format!("http://{}/hooks/{}", self.address, channel.hook_token);
        let request = crate::kit::http().post(url).header("X-Webhook-Hmac", signature);
        let request = request.header("X-Webhook-Hmac-Algorithm", "sha512").body(body);
        assert_eq!(request.send().await.expect("an answer").status(), 200);
    }

    async fn create(&self, kind: &str, credentials: Value) -> (u16, Value) {
        let body = json!({ "tenant": self.tenant, "company": self.company, "kind": kind, "name": kind,
            "credentials": credentials });
        self.api.post("/api/v1/channels", &body).await
    }

    /// The newest messages of the only conversation of a channel, once they are as wanted.
    async fn until(&self, conversation: &str, wanted: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let waiting = async {
            loop {
                let messages = self.api.messages(conversation).await;
                if wanted(&messages) {
                    return messages;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(crate::kit::PATIENCE, waiting).await.expect("it becomes so in time")
    }

    async fn conversation_of(&self, channel: &Channel) -> String {
        let all = self.api.inbox().await;
        let of = all.iter().find(|one| one["channel"] == json!(channel.id)).expect("the conversation");
        of["id"].as_str().expect("an id").to_owned()
    }
}

const NOT_PUBLIC: &str = "this address is not public";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_inside_hears_nothing_under_every_spelling() {
    let deaf = Deaf::at("127.0.0.1:0").await.expect("a port");
    let port = deaf.address.port();
    let deaf6 = Deaf::at(&format!("[::1]:{port}")).await.ok();
    let names = Arc::new(Names::default());
    names.mean(&["127.0.0.1", "::1", "::ffff:127.0.0.1"]);
    let shop = Shop::start(&[], names).await;
    // Each written so, and whether a look at the text is enough to refuse it.
    let hosts = [
        ("127.0.0.1", true),
        ("127.1", true),
        ("2130706433", true),
        ("0x7f000001", true),
        ("0177.0.0.1", true),
        ("127.0.0.1.", true),
        ("0.0.0.0", true),
        ("0.0.0.1", true),
        ("[::1]", true),
        ("[::]", true),
        ("[::127.0.0.1]", true),
        ("[::ffff:127.0.0.1]", true),
        ("[64:ff9b::7f00:1]", true),
        ("[64:ff9b:1::7f00:1]", true),
        ("[2002:7f00:1::]", true),
        ("[fe80::1]", true),
        ("[ff02::1]", true),
        ("198.18.0.1", true),
        ("224.0.0.1", true),
        ("169.254.169.254", true),
        ("localhost", true),
        ("a.localhost.", true),
        ("waha", true),
        ("inside.example.com", false),
    ];
    for (number, (host, is_plain)) in hosts.iter().enumerate() {
        let base = format!("http://{host}:{port}");
        let waha = json!({ "base_url": base, "api_key": "k", "session": format!("saved{number}") });
        let telegram = json!({ "api_base": base, "token": format!("{}:saved", 1000 + number) });
        for (kind, credentials, field) in
            [("waha", waha, "credentials.base_url"), ("telegram", telegram, "credentials.api_base")]
        {
            let (status, answer) = shop.create(kind, credentials).await;
            if *is_plain {
                assert_eq!((status, &answer["field"]), (400, &json!(field)), "{base}: {answer}");
                assert!(answer["detail"].as_str().is_some_and(|why| why.starts_with(NOT_PUBLIC)), "{answer}");
            } else {
                assert_eq!(status, 201, "{answer}");
                let path = format!("/api/v1/channels/{}/connect", answer["id"].as_str().expect("an id"));
                let (status, refused) = shop.api.post(&path, &json!({})).await;
                assert_eq!((status, &refused["code"]), (409, &json!("connect_failed")));
                assert!(refused["detail"].as_str().is_some_and(|why| why.ends_with(NOT_PUBLIC)), "{refused}");
            }
        }
        // What is stored is judged at each call.
        let bot = shop.channel("telegram", &base, &format!("{}:stored", 2000 + number)).await;
        assert!(shop.connect(&bot).await.is_err_and(|why| why.ends_with(NOT_PUBLIC)), "{base}");
        let name = format!("stored{number}");
        let phone = shop.channel("waha", &base, &name).await;
        assert!(shop.connect(&phone).await.is_err_and(|why| why.ends_with(NOT_PUBLIC)), "{base}");
        shop.picture(&phone, &name, &base).await;
        let conversation = shop.conversation_of(&phone).await;
        let send = json!({ "client_id": "s", "text": "Here" });
        let path = format!("/api/v1/conversations/{conversation}/messages");
        assert_eq!(shop.api.post(&path, &send).await.0, 201);
        let messages = shop.until(&conversation, |messages| {
            messages.len() == 2
                && messages[0]["attachments"][0]["state"] == "failed"
                && messages[1]["error"]["reason"] == NOT_PUBLIC
        });
        assert_eq!(messages.await[0]["attachments"][0]["error"], NOT_PUBLIC, "{base}");
    }
    let (_, list) = shop.api.get("/api/v1/channels").await;
    for channel in list["channels"].as_array().expect("channels") {
        assert_eq!(channel["health"]["state"], "down", "{channel}");
        assert_eq!(channel["health"]["detail"], NOT_PUBLIC, "{channel}");
    }
    assert_eq!(deaf.heard(), 0);
    assert_eq!(deaf6.map_or(0, |deaf| deaf.heard()), 0);
    shop.app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_changes_after_it_was_connected_leads_nowhere() {
    use emulators::waha::{EmulatorConfig, WahaEmulator};
    let deaf = Deaf::at("127.0.0.1:0").await.expect("a port");
    // 127.0.0.2 stands for what is public.
    let address = SocketAddr::from(([127, 0, 0, 2], deaf.address.port()));
    let Ok(waha) = WahaEmulator::start(EmulatorConfig { address, ..Default::default() }).await else {
        return;
    };
    let names = Arc::new(Names::default());
    names.mean(&["127.0.0.1", "127.0.0.2"]);
    let shop = Shop::start(&["127.0.0.2"], Arc::clone(&names)).await;
    let base = format!("http://waha.example.com:{}", address.port());
    let credentials = json!({ "base_url": base, "api_key": waha.api_key(), "session": "s" });
    let (status, made) = shop.create("waha", credentials).await;
    assert_eq!(status, 201, "{made}");
    let path = format!("/api/v1/channels/{}/connect", made["id"].as_str().expect("an id"));
    let (status, connected) = shop.api.post(&path, &json!({})).await;
    assert_eq!(status, 200, "{connected}");
    let calls = waha.calls().len();
    assert!(calls > 0);
    // The connections that are open end with the server: whoever calls now asks what the name means.
    drop(waha);
    names.mean(&["127.0.0.1"]);
    let changed = async {
        loop {
            let (status, refused) = shop.api.post(&path, &json!({})).await;
            assert_eq!(status, 409);
            if refused["detail"].as_str().is_some_and(|why| why.ends_with(NOT_PUBLIC)) {
                return;
            }
        }
    };
    tokio::time::timeout(crate::kit::PATIENCE, changed).await.expect("the name is judged again");
    assert_eq!(deaf.heard(), 0);
    shop.app.stop().await;
}

on_both!(files_by_address_are_judged_whoever_gives_them, |engine| async move {
    let world = World::start(engine).await;
    let mut owner = world.person("owner@example.com").await;
    let api = world.api("owner@example.com").await;
    let mut worker = world.worker(4).await;
    world.telegram.customer_says(5550401, "Have you got a picture?");
    let conversation = owner.event("message.created").await["conversation"]["id"].clone();
    let turn = worker.offered().await;
    let path = format!("/api/v1/conversations/{}/messages", conversation.as_str().expect("an id"));
    for url in [
        "http://127.0.0.2/a.png",
        "http://0x7f.2/a.png",
        "https://[::ffff:10.0.0.1]/a.png",
        "http://[64:ff9b::a00:1]/a.png",
        "http://169.254.169.254/latest/meta-data",
        "http://files.internal/a.png",
        "http://postgres:5432/",
        "https://name:word@cdn.example.com/a.png",
    ] {
        let files = json!([{ "kind": "image", "url": url }]);
        let (status, refused) = api.post(&path, &json!({ "client_id": url, "attachments": files })).await;
        assert_eq!((status, &refused["field"]), (400, &json!("attachments.url")), "{url}: {refused}");
        let send = json!({ "conversation": conversation, "client_id": url, "attachments": files });
        assert_eq!(owner.rpc("message.send", send).await, Err(400), "{url}");
        let reply = json!({ "turn": turn["id"], "lease": turn["lease"], "attachments": files });
        assert_eq!(worker.rpc("turn.reply", reply).await, Err(400), "{url}");
    }
    assert!(world.telegram.sent().is_empty());
    world.finish().await;
});
