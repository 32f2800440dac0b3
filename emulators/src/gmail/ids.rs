//! Ids and tokens in the forms of Google's.

use std::fmt::Write;

/// A token that nobody can guess and that differs in every run.
pub(super) fn token(prefix: &str) -> String {
    let mut bytes = [0; 18];
    // Without randomness the tokens repeat, which the tests of expiry and rotation detect.
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    bytes.iter().fold(prefix.to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The id of a mail or thread: 16 hexadecimal digits, of which the first give the time.
pub(super) fn mail(now_ms: i64, number: u64) -> String {
    format!("{:016x}", (now_ms.cast_unsigned() << 20) | (number & 0xf_ffff))
}
