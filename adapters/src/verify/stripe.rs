//! Stripe's `t=<unix s>,v1=<hex>[,v1=<hex>…]` over `<t>.<body>`. The key is the whole `whsec_…` text. `v0` and unknown
//! schemes are passed over; during a secret's rotation there are two `v1`, and one match is enough.

use aws_lc_rs::hmac;

use super::{Invalid, only, unhex};
use crate::Headers;

const HEADER: &str = "Stripe-Signature";
const TOLERANCE_S: i64 = 300;

pub(super) fn verify(secret: &str, headers: &Headers, body: &[u8], now_s: i64) -> Result<(), Invalid> {
    let mut time = None;
    let mut digests: Vec<Vec<u8>> = Vec::new();
    for item in only(headers, HEADER)?.split(',') {
        match item.split_once('=') {
            // Two times could pair an old signature with a fresh one.
            Some(("t", _)) if time.is_some() => return Err(Invalid::Malformed(HEADER, "two times")),
            Some(("t", value)) => time = Some(value),
            Some(("v1", value)) => digests.extend(unhex(value)),
            _ => {}
        }
    }
    let time = time.ok_or(Invalid::Malformed(HEADER, "no time"))?;
    if time.is_empty() || !time.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Invalid::Malformed(HEADER, "the time is not a number"));
    }
    let at: i64 = time.parse().map_err(|_| Invalid::Malformed(HEADER, "the time is not a 64-bit number"))?;
    if digests.is_empty() {
        return Err(Invalid::Malformed(HEADER, "no v1 signature"));
    }
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let signed = [time.as_bytes(), b".", body].concat();
    if !digests.iter().any(|digest| hmac::verify(&key, &signed, digest).is_ok()) {
        return Err(Invalid::Mismatch);
    }
    if now_s.abs_diff(at) > TOLERANCE_S.unsigned_abs() {
        return Err(Invalid::OutOfTime(TOLERANCE_S));
    }
    Ok(())
}
