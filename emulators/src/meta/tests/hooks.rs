use super::*;
use std::collections::{BTreeMap, BTreeSet};

/// The vectors of the fixtures.
fn vectors() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../adapters/fixtures/signatures.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn signs_as_the_vectors_say() {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let vectors = vectors();
    let of_meta = |vector: &&Value| vector["scheme"] == "meta_sha256" && vector["valid"] == true;
    let valid: Vec<&Value> = vectors["vectors"].as_array().unwrap().iter().filter(of_meta).collect();
    assert_eq!(valid.len(), 5);
    for vector in valid {
        let bytes = STANDARD.decode(vector["body_base64"].as_str().unwrap()).unwrap();
        let headers = vector["headers"].as_object().unwrap();
        let expected = headers.values().next().unwrap().as_str().unwrap();
        let secret = vector["secret"].as_str().unwrap();
        assert_eq!(sign::signature(secret, &bytes), expected, "{}", vector["id"]);
    }
    let proof =
        &vectors["computed_by_us"].as_array().unwrap().iter().find(|one| one["appsecret_proof"].is_string());
    let proof = proof.unwrap();
    let text = |name: &str| proof[name].as_str().unwrap();
    assert_eq!(sign::appsecret_proof(text("app_secret"), text("access_token")), text("appsecret_proof"));
}

#[test]
fn writes_the_bytes_that_meta_writes() {
    let vectors = vectors();
    let escaped = vectors["vectors"].as_array().unwrap().iter();
    let escaped = escaped.clone().find(|one| one["id"] == "open:meta_sha256:valid_escaped_unicode").unwrap();
    let body = escaped["body"].as_str().unwrap();
    let text = "\u{e4}\u{f6}\u{e5} / <b> \u{1f44d}";
    let written = String::from_utf8(sign::bytes(&json!({ "text": text }))).unwrap();
    assert!(body.contains(written.trim_start_matches('{').trim_end_matches('}')), "{written}");
}

#[tokio::test]
async fn each_delivery_is_signed_with_the_secret_of_its_app() {
    let bench = Bench::start().await;
    bench.meta.customer_says(PAGE, PERSON, "ä / <b>");
    bench.meta.customer_says(ACCOUNT, PERSON, "hello");
    bench.meta.idle().await;
    let config = bench.meta.config();
    for (taken, secret) in
        bench.receiver.taken().iter().zip([&config.app_secret, &config.instagram_app_secret])
    {
        assert_eq!(taken.signature, sign::signature(secret, &taken.bytes));
    }
    assert!(String::from_utf8_lossy(&bench.receiver.taken()[0].bytes).contains(r"\u00e4 \/ \u003Cb>"));
}

#[tokio::test]
async fn a_callback_has_to_answer_the_challenge() {
    let bench = Bench::start().await;
    let url = bench.receiver.start().await;
    let app_token = format!("{}|{}", bench.meta.config().app_id, bench.meta.config().app_secret);
    let path = format!("/v25.0/{}/subscriptions", bench.meta.config().app_id);
    let mut body =
        json!({ "object": "page", "callback_url": url, "verify_token": "wrong", "fields": "messages" });
    assert_eq!(code(&bench.call("POST", &path, &app_token, Some(&body)).await.1).0, 2200);
    body["verify_token"] = bench.meta.config().verify_token.as_str().into();
    assert_eq!(bench.call("POST", &path, &bench.page_token, Some(&body)).await.0, 400);
    assert_eq!(bench.call("POST", &path, &app_token, Some(&body)).await.0, 200);
    assert!(bench.meta.register("http://127.0.0.1:9/hooks").await.is_err());
    // A business account may have an address of its own.
    let own = Receiver::default();
    let body = json!({ "override_callback_uri": own.start().await, "verify_token": "verify-token-2" });
    let path = format!("/v25.0/{WABA}/subscribed_apps");
    assert_eq!(bench.call("POST", &path, &bench.number_token, Some(&body)).await.0, 200);
    bench.meta.customer_says(NUMBER, PHONE, "hello");
    bench.meta.idle().await;
    assert_eq!((own.items().len(), bench.receiver.items().len()), (1, 0));
}

