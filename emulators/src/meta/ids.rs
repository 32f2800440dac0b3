//! Ids and tokens in the forms of Meta.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::values::Service;

/// Random letters: unique, and different in every run.
pub(super) fn letters(bytes: usize) -> String {
    let mut random = vec![0; bytes];
    // Without randomness the ids repeat, which the tests that count messages detect.
    let _ = aws_lc_rs::rand::fill(&mut random);
    URL_SAFE_NO_PAD.encode(random).replace(['-', '_'], "x")
}

/// Decimal digits that begin with `head`, `digits` in all.
pub(super) fn number(head: &str, digits: usize) -> String {
    let mut random = [0; 32];
    let _ = aws_lc_rs::rand::fill(&mut random);
    let tail = random.iter().map(|byte| char::from(b'0' + byte % 10));
    head.chars().chain(tail).take(digits).collect()
}

pub(super) fn message(service: Service) -> String {
    match service {
        Service::WhatsApp => format!("wamid.SEJnTE1USXdNalUx{}", letters(24)),
        Service::Messenger => format!("m_{}", letters(31)),
        Service::Instagram => format!("aWdfZAG1faXRlbTo{}", letters(45)),
    }
}

/// How tokens of Instagram Login begin.
pub(super) const INSTAGRAM_TOKEN: &str = "IGAA";

pub(super) fn token(is_of_instagram: bool) -> String {
    let head = if is_of_instagram { INSTAGRAM_TOKEN } else { "EAA" };
    format!("{head}emulated{}", letters(60))
}

/// `CC.<letters and digits>`: a business-scoped user id.
pub(super) fn is_business_scoped(id: &str) -> bool {
    id.split_once('.').is_some_and(|(country, rest)| {
        country.len() == 2
            && country.bytes().all(|byte| byte.is_ascii_uppercase())
            && !rest.is_empty()
            && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}
