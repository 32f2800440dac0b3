//! Base64 as Google writes it: of either alphabet, with its padding or without.

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::RequireNone)
    .with_decode_allow_trailing_bits(true)
    .with_encode_padding(false);

/// What mails are sent in.
pub(super) const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, CONFIG);

pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    // What Google writes today. Whatever else stands in it is no letter of that alphabet.
    URL_SAFE.decode(text.trim_end_matches('=')).ok().or_else(|| decode_other(text))
}

fn decode_other(text: &str) -> Option<Vec<u8>> {
    let text = text.bytes().filter(|byte| !byte.is_ascii_whitespace());
    let mut plain: Vec<u8> = text
        .map(|byte| match byte {
            b'+' => b'-',
            b'/' => b'_',
            other => other,
        })
        .collect();
    while plain.pop_if(|byte| *byte == b'=').is_some() {}
    URL_SAFE.decode(plain).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_alphabets_are_read_with_and_without_padding() {
        let bytes = [0xfb, 0xff, 0xbf, b'x'];
        for text in ["+/+/eA==", "-_-_eA==", "+/+/eA", "-_-_eA", "-_-_\r\neA="] {
            assert_eq!(decode(text).as_deref(), Some(&bytes[..]), "{text}");
        }
        assert_eq!(decode("").as_deref(), Some(&b""[..]));
        for text in ["a", "a*bc", "ab=c"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