#[tokio::test]
async fn what_is_not_taken_comes_again_with_the_same_bytes() {
    let bench = Bench::start().await;
    bench.receiver.statuses.lock().unwrap().extend([204, 500, 404]);
    bench.meta.customer_says(PAGE, PERSON, "hello");
    bench.meta.idle().await;
    let statuses: Vec<u16> = bench.meta.deliveries().iter().map(|delivery| delivery.status).collect();
    assert_eq!(statuses, [404, 500, 204, 200], "only 200 counts");
    assert_eq!((bench.receiver.items().len(), bench.meta.lost()), (1, 0));
    let bench = Bench::with(EmulatorConfig { retried_for_s: 3, ..Default::default() }).await;
    bench.receiver.statuses.lock().unwrap().extend([500; 9]);
    bench.meta.customer_says(PAGE, PERSON, "hello");
    bench.meta.idle().await;
    assert_eq!((bench.meta.deliveries().len(), bench.meta.lost()), (3, 1));
}

#[tokio::test]
async fn accounts_of_several_companies_share_a_body() {
    let bench = Bench::start().await;
    bench.meta.subscribe("106500000000002", Fields::All);
    bench.meta.delivers(Mode { batch: 100, shuffled: None, copies: 2 });
    bench.meta.holds(true);
    bench.meta.customer_says(NUMBER, PHONE, "one");
    bench.meta.customer_says(NUMBER, PHONE, "two");
    bench.meta.customer_says(PAGE, PERSON, "on the page");
    bench.meta.customer_says("106500000000002", PHONE, "elsewhere");
    assert!(bench.receiver.taken().is_empty());
    bench.meta.holds(false);
    bench.meta.idle().await;
    let taken = bench.receiver.taken();
    assert_eq!(taken.len(), 4, "two bodies, each twice");
    let whatsapp = taken.iter().find(|taken| taken.body["object"] == "whatsapp_business_account").unwrap();
    let entries = whatsapp.body["entry"].as_array().unwrap();
    let changes: Vec<usize> =
        entries.iter().map(|entry| entry["changes"].as_array().unwrap().len()).collect();
    assert_eq!(changes, [2, 1]);
}

#[tokio::test]
async fn a_seed_gives_one_order_and_loses_nothing() {
    let mut orders = Vec::new();
    for seed in [7, 7, 8] {
        let bench = Bench::start().await;
        bench.meta.delivers(Mode { shuffled: Some(seed), ..Mode::default() });
        bench.meta.holds(true);
        for at in 0..20 {
            bench.meta.customer_says(PAGE, PERSON, &at.to_string());
        }
        bench.meta.holds(false);
        bench.meta.idle().await;
        let words: Vec<String> =
            bench.receiver.items().iter().map(|item| item["message"]["text"].to_string()).collect();
        orders.push(words);
    }
    assert_eq!(orders[0], orders[1]);
    assert_ne!(orders[0], orders[2]);
    let counted: BTreeSet<&String> = orders[0].iter().collect();
    assert_eq!(counted.len(), 20);
}

#[tokio::test]
async fn a_person_asks_for_the_deletion_of_his_data() {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    async fn delete(State(secret): State<String>, body: String) -> axum::Json<Value> {
        let form: BTreeMap<String, String> =
            url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        let (signature, payload) = form["signed_request"].split_once('.').unwrap();
        let value: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
        assert_eq!(sign::signed_request(&secret, &value), format!("{signature}.{payload}"));
        axum::Json(
            json!({ "url": "https://hub.example.com/deletion/1", "confirmation_code": value["user_id"] }),
        )
    }
    let bench = Bench::start().await;
    let router = Router::new().fallback(delete).with_state(bench.meta.config().app_secret.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let (status, answer) =
        bench.meta.asks_for_deletion("7000000000000001", &format!("http://{address}/")).await;
    assert_eq!((status, &answer["confirmation_code"]), (200, &json!("7000000000000001")));
}
