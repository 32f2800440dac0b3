//! A shared secret sent along as it is. It proves the sender and says nothing about the body.

use aws_lc_rs::{constant_time::verify_slices_are_equal, digest};

use super::{Invalid, only};
use crate::Headers;

pub(super) fn telegram(secret: &str, headers: &Headers) -> Result<(), Invalid> {
    let given = only(headers, "X-Telegram-Bot-Api-Secret-Token")?;
    if is_same_secret(secret, given) { Ok(()) } else { Err(Invalid::Mismatch) }
}

/// Compares digests, so that neither content nor length shows in the time it takes.
pub fn is_same_secret(secret: &str, given: &str) -> bool {
    let digest = |text: &str| digest::digest(&digest::SHA256, text.as_bytes());
    verify_slices_are_equal(digest(secret).as_ref(), digest(given).as_ref()).is_ok()
}
