//! A Meta app: its address is proved, its deliveries are signed, and each of our accounts is given its own part of them.

use std::time::Duration;

use adapters::{
    Account, App, AppInvalid, Context, Fields, Headers, Invalid, Kind, Outward, Routed, http_client, provider,
};
use aws_lc_rs::hmac;
use base64::{Engine, prelude::BASE64_STANDARD};
use proptest::prelude::*;
use reqwest::Url;
use serde_json::{Value, json};

use crate::cases::{cases, fixture};

fn meta() -> &'static dyn App {
    adapters::app("meta").unwrap()
}

fn app(settings: &[(&str, &str)]) -> Account {
    let pairs = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Account { external_id: None, settings: pairs.collect(), ..Account::default() }
}

fn vectors() -> Value {
    serde_json::from_str(include_str!("../fixtures/signatures.json")).unwrap()
}

async fn verified(app: &Account, headers: &Headers, body: &[u8]) -> Result<(), AppInvalid> {
    let http = http_client(Duration::from_secs(1), &Outward::allowing::<&str>(&[])).unwrap();
    meta().verify(&http, app, headers, body, 0).await
}

fn signed(secret: &str, body: &[u8]) -> Headers {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let value = format!("sha256={}", hex::encode(hmac::sign(&key, body)));
    [("X-Hub-Signature-256", value)].into_iter().collect()
}

#[test]
fn the_address_is_proved_as_every_vector_says() {
    for case in vectors()["meta_challenge"].as_array().unwrap() {
        let url = Url::parse(&format!("http://x.example.com/?{}", case["query"].as_str().unwrap())).unwrap();
        let query: Vec<_> = url.query_pairs().into_owned().collect();
        let app = app(&[("verify_token", case["verify_token"].as_str().unwrap())]);
        assert_eq!(meta().challenge(&app, &query).as_deref(), case["body"].as_str(), "{}", case["id"]);
    }
}

#[tokio::test]
async fn deliveries_are_judged_as_every_vector_says() {
    let all = vectors();
    let vectors =
        all["vectors"].as_array().unwrap().iter().filter(|vector| vector["scheme"] == "meta_sha256");
    let mut seen = 0;
    for vector in vectors {
        let headers = vector["headers"].as_object().unwrap().iter();
        let headers: Headers =
            headers.map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect();
        let body = BASE64_STANDARD.decode(vector["body_base64"].as_str().unwrap()).unwrap();
        let judged =
            verified(&app(&[("app_secret", vector["secret"].as_str().unwrap())]), &headers, &body).await;
        assert_eq!(judged.is_ok(), vector["valid"].as_bool().unwrap(), "{}: {judged:?}", vector["id"]);
        seen += 1;
    }
    assert_eq!(seen, 18);
}

