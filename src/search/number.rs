//! Phone numbers and amounts as people write them: with signs that group the digits, in the digits of any script, with
//! marks of direction around them from address books. Only digits are compared, from the beginning and from the end.

use super::fold::{WORD, digit, is_invisible};

/// Digits from which on they are looked for at both ends of numbers.
const DIGITS: usize = 3;

/// What a typed number may be of a stored one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypedNumber {
    /// The stored one begins with one of these, or ends with one of [`ends`](Self::ends).
    pub begins: Vec<String>,
    pub ends: Vec<String>,
}

impl TypedNumber {
    /// `None` if the text is no number. It may have the prefixes of dialling (00, 0, 8) that stored ones have not; what is
    /// left without zeros counts from `least` digits on.
    pub fn read(typed: &str, least: usize) -> Option<Self> {
        let seen: String = typed.chars().filter(|c| !is_invisible(*c)).collect();
        let seen = seen.trim();
        let seen = seen.strip_prefix("tel:").unwrap_or(seen);
        let digits = digits(seen);
        let is_number = seen.chars().all(|c| digit(c).is_some() || groups(c) || c.is_whitespace());
        if !is_number || !(DIGITS..=WORD).contains(&digits.len()) {
            return None;
        }
        let mut found = Self { begins: vec![digits.clone()], ends: vec![digits.clone()] };
        let plain = digits.trim_start_matches('0');
        if plain.len() >= least && plain.len() < digits.len() {
            found.begins.push(plain.to_owned());
            found.ends.push(plain.to_owned());
        }
        if let (11, Some(national)) = (digits.len(), digits.strip_prefix('8')) {
            found.ends.push(national.to_owned());
        }
        Some(found)
    }
}

/// The digits of a text, as ASCII.
pub fn digits(text: &str) -> String {
    text.chars().filter_map(digit).collect()
}

/// Digits from their end, behind a mark: a number that ends alike begins alike in this form.
pub fn from_end(mark: char, digits: &str) -> String {
    std::iter::once(mark).chain(digits.chars().rev()).collect()
}

/// Signs within a phone number.
pub(super) fn groups(c: char) -> bool {
    matches!(
        c,
        ' ' | '\u{a0}' | '\u{2009}' | '\u{202f}' | '+' | '-' | '(' | ')' | '.' | '/' | '\u{2010}'
            ..='\u{2013}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_known_however_it_is_typed() {
        let stored = "447700900123";
        for typed in [
            "+44 7700 900123",
            "00447700900123",
            "07700900123",
            "tel:+447700900123",
            "(07700) 900\u{2011}123",
            "\u{202a}+44 7700 900123\u{202c}",
            "+44\u{a0}7700\u{202f}900123",
            "\t44\u{3000}7700/900123",
            "\u{661}\u{662}\u{663}",
            "۴۴۷۷۰۰۹۰۰۱۲۳",
            "４４７７",
            "0123",
        ] {
            let number = TypedNumber::read(typed, 3).unwrap_or_else(|| panic!("{typed:?} is a number"));
            let begins = number.begins.iter().any(|one| stored.starts_with(one));
            assert!(begins || number.ends.iter().any(|one| stored.ends_with(one)), "{typed:?}: {number:?}");
        }
        assert!(TypedNumber::read("89125550148", 3).unwrap().ends.contains(&"9125550148".to_owned()));
        for name in ["4477 Shop", "ab", "12", "", "tel:", &"1".repeat(33)] {
            assert_eq!(TypedNumber::read(name, 3), None, "{name:?}");
        }
    }
}
