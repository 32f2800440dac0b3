//! The signature of a request, version 4, as the bucket computes it.

use std::fmt::Write as _;

use aws_lc_rs::hmac;
use axum::http::{HeaderMap, Method, Uri};

use crate::form::sha256;

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Whether the request was signed with the secret key, and its body is the one that was signed.
pub(super) fn is_signed(
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &[u8],
    (access, secret): (&str, &str),
) -> bool {
    check(method, uri, headers, body, (access, secret)).is_some()
}

fn check(
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &[u8],
    (access, secret): (&str, &str),
) -> Option<()> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let authorization = text("authorization")?.strip_prefix("AWS4-HMAC-SHA256 ")?;
    let field = |name: &str| {
        authorization.split(',').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
    };
    let scope = field("Credential")?.strip_prefix(access)?.strip_prefix('/')?;
    let mut parts = scope.split('/');
    let (day, region, service) = (parts.next()?, parts.next()?, parts.next()?);
    let digest = text("x-amz-content-sha256")?;
    if digest != "UNSIGNED-PAYLOAD" && digest != sha256(body) {
        return None;
    }
    let signed = field("SignedHeaders")?;
    let mut canonical = String::new();
    for name in signed.split(';') {
        let _ = writeln!(canonical, "{name}:{}", text(name)?.trim());
    }
    let mut query: Vec<_> =
        uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()).collect();
    query.sort_unstable();
    let query: Vec<_> = query
        .iter()
        .map(|pair| if pair.contains('=') { (*pair).to_owned() } else { format!("{pair}=") })
        .collect();
    let request = format!("{method}\n{}\n{}\n{canonical}\n{signed}\n{digest}", uri.path(), query.join("&"));
    let to_sign =
        format!("AWS4-HMAC-SHA256\n{}\n{scope}\n{}", text("x-amz-date")?, sha256(request.as_bytes()));
    let key = mac(&mac(&mac(&mac(format!("AWS4{secret}").as_bytes(), day), region), service), "aws4_request");
    (hex(&mac(&key, &to_sign)) == field("Signature")?).then_some(())
}
