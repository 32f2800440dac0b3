//! What a provider said, made fit for a database, a log and an answer. It is somebody else's text: of any length, with
//! whatever in it, and it may quote what was sent. Every reason of this crate has this type, so none goes around it.

use std::{fmt, ops::Deref};

use serde::Serialize;

/// A short line: at most [`Words::MOST`] characters, no control characters (no U+0000, which PostgreSQL refuses), none
/// that turn the direction of what stands beside it, one blank where there were several.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct Words(String);

impl Words {
    /// In characters.
    pub const MOST: usize = 200;

    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn new(text: &str) -> Self {
        Self(line(text, Self::MOST))
    }
}

fn line(text: &str, most: usize) -> String {
    let mut line = String::new();
    let (mut count, mut blank) = (0, false);
    for one in text.chars() {
        if one.is_whitespace() {
            blank = count > 0;
            continue;
        }
        if one.is_control() || turns(one) {
            continue;
        }
        let wanted = 1 + usize::from(blank);
        if count + wanted > most {
            while count >= most {
                line.pop();
                count -= 1;
            }
            line.push('…');
            break;
        }
        if blank {
            line.push(' ');
        }
        line.push(one);
        count += wanted;
        blank = false;
    }
    line
}

/// A name that somebody chose, by the same rules; nothing if there is nothing in it to see.
pub(crate) fn one_line(name: &str, most: usize) -> Option<String> {
    let line = line(name, most);
    line.chars().any(|one| !is_invisible(one)).then_some(line)
}

/// Has no width, or is drawn as nothing.
fn is_invisible(one: char) -> bool {
    one.is_whitespace()
        || matches!(one, '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200d}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// Characters by which a text of the one direction shows what follows in the other.
fn turns(one: char) -> bool {
    matches!(one, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

impl From<&str> for Words {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<&String> for Words {
    fn from(text: &String) -> Self {
        Self::new(text)
    }
}

impl From<String> for Words {
    fn from(text: String) -> Self {
        Self::new(&text)
    }
}

impl From<Words> for String {
    fn from(words: Words) -> Self {
        words.0
    }
}

impl Deref for Words {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PartialEq<str> for Words {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for Words {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

/// What stands where a secret was.
pub(crate) const HIDDEN: &str = "...";

/// A provider's answer without a secret that it quotes. Before anything is cut: half a secret is one too.
pub(crate) fn hide(body: &mut Vec<u8>, secret: &str) {
    let secret = secret.as_bytes();
    // What is shorter is no secret worth the name, and would tear ordinary words apart.
    if secret.len() < 6 {
        return;
    }
    let found = |from: usize| body[from..].windows(secret.len()).position(|part| part == secret);
    let Some(mut next) = found(0) else { return };
    let (mut kept, mut at) = (Vec::with_capacity(body.len()), 0);
    loop {
        kept.extend_from_slice(&body[at..next]);
        kept.extend_from_slice(HIDDEN.as_bytes());
        at = next + secret.len();
        match found(at) {
            Some(ahead) => next = at + ahead,
            None => break,
        }
    }
    kept.extend_from_slice(&body[at..]);
    *body = kept;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_is_cut_by_characters_and_cleaned() {
        assert_eq!(Words::from("Bad Request: chat not found"), "Bad Request: chat not found");
        assert_eq!(Words::from(" one\n\ttwo \0\u{7}\u{202e}three "), "one two three");
        assert_eq!(Words::from("\0"), "");
        let exact = "ж".repeat(Words::MOST);
        assert_eq!(Words::from(&exact), exact.as_str());
        let cut = Words::from(format!("{exact}!"));
        assert_eq!((cut.chars().count(), cut.ends_with("ж…")), (Words::MOST, true));
        let blank = Words::from(format!("{} and", "a".repeat(Words::MOST - 1)));
        assert_eq!(blank, format!("{}…", "a".repeat(Words::MOST - 1)).as_str());
    }

    #[test]
    fn a_secret_is_hidden_wherever_it_stands() {
        let mut body = b"77:secret is 77:secret, not 77:secre".to_vec();
        hide(&mut body, "77:secret");
        assert_eq!(body, b"... is ..., not 77:secre");
        let mut body = b"the session is down".to_vec();
        hide(&mut body, "s");
        assert_eq!(body, b"the session is down");
    }

    proptest! {
        #[test]
        fn every_text_becomes_a_short_clean_line(text in any::<String>()) {
            let words = Words::from(&text);
            prop_assert!(words.chars().count() <= Words::MOST);
            prop_assert!(!words.chars().any(|one| one.is_control() || turns(one)));
            prop_assert_eq!(words.trim(), &*words);
            prop_assert_eq!(Words::from(&*words), words.clone());
        }
    }
}
