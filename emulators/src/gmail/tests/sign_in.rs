use super::*;

const BACK: &str = "https://hub.example.com/oauth/google";
const SCOPE: &str = "https://www.googleapis.com/auth/gmail.modify";

/// The query of the redirect, or the status of a page.
async fn consent(bench: &Bench, more: &[(&str, &str)]) -> Result<Vec<(String, String)>, u16> {
    let config = bench.google.config();
    let mut query = vec![
        ("client_id", config.client_id.as_str()),
        ("redirect_uri", BACK),
        ("response_type", "code"),
        ("scope", SCOPE),
        ("state", "s 1"),
        ("access_type", "offline"),
    ];
    query.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
    let query =
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).extend_pairs(more).finish();
    let response =
        bench.http.get(format!("{}/o/oauth2/v2/auth?{query}", bench.google.base())).send().await.unwrap();
    if response.status() != 302 {
        return Err(response.status().as_u16());
    }
    let location = response.headers()["location"].to_str().unwrap();
    assert!(location.starts_with(BACK));
    Ok(url::Url::parse(location).unwrap().query_pairs().into_owned().collect())
}

fn value<'a>(pairs: &'a [(String, String)], name: &str) -> &'a str {
    pairs.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
}

async fn exchange(bench: &Bench, code: &str, redirect: &str) -> (u16, Value) {
    let config = bench.google.config();
    let members = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", redirect),
        ("client_id", &config.client_id),
        ("client_secret", &config.client_secret),
    ];
    bench.form("/token", &members).await
}

async fn refresh(bench: &Bench, token: &str) -> (u16, Value) {
    let config = bench.google.config();
    let members = [
        ("grant_type", "refresh_token"),
        ("refresh_token", token),
        ("client_id", &config.client_id),
        ("client_secret", &config.client_secret),
    ];
    bench.form("/token", &members).await
}

#[tokio::test]
async fn a_code_is_exchanged_once_and_tokens_end() {
    let mut bench = Bench::start().await;
    let pairs = consent(&bench, &[]).await.unwrap();
    assert_eq!(value(&pairs, "state"), "s 1");
    let code = value(&pairs, "code");
    let (status, tokens) = exchange(&bench, code, BACK).await;
    assert_eq!((status, &tokens["scope"], &tokens["expires_in"]), (200, &json!(SCOPE), &json!(3599)));
    assert_eq!(exchange(&bench, code, BACK).await.1["error"], "invalid_grant");

    bench.tokens.access_token = tokens["access_token"].as_str().unwrap().to_owned();
    assert_eq!(bench.get("profile").await["emailAddress"], MAILBOX);
    bench.passes(3_599_000);
    assert_eq!(bench.refused("profile").await, (401, "authError".into()));
    let token = tokens["refresh_token"].as_str().unwrap();
    let (status, fresh) = refresh(&bench, token).await;
    assert_eq!((status, &fresh["refresh_token"]), (200, &Value::Null));
    bench.tokens.access_token = fresh["access_token"].as_str().unwrap().to_owned();
    bench.get("profile").await;

    assert_eq!(bench.form("/revoke", &[("token", token)]).await.0, 200);
    assert_eq!(
        refresh(&bench, token).await,
        (
            400,
            json!({"error": "invalid_grant",
        "error_description": "Token has been expired or revoked."})
        )
    );
    assert_eq!(bench.refused("profile").await.0, 401);
    assert_eq!(bench.form("/revoke", &[("token", token)]).await.0, 400);
}

#[tokio::test]
async fn a_second_sign_in_gives_a_refresh_token_only_with_consent() {
    let bench = Bench::start().await;
    for (more, has_refresh) in [
        (&[][..], true),
        (&[][..], false),
        (&[("prompt", "consent")][..], true),
        (&[("prompt", "consent"), ("access_type", "online")][..], false),
    ] {
        let pairs = consent(&bench, more).await.unwrap();
        let (_, tokens) = exchange(&bench, value(&pairs, "code"), BACK).await;
        assert_eq!(tokens.get("refresh_token").is_some(), has_refresh, "{more:?}");
    }
}

#[tokio::test]
async fn what_google_refuses_at_sign_in_is_refused() {
    let bench =
        Bench::with(EmulatorConfig { redirect_uris: vec![BACK.into()], ..EmulatorConfig::default() }).await;
    for (more, status) in [
        (("client_id", "other"), 401),
        (("redirect_uri", "https://hub.example.com/oauth/other"), 400),
        (("response_type", "token"), 400),
        (("scope", "gmail.modify"), 400),
    ] {
        assert_eq!(consent(&bench, &[more]).await, Err(status), "{more:?}");
    }
    bench.google.denies_next();
    let pairs = consent(&bench, &[]).await.unwrap();
    assert_eq!((value(&pairs, "error"), value(&pairs, "code")), ("access_denied", ""));
    let pairs = consent(&bench, &[]).await.unwrap();
    let (status, body) = exchange(&bench, value(&pairs, "code"), "https://hub.example.com/").await;
    assert_eq!((status, &body["error"]), (400, &json!("redirect_uri_mismatch")));
    // The failed attempt used the code up.
    assert_eq!(exchange(&bench, value(&pairs, "code"), BACK).await.1["error"], "invalid_grant");
    let members = [("grant_type", "refresh_token"), ("client_id", "x"), ("client_secret", "y")];
    assert_eq!(bench.form("/token", &members).await.0, 401);
    bench.google.withholds(SCOPE);
    let pairs = consent(&bench, &[("scope", &format!("openid {SCOPE}"))]).await.unwrap();
    assert_eq!(value(&pairs, "scope"), "openid");
    let (_, tokens) = exchange(&bench, value(&pairs, "code"), BACK).await;
    let url = format!("{}/gmail/v1/users/me/profile", bench.google.base());
    let narrow =
        bench.http.get(&url).bearer_auth(tokens["access_token"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(narrow.status(), 403);
}

#[tokio::test]
async fn a_person_chooses_on_the_page() {
    let mailboxes = vec![MAILBOX.to_owned(), "sales@shop.example.com".to_owned()];
    let bench =
        Bench::with(EmulatorConfig { mailboxes, consent_page: true, ..EmulatorConfig::default() }).await;
    assert_eq!(consent(&bench, &[]).await, Err(200));
    let answer = [("login_hint", "sales@shop.example.com"), ("emulated_answer", "yes")];
    let pairs = consent(&bench, &answer).await.unwrap();
    let (_, tokens) = exchange(&bench, value(&pairs, "code"), BACK).await;
    let url = format!("{}/gmail/v1/users/me/profile", bench.google.base());
    let token = tokens["access_token"].as_str().unwrap();
    let profile: Value = bench.http.get(&url).bearer_auth(token).send().await.unwrap().json().await.unwrap();
    assert_eq!(profile["emailAddress"], "sales@shop.example.com");
    let refused = consent(&bench, &[("emulated_answer", "no")]).await.unwrap();
    assert_eq!(value(&refused, "error"), "access_denied");
    // A token belongs in the header, and reads its own mailbox only.
    assert_eq!(bench.http.get(format!("{url}?access_token={token}")).send().await.unwrap().status(), 401);
    let other = url.replace("/me/", &format!("/{MAILBOX}/"));
    assert_eq!(bench.http.get(other).bearer_auth(token).send().await.unwrap().status(), 403);
}
