//! Invariant 11 over everything that leaves the server: the answer of every route and every method to good and to
//! malformed input, every frame, the log at every level, and what is stored.

use emulators::Answer;
use hubbub::accounts::Role;
use hubbub::store::Engine;
use serde_json::{Value, json};

use crate::kit::client::As;
use crate::kit::logs::Recording;
use crate::kit::{Client, PASSWORD, World, postgres};
use crate::on_both;
use crate::refused::{Things, cases};

/// A text that must not be seen, by what it is.
struct Secrets(Vec<(&'static str, String)>);

impl Secrets {
    fn assert_absent(&self, place: &str, text: &str) {
        for (name, secret) in &self.0 {
            let at = text.find(secret.as_str());
            let around = at.map(|at| text.get(at.saturating_sub(200)..at).unwrap_or_default());
            assert!(at.is_none(), "{place} shows {name}, after {around:?}");
        }
    }

    fn without(&self, name: &str) -> Self {
        Self(self.0.iter().filter(|(one, _)| *one != name).cloned().collect())
    }
}

/// Signs in as a browser and as a program; gives access token, and the refresh tokens of both.
async fn sign_in(world: &World) -> (String, [String; 2]) {
    let http = crate::kit::http();
    let body = json!({ "email": "owner@example.com", "password": PASSWORD });
    let request = || http.post(world.url("/api/v1/session")).json(&body);
    let program: Value = request().send().await.expect("an answer").json().await.expect("JSON");
    let browser = request().header("origin", world.url("")).send().await.expect("an answer");
    let cookie = browser.headers()["set-cookie"].to_str().expect("text").to_owned();
    let cookie = cookie.split_once('=').and_then(|(_, rest)| rest.split_once(';')).expect("a cookie").0;
    let text = |value: &Value| value.as_str().expect("a token").to_owned();
    (text(&program["access_token"]), [text(&program["refresh_token"]), cookie.to_owned()])
}

/// Everything is asked for, well and malformed, and every answer is looked through.
async fn over_http(world: &World, token: &str, secrets: &Secrets) {
    let description: Value = serde_json::from_str(hubbub::operations::openapi_json()).expect("JSON");
    let things = Things::of(world).await;
    let http = crate::kit::http();
    let mut answers = 0;
    for case in cases(&description, &things) {
        let mut request = http.request(case.method.parse().expect("a method"), world.url(&case.path));
        if !case.path.contains("/session") {
            request = request.bearer_auth(token);
        }
        if let Some(body) = case.body {
            request = request.header("content-type", "application/json").body(body);
        }
        let answer = request.send().await.expect(&case.name);
        let headers = format!("{:?}", answer.headers());
        let body = answer.text().await.unwrap_or_default();
        secrets.assert_absent(&case.name, &format!("{headers}\n{body}"));
        answers += 1;
    }
    for path in ["/", "/docs", "/docs/socket", "/metrics", "/health/ready", "/api/v1/channels", "/api/v1/me"]
    {
        let answer = http.get(world.url(path)).bearer_auth(token).send().await.expect("an answer");
        secrets.assert_absent(path, &answer.text().await.unwrap_or_default());
    }
    assert!(answers > 1_500, "only {answers} requests were made");
}

async fn over_the_socket(world: &World, token: &str, key: &str, secrets: &Secrets) {
    for who in [As::Token(token.to_owned()), As::Key { key: key.to_owned(), capacity: 1 }] {
        let mut client = Client::connect(world.address, who).await;
        for method in hubbub::operations::methods() {
            for arguments in [r#"{"?": 1}"#, "[]", r#"{"text": "\u0000"}"#, "null"] {
                let reply = client.raw_rpc(method, arguments).await;
                secrets.assert_absent(method, &reply.to_string());
            }
        }
        client.unread().for_each(|frame| secrets.assert_absent("a frame", &frame.to_string()));
        client.close().await;
    }
}

/// Providers quote what they are called with in their refusals.
async fn quoted_by_providers(world: &World, secrets: &Secrets) {
    let mut manager = world.person("agent@example.com").await;
    let quoted = format!("Unauthorized: bot{} at {}", world.telegram.token(), world.telegram.api_base());
    let refusal = json!({ "ok": false, "error_code": 400, "description": quoted });
    world.telegram.answers(Answer::of("sendMessage", 400, refusal));
    world.telegram.customer_says(5550171, "Hello");
    let conversation = manager.event("message.created").await["conversation"]["id"].clone();
    let send = json!({ "conversation": conversation, "client_id": "quoted", "text": "Here" });
    manager.rpc("message.send", send).await.expect("it is queued");
    let failed = manager.publication(|data| data["message"]["status"] == "failed").await;
    secrets.assert_absent("a refused send", &failed.to_string());
    let api = world.api("owner@example.com").await;
    for call in ["getMe", "setWebhook"] {
        let refusal = json!({ "ok": false, "error_code": 401, "description": quoted });
        world.telegram.answers(Answer::of(call, 401, refusal).times(1));
        let path = format!("/api/v1/channels/{}/connect", world.bot.id);
        let (status, body) = api.post(&path, &json!({})).await;
        assert!(status >= 400 || body["channel"]["health"]["state"] != "connected", "{status} {body}");
        secrets.assert_absent("a refused connection", &body.to_string());
    }
    let refusal = json!({ "statusCode": 422, "message": format!("bad key {}", world.waha.api_key()) });
    world.waha.answers(Answer::of("/api/sessions", 422, refusal));
    let path = format!("/api/v1/channels/{}/connect", world.phone.id);
    let (_, body) = api.post(&path, &json!({})).await;
    secrets.assert_absent("a refused connection", &body.to_string());
    let log = api.get(&format!("/api/v1/integration-log?tenant={}", world.tenant)).await;
    secrets.assert_absent("the integration log", &log.1.to_string());
    manager.close().await;
}

/// Every byte of the database, as whoever takes a copy of it reads it.
fn stored(world: &World, engine: Engine) -> Vec<u8> {
    match engine {
        Engine::Sqlite => {
            let file = world.app.config.store.data_dir.join("hubbub.db");
            let wal = file.with_extension("db-wal");
            let mut bytes = std::fs::read(file).expect("the file");
            bytes.extend(std::fs::read(wal).unwrap_or_default());
            bytes
        }
        Engine::Postgres => postgres::dump(&world.app.config.store.database_url),
    }
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

on_both!(secrets_are_not_shown, |engine| async move {
    let log = Recording::start();
    let world = World::start(engine).await;
    let (token, refresh) = sign_in(&world).await;
    let key =
        world.app.accounts.create_key(&world.scope(), "Worker", Role::Responder).await.expect("a key").key;
    let file = world.app.config.secrets.master_key_file.clone();
    let master = std::fs::read_to_string(file).expect("the key file").trim().to_owned();
    let [of_program, of_browser] = refresh;
    let kept = Secrets(vec![
        ("the bot's token", world.telegram.token().to_owned()),
        ("the gateway's key", world.waha.api_key().to_owned()),
        ("the bot's hook secret", world.secret(&world.bot)),
        ("the gateway's hook secret", world.secret(&world.phone)),
        ("a password", PASSWORD.to_owned()),
        ("an access token", token.clone()),
        ("a refresh token", of_program),
        ("a browser's refresh token", of_browser),
        ("an API key", key.clone()),
        ("the master key", master),
        ("the hash of a password", "$argon2".to_owned()),
        ("what is sealed", "hv1.".to_owned()),
    ]);
    quoted_by_providers(&world, &kept).await;
    over_http(&world, &token, &kept).await;
    over_the_socket(&world, &token, &key, &kept).await;

    // The webhook's address is for whoever manages channels, and for nobody's log.
    let logged = log.text();
    assert!(logged.contains("DEBUG") && logged.contains("TRACE"), "all levels are recorded");
    kept.assert_absent("the log", &logged);
    for (name, path) in
        [("the bot's hook path", &world.bot.hook_token), ("the gateway's", &world.phone.hook_token)]
    {
        Secrets(vec![(name, path.clone())]).assert_absent("the log", &logged);
    }
    // What customers write is in no log, and the list of the integration log shows the shape of a body.
    let card = "4000 0000 0000 0002";
    world.hook(&world.bot, &World::update(90, 5550190, 90, &format!("My card number is {card}"))).await;
    let (status, entries) = world
        .api("owner@example.com")
        .await
        .get(&format!("/api/v1/integration-log?tenant={}", world.tenant))
        .await;
    assert_eq!(status, 200);
    assert!(!entries.to_string().contains(card), "{entries}");
    assert!(!log.text().contains(card), "the log shows what a customer wrote");

    // A hash and what is sealed are what is stored in the place of the secrets.
    let bytes = stored(&world, engine);
    assert!(contains(&bytes, "$argon2") && contains(&bytes, "hv1."), "the copy is read");
    for (name, secret) in &kept.without("what is sealed").without("the hash of a password").0 {
        assert!(!contains(&bytes, secret), "{name} is stored as it is");
    }
    world.finish().await;
});
