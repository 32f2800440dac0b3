//! Keyed hashes over the raw body: Meta's SHA-256 and WAHA's SHA-512. The algorithm is ours to choose, never the
//! sender's.

use aws_lc_rs::hmac;

use super::{Invalid, only, unhex};
use crate::Headers;

pub(super) fn meta(secret: &str, headers: &Headers, body: &[u8]) -> Result<(), Invalid> {
    const HEADER: &str = "X-Hub-Signature-256";
    let value = only(headers, HEADER)?;
    let digest =
        value.strip_prefix("sha256=").ok_or(Invalid::Malformed(HEADER, "it has to start with sha256="))?;
    check(hmac::HMAC_SHA256, HEADER, secret, digest, body)
}

pub(super) fn waha(secret: &str, headers: &Headers, body: &[u8]) -> Result<(), Invalid> {
    const HEADER: &str = "X-Webhook-Hmac";
    const ALGORITHM: &str = "X-Webhook-Hmac-Algorithm";
    match only(headers, ALGORITHM) {
        Ok(algorithm) if algorithm.eq_ignore_ascii_case("sha512") => {}
        Ok(_) => return Err(Invalid::Malformed(ALGORITHM, "only sha512 is accepted")),
        // Information only: its absence takes nothing away from the digest.
        Err(Invalid::Missing(_)) => {}
        Err(other) => return Err(other),
    }
    check(hmac::HMAC_SHA512, HEADER, secret, only(headers, HEADER)?, body)
}

fn check(
    algorithm: hmac::Algorithm,
    header: &'static str,
    secret: &str,
    digest: &str,
    body: &[u8],
) -> Result<(), Invalid> {
    let digest = unhex(digest).ok_or(Invalid::Malformed(header, "not lower-case hexadecimal"))?;
    let key = hmac::Key::new(algorithm, secret.as_bytes());
    hmac::verify(&key, body, &digest).map_err(|_| Invalid::Mismatch)
}
