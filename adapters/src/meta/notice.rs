//! A `signed_request`: `base64url(signature).base64url(payload)`, the signature over the encoded payload. Meta sends
//! it when a person removes the app or wants their data deleted. One that was issued long ago is none: whoever has read it
//! somewhere could take the rights back again that the person has given anew meanwhile.

use aws_lc_rs::hmac;
use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde_json::Value;

use crate::{Account, Notice, json};

const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Far more than Meta sends.
const MAX_BYTES: usize = 16 * 1024;

/// For so long a request is good: Meta may repeat one that was not answered.
const MAX_AGE_S: i64 = 3_600;
/// By so much Meta's clock may be ahead of ours.
const LEEWAY_S: i64 = 300;

pub(super) fn read(app: &Account, form: &[(String, String)], now_s: i64) -> Option<Notice> {
    let mut given = form.iter().filter(|(name, _)| name == "signed_request").map(|(_, value)| value);
    let (request, None) = (given.next()?, given.next()) else { return None };
    if request.len() > MAX_BYTES {
        return None;
    }
    let (signature, payload) = request.split_once('.')?;
    let signature = ENGINE.decode(signature).ok()?;
    let signed = |secret: &str| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        hmac::verify(&key, payload.as_bytes(), &signature).is_ok()
    };
    if !["app_secret", "instagram_app_secret"].iter().filter_map(|name| app.get(name)).any(signed) {
        return None;
    }
    let payload: Value = json::document(&ENGINE.decode(payload).ok()?).ok()?;
    // The algorithm is ours to choose; a payload that names another was not meant for it.
    let algorithm = payload.get("algorithm").and_then(Value::as_str)?;
    if !algorithm.eq_ignore_ascii_case("HMAC-SHA256") {
        return None;
    }
    let issued_at_s = json::millis(&payload, "issued_at")? / 1000;
    if !(now_s - MAX_AGE_S..=now_s + LEEWAY_S).contains(&issued_at_s) {
        return None;
    }
    Some(Notice { user: payload.get("user_id").and_then(json::id)?, issued_at_s })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn app() -> Account {
        let settings = [("app_secret", "facebook-secret"), ("instagram_app_secret", "instagram-secret")];
        Account {
            external_id: None,
            settings: settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            ..Account::default()
        }
    }

    fn form(secret: &str, payload: &Value) -> Vec<(String, String)> {
        let payload = ENGINE.encode(payload.to_string());
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let signature = ENGINE.encode(hmac::sign(&key, payload.as_bytes()));
        vec![("signed_request".to_owned(), format!("{}.{payload}", signature.trim_end_matches('=')))]
    }

    const NOW_S: i64 = 1_794_312_000;

    #[test]
    fn a_signed_request_names_its_person() {
        let payload = json!({"algorithm": "HMAC-SHA256", "user_id": "218471", "issued_at": NOW_S});
        let right = Notice { user: "218471".into(), issued_at_s: NOW_S };
        for secret in ["facebook-secret", "instagram-secret"] {
            assert_eq!(read(&app(), &form(secret, &payload), NOW_S), Some(right.clone()));
        }
    }

    #[test]
    fn one_of_long_ago_or_without_a_time_is_none() {
        let at = |issued_at: Value| {
            let payload = json!({"algorithm": "HMAC-SHA256", "user_id": "5", "issued_at": issued_at});
            read(&app(), &form("facebook-secret", &payload), NOW_S).is_some()
        };
        // Meta repeats one that was not answered, and clocks differ.
        assert!(at(json!(NOW_S - 3_600)) && at(json!(NOW_S + 300)));
        for bad in
            [json!(NOW_S - 3_601), json!(NOW_S + 301), json!(0), json!(i64::MIN), json!(null), json!("x")]
        {
            assert!(!at(bad.clone()), "{bad}");
        }
        let payload = json!({"algorithm": "HMAC-SHA256", "user_id": "5"});
        assert_eq!(read(&app(), &form("facebook-secret", &payload), NOW_S), None);
    }

    #[test]
    fn whatever_else_is_no_notice() {
        let read = |app: &Account, form: &[(String, String)]| read(app, form, NOW_S);
        let good = json!({"algorithm": "HMAC-SHA256", "user_id": 5, "issued_at": NOW_S});
        assert_eq!(read(&app(), &form("facebook-secret", &good)).unwrap().user, "5");
        assert_eq!(read(&app(), &form("another-secret", &good)), None);
        assert_eq!(read(&Account::default(), &form("", &good)), None);
        let one = form("facebook-secret", &good);
        assert_eq!(read(&app(), &[one.clone(), one].concat()), None);
        for bad in [
            json!({"algorithm": "none", "user_id": "5", "issued_at": NOW_S}),
            json!({"user_id": "5", "issued_at": NOW_S}),
            json!({"algorithm": "HMAC-SHA256", "issued_at": NOW_S}),
            json!([]),
        ] {
            assert_eq!(read(&app(), &form("facebook-secret", &bad)), None, "{bad}");
        }
        for text in ["", ".", "a", "a.b", "&&.&&", "é.é"] {
            assert_eq!(read(&app(), &[("signed_request".to_owned(), text.to_owned())]), None);
        }
    }
}
