//! Access tokens: short-lived JWTs (HS256) that name the user and the session. They identify the caller; its
//! permissions are read from the store.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::Error;
use crate::vault::Vault;

const AUDIENCE: &str = "hubbub";

#[derive(Serialize, Deserialize)]
struct Claims {
    /// The user.
    sub: Uuid,
    /// The session: the family of refresh tokens.
    sid: Uuid,
    /// Unix seconds.
    iat: i64,
    exp: i64,
    aud: String,
}

/// The claims of a verified token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    pub user: Uuid,
    pub session: Uuid,
    /// Unix milliseconds.
    pub expires_at: i64,
}

pub struct Tokens {
    encode: EncodingKey,
    decode: DecodingKey,
    validation: Validation,
    ttl_s: i64,
}

impl Tokens {
    pub fn new(vault: &Vault, ttl_s: i64) -> Result<Self, Error> {
        let key = vault.derive("hubbub access token v1")?;
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_audience(&[AUDIENCE]);
        // `verify` compares the expiry with the injected clock.
        validation.validate_exp = false;
        Ok(Self {
            encode: EncodingKey::from_secret(&key),
            decode: DecodingKey::from_secret(&key),
            validation,
            ttl_s,
        })
    }

    /// A token for a session and its expiry in Unix milliseconds, which is not after the session's end.
    pub fn issue(
        &self,
        user: Uuid,
        session: Uuid,
        now_ms: i64,
        ends_at_ms: i64,
    ) -> Result<(String, i64), Error> {
        let iat = now_ms / 1000;
        let exp = (iat + self.ttl_s).min(ends_at_ms / 1000);
        let claims = Claims { sub: user, sid: session, iat, exp, aud: AUDIENCE.to_owned() };
        let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.encode)
            .map_err(|error| anyhow::anyhow!("an access token cannot be signed: {error}"))?;
        Ok((token, claims.exp * 1000))
    }

    pub fn verify(&self, token: &str, now_ms: i64) -> Result<Verified, Error> {
        let claims = jsonwebtoken::decode::<Claims>(token, &self.decode, &self.validation)
            .map_err(|_| Error::Unauthenticated("the access token is not valid"))?
            .claims;
        let expires_at = claims.exp.saturating_mul(1000);
        if expires_at <= now_ms {
            return Err(Error::Unauthenticated("the access token has expired"));
        }
        Ok(Verified { user: claims.sub, session: claims.sid, expires_at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::MasterKey;
    use base64::Engine as _;

    fn tokens(byte: u8) -> Tokens {
        let key = base64::engine::general_purpose::STANDARD.encode([byte; 32]);
        let vault = Vault::new(MasterKey::parse(&key).expect("key"), &[]).expect("vault");
        Tokens::new(&vault, 900).expect("tokens")
    }

    #[test]
    fn a_token_lives_for_its_time_and_under_its_key() {
        let (user, session, now) = (Uuid::from_u128(1), Uuid::from_u128(2), 1_800_000_000_000);
        let (token, expires_at) = tokens(1).issue(user, session, now, i64::MAX).expect("issued");
        assert_eq!(expires_at, now + 900_000);
        let short = tokens(1).issue(user, session, now, now + 60_000).expect("issued");
        assert_eq!(short.1, now + 60_000, "the session ends before");
        assert_eq!(
            tokens(1).verify(&token, now + 899_999).expect("valid"),
            Verified { user, session, expires_at }
        );
        assert!(tokens(1).verify(&token, now + 900_000).is_err(), "expired");
        assert!(tokens(2).verify(&token, now).is_err(), "another installation's");
    }

    #[test]
    fn a_token_without_signature_or_for_others_is_refused() {
        let tokens = tokens(1);
        let encode = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
        let claims = r#"{"sub":"00000000-0000-0000-0000-000000000001","sid":"00000000-0000-0000-0000-000000000002","iat":1,"exp":9999999999,"aud":"hubbub"}"#;
        let unsigned = format!("{}.{}.", encode(r#"{"alg":"none","typ":"JWT"}"#), encode(claims));
        assert!(tokens.verify(&unsigned, 0).is_err());
        let other = Claims {
            sub: Uuid::nil(),
            sid: Uuid::nil(),
            iat: 0,
            exp: 9_999_999_999,
            aud: "elsewhere".to_owned(),
        };
        let other =
            jsonwebtoken::encode(&Header::new(Algorithm::HS256), &other, &tokens.encode).expect("signed");
        assert!(tokens.verify(&other, 0).is_err(), "another audience");
        assert!(tokens.verify("", 0).is_err());
    }
}
