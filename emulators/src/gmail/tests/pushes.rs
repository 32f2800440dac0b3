use aws_lc_rs::{rsa::PublicKeyComponents, signature::RSA_PKCS1_2048_8192_SHA256};

use super::*;

/// The claims of a token that is signed with a key of the set.
async fn claims(bench: &Bench, token: &str) -> Option<Value> {
    let response = bench.http.get(bench.google.certs_url()).send().await.unwrap();
    assert_eq!(response.headers()["cache-control"], "public, max-age=3600, must-revalidate, no-transform");
    let set: Value = response.json().await.unwrap();
    let (signed, signature) = token.strip_prefix("Bearer ")?.rsplit_once('.')?;
    let (header, content) = signed.split_once('.')?;
    let decode = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).unwrap();
    let header: Value = serde_json::from_slice(&decode(header)).unwrap();
    let key = set["keys"].as_array()?.iter().find(|key| key["kid"] == header["kid"])?.clone();
    let number = |name: &str| decode(key[name].as_str().unwrap());
    let public = PublicKeyComponents { n: number("n"), e: number("e") };
    public.verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &decode(signature)).ok()?;
    Some(serde_json::from_slice(&decode(content)).unwrap())
}

#[tokio::test]
async fn a_watch_notifies_at_once_and_of_every_mail_until_it_ends() {
    let bench = Bench::start().await;
    let refused = bench.call("POST", "watch", Some(json!({ "topicName": "projects/other/topics/t" }))).await;
    assert_eq!(refused.0, 400);
    bench.watch().await;
    assert_eq!(bench.notified(), [json!({ "emailAddress": MAILBOX, "historyId": 9_000_100 })]);
    bench.passes(1000);
    bench.google.arrives(MAILBOX, &Mail::new("ari@example.org", "Hi", "hello"));
    bench.google.idle().await;
    assert_eq!(bench.notified()[1], json!({ "emailAddress": MAILBOX, "historyId": "9000105" }));
    bench.passes(7 * 24 * 3_600_000);
    bench.google.arrives(MAILBOX, &Mail::new("ari@example.org", "Hi", "nobody listens"));
    assert_eq!((bench.google.state_of(MAILBOX).unwrap().0, bench.notified().len()), (9_000_110, 2));
}

#[tokio::test]
async fn a_push_is_signed_and_repeated_until_it_is_accepted() {
    let bench = Bench::start().await;
    *bench.received.statuses.lock().unwrap() = vec![204, 500, 301, 206];
    bench.watch().await;
    let statuses: Vec<_> = bench.google.deliveries().iter().map(|delivery| delivery.status).collect();
    assert_eq!(statuses, [206, 301, 500, 204]);
    let pushes = bench.received.pushes.lock().unwrap().clone();
    let (token, body) = &pushes[0];
    assert!(pushes.iter().all(|(_, other)| other == body));
    assert_eq!(body["subscription"], bench.google.config().subscription);
    let claims = claims(&bench, token).await.unwrap();
    assert_eq!(claims["email"], bench.google.config().service_account);
    assert!(claims["aud"].as_str().unwrap().ends_with("/hooks/gmail"));
    assert_eq!((&claims["email_verified"], &claims["exp"]), (&json!(true), &json!(START_MS / 1000 + 3600)));
}

#[tokio::test]
async fn the_surplus_of_a_second_is_dropped_and_the_rest_is_shuffled() {
    let bench = Bench::start().await;
    bench.watch().await;
    for _ in 0..3 {
        bench.google.arrives(MAILBOX, &Mail::new("ari@example.org", "Hi", "at once"));
    }
    bench.google.idle().await;
    assert_eq!((bench.notified().len(), bench.google.dropped()), (1, (3, 0)));
    bench.google.holds_pushes(true);
    for _ in 0..3 {
        bench.passes(1000);
        bench.google.arrives(MAILBOX, &Mail::new("ari@example.org", "Hi", "later"));
    }
    bench.google.holds_pushes(false);
    bench.google.idle().await;
    let number = |id: &Value| id.as_u64().or_else(|| id.as_str()?.parse().ok()).unwrap();
    let ids: Vec<_> = bench.notified()[1..].iter().map(|notified| number(&notified["historyId"])).collect();
    assert_eq!(ids, [9_000_130, 9_000_125, 9_000_120]);
    bench.google.repeats_pushes(true);
    bench.google.notifies("Support@Shop.example.com", 9_007_000);
    bench.google.idle().await;
    assert_eq!((bench.notified().len(), bench.google.state_of(MAILBOX).unwrap().0), (6, 9_007_000));
}

#[tokio::test]
async fn forged_tokens_are_wrong_in_one_point_each() {
    let bench = Bench::start().await;
    for forgery in [Forgery::OtherKey, Forgery::AlgorithmNone, Forgery::NoToken] {
        assert_eq!(bench.google.notifies_forged(MAILBOX, forgery).await, 204);
        let token = bench.received.pushes.lock().unwrap().pop().unwrap().0;
        assert_eq!(claims(&bench, &token).await, None, "{forgery:?}");
    }
    for (forgery, name) in [
        (Forgery::OtherAudience, "aud"),
        (Forgery::OtherAccount, "email"),
        (Forgery::UnverifiedEmail, "email_verified"),
        (Forgery::Expired, "exp"),
        (Forgery::OtherIssuer, "iss"),
    ] {
        bench.google.notifies_forged(MAILBOX, forgery).await;
        bench.google.notifies(MAILBOX, 1);
        bench.google.idle().await;
        let pushes = std::mem::take(&mut *bench.received.pushes.lock().unwrap());
        let (bad, good) =
            (claims(&bench, &pushes[0].0).await.unwrap(), claims(&bench, &pushes[1].0).await.unwrap());
        assert_ne!(bad[name], good[name], "{forgery:?}");
    }
}

#[tokio::test]
async fn a_rotated_key_signs_and_the_old_one_goes() {
    let bench = Bench::start().await;
    bench.watch().await;
    bench.google.rotates_keys(true);
    bench.google.notifies(MAILBOX, 1);
    bench.google.idle().await;
    let tokens: Vec<_> =
        bench.received.pushes.lock().unwrap().iter().map(|(token, _)| token.clone()).collect();
    assert!(claims(&bench, &tokens[0]).await.is_some() && claims(&bench, &tokens[1]).await.is_some());
    bench.google.rotates_keys(false);
    assert!(claims(&bench, &tokens[0]).await.is_none() && claims(&bench, &tokens[1]).await.is_none());
}

#[tokio::test]
async fn an_outage_answers_503_and_delivers_afterwards() {
    let bench = Bench::start().await;
    bench.watch().await;
    bench.google.outage(true);
    bench.passes(1000);
    bench.google.arrives(MAILBOX, &Mail::new("ari@example.org", "Hi", "meanwhile"));
    assert_eq!(bench.refused("profile").await, (503, "backendError".into()));
    assert_eq!(bench.notified().len(), 1);
    bench.google.outage(false);
    bench.google.idle().await;
    assert_eq!(bench.notified().len(), 2);
    assert_eq!(bench.get("profile").await["messagesTotal"], 1);
}
