//! Every vector of `fixtures/signatures.json`: what has to verify verifies, the rest is refused.

use adapters::{
    Headers, Scheme,
    verify::{Key, OidcConfig, meta_challenge, verify},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../fixtures/signatures.json")).unwrap()
}

#[test]
fn every_signature_vector_is_judged_as_it_says() {
    let all = vectors();
    let oidc: OidcConfig = serde_json::from_value(all["pubsub_oidc_config"].clone()).unwrap();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for vector in all["vectors"].as_array().unwrap() {
        let scheme: Scheme = vector["scheme"].as_str().unwrap().parse().unwrap();
        let headers: Headers = vector["headers"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
            .collect();
        let body = BASE64_STANDARD.decode(vector["body_base64"].as_str().unwrap()).unwrap();
        let key = match scheme {
            Scheme::PubsubOidc => Key::Oidc(&oidc),
            _ => Key::Secret(vector["secret"].as_str().unwrap()),
        };
        let result = verify(scheme, key, &headers, &body, vector["now"].as_i64());
        if result.is_ok() != vector["valid"].as_bool().unwrap() {
            wrong.push(format!("{}: {result:?}", vector["id"]));
        }
        seen += 1;
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(seen, 76);
    println!("# {seen} signatures: {}", crate::cases::counts(all["vectors"].as_array().unwrap(), "scheme"));
}

#[test]
fn every_challenge_is_answered_as_it_says() {
    for case in vectors()["meta_challenge"].as_array().unwrap() {
        let answer =
            meta_challenge(case["verify_token"].as_str().unwrap(), case["query"].as_str().unwrap()).ok();
        assert_eq!(answer.as_deref(), case["body"].as_str(), "{}", case["id"]);
    }
}

#[test]
fn two_signature_headers_are_refused_even_if_both_are_right() {
    let all = vectors();
    for id in ["open:waha_sha512:valid", "open:telegram_secret_token:valid", "open:meta_sha256:valid_plain"] {
        let vector = all["vectors"].as_array().unwrap().iter().find(|v| v["id"] == id).unwrap();
        let scheme: Scheme = vector["scheme"].as_str().unwrap().parse().unwrap();
        let pairs = vector["headers"].as_object().unwrap();
        let twice: Headers =
            pairs.iter().chain(pairs).map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect();
        let body = BASE64_STANDARD.decode(vector["body_base64"].as_str().unwrap()).unwrap();
        let secret = vector["secret"].as_str().unwrap();
        assert!(verify(scheme, secret, &twice, &body, None).is_err(), "{id}");
    }
}

#[test]
fn schemes_with_a_time_refuse_without_a_clock() {
    let all = vectors();
    let oidc: OidcConfig = serde_json::from_value(all["pubsub_oidc_config"].clone()).unwrap();
    assert!(verify(Scheme::PubsubOidc, &oidc, &Headers::new(), b"", None).is_err());
    assert!(verify(Scheme::PubsubOidc, "secret", &Headers::new(), b"", Some(1)).is_err());
    assert!(verify(Scheme::StripeV1, "whsec_x", &Headers::new(), b"", None).is_err());
    assert!(verify(Scheme::WahaSha512, &oidc, &Headers::new(), b"", None).is_err());
}