#[tokio::test]
async fn instagram_s_secret_opens_instagram_only() {
    let both = app(&[("app_secret", "facebook-secret"), ("instagram_app_secret", "instagram-secret")]);
    let (instagram, page) = (br#"{"object":"instagram","entry":[]}"#, br#"{"object":"page","entry":[]}"#);
    for (body, secret, right) in [
        (instagram.as_slice(), "facebook-secret", true),
        (instagram, "instagram-secret", true),
        (page, "facebook-secret", true),
        (page, "instagram-secret", false),
        (br#"{"object":"instagram""#, "instagram-secret", false),
    ] {
        let judged = verified(&both, &signed(secret, body), body).await;
        assert_eq!(judged.is_ok(), right, "{secret} {}", String::from_utf8_lossy(body));
    }
    let one = app(&[("app_secret", "facebook-secret")]);
    let wrong = verified(&one, &signed("instagram-secret", instagram), instagram).await;
    assert_eq!(wrong, Err(AppInvalid::Invalid(Invalid::Mismatch)));
    let none = verified(&app(&[]), &signed("", instagram), instagram).await;
    assert_eq!(none, Err(AppInvalid::Invalid(Invalid::NoSecret)));
}

#[test]
fn a_notice_is_read_with_the_app_s_secret() {
    let payload = base64::prelude::BASE64_URL_SAFE_NO_PAD
        .encode(r#"{"algorithm":"HMAC-SHA256","issued_at":1794312000,"user_id":"77"}"#);
    let at = 1_794_312_005;
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"facebook-secret");
    let signature = base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(hmac::sign(&key, payload.as_bytes()));
    let form = [("signed_request".to_owned(), format!("{signature}.{payload}"))];
    let notice = meta().notice(&app(&[("app_secret", "facebook-secret")]), &form, at).unwrap();
    assert_eq!((notice.user.as_str(), notice.issued_at_s), ("77", 1_794_312_000));
    assert_eq!(meta().notice(&app(&[("app_secret", "another-secret")]), &form, at), None);
    let replayed = meta().notice(&app(&[("app_secret", "facebook-secret")]), &form, at + 86_400);
    assert_eq!(replayed, None, "a day later");
}

fn claims(routed: &[Routed]) -> Vec<(&str, Option<&str>)> {
    routed.iter().map(|part| (part.provider, part.claim.as_deref())).collect()
}

#[test]
fn a_body_of_one_account_is_handed_on_as_it_came() {
    let body = fixture("whatsapp-cloud/text.json");
    let routed = meta().route(&body).unwrap();
    assert_eq!(claims(&routed), [("whatsapp-cloud", Some("number:106500000000001"))]);
    assert_eq!(routed[0].body, body);
    let page = br#"{"object":"page", "entry":[{"id":"1020","messaging":[{}]},{"id":1020,"changes":[]}]}"#;
    let routed = meta().route(page).unwrap();
    assert_eq!(claims(&routed), [("messenger", Some("page:1020"))]);
    assert_eq!(&routed[0].body[..], page);
    let template = fixture("whatsapp-cloud/other_field_template_status.json");
    assert_eq!(claims(&meta().route(&template).unwrap()), [("whatsapp-cloud", Some("waba:102200000000001"))]);
    for odd in [
        "{}",
        "[]",
        "7",
        r#"{"object":"user"}"#,
        r#"{"object":"page","entry":{}}"#,
        r#"{"object":"page","entry":[]}"#,
    ] {
        let routed = meta().route(odd.as_bytes()).unwrap();
        assert!(routed.len() == 1 && routed[0].claim.is_none() && routed[0].body == odd, "{odd}");
    }
    assert!(meta().route(b"{\"object\"").is_err());
}

#[test]
fn each_account_is_given_its_own_part() {
    let body = fixture("whatsapp-cloud/batch_two_accounts.json");
    let routed = meta().route(&body).unwrap();
    let right = [Some("number:106500000000001"), Some("number:106500000000002")];
    assert_eq!(claims(&routed), right.map(|claim| ("whatsapp-cloud", claim)));
    let texts: Vec<Vec<_>> = routed
        .iter()
        .map(|part| read("whatsapp-cloud", &part.body).into_iter().filter_map(|event| event.text).collect())
        .collect();
    assert_eq!(texts, [vec!["first", "second"], vec!["other account"]]);
    let page = json!({"object": "instagram", "entry": [
        {"id": "17841400000000001", "time": 5, "messaging": [{"n": 1}]},
        {"id": "17841400000000002", "messaging": [{"n": 2}]},
        7,
        {"id": "17841400000000001", "standby": [{"n": 3}]},
        {"messaging": [{"n": 4}]},
    ]});
    let routed = meta().route(page.to_string().as_bytes()).unwrap();
    let right = [Some("account:17841400000000001"), Some("account:17841400000000002"), None];
    assert_eq!(claims(&routed), right.map(|claim| ("instagram", claim)));
    let first: Value = serde_json::from_slice(&routed[0].body).unwrap();
    assert_eq!(first["entry"], json!([page["entry"][0], page["entry"][3]]));
    let lost: Value = serde_json::from_slice(&routed[2].body).unwrap();
    assert_eq!(lost["entry"], json!([7, {"messaging": [{"n": 4}]}]));
}

#[test]
fn an_id_cannot_pass_for_another_claim() {
    let number = |id: Value| {
        let value = json!({"metadata": {"phone_number_id": id}, "messages": []});
        let change = json!({"field": "messages", "value": value});
        let body =
            json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]});
        meta().route(body.to_string().as_bytes()).unwrap().remove(0).claim
    };
    assert_eq!(number(json!("106")), Some("number:106".into()));
    assert_eq!(number(json!(106)), Some("number:106".into()));
    for odd in
        [json!("1:2"), json!("1 "), json!(""), json!(null), json!({}), json!("é"), json!("1".repeat(300))]
    {
        assert_eq!(number(odd.clone()), None, "{odd}");
    }
}

