//! Whether a delivery comes from the provider it claims to come from: pure functions over the raw bytes, compared in
//! constant time. Nothing here parses a body (but for one optional member of a Pub/Sub push) or knows a channel.

mod challenge;
mod oidc;
mod signature;
mod stripe;
mod token;

use std::str::FromStr;

pub(crate) use challenge::answer as challenge_answer;
pub use challenge::meta_challenge;
pub use oidc::{Jwks, OidcConfig};
pub(crate) use oidc::{key_of_token, parties_of_token, subscription};
pub use token::is_same_secret;

use crate::{Headers, headers::Fault};

/// How a provider proves itself. Reference: `fixtures/signatures.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// `X-Hub-Signature-256: sha256=<hex>` over the body (WhatsApp Cloud, Messenger, Instagram).
    MetaSha256,
    /// `X-Webhook-Hmac: <hex SHA-512>` over the body.
    WahaSha512,
    /// `X-Telegram-Bot-Api-Secret-Token` equals the secret; the body is not protected.
    TelegramSecretToken,
    /// `Stripe-Signature: t=..,v1=..` over time and body.
    StripeV1,
    /// `Authorization: Bearer <JWT>` of Google; the body is not protected.
    PubsubOidc,
}

impl Scheme {
    pub const ALL: [Self; 5] =
        [Self::MetaSha256, Self::WahaSha512, Self::TelegramSecretToken, Self::StripeV1, Self::PubsubOidc];

    pub fn name(self) -> &'static str {
        match self {
            Self::MetaSha256 => "meta_sha256",
            Self::WahaSha512 => "waha_sha512",
            Self::TelegramSecretToken => "telegram_secret_token",
            Self::StripeV1 => "stripe_v1",
            Self::PubsubOidc => "pubsub_oidc",
        }
    }
}

impl FromStr for Scheme {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|scheme| scheme.name() == name).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|scheme| scheme.name()).collect();
            format!("unknown signature scheme {name:?}; known are {}", known.join(", "))
        })
    }
}

/// What a delivery is checked against.
#[derive(Clone, Copy)]
pub enum Key<'a> {
    Secret(&'a str),
    Oidc(&'a OidcConfig),
}

impl<'a> From<&'a str> for Key<'a> {
    fn from(secret: &'a str) -> Self {
        Self::Secret(secret)
    }
}

impl<'a> From<&'a OidcConfig> for Key<'a> {
    fn from(config: &'a OidcConfig) -> Self {
        Self::Oidc(config)
    }
}

/// Why a delivery is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    #[error("no secret is configured, and an empty one proves nothing")]
    NoSecret,
    #[error("this scheme is checked against another kind of key")]
    WrongKey,
    #[error("this scheme needs the current time")]
    NoClock,
    #[error("the header {0} is missing")]
    Missing(&'static str),
    #[error("the header {0} stands there more than once")]
    Repeated(&'static str),
    #[error("the header {0} is malformed: {1}")]
    Malformed(&'static str, &'static str),
    #[error("the signature does not match")]
    Mismatch,
    #[error("the signature is older or newer than {0} seconds")]
    OutOfTime(i64),
    #[error("the token is not acceptable: {0}")]
    Token(&'static str),
}

/// Checks one delivery. `now_s` (Unix seconds) is needed by `stripe_v1` and `pubsub_oidc`, which fail without it.
pub fn verify<'a>(
    scheme: Scheme,
    key: impl Into<Key<'a>>,
    headers: &Headers,
    body: &[u8],
    now_s: Option<i64>,
) -> Result<(), Invalid> {
    match (scheme, key.into()) {
        (Scheme::PubsubOidc, Key::Oidc(config)) => {
            oidc::verify(config, headers, body, now_s.ok_or(Invalid::NoClock)?)
        }
        (Scheme::PubsubOidc, Key::Secret(_)) | (_, Key::Oidc(_)) => Err(Invalid::WrongKey),
        (_, Key::Secret("")) => Err(Invalid::NoSecret),
        (Scheme::MetaSha256, Key::Secret(secret)) => signature::meta(secret, headers, body),
        (Scheme::WahaSha512, Key::Secret(secret)) => signature::waha(secret, headers, body),
        (Scheme::TelegramSecretToken, Key::Secret(secret)) => token::telegram(secret, headers),
        (Scheme::StripeV1, Key::Secret(secret)) => {
            stripe::verify(secret, headers, body, now_s.ok_or(Invalid::NoClock)?)
        }
    }
}

/// The value of a header that has to be there exactly once.
fn only<'a>(headers: &'a Headers, name: &'static str) -> Result<&'a str, Invalid> {
    headers.only(name).map_err(|fault| match fault {
        Fault::Missing => Invalid::Missing(name),
        Fault::Repeated => Invalid::Repeated(name),
        Fault::NotText => Invalid::Malformed(name, "not text"),
    })
}

/// Lower-case hexadecimal only: the makers' libraries compare the text, so another spelling is not theirs.
fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.bytes().any(|b| b.is_ascii_uppercase()) {
        return None;
    }
    hex::decode(text).ok()
}
