//! How Meta writes and signs what it delivers: JSON with its escapes, an HMAC over the bytes, and signed requests.

use std::fmt::Write;

use aws_lc_rs::{digest, hmac};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::Value;

/// JSON as Meta writes it: ASCII only, with an escaped slash and less-than sign. These occur in strings alone.
pub(super) fn bytes(body: &Value) -> Vec<u8> {
    let plain = body.to_string();
    let mut text = String::with_capacity(plain.len() + plain.len() / 8);
    for letter in plain.chars() {
        match letter {
            '/' => text.push_str("\\/"),
            '<' => text.push_str("\\u003C"),
            letter if letter.is_ascii() => text.push(letter),
            letter => {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    let _ = write!(text, "\\u{unit:04x}");
                }
            }
        }
    }
    text.into_bytes()
}

/// The value of `X-Hub-Signature-256`.
pub(super) fn signature(secret: &str, body: &[u8]) -> String {
    format!("sha256={}", hex(mac(secret, body).as_ref()))
}

pub(super) fn appsecret_proof(secret: &str, token: &str) -> String {
    hex(mac(secret, token.as_bytes()).as_ref())
}

/// The value of the form's `signed_request`.
pub(super) fn signed_request(secret: &str, payload: &Value) -> String {
    let payload = URL_SAFE_NO_PAD.encode(payload.to_string());
    let signature = URL_SAFE_NO_PAD.encode(mac(secret, payload.as_bytes()).as_ref());
    format!("{signature}.{payload}")
}

/// As a media node has it.
pub(super) fn sha256_hex(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// As a webhook has it.
pub(super) fn sha256_base64(bytes: &[u8]) -> String {
    STANDARD.encode(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn mac(secret: &str, body: &[u8]) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), body)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
