use super::*;

const BACK: &str = "https://hub.example.com/oauth/meta";

fn query(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// Where a dialog leads to.
async fn leads(bench: &Bench, path: &str) -> Option<url::Url> {
    let response = bench.http.get(format!("{}{path}", bench.meta.base_url())).send().await.unwrap();
    let location = response.headers().get("location")?.to_str().unwrap();
    Some(url::Url::parse(location).unwrap())
}

fn parameter(url: &url::Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

#[tokio::test]
async fn facebook_login_leads_to_pages_with_tokens() {
    let bench = Bench::start().await;
    let (app, secret) = (bench.meta.config().app_id.clone(), bench.meta.config().app_secret.clone());
    let granted = vec![WABA.to_owned(), PAGE.to_owned()];
    bench.meta.signs_in(SignIn { user: "7000000000000009".into(), granted, declines: false });
    let scope = "pages_show_list,pages_messaging,whatsapp_business_messaging,whatsapp_business_management";
    let dialog = |client: &str, scope: &str, state: &str| {
        let pairs = [("client_id", client), ("redirect_uri", BACK), ("state", state), ("scope", scope)];
        format!("/v25.0/dialog/oauth?{}&response_type=code", query(&pairs))
    };
    for wrong in [dialog("1", scope, "s"), dialog(&app, "everything", "s"), dialog(&app, scope, "")] {
        assert_eq!(leads(&bench, &wrong).await, None);
    }
    let back = leads(&bench, &dialog(&app, scope, "st+/=")).await.unwrap();
    assert_eq!(parameter(&back, "state").as_deref(), Some("st+/="));
    let code_given = parameter(&back, "code").unwrap();
    let exchange = |redirect: &str, secret: &str| {
        let pairs = [
            ("client_id", app.as_str()),
            ("client_secret", secret),
            ("redirect_uri", redirect),
            ("code", &code_given),
        ];
        format!("/v25.0/oauth/access_token?{}", query(&pairs))
    };
    assert_eq!(code(&bench.get(&exchange(BACK, "wrong"), "").await.1).0, 1);
    assert_eq!(code(&bench.get(&exchange("https://hub.example.com/", &secret), "").await.1), (100, 36_008));
    let (_, short) = bench.get(&exchange(BACK, &secret), "").await;
    assert_eq!(short["expires_in"], 3600);
    assert_eq!(code(&bench.get(&exchange(BACK, &secret), "").await.1), (100, 36_009));

    let pairs = [
        ("grant_type", "fb_exchange_token"),
        ("client_id", &app),
        ("client_secret", &secret),
        ("fb_exchange_token", short["access_token"].as_str().unwrap()),
    ];
    let (_, long) = bench.get(&format!("/v25.0/oauth/access_token?{}", query(&pairs)), "").await;
    let long = long["access_token"].as_str().unwrap();
    let fields = "/v25.0/me/accounts?fields=id,name,access_token,instagram_business_account{id,username}";
    let (_, pages) = bench.get(fields, long).await;
    assert_eq!(pages["data"].as_array().unwrap().len(), 1, "only what was granted");
    assert_eq!(pages["data"][0]["instagram_business_account"]["id"], LINKED);
    let page_token = pages["data"][0]["access_token"].as_str().unwrap();

    let debug = format!(
        "/v25.0/debug_token?input_token={long}&access_token={}",
        query(&[("", &format!("{app}|{secret}"))]).trim_start_matches('=')
    );
    let response = bench.http.get(format!("{}{debug}", bench.meta.base_url())).send().await.unwrap();
    let answer: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    assert_eq!(
        (&answer["data"]["is_valid"], &answer["data"]["user_id"]),
        (&json!(true), &json!("7000000000000009"))
    );
    let scopes = answer["data"]["granular_scopes"].as_array().unwrap();
    let whatsapp = scopes.iter().find(|scope| scope["scope"] == "whatsapp_business_messaging").unwrap();
    assert_eq!(whatsapp["target_ids"], json!([WABA]));
    let (_, numbers) = bench.get(&format!("/v25.0/{WABA}/phone_numbers"), long).await;
    assert_eq!(numbers["data"][0]["id"], NUMBER);

    // The token of a page has no end, that of the person has.
    bench.goes_on(61 * 24 * HOUR_MS);
    assert_eq!(code(&bench.get("/v25.0/me", long).await.1), (190, 463));
    assert_eq!(bench.get("/v25.0/me?fields=id,name", page_token).await.1["id"], PAGE);
    let hook = bench.receiver.start().await;
    assert_eq!(bench.meta.deauthorises("7000000000000009", &hook).await, 200);
    assert_eq!(code(&bench.get("/v25.0/me", page_token).await.1), (190, 458));
}

#[tokio::test]
async fn instagram_login_gives_a_short_token_then_a_long_one() {
    let bench = Bench::start().await;
    let config = bench.meta.config().clone();
    let (app, secret) = (config.instagram_app_id.as_str(), config.instagram_app_secret.as_str());
    let scope = "instagram_business_basic,instagram_business_manage_messages";
    let pairs = [
        ("client_id", app),
        ("redirect_uri", BACK),
        ("state", "s"),
        ("scope", scope),
        ("response_type", "code"),
    ];
    let back = leads(&bench, &format!("/oauth/authorize?{}", query(&pairs))).await.unwrap();
    assert_eq!(back.fragment(), Some("_"));
    let code_given = parameter(&back, "code").unwrap();
    let pairs = [
        ("client_id", app),
        ("client_secret", secret),
        ("grant_type", "authorization_code"),
        ("redirect_uri", BACK),
        ("code", &code_given),
    ];
    let url = format!("{}/oauth/access_token", bench.meta.base_url());
    // As a query it is refused.
    let as_query = bench.http.post(format!("{url}?{}", query(&pairs))).send().await.unwrap();
    assert_eq!(as_query.status(), 400);
    let request = bench.http.post(&url).header("content-type", "application/x-www-form-urlencoded");
    let response = request.body(query(&pairs)).send().await.unwrap();
    let short: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    let short_token = short["access_token"].as_str().unwrap();
    let long = |grant: &str, token: &str| {
        let path = if grant == "ig_exchange_token" { "access_token" } else { "refresh_access_token" };
        format!(
            "/{path}?{}",
            query(&[("grant_type", grant), ("client_secret", secret), ("access_token", token)])
        )
    };
    assert!(bench.get(&long("ig_refresh_token", short_token), "").await.0 >= 400);
    let (_, first) = bench.get(&long("ig_exchange_token", short_token), "").await;
    assert_eq!(first["expires_in"], 60 * 24 * 3600);
    let token = first["access_token"].as_str().unwrap();
    let (_, me) = bench.get("/v25.0/me?fields=user_id,username,id", token).await;
    // The id of the exchange is that of this app; webhooks have the other one.
    assert_eq!((&me["user_id"], &me["username"]), (&json!(ACCOUNT), &json!("demo_shop")));
    assert_ne!(me["id"], me["user_id"]);
    bench.goes_on(30 * 24 * HOUR_MS);
    let (_, second) = bench.get(&long("ig_refresh_token", token), "").await;
    bench.goes_on(31 * 24 * HOUR_MS);
    assert_eq!(code(&bench.get("/v25.0/me", token).await.1), (190, 463));
    assert_eq!(bench.get("/v25.0/me", second["access_token"].as_str().unwrap()).await.0, 200);
}

#[tokio::test]
async fn a_person_may_decline() {
    let bench = Bench::start().await;
    bench.meta.signs_in(SignIn { declines: true, ..SignIn::default() });
    let config = bench.meta.config();
    let id = config.config_id.clone().unwrap();
    let pairs =
        [("client_id", config.app_id.as_str()), ("redirect_uri", BACK), ("state", "s"), ("config_id", &id)];
    let back = leads(&bench, &format!("/v25.0/dialog/oauth?{}", query(&pairs))).await.unwrap();
    assert_eq!(parameter(&back, "error").as_deref(), Some("access_denied"));
    assert_eq!(parameter(&back, "code"), None);
}

#[tokio::test]
async fn a_named_host_serves_only_what_is_its_own() {
    let bench = Bench::start().await;
    bench.meta.customer_says(ACCOUNT, PERSON, "hello");
    let body = json!({ "recipient": { "id": PERSON }, "message": { "text": "x" } });
    let at = |host: &str| format!("/{host}/v25.0/{ACCOUNT}/messages");
    let token = &bench.instagram_token;
    assert_eq!(code(&bench.call("POST", &at("graph.facebook.com"), token, Some(&body)).await.1).0, 190);
    assert_eq!(bench.call("POST", &at("graph.instagram.com"), token, Some(&body)).await.0, 200);
    assert!(bench.get("/graph.facebook.com/v25.0/dialog/oauth?client_id=1", "").await.0 >= 400);
}
