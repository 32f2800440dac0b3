//! What a company tells its customers of privacy.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One version of a company's notice. One without texts tells nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PrivacyNotice {
    /// 0: there has been none yet.
    pub version: i64,
    /// The language for customers whose own is not among the texts.
    pub language: String,
    /// Texts by language: `en`, `ru`, `pt`.
    pub texts: BTreeMap<String, String>,
    pub created_at: i64,
}

impl PrivacyNotice {
    /// The text for a customer who writes like this, with its language. The language is told by the script alone: a
    /// text in Cyrillic is answered in the first of the languages that use it.
    pub fn for_writer(&self, written: Option<&str>) -> Option<(&str, &str)> {
        let guessed = written.and_then(script).and_then(|languages| {
            // A default language that uses the script is as good a guess as another.
            if languages.contains(&self.language.as_str()) {
                return self.texts.get_key_value(&self.language);
            }
            languages.iter().find_map(|language| self.texts.get_key_value(*language))
        });
        guessed
            .or_else(|| self.texts.get_key_value(&self.language))
            .map(|(language, text)| (language.as_str(), text.as_str()))
    }
}

const LATIN: &[&str] = &["en", "es", "pt", "de", "fr", "it", "pl", "tr", "nl", "id", "vi", "cs", "ro", "sv"];

/// The languages of the script that most letters of a text have. `None`: it has no letters.
fn script(text: &str) -> Option<&'static [&'static str]> {
    const SCRIPTS: &[(std::ops::RangeInclusive<char>, &[&str])] = &[
        ('\u{41}'..='\u{24f}', LATIN),
        ('\u{400}'..='\u{52f}', &["ru", "uk", "kk", "be", "bg", "sr", "ky"]),
        ('\u{370}'..='\u{3ff}', &["el"]),
        ('\u{590}'..='\u{5ff}', &["he"]),
        ('\u{600}'..='\u{6ff}', &["ar", "fa", "ur"]),
        ('\u{900}'..='\u{97f}', &["hi"]),
        ('\u{e00}'..='\u{e7f}', &["th"]),
        ('\u{3040}'..='\u{30ff}', &["ja"]),
        ('\u{4e00}'..='\u{9fff}', &["zh", "ja"]),
        ('\u{ac00}'..='\u{d7a3}', &["ko"]),
        ('\u{10a0}'..='\u{10ff}', &["ka"]),
        ('\u{530}'..='\u{58f}', &["hy"]),
    ];
    let mut counts = vec![0_usize; SCRIPTS.len()];
    for letter in text.chars().filter(|letter| letter.is_alphabetic()) {
        if let Some(index) = SCRIPTS.iter().position(|(range, _)| range.contains(&letter)) {
            counts[index] += 1;
        }
    }
    let (index, most) =
        counts.iter().enumerate().max_by_key(|(index, count)| (**count, usize::MAX - index))?;
    (*most > 0).then(|| SCRIPTS[index].1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_in_the_writers_script() {
        let texts = [("en", "Hello"), ("ru", "Привет"), ("ar", "مرحبا")];
        let texts = texts.map(|(language, text)| (language.to_owned(), text.to_owned()));
        let notice = PrivacyNotice { language: "en".into(), texts: texts.into(), ..PrivacyNotice::default() };
        for (written, expected) in [
            (Some("Where is my order?"), "en"),
            (Some("Где мой заказ 12?"), "ru"),
            (Some("OK, а когда привезут?"), "ru"),
            (Some("أين طلبي"), "ar"),
            (Some("123 👍"), "en"),
            (Some("Που είναι"), "en"),
            (None, "en"),
        ] {
            assert_eq!(notice.for_writer(written).expect("a text").0, expected, "{written:?}");
        }
        let none = PrivacyNotice::default();
        assert_eq!(none.for_writer(Some("Hi")), None);
        let german = PrivacyNotice { language: "ru".into(), ..notice };
        assert_eq!(german.for_writer(Some("Wo ist meine Bestellung?")).expect("a text").0, "en");
    }
}
