//! Google's app: the signature vectors against keys that are fetched, how often they are, and whose a push is.

use std::time::Duration;

use adapters::{Account, App, AppInvalid, Client, Headers, Outward, app, http_client};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use crate::{
    cases::fixture,
    server::{Answer, Server},
};

const NOW_S: i64 = 1_794_312_000;

fn google() -> &'static dyn App {
    app("google").unwrap()
}

fn http() -> Client {
    http_client(Duration::from_secs(5), &Outward::allowing(&["127.0.0.1"])).unwrap()
}

fn vectors() -> Value {
    serde_json::from_slice(&fixture("signatures.json")).unwrap()
}

fn settings(server: &Server, vectors: &Value) -> Account {
    let config = &vectors["pubsub_oidc_config"];
    let settings = [
        ("client_id", "client-1".to_owned()),
        ("audience", config["audience"].as_str().unwrap().to_owned()),
        ("push_service_account", config["service_account"].as_str().unwrap().to_owned()),
        ("certs_url", format!("{}/certs", server.url())),
    ];
    let settings = settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Account { external_id: None, settings, ..Account::default() }
}

fn delivery(vectors: &Value, id: &str) -> (Headers, Vec<u8>, bool) {
    let vector = vectors["vectors"].as_array().unwrap().iter().find(|vector| vector["id"] == id).unwrap();
    let headers = vector["headers"].as_object().unwrap();
    let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect();
    let body = BASE64_STANDARD.decode(vector["body_base64"].as_str().unwrap()).unwrap();
    (headers, body, vector["valid"] == true)
}

