//! A `signed_request`: `base64url(signature).base64url(payload)`, the signature over the encoded payload. Meta sends
//! it when a person removes the app or wants their data deleted.

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

pub(super) fn read(app: &Account, form: &[(String, String)]) -> Option<Notice> {
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
    Some(Notice {
        user: payload.get("user_id").and_then(json::id)?,
        issued_at_s: json::millis(&payload, "issued_at").map(|ms| ms / 1000),
    })
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
        }
    }

    fn form(secret: &str, payload: &Value) -> Vec<(String, String)> {
        let payload = ENGINE.encode(payload.to_string());
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let signature = ENGINE.encode(hmac::sign(&key, payload.as_bytes()));
        vec![("signed_request".to_owned(), format!("{}.{payload}", signature.trim_end_matches('=')))]
    }

    #[test]
    fn a_signed_request_names_its_person() {
        let payload = json!({"algorithm": "HMAC-SHA256", "user_id": "218471", "issued_at": 1_794_312_000});
        let right = Notice { user: "218471".into(), issued_at_s: Some(1_794_312_000) };
        for secret in ["facebook-secret", "instagram-secret"] {
            assert_eq!(read(&app(), &form(secret, &payload)), Some(right.clone()));
        }
    }

    #[test]
    fn whatever_else_is_no_notice() {
        let good = json!({"algorithm": "HMAC-SHA256", "user_id": 5});
        assert_eq!(read(&app(), &form("facebook-secret", &good)).unwrap().user, "5");
        assert_eq!(read(&app(), &form("another-secret", &good)), None);
        assert_eq!(read(&Account::default(), &form("", &good)), None);
        let one = form("facebook-secret", &good);
        assert_eq!(read(&app(), &[one.clone(), one].concat()), None);
        for bad in [
            json!({"algorithm": "none", "user_id": "5"}),
            json!({"user_id": "5"}),
            json!({"algorithm": "HMAC-SHA256"}),
            json!([]),
        ] {
            assert_eq!(read(&app(), &form("facebook-secret", &bad)), None, "{bad}");
        }
        for text in ["", ".", "a", "a.b", "&&.&&", "é.é"] {
            assert_eq!(read(&app(), &[("signed_request".to_owned(), text.to_owned())]), None);
        }
    }
}
