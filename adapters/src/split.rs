//! Cutting a long text into parts that a provider accepts: at paragraphs, then lines, sentences, words, and only
//! then inside a word, but never inside a character as a reader sees it. Knows no markup.

/// What a provider counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// UTF-16 code units (Telegram).
    Utf16,
    /// Unicode scalar values.
    Chars,
    /// UTF-8 bytes (Instagram).
    Bytes,
}

impl Unit {
    fn of(self, c: char) -> usize {
        match self {
            Self::Utf16 => c.len_utf16(),
            Self::Chars => 1,
            Self::Bytes => c.len_utf8(),
        }
    }
}

/// The length of a text in a provider's unit.
pub fn measure(text: &str, unit: Unit) -> usize {
    match unit {
        Unit::Utf16 => text.encode_utf16().count(),
        Unit::Chars => text.chars().count(),
        Unit::Bytes => text.len(),
    }
}

/// Parts of at most `limit` units, without the white space around the cuts; none for a blank text. A limit smaller
/// than one character (4 bytes, 2 UTF-16 units) is raised to that.
pub fn split(text: &str, limit: usize, unit: Unit) -> Vec<&str> {
    let limit = limit.max(match unit {
        Unit::Bytes => 4,
        Unit::Utf16 => 2,
        Unit::Chars => 1,
    });
    let mut parts = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let window = fitting(rest, limit, unit);
        if window == rest.len() {
            parts.push(rest);
            break;
        }
        let cut = boundary(rest, window);
        let part = rest[..cut].trim_end();
        if !part.is_empty() {
            parts.push(part);
        }
        rest = rest[cut..].trim_start();
    }
    parts
}

/// Bytes of the longest prefix within the limit.
fn fitting(text: &str, limit: usize, unit: Unit) -> usize {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += unit.of(c);
        if used > limit {
            return at;
        }
    }
    text.len()
}

/// Where to cut a text of which `window` bytes fit. Always more than 0.
fn boundary(text: &str, window: usize) -> usize {
    let head = &text[..window];
    // A cut in the first third would make many short parts out of one early paragraph break.
    let least = window / 3;
    let far_enough = |cut: &usize| *cut > least;
    // The cut may fall right at the window's end when white space follows there.
    if text[window..].starts_with(char::is_whitespace)
        && (ends_sentence(head) || text[window..].starts_with('\n'))
    {
        return window;
    }
    let paragraph = head.rmatch_indices("\n\n").map(|(at, _)| at).find(far_enough);
    let line = || head.rmatch_indices('\n').map(|(at, _)| at).find(far_enough);
    let sentence = || {
        head.char_indices()
            .rev()
            .filter(|(_, c)| c.is_whitespace())
            .map(|(at, _)| at)
            .find(|at| far_enough(at) && ends_sentence(&head[..*at]))
            .or_else(|| {
                let wide = head.char_indices().rev().find(|(_, c)| matches!(c, '。' | '！' | '？'));
                wide.map(|(at, c)| at + c.len_utf8()).filter(far_enough)
            })
    };
    let word = || {
        if text[window..].starts_with(char::is_whitespace) {
            return Some(window);
        }
        head.char_indices().rev().find(|(_, c)| c.is_whitespace()).map(|(at, _)| at).filter(far_enough)
    };
    paragraph.or_else(line).or_else(sentence).or_else(word).unwrap_or_else(|| inside_word(text, window))
}

fn ends_sentence(text: &str) -> bool {
    text.trim_end_matches(['"', '\'', ')', '»', '”', '’']).ends_with(['.', '!', '?', '…', '。', '！', '？'])
}

/// The last place within the window that does not tear a visible character apart; the window itself when one
/// character is longer than that.
fn inside_word(text: &str, window: usize) -> usize {
    let mut cut = window;
    while cut > 0 {
        let next = text[cut..].chars().next();
        let Some((before_at, before)) = text[..cut].char_indices().next_back() else { break };
        let torn = next.is_some_and(|next| joins(before, next) || splits_flag(&text[..cut], next));
        if !torn {
            return cut;
        }
        cut = before_at;
    }
    window
}

/// Whether `next` belongs to the visible character that ends with `before`.
fn joins(before: char, next: char) -> bool {
    const ZERO_WIDTH_JOINER: char = '\u{200d}';
    before == ZERO_WIDTH_JOINER
        || next == ZERO_WIDTH_JOINER
        || matches!(next,
            '\u{0300}'..='\u{036f}' | '\u{0483}'..='\u{0489}' | '\u{0591}'..='\u{05bd}' | '\u{0610}'..='\u{061a}'
            | '\u{064b}'..='\u{065f}' | '\u{0900}'..='\u{0903}' | '\u{093a}'..='\u{094f}' | '\u{0e31}'
            | '\u{0e34}'..='\u{0e3a}' | '\u{0e47}'..='\u{0e4e}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
            | '\u{20d0}'..='\u{20ff}' | '\u{3099}' | '\u{309a}' | '\u{fe00}'..='\u{fe0f}' | '\u{fe20}'..='\u{fe2f}'
            | '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0020}'..='\u{e007f}' | '\u{e0100}'..='\u{e01ef}')
}

/// Flags are pairs of regional indicators: an odd number of them before the cut means that it falls inside a pair.
fn splits_flag(before: &str, next: char) -> bool {
    let is_indicator = |c: char| matches!(c, '\u{1f1e6}'..='\u{1f1ff}');
    is_indicator(next) && before.chars().rev().take_while(|c| is_indicator(*c)).count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paragraphs_come_before_sentences_and_words() {
        let text = "First paragraph here.\n\nSecond one. It goes on";
        assert_eq!(split(text, 40, Unit::Chars), ["First paragraph here.", "Second one. It goes on"]);
        assert_eq!(split("One is done. Two is longer", 20, Unit::Chars), ["One is done.", "Two is longer"]);
        assert_eq!(split("alpha beta gamma", 11, Unit::Chars), ["alpha beta", "gamma"]);
        assert_eq!(split("abcdefgh", 3, Unit::Chars), ["abc", "def", "gh"]);
    }

    #[test]
    fn visible_characters_stay_whole() {
        let family = "👩‍👩‍👧";
        let text = family.repeat(3);
        assert_eq!(split(&text, 10, Unit::Utf16), [family, family, family]);
        assert_eq!(split("🇪🇸🇫🇮🇩🇪", 6, Unit::Utf16), ["🇪🇸", "🇫🇮", "🇩🇪"]);
        assert_eq!(split("e\u{301}e\u{301}", 3, Unit::Chars), ["e\u{301}", "e\u{301}"]);
    }

    #[test]
    fn blank_text_has_no_parts() {
        assert!(split(" \n\t ", 10, Unit::Utf16).is_empty());
    }

    proptest! {
        #[test]
        fn parts_fit_and_give_the_text_back(
            text in "(\\PC|[ \n.!?]|👩‍👩‍👧|🇪🇸|e\u{301}){0,200}",
            limit in 4usize..40,
            unit in prop_oneof![Just(Unit::Utf16), Just(Unit::Chars), Just(Unit::Bytes)],
        ) {
            let parts = split(&text, limit, unit);
            for part in &parts {
                prop_assert!(measure(part, unit) <= limit);
                prop_assert!(!part.trim().is_empty());
            }
            let squeeze = |s: &str| s.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(squeeze(&parts.concat()), squeeze(&text));
        }
    }
}