#[tokio::test]
async fn every_vector_is_judged_with_keys_that_are_fetched_once() {
    let (server, vectors) = (Server::start().await, vectors());
    server.on("GET /certs", Answer::Kept(3600, vectors["pubsub_oidc_config"]["jwks"].clone()));
    let account = settings(&server, &vectors);
    let ids: Vec<_> = vectors["vectors"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|vector| vector["scheme"] == "pubsub_oidc")
        .collect();
    for vector in &ids {
        let id = vector["id"].as_str().unwrap();
        let (headers, body, is_valid) = delivery(&vectors, id);
        let result = google().verify(&http(), &account, &headers, &body, NOW_S).await;
        assert_eq!(result.is_ok(), is_valid, "{id}: {result:?}");
        assert!(!matches!(result, Err(AppInvalid::Unavailable(_))), "{id}");
    }
    assert_eq!(ids.len(), 15);
    // Those that name no key of ours come within seconds.
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn keys_are_fetched_anew_when_they_run_out_or_lack_the_one_that_is_named() {
    let (server, vectors) = (Server::start().await, vectors());
    let jwks = vectors["pubsub_oidc_config"]["jwks"].clone();
    server.on("GET /certs", Answer::Kept(3600, json!({"keys": []}))).on("GET /certs", Answer::Kept(60, jwks));
    let account = settings(&server, &vectors);
    let (headers, body, _) = delivery(&vectors, "open:pubsub_oidc:valid");
    let ask = async |now_s: i64| google().verify(&http(), &account, &headers, &body, now_s).await;
    assert!(matches!(ask(NOW_S).await, Err(AppInvalid::Invalid(_))));
    assert!(
        matches!(ask(NOW_S + 5).await, Err(AppInvalid::Invalid(_))),
        "not more often than every ten seconds"
    );
    assert_eq!(server.asked().len(), 1);
    assert_eq!(ask(NOW_S + 10).await, Ok(()));
    assert_eq!(ask(NOW_S + 60).await, Ok(()));
    assert_eq!(server.asked().len(), 2);
    // Long after they ran out they prove nothing.
    assert_eq!(ask(NOW_S + 70 + 600).await, Ok(()));
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn who_names_a_known_key_waits_for_no_fetch() {
    let (server, vectors) = (Server::start().await, vectors());
    server
        .on("GET /certs", Answer::Kept(30, vectors["pubsub_oidc_config"]["jwks"].clone()))
        .on("GET /certs", Answer::Silence);
    let account = settings(&server, &vectors);
    let (headers, body, _) = delivery(&vectors, "open:pubsub_oidc:valid");
    let until_asked = async |times: usize| {
        while server.asked().len() < times {
            tokio::task::yield_now().await;
        }
    };
    let ask = async |now_s: i64| google().verify(&http(), &account, &headers, &body, now_s).await;
    assert_eq!(ask(NOW_S).await, Ok(()));
    // A stranger names a key that Google does not have.
    let token =
        [r#"{"alg":"RS256","kid":"of-a-stranger"}"#, "{}", "x"].map(|part| BASE64_STANDARD.encode(part));
    let bearer = format!("Bearer {}", token.join(".").replace('=', ""));
    let (strange, to) =
        ([("authorization", bearer.as_str())].into_iter().collect::<Headers>(), account.clone());
    let stranger =
        tokio::spawn(async move { google().verify(&http(), &to, &strange, b"{}", NOW_S + 20).await });
    until_asked(2).await;
    assert_eq!(ask(NOW_S + 20).await, Ok(()));
    assert!(!stranger.is_finished(), "the fetch still runs");
    // They ran out, and the new ones are not there yet.
    assert_eq!(ask(NOW_S + 40).await, Ok(()));
    assert!(!stranger.is_finished(), "the fetch still runs");
    assert!(matches!(stranger.await.unwrap(), Err(AppInvalid::Unavailable(_))));
    // Thousands of such tokens are one question.
    let asked = server.asked().len();
    for _ in 0..1_000 {
        let strange: Headers = [("authorization", bearer.as_str())].into_iter().collect();
        let judged = google().verify(&http(), &account, &strange, b"{}", NOW_S + 25).await;
        assert!(judged.is_err());
    }
    assert_eq!(server.asked().len(), asked);
}

#[test]
fn a_push_names_its_client_before_anything_is_proved() {
    let vectors = vectors();
    let (headers, body, _) = delivery(&vectors, "open:pubsub_oidc:valid");
    let mut account = Account::default();
    let config = &vectors["pubsub_oidc_config"];
    for (name, member) in [("audience", "audience"), ("push_service_account", "service_account")] {
        account.settings.insert(name.to_owned(), config[member].as_str().unwrap().to_owned());
    }
    let named = |account: &Account| {
        google().addressees(&headers, &body).contains(&google().addressee(account).unwrap())
    };
    assert!(named(&account), "a client that names no subscription");
    account.settings.insert("subscription".to_owned(), "projects/other/subscriptions/s".to_owned());
    assert!(!named(&account));
    let push: Value = serde_json::from_slice(&body).unwrap();
    let own = push["subscription"].as_str().unwrap().to_owned();
    account.settings.insert("subscription".to_owned(), own);
    assert!(named(&account));
    account.settings.insert("audience".to_owned(), "https://other.example.com".to_owned());
    assert!(!named(&account));
    assert_eq!(google().addressees(&Headers::new(), b"{"), Vec::<String>::new());
}

#[tokio::test]
async fn keys_that_cannot_be_had_are_no_refusal_and_many_wait_for_one_answer() {
    let (server, vectors) = (Server::start().await, vectors());
    server.json("GET /certs", 500, json!({}));
    let account = settings(&server, &vectors);
    let (headers, body, _) = delivery(&vectors, "open:pubsub_oidc:valid");
    let http = http();
    let ask = || google().verify(&http, &account, &headers, &body, NOW_S);
    let all = futures_util::future::join_all((0..20).map(|_| ask())).await;
    assert!(all.iter().all(|result| matches!(result, Err(AppInvalid::Unavailable(_)))));
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn what_is_not_configured_passes_nobody() {
    let (server, vectors) = (Server::start().await, vectors());
    let (headers, body, _) = delivery(&vectors, "open:pubsub_oidc:valid");
    for name in ["audience", "push_service_account"] {
        let mut account = settings(&server, &vectors);
        account.settings.insert(name.to_owned(), " ".to_owned());
        assert!(google().verify(&http(), &account, &headers, &body, NOW_S).await.is_err());
    }
    assert!(server.asked().is_empty());
    let mut account = settings(&server, &vectors);
    server.on("GET /certs", Answer::Kept(3600, vectors["pubsub_oidc_config"]["jwks"].clone()));
    account.settings.insert("subscription".to_owned(), "projects/other/subscriptions/s".to_owned());
    assert!(
        google().verify(&http(), &account, &headers, &body, NOW_S).await.is_err(),
        "of another subscription"
    );
}

#[test]
fn a_push_is_of_one_mailbox() {
    let routed = |file: &str| google().route(&fixture(file)).unwrap().remove(0);
    let push = routed("gmail/push_unpadded_urlsafe.json");
    assert_eq!((push.provider, push.claim.as_deref()), ("gmail", Some("mailbox:support@shop.example.com")));
    assert_eq!(push.body, fixture("gmail/push_unpadded_urlsafe.json"));
    assert_eq!(routed("gmail/push_garbage.json").claim, None);
    assert_eq!(google().route(b"[]").unwrap()[0].claim, None);
    assert!(google().route(b"{").is_err());
}
