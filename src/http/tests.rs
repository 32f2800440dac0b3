//! The server as its callers see it: a real listener and real requests.

mod front;

use std::time::Duration;

use axum::routing::get;
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::serve::listen;
use crate::accounts::tenants::{CompanyKind, CompanyView, CreateCompany, CreateTenant};
use crate::accounts::users::NewUser;
use crate::accounts::{PlatformRole, Role, Scope};
use crate::app::{App, AppState};
use crate::clock::Clock;
use crate::config::Config;
use crate::error::Error;
use crate::server::{self, start};
use crate::store::{Tx, Verb};
use crate::vault;

mod sessions;
mod sockets;
mod streams;

const PASSWORD: &str = "a long password";

struct Server {
    app: AppState,
    base: String,
    http: Client,
    folder: std::path::PathBuf,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Server {
    async fn start() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(set: impl FnOnce(&mut Config)) -> Self {
        crate::telemetry::start_metrics();
        let folder = std::env::temp_dir().join(vault::random_token("hubbub-http-").expect("a name"));
        let mut config = Config::embedded(&folder);
        set(&mut config);
        let listener = listen(config.server.listen).await.expect("a free port");
        let base = format!("http://{}", listener.local_addr().expect("its address"));
        let app = App::start(config, Clock::System).await.expect("the application");
        start(listener, app.clone());
        Self { app, base, http: Client::new(), folder }
    }

    async fn tenant(&self, name: &str) -> (Uuid, CompanyView) {
        let tenant =
            self.app.store.write(CreateTenant { name: name.into() }).await.expect("a tenant").value.id;
        let scope = Scope::system(tenant);
        let company = CreateCompany { scope, name: "Brand".into(), kind: CompanyKind::Product };
        (tenant, self.app.store.write(company).await.expect("a company").value)
    }

    /// A user and its access token.
    async fn user(
        &self,
        email: &str,
        platform_role: Option<PlatformRole>,
        at: Option<(Uuid, Role)>,
    ) -> String {
        let (email, name, password) = (email.to_owned(), "Somebody".to_owned(), PASSWORD.to_owned());
        let new = NewUser { email: email.clone(), name, password, platform_role, member_of: at };
        self.app.accounts.create_user(new).await.expect("a user");
        let answer = self.sign_in(&email).await;
        answer["access_token"].as_str().expect("a token").to_owned()
    }

    async fn sign_in(&self, email: &str) -> Value {
        let credentials = json!({"email": email, "password": PASSWORD});
        let response = self.call(Method::POST, "/api/v1/session", None, Some(&credentials)).await;
        assert_eq!(response.status(), StatusCode::OK);
        response.json().await.expect("a session")
    }

    async fn call(&self, method: Method, path: &str, token: Option<&str>, body: Option<&Value>) -> Response {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        request.send().await.expect("an answer")
    }

    async fn status(&self, method: Method, path: &str, token: &str, body: Option<&Value>) -> u16 {
        self.call(method, path, Some(token), body).await.status().as_u16()
    }
}

async fn problem(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let body: Value = response.json().await.expect("a problem");
    assert_eq!(body["status"], status);
    (status, body)
}

/// Invariant 9, over HTTP: every resource of this folder, for every role, in its own tenant and in another one.
#[tokio::test(flavor = "multi_thread")]
async fn tenants_are_walls_over_http() {
    let server = Server::start().await;
    let (here, brand) = server.tenant("Here").await;
    let (there, _) = server.tenant("There").await;
    let owner = server.user("owner@example.com", None, Some((here, Role::Owner))).await;
    let made = json!({"tenant": here, "company": brand.id, "kind": "telegram", "name": "Bot", "credentials": {"token": "77:abcdefghijklmnopqrstuvwxyz012345678"}});
    let made: Value = server
        .call(Method::POST, "/api/v1/channels", Some(&owner), Some(&made))
        .await
        .json()
        .await
        .expect("made");
    let channel = format!("/api/v1/channels/{}", made["id"].as_str().expect("an id"));
    assert!(made["hook_path"].as_str().is_some_and(|path| path.starts_with("/hooks/")));
    assert!(!made.to_string().contains("abcdefghij"), "credentials never come out");

    let agent = server.user("agent@example.com", None, Some((here, Role::Agent))).await;
    let viewer = server.user("viewer@example.com", None, Some((here, Role::Viewer))).await;
    let stranger = server.user("stranger@example.com", None, Some((there, Role::Owner))).await;
    let admin = server.user("admin@example.com", Some(PlatformRole::Admin), None).await;
    let manager = server.user("manager@example.com", Some(PlatformRole::Manager), None).await;
    let patch = json!({"name": "Renamed"});
    let company = json!({"tenant": here, "name": "Another", "kind": "service"});
    // read people, read the log, change a channel, make a company
    let table = [
        ("owner", &owner, [200, 200, 200, 201]),
        ("agent", &agent, [200, 403, 403, 403]),
        ("viewer", &viewer, [200, 403, 403, 403]),
        ("stranger", &stranger, [404, 404, 404, 404]),
        ("admin", &admin, [200, 200, 200, 201]),
        ("manager", &manager, [200, 403, 403, 403]),
    ];
    for (who, token, expected) in table {
        let got = [
            server.status(Method::GET, &format!("/api/v1/users?tenant={here}"), token, None).await,
            server.status(Method::GET, &format!("/api/v1/integration-log?tenant={here}"), token, None).await,
            server.status(Method::PATCH, &channel, token, Some(&patch)).await,
            server.status(Method::POST, "/api/v1/companies", token, Some(&company)).await,
        ];
        assert_eq!(got, expected, "{who}");
    }
    let listed = async |token: String| {
        let response = server.call(Method::GET, "/api/v1/channels", Some(&token), None).await;
        let body: Value = response.json().await.expect("channels");
        body["channels"].as_array().expect("a list").clone()
    };
    assert!(listed(stranger.clone()).await.is_empty());
    assert!(listed(agent).await[0].get("hook_path").is_none(), "the secret path is the owner's");
    assert!(listed(owner).await[0]["hook_path"].is_string());
    // A missing channel and a channel of another tenant get the same answer.
    let (_, ours) = problem(server.call(Method::PATCH, &channel, Some(&stranger), Some(&patch)).await).await;
    let absent = format!("/api/v1/channels/{}", Uuid::from_u128(1));
    let (_, absent) = problem(server.call(Method::PATCH, &absent, Some(&stranger), Some(&patch)).await).await;
    assert_eq!(ours, absent);
    server.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_numbers_are_for_who_has_their_token() {
    let server = Server::with(|config| config.metrics.token = "a-token-of-the-operator".to_owned()).await;
    for (given, status) in [
        (None, StatusCode::UNAUTHORIZED),
        (Some("another-token-altogether"), StatusCode::UNAUTHORIZED),
        (Some("a-token-of-the-operator"), StatusCode::OK),
    ] {
        let answer = server.call(Method::GET, "/metrics", given, None).await;
        assert_eq!(answer.status(), status, "{given:?}");
        let text = answer.text().await.expect("text");
        assert_eq!(text.contains("hubbub_hub_sessions"), status == StatusCode::OK, "{text}");
    }
    let health = server.call(Method::GET, "/health/ready", None, None).await;
    assert_eq!(health.status(), StatusCode::OK);
    server.app.stop().await;
}

/// Without a token `/metrics` is refused, except on its own address, which serves nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_the_numbers_are_on_an_address_of_their_own() {
    let server = Server::start().await;
    for token in [None, Some("")] {
        let (status, body) = problem(server.call(Method::GET, "/metrics", token, None).await).await;
        assert_eq!((status, body["code"].as_str()), (403, Some("no_metrics_token")));
        assert!(body["detail"].as_str().is_some_and(|detail| detail.contains("metrics_listen")));
    }
    let own = listen("127.0.0.1:0".parse().expect("an address")).await.expect("a free port");
    let base = format!("http://{}", own.local_addr().expect("its address"));
    server::start_metrics(own, server.app.clone());
    let text = server.http.get(format!("{base}/metrics")).send().await.expect("an answer").text().await;
    assert!(text.expect("text").contains("hubbub_hub_sessions"));
    let other = server.http.get(format!("{base}/api/v1/me")).send().await.expect("an answer");
    assert_eq!(other.status(), StatusCode::NOT_FOUND);
    server.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_is_a_problem_document() {
    let server = Server::start().await;
    let (tenant, _) = server.tenant("A shop").await;
    let token = server.user("ann@example.com", None, Some((tenant, Role::Owner))).await;
    let token = Some(token.as_str());
    let cases = [
        (Method::GET, "/api/v1/me", None, None, 401, "unauthenticated"),
        (Method::GET, "/api/v1/nothing", token, None, 404, "not_found"),
        (Method::PUT, "/api/v1/me", token, None, 405, "method_not_allowed"),
        (Method::POST, "/", token, None, 405, "method_not_allowed"),
        (Method::GET, "/api/v1/users?tenant=x", token, None, 400, "invalid"),
        (Method::PATCH, "/api/v1/channels/x", token, Some(json!({})), 404, "not_found"),
        (Method::POST, "/api/v1/companies", token, Some(json!({"tenant": tenant})), 400, "invalid"),
        (Method::GET, "/assets/gone.js", None, None, 404, "not_found"),
    ];
    for (method, path, token, body, status, code) in cases {
        let response = server.call(method, path, token, body.as_ref()).await;
        assert!(response.headers().contains_key("x-request-id"), "{path}");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff", "{path}");
        let (got, body) = problem(response).await;
        assert_eq!((got, body["code"].as_str()), (status, Some(code)), "{path}");
    }
    let large = json!({"tenant": tenant, "name": "x".repeat(5_000_000), "kind": "product"});
    let (status, _) =
        problem(server.call(Method::POST, "/api/v1/companies", token, Some(&large)).await).await;
    assert_eq!(status, 413);
    server.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_ready_until_it_stops() {
    let token = "a-token-of-the-operator";
    let server = Server::with(|config| config.metrics.token = token.to_owned()).await;
    for path in ["/health/live", "/health/ready", "/docs/socket", "/api/v1/openapi.json"] {
        let response = server.call(Method::GET, path, None, None).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
    }
    let text = server.call(Method::GET, "/metrics", Some(token), None).await.text().await.expect("text");
    assert!(text.contains("hubbub_hub_sessions") && text.contains("process_uptime_seconds"));
    assert!(text.contains(r#"route="/health/ready""#), "requests are counted by route");

    let stopped = tokio::time::timeout(Duration::from_secs(15), server.app.stop()).await;
    assert!(stopped.is_ok() && server.app.tasks.is_empty(), "nothing runs on");
    assert!(server.http.get(format!("{}/health/live", server.base)).send().await.is_err(), "nobody listens");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_database_takes_nothing_is_not_ready() {
    let server = Server::start().await;
    let ready = async || server.call(Method::GET, "/health/ready", None, None).await;
    assert_eq!(ready().await.status(), StatusCode::OK);
    server.app.store.write(Exec(FULL)).await.expect("a trigger");
    // A probe within a second of the last commit does not commit, so it still reports ready.
    let refused = async {
        while ready().await.status() == StatusCode::OK {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(15), refused).await.expect("it is noticed");
    let (status, body) = problem(ready().await).await;
    assert_eq!((status, body["code"].as_str()), (503, Some("not_ready")));
    assert_eq!(server.call(Method::GET, "/health/live", None, None).await.status(), StatusCode::OK);
    server.app.store.write(Exec("drop trigger full")).await.expect("no trigger");
    assert_eq!(ready().await.status(), StatusCode::OK);
    server.app.stop().await;
}

const FULL: &str =
    "create trigger full before update on installation begin select raise(abort, 'there is no room'); end";

struct Exec(&'static str);

impl Verb for Exec {
    type Out = ();

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        tx.exec(self.0, &[]).await?;
        Ok(())
    }
}

#[tokio::test]
async fn a_panic_is_a_problem_and_no_more() {
    async fn fall() -> &'static str {
        panic!("with a secret in its words")
    }
    let layer = tower_http::catch_panic::CatchPanicLayer::custom(super::problem::panicked);
    let router = axum::Router::new().route("/", get(fall)).layer(layer);
    let listener = listen("127.0.0.1:0".parse().expect("an address")).await.expect("a free port");
    let address = listener.local_addr().expect("its address");
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    for _ in 0..2 {
        let response = reqwest::get(format!("http://{address}/")).await.expect("an answer");
        let (status, body) = problem(response).await;
        assert_eq!((status, body["code"].as_str()), (500, Some("internal")));
        assert!(!body.to_string().contains("secret"));
    }
    server.abort();
}
