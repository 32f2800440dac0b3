//! The token that Google's Pub/Sub sends with a push: RS256 by a key of the published set, issued by Google, for our
//! audience, to our service account. It does not fetch keys: refresh the set once on an unknown `kid`, then refuse.

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{Invalid, only};
use crate::Headers;

const HEADER: &str = "Authorization";
const LEEWAY_S: i64 = 60;
const ISSUERS: [&str; 2] = ["https://accounts.google.com", "accounts.google.com"];

/// What a push token has to say.
#[derive(Debug, Clone, Deserialize)]
pub struct OidcConfig {
    #[serde(deserialize_with = "shared")]
    pub jwks: Arc<Jwks>,
    pub audience: String,
    /// Any customer of Google can have a genuine token for our audience made; only this account is ours.
    pub service_account: String,
    /// The push body's `subscription`, where it shall be checked too.
    #[serde(default)]
    pub subscription: Option<String>,
}

/// The set is the same for all who are checked against it.
fn shared<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<Jwks>, D::Error> {
    Jwks::deserialize(deserializer).map(Arc::new)
}

#[derive(Debug, Clone, Default, Deserialize)]
pub struct Jwks {
    #[serde(default)]
    keys: Vec<Value>,
}

impl Jwks {
    /// Whether the set has the key; when not, it may be stale.
    pub fn knows(&self, kid: &str) -> bool {
        self.key(kid).is_some()
    }

    fn key(&self, kid: &str) -> Option<DecodingKey> {
        let is =
            |key: &Value, member: &str, value: &str| key.get(member).and_then(Value::as_str) == Some(value);
        let key = self.keys.iter().find(|key| is(key, "kid", kid) && is(key, "kty", "RSA"))?;
        let part = |member: &str| key.get(member).and_then(Value::as_str);
        DecodingKey::from_rsa_components(part("n")?, part("e")?).ok()
    }
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Value,
    exp: i64,
    iat: i64,
    email: String,
    email_verified: bool,
}

/// The key that a token says to be signed with. Nothing of it is proved by then.
pub(crate) fn key_of_token(headers: &Headers) -> Result<String, Invalid> {
    kid_of(token_of(headers)?)
}

/// Audiences of one token that are looked at. Google's have one.
const MAX_AUDIENCES: usize = 8;

/// For whom a token says to be: its audiences and its account. Nothing of it is proved by then.
pub(crate) fn parties_of_token(headers: &Headers) -> Option<(Vec<String>, String)> {
    #[derive(Deserialize)]
    struct Parties {
        aud: Value,
        email: String,
    }
    let payload = token_of(headers).ok()?.split('.').nth(1)?;
    let payload = BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?;
    let Parties { aud, email } = serde_json::from_slice(&payload).ok()?;
    let audiences = match aud {
        Value::String(one) => vec![one],
        Value::Array(many) => {
            many.iter().filter_map(Value::as_str).take(MAX_AUDIENCES).map(str::to_owned).collect()
        }
        _ => return None,
    };
    Some((audiences, email))
}

fn token_of(headers: &Headers) -> Result<&str, Invalid> {
    match only(headers, HEADER)?.split_once(' ') {
        Some((kind, token)) if kind.eq_ignore_ascii_case("bearer") => Ok(token.trim()),
        _ => Err(Invalid::Malformed(HEADER, "not a bearer token")),
    }
}

fn kid_of(token: &str) -> Result<String, Invalid> {
    let head = jsonwebtoken::decode_header(token).map_err(|_| Invalid::Token("it is not a signed token"))?;
    if head.alg != Algorithm::RS256 {
        return Err(Invalid::Token("only RS256 is accepted"));
    }
    head.kid.ok_or(Invalid::Token("it names no key"))
}

pub(super) fn verify(config: &OidcConfig, headers: &Headers, body: &[u8], now_s: i64) -> Result<(), Invalid> {
    if config.audience.is_empty() || config.service_account.is_empty() {
        return Err(Invalid::NoSecret);
    }
    let token = token_of(headers)?;
    let key = config.jwks.key(&kid_of(token)?).ok_or(Invalid::Token("its key is not in the key set"))?;
    // The times are checked below, against the caller's clock instead of the library's.
    let mut validation = Validation::new(Algorithm::RS256);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let claims = jsonwebtoken::decode::<Claims>(token, &key, &validation)
        .map_err(|_| Invalid::Token("its signature or its claims are wrong"))?
        .claims;
    check(config, &claims, now_s)?;
    match &config.subscription {
        Some(expected) if subscription(body).as_deref() != Some(expected) => {
            Err(Invalid::Token("it came with the body of another subscription"))
        }
        _ => Ok(()),
    }
}

fn check(config: &OidcConfig, claims: &Claims, now_s: i64) -> Result<(), Invalid> {
    let audience = match &claims.aud {
        Value::String(one) => *one == config.audience,
        Value::Array(many) => many.iter().any(|one| *one == config.audience.as_str()),
        _ => false,
    };
    if !ISSUERS.contains(&claims.iss.as_str()) {
        return Err(Invalid::Token("it was not issued by Google"));
    }
    if !audience {
        return Err(Invalid::Token("it is for another audience"));
    }
    if claims.exp.saturating_add(LEEWAY_S) < now_s {
        return Err(Invalid::Token("it has expired"));
    }
    if claims.iat.saturating_sub(LEEWAY_S) > now_s {
        return Err(Invalid::Token("it comes from the future"));
    }
    if claims.email != config.service_account || !claims.email_verified {
        return Err(Invalid::Token("it belongs to another account"));
    }
    Ok(())
}

/// The subscription that a push says to be of.
pub(crate) fn subscription(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    body.get("subscription")?.as_str().map(str::to_owned)
}