#[test]
fn a_thousand_updates_come_in_portions_and_all_of_them_come() {
    let message = |n: usize| json!({"id": format!("wamid.{n}"), "from": "12025550143", "type": "text", "text": {"body": "x"}});
    let value = |messages: Vec<Value>| {
        json!({"messaging_product": "whatsapp", "metadata": {"phone_number_id": "1"},
            "contacts": [{"wa_id": "12025550143", "profile": {"name": "Ari"}}], "messages": messages})
    };
    let change = |messages| json!({"field": "messages", "value": value(messages)});
    let one_by_one: Vec<_> = (0..1_000).map(|n| change(vec![message(n)])).collect();
    let together = vec![change((0..1_000).map(message).collect())];
    for changes in [one_by_one, together] {
        let body = json!({"object": "whatsapp_business_account", "entry": [{"id": "9", "changes": changes}]})
            .to_string();
        let routed = meta().route(body.as_bytes()).unwrap();
        assert!(routed.len() >= 10 && routed.iter().all(|part| part.claim.as_deref() == Some("number:1")));
        let events: Vec<_> = routed.iter().flat_map(|part| read("whatsapp-cloud", &part.body)).collect();
        let ids: Vec<_> = events.iter().filter_map(|event| event.external_message_id.clone()).collect();
        assert_eq!(ids, (0..1_000).map(|n| format!("wamid.{n}")).collect::<Vec<_>>());
        assert!(events.iter().all(|event| event.contact_name.as_deref() == Some("Ari")));
        // Also where the channel has an address of its own.
        assert!(read("whatsapp-cloud", body.as_bytes()) == events);
    }
    let thread =
        |at: usize| json!({"id": "12025550143", "messages": (at..at + 100).map(message).collect::<Vec<_>>()});
    let threads: Vec<_> = (0..10).map(|n| thread(n * 100)).collect();
    let history = json!({"metadata": {"phone_number_id": "1"}, "history": [{"metadata": {"phase": 0}, "threads": threads}]});
    let changes = json!([{"field": "history", "value": history}]);
    let body = json!({"object": "whatsapp_business_account", "entry": [{"id": "9", "changes": changes}]})
        .to_string();
    let routed = meta().route(body.as_bytes()).unwrap();
    let events: Vec<_> = routed.iter().flat_map(|part| read("whatsapp-cloud", &part.body)).collect();
    let ids: Vec<_> = events.iter().filter_map(|event| event.external_message_id.clone()).collect();
    assert_eq!(ids, (0..1_000).map(|n| format!("wamid.{n}")).collect::<Vec<_>>());
    assert!(events.iter().all(|event| event.no_answer == Some(adapters::NoAnswer::History)));
    let messaging: Vec<_> = (0..1_000).map(|n| json!({"message": {"mid": n.to_string()}})).collect();
    let body =
        json!({"object": "page", "entry": [{"id": "5", "time": 1, "messaging": messaging}]}).to_string();
    let routed = meta().route(body.as_bytes()).unwrap();
    let seen = routed.iter().flat_map(|part| {
        let part: Value = serde_json::from_slice(&part.body).unwrap();
        assert_eq!((&part["entry"][0]["id"], &part["entry"][0]["time"]), (&json!("5"), &json!(1)));
        part["entry"][0]["messaging"].as_array().unwrap().clone()
    });
    assert_eq!(seen.collect::<Vec<_>>(), messaging);
}

