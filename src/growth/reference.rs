//! References: what a visitor of a link carries into the chat, so that the first message tells which visit it follows.
//!
//! Six signs of an alphabet without look-alikes, the last of which checks the others: a single wrong sign, or two neighbours
//! that changed places, make another text and never another reference. A reference is used once and lives seven days. It
//! proves nothing: people delete it, cut it and forward it, and a message without one is an ordinary message.

/// No `0`, `O`, `1`, `I`, `L`, `U`. A prime number of signs, on which the check depends.
const ALPHABET: &[u8; 29] = b"23456789ABCDEFGHJKMNPQRSTVWXY";
/// The sign that checks is one of them.
pub const LENGTH: usize = 6;
/// Tries to find a reference that nobody else of the tenant has.
pub const TRIES: usize = 4;

/// How long a reference is waited for, counted to when the message was written.
pub const LIFE_MS: i64 = 7 * 24 * 3_600_000;
/// How long it is kept: a message that was written in time may be delivered late.
pub const KEPT_DAYS: i64 = 10;

/// A reference from random bytes.
pub fn make(random: [u8; 8]) -> String {
    let mut number = u64::from_le_bytes(random);
    let mut signs = [0; LENGTH];
    for sign in &mut signs[..LENGTH - 1] {
        *sign = (number % ALPHABET.len() as u64) as usize;
        number /= ALPHABET.len() as u64;
    }
    signs[LENGTH - 1] = check(&signs[..LENGTH - 1]);
    signs.iter().map(|sign| char::from(ALPHABET[*sign])).collect()
}

/// Weights from 2 to 6 are all different and none is 0 or 1 modulo 29, so one wrong sign and two that changed places are
/// found.
fn check(signs: &[usize]) -> usize {
    signs.iter().zip(2..).map(|(sign, weight)| sign * weight).sum::<usize>() % ALPHABET.len()
}

/// The reference that a word is, whatever its case; nothing if it is none.
pub fn read(word: &str) -> Option<String> {
    if word.len() != LENGTH {
        return None;
    }
    let place = |byte: u8| ALPHABET.iter().position(|sign| *sign == byte.to_ascii_uppercase());
    let signs = word.bytes().map(place).collect::<Option<Vec<_>>>()?;
    (check(&signs[..LENGTH - 1]) == signs[LENGTH - 1]).then(|| word.to_ascii_uppercase())
}

/// The references in a text, each in brackets, from the last to the first.
pub fn find(text: &str) -> Vec<String> {
    /// More are nobody's first message.
    const MOST: usize = 3;
    let words = text.rmatch_indices('[').filter_map(|(at, _)| {
        let word = text[at + 1..].split_once(']')?.0;
        read(word)
    });
    words.take(MOST).collect()
}

/// The text without this reference and without the blanks that stood before it.
pub fn strip(text: &str, reference: &str) -> String {
    let found = text.rmatch_indices('[').find_map(|(at, _)| {
        let word = text[at + 1..].split_once(']')?.0;
        (read(word)? == reference).then_some((at, at + 1 + word.len() + 1))
    });
    let Some((from, to)) = found else { return text.to_owned() };
    let (before, after) = (text[..from].trim_end_matches([' ', '\u{a0}']), &text[to..]);
    if after.is_empty() { before.trim_end().to_owned() } else { format!("{before}{after}") }
}

/// The text with the reference at its end.
pub fn append(text: &str, reference: &str) -> String {
    if text.is_empty() { format!("[{reference}]") } else { format!("{text} [{reference}]") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_people_do_to_a_text_leaves_the_reference_or_none() {
        let reference = make([7; 8]);
        let text = append("Hello, the lamp please", &reference);
        assert_eq!(find(&text), std::slice::from_ref(&reference));
        assert_eq!(strip(&text, &reference), "Hello, the lamp please");
        assert_eq!(find(&text.to_lowercase()), std::slice::from_ref(&reference));
        assert_eq!(strip(&format!("{text} today"), &reference), "Hello, the lamp please today");
        assert_eq!(strip(&format!("[{reference}]"), &reference), "");
        for cut in [&text[..text.len() - 1], &text[..text.len() - 2], &text.replace('[', "")] {
            assert_eq!(find(cut), Vec::<String>::new(), "{cut}");
        }
        let none = Vec::<String>::new();
        for other in ["", "[", "[]", "[[[]", "[ABC]", "[é]x]", "Size [LARGER]?", "[12345678]"] {
            assert_eq!(find(other), none, "{other}");
        }
        let both = format!("[{}] and [{reference}]", make([1; 8]));
        assert_eq!(find(&both), [reference, make([1; 8])]);
    }

    proptest! {
        #[test]
        fn one_wrong_sign_or_two_that_changed_places_are_no_reference(
            random: [u8; 8], place in 0..LENGTH, sign in 0..ALPHABET.len(),
        ) {
            let reference = make(random);
            prop_assert_eq!(read(&reference), Some(reference.clone()));
            let mut wrong = reference.clone().into_bytes();
            wrong[place] = ALPHABET[sign];
            let wrong = String::from_utf8(wrong).expect("ASCII");
            prop_assert!(wrong == reference || read(&wrong).is_none());
            let mut swapped = reference.clone().into_bytes();
            swapped.swap(place, (place + 1).min(LENGTH - 1));
            let swapped = String::from_utf8(swapped).expect("ASCII");
            prop_assert!(swapped == reference || read(&swapped).is_none());
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC{0,80}", random: [u8; 8]) {
            for found in find(&text) {
                strip(&text, &found);
            }
            let reference = make(random);
            let whole = append(text.trim_end(), &reference);
            prop_assert_eq!(find(&whole).swap_remove(0), reference.clone());
            prop_assert_eq!(strip(&whole, &reference), text.trim_end().trim_end_matches('\u{a0}').trim_end());
        }
    }
}
