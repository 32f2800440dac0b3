//! The tokens of a document: its words, its numbers from both ends, and what it is filtered by. Letters with a
//! compatibility decomposition mark the tokens that are no words: no text in normal form contains one.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::fold::{digit, is_invisible, words};
use super::number::{from_end, groups};
use crate::model::text_enum;

text_enum!(
    /// What was found. `conversation`: by its title, the name of a topic.
    Kind { Message = "message", Note = "note", Conversation = "conversation" }
);

/// The most distinct tokens of one document, and the most bytes of its text that are read.
const TOKENS: usize = 400;
const TEXT: usize = 16 * 1024;
/// Digits from which on a number is found from its end too.
pub(super) const NUMBER: usize = 5;

/// Before the digits of a number from its end.
pub(super) const FROM_END: char = 'ⁿ';
const KIND: char = 'ᵏ';
const CHANNEL: char = 'ʰ';
const CONTACT: char = 'ᵖ';

/// The tokens by which a query is limited.
pub mod filter {
    use super::{CHANNEL, CONTACT, KIND, Kind, Uuid};

    pub fn kind(kind: Kind) -> String {
        format!("{KIND}{}", &kind.as_str()[..1])
    }

    pub fn channel(id: Uuid) -> String {
        format!("{CHANNEL}{}", short(id))
    }

    pub fn contact(id: Uuid) -> String {
        format!("{CONTACT}{}", short(id))
    }

    /// The random end of an id. What is found is compared with the whole id afterwards.
    fn short(id: Uuid) -> String {
        format!("{:x}", id.as_u128() & 0xffff_ffff_ffff)
    }
}

/// The tokens of one document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens(BTreeSet<String>);

impl Tokens {
    /// `None`: there is nothing to find in the text.
    pub fn of(text: &str, kind: Kind, channel: Uuid, contact: Uuid) -> Option<Self> {
        let text = cut(text);
        let mut tokens: BTreeSet<String> =
            words(text).into_iter().map(|word| word.folded).take(TOKENS).collect();
        for digits in numbers(text).into_iter().take(TOKENS / 10) {
            tokens.insert(from_end(FROM_END, &digits));
            tokens.insert(digits);
        }
        if tokens.is_empty() {
            return None;
        }
        tokens.insert(filter::kind(kind));
        tokens.insert(filter::channel(channel));
        tokens.insert(filter::contact(contact));
        Some(Self(tokens))
    }

    /// The tokens of a document in this block of the index, separated by spaces.
    pub fn in_block(&self, block: i64) -> String {
        use std::fmt::Write as _;
        let mut text = String::with_capacity(self.0.len() * 14);
        for token in &self.0 {
            if !text.is_empty() {
                text.push(' ');
            }
            let _ = write!(text, "{block}_{token}");
        }
        text
    }
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT)]
}

/// The numbers of a text without the signs that group their digits, as in phone numbers.
pub(super) fn numbers(text: &str) -> Vec<String> {
    let mut numbers = Vec::new();
    let mut digits = String::new();
    // An amount in groups (`1 500`) is found without them; one in a piece is a word already.
    let mut end = |digits: &mut String, is_grouped: bool| {
        let number = std::mem::take(digits);
        if (if is_grouped { NUMBER - 1 } else { NUMBER }..=super::fold::WORD).contains(&number.len()) {
            numbers.push(number);
        }
    };
    let (mut gap, mut is_grouped) = (0, false);
    for c in text.chars().filter(|c| !is_invisible(*c)) {
        if let Some(digit) = digit(c) {
            is_grouped = !digits.is_empty() && (is_grouped || gap > 0);
            digits.push(digit);
            gap = 0;
        } else if groups(c) && gap < 3 {
            gap += 1;
        } else {
            end(&mut digits, is_grouped);
            gap = 0;
        }
    }
    end(&mut digits, is_grouped);
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_joined_however_they_are_grouped() {
        for text in [
            "+1 (555) 010-0123",
            "1.555.010.0123",
            "15550100123",
            "\u{202a}+1 555 010 0123\u{202c}",
            "۱۵۵۵۰۱۰۰۱۲۳",
        ] {
            assert_eq!(numbers(text), ["15550100123"], "{text}");
        }
        assert!(numbers("room 12, 4 people, 2026").is_empty());
        assert_eq!(numbers("1 500 in total"), ["1500"]);
    }

    #[test]
    fn every_token_is_in_its_block() {
        let nil = Uuid::nil();
        let tokens = Tokens::of("Where is 15550100123?", Kind::Note, nil, nil).expect("tokens");
        let text = tokens.in_block(7);
        assert!(text.split(' ').all(|token| token.starts_with("7_")), "{text}");
        for token in ["7_where", "7_15550100123", "7_ⁿ32100105551", "7_ᵏn"] {
            assert!(text.split(' ').any(|one| one == token), "{token}: {text}");
        }
        assert_eq!(Tokens::of("?!", Kind::Message, nil, nil), None);
    }
}
