//! Looking at a captured body from the command line: the events it becomes, and whether its signature holds. Reads no
//! database and asks nobody.

use serde_json::Value;

use crate::{Context, Headers, KNOWN, NotJson, Scheme, provider, stripe, verify};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InspectError {
    #[error(transparent)]
    NotJson(#[from] NotJson),
    #[error("unknown provider {0:?}; known are {known}", known = KNOWN.join(", "))]
    UnknownProvider(String),
    #[error("the provider {0} is known but not built yet")]
    NotBuilt(String),
    #[error("the context cannot be used: {0}")]
    BadContext(String),
}

/// The events of a body as a JSON array, in their order. `context` is an object of what the hub would know.
pub fn inspect(name: &str, context: Option<&[u8]>, body: &[u8]) -> Result<String, InspectError> {
    let provider = provider(name);
    if provider.is_none() && name != stripe::NAME {
        let name = name.to_owned();
        return Err(if KNOWN.contains(&name.as_str()) {
            InspectError::NotBuilt(name)
        } else {
            InspectError::UnknownProvider(name)
        });
    }
    let context: Context = match context {
        Some(bytes) => {
            serde_json::from_slice(bytes).map_err(|error| InspectError::BadContext(error.to_string()))?
        }
        None => Context::default(),
    };
    let events = match provider {
        Some(provider) => provider.fields(body, &context),
        None => stripe::fields(body, &context),
    }?;
    // An event holds nothing that JSON cannot say: its maps have text keys, its numbers come from JSON.
    Ok(serde_json::to_string_pretty(&events).unwrap_or_default())
}

/// Whether the signature of a body holds; the error says why not. `headers_json` is an object of text values, or of
/// arrays of text where a header is repeated; `oidc_config` has `jwks`, `audience` and `service_account`.
pub fn inspect_verify(
    scheme: &str,
    headers_json: &[u8],
    secret: Option<&str>,
    oidc_config: Option<&[u8]>,
    now_s: Option<i64>,
    body: &[u8],
) -> Result<(), String> {
    let scheme: Scheme = scheme.parse()?;
    let headers = headers(headers_json)?;
    let result = if scheme == Scheme::PubsubOidc {
        let config = oidc_config.ok_or("pubsub_oidc needs a key set, an audience and a service account")?;
        let config: verify::OidcConfig =
            serde_json::from_slice(config).map_err(|error| format!("the OIDC configuration: {error}"))?;
        verify::verify(scheme, &config, &headers, body, now_s)
    } else {
        verify::verify(scheme, secret.unwrap_or_default(), &headers, body, now_s)
    };
    result.map_err(|invalid| invalid.to_string())
}

fn headers(json: &[u8]) -> Result<Headers, String> {
    let wrong = || "the headers have to be a JSON object of texts or arrays of texts".to_owned();
    let value: Value = serde_json::from_slice(json).map_err(|error| format!("the headers: {error}"))?;
    let mut headers = Headers::new();
    for (name, value) in value.as_object().ok_or_else(wrong)? {
        let values = match value {
            Value::Array(values) => values.as_slice(),
            one => std::slice::from_ref(one),
        };
        for value in values {
            headers.insert(name, value.as_str().ok_or_else(wrong)?);
        }
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_is_told_apart() {
        assert!(matches!(inspect("telegram", None, b"\0"), Err(InspectError::NotJson(_))));
        // Those that are not built yet say so.
        for name in KNOWN {
            assert!(matches!(inspect(name, None, b"{}"), Ok(_) | Err(InspectError::NotBuilt(_))), "{name}");
        }
        assert!(matches!(inspect("pigeon", None, b"{}"), Err(InspectError::UnknownProvider(_))));
        assert!(matches!(inspect("waha", Some(b"[1]"), b"{}"), Err(InspectError::BadContext(_))));
    }

    #[test]
    fn a_signature_is_judged_with_a_reason() {
        let header = br#"{"X-Telegram-Bot-Api-Secret-Token": "s3cret"}"#;
        assert_eq!(inspect_verify("telegram_secret_token", header, Some("s3cret"), None, None, b""), Ok(()));
        let twice = br#"{"X-Telegram-Bot-Api-Secret-Token": ["s3cret", "s3cret"]}"#;
        let why =
            inspect_verify("telegram_secret_token", twice, Some("s3cret"), None, None, b"").unwrap_err();
        assert!(why.contains("more than once"), "{why}");
        assert!(inspect_verify("telegram_secret_token", header, None, None, None, b"").is_err());
        assert!(inspect_verify("rot13", header, Some("x"), None, None, b"").is_err());
        assert!(inspect_verify("pubsub_oidc", b"{}", None, None, Some(0), b"").is_err());
    }
}