#[test]
fn what_is_more_than_is_looked_at_is_kept_whole() {
    let entries: Vec<_> = (0..5_000).map(|n| json!({"id": (n % 3).to_string(), "messaging": []})).collect();
    let body = json!({"object": "page", "entry": entries}).to_string();
    let mut routed = meta().route(body.as_bytes()).unwrap();
    let last = routed.pop().unwrap();
    assert!(last.claim.is_none() && last.body == body);
    assert!(routed.iter().all(|part| part.claim.is_some()));
}

fn read(provider_name: &str, body: &[u8]) -> Vec<Fields> {
    provider(provider_name).unwrap().fields(body, &Context::default()).unwrap()
}

/// Changes of a few numbers and accounts, some of which nobody can read.
fn changes() -> impl Strategy<Value = Vec<(usize, Value)>> {
    let change = (0usize..3, 0usize..4, 0usize..7).prop_map(|(entry, number, kind)| {
        let metadata = json!({"phone_number_id": format!("10650000000000{number}")});
        let message = |kind: Value| json!({"metadata": metadata, "messages": [kind]});
        let change = match kind {
            0 => json!({"field": "message_template_status_update", "value": {"event": "APPROVED"}}),
            1 => json!({"field": "messages"}),
            2 => json!({"field": "messages", "value": {"messages": [{"id": "wamid.L", "from": "12025550143", "type": "text"}]}}),
            3 => json!({"field": "messages", "value": {"metadata": metadata, "statuses": [
                {"id": "wamid.S", "status": "read", "recipient_id": "12025550143"}]}}),
            4 => json!(7),
            _ => json!({"field": "messages", "value": message(json!({"id": format!("wamid.{kind}"), "from": "12025550143",
                "type": "text", "text": {"body": "x"}}))}),
        };
        (entry, change)
    });
    prop::collection::vec(change, 0..40)
}

proptest! {
    #[test]
    fn the_parts_tell_what_the_whole_tells(changes in changes()) {
        let mut entries: Vec<Value> = Vec::new();
        let mut last = None;
        for (n, (entry, change)) in changes.into_iter().enumerate() {
            if last != Some(entry) {
                entries.push(json!({"id": format!("10220000000000{entry}"), "changes": []}));
                last = Some(entry);
            }
            let mut change = change;
            // Each element its own, so that the order shows.
            if let Some(message) = change.pointer_mut("/value/messages/0/id") {
                *message = format!("wamid.{n}").into();
            }
            if let Some(status) = change.pointer_mut("/value/statuses/0/id") {
                *status = format!("wamid.{n}").into();
            }
            entries.last_mut().unwrap()["changes"].as_array_mut().unwrap().push(change);
        }
        let body = json!({"object": "whatsapp_business_account", "entry": entries}).to_string();
        let told = |body: &[u8]| {
            let mut events = read("whatsapp-cloud", body);
            events.retain(|event| event.kind != Kind::Ignored);
            events
        };
        let whole = told(body.as_bytes());
        let routed = meta().route(body.as_bytes()).unwrap();
        let mut seen = 0;
        for part in &routed {
            let events = told(&part.body);
            seen += events.len();
            let number = part.claim.as_deref().and_then(|claim| claim.strip_prefix("number:"));
            if let Some(number) = number {
                let of_number = |event: &&Fields| event.external_account_id.as_deref() == Some(number);
                let right: Vec<_> = whole.iter().filter(of_number).cloned().collect();
                prop_assert_eq!(events, right);
            }
        }
        prop_assert_eq!(seen, whole.len());
        let mut claims: Vec<_> = routed.iter().map(|part| &part.claim).collect();
        claims.sort();
        claims.dedup();
        prop_assert_eq!(claims.len(), routed.len(), "one part for each account");
    }

    #[test]
    fn any_bytes_are_routed_or_refused(body in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(routed) = meta().route(&body) {
            prop_assert!(!routed.is_empty());
        }
    }
}

#[test]
fn every_fixture_of_meta_is_routed() {
    for case in cases() {
        let body = fixture(case["file"].as_str().unwrap());
        let name = case["provider"].as_str().unwrap();
        if ["whatsapp-cloud", "messenger", "instagram"].contains(&name) && case["format"] == "json" {
            let routed = meta().route(&body).unwrap();
            assert!(!routed.is_empty(), "{}", case["case"]);
        }
    }
}
