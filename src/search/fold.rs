//! The normal form of text in searches: compatibility decomposition, without marks, in lower case (`ё` is `е`, `é` is
//! `e`), with the digits of any script as ASCII, and without characters that are not drawn. A word is a run of letters
//! and digits. Scripts without spaces give a word for each character.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// The most characters of a word that are compared.
pub const WORD: usize = 32;

/// A word of a text, with the bytes of the text that it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    pub folded: String,
    pub start: usize,
    pub end: usize,
}

/// The words of a text, in its order.
pub fn words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    // Whether the last word goes on.
    let mut open = false;
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        let before = words.len();
        each(c, |part| {
            let Part::Letters(letters) = part else {
                open = false;
                return;
            };
            if is_word_by_itself(letters.chars().next().unwrap_or(' ')) {
                open = false;
                words.push(Word { folded: letters.to_owned(), start: at, end });
                return;
            }
            match words.last_mut().filter(|_| open) {
                Some(word) => {
                    if word.folded.chars().count() < WORD {
                        word.folded.push_str(letters);
                    }
                    word.end = end;
                }
                None => words.push(Word { folded: letters.to_owned(), start: at, end }),
            }
            open = true;
        });
        // A mark belongs to the letter before it.
        if before == words.len()
            && is_combining_mark(c)
            && let Some(word) = words.last_mut().filter(|word| word.end == at)
        {
            word.end = end;
        }
    }
    words.retain(|word| !word.folded.is_empty());
    words
}

/// The whole text in normal form, with one space between words.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        each(c, |part| match part {
            Part::Letters(letters) => folded.push_str(letters),
            Part::Gap => {
                if !folded.is_empty() && !folded.ends_with(' ') {
                    folded.push(' ');
                }
            }
        });
    }
    folded.truncate(folded.trim_end().len());
    folded
}

enum Part<'a> {
    Letters(&'a str),
    Gap,
}

/// What a character becomes: letters, a gap, or nothing.
fn each(c: char, mut found: impl FnMut(Part<'_>)) {
    let mut buffer = [0; 4];
    if c.is_ascii_alphanumeric() {
        return found(Part::Letters(c.to_ascii_lowercase().encode_utf8(&mut buffer)));
    }
    if is_invisible(c) {
        return;
    }
    if let Some(digit) = digit(c) {
        return found(Part::Letters(digit.encode_utf8(&mut buffer)));
    }
    for c in std::iter::once(c).nfkd() {
        if is_combining_mark(c) {
            continue;
        }
        if let Some(plain) = plain(c) {
            if !plain.is_empty() {
                found(Part::Letters(plain));
            }
        } else if c.is_alphanumeric() {
            // The lower case of a letter may be a letter and a mark.
            for c in c.to_lowercase().filter(|c| !is_combining_mark(*c)) {
                found(Part::Letters(c.encode_utf8(&mut buffer)));
            }
        } else {
            found(Part::Gap);
        }
    }
}

/// Letters that do not decompose, and signs inside of words, as people type them without.
const fn plain(c: char) -> Option<&'static str> {
    Some(match c {
        'ł' | 'Ł' => "l",
        'ø' | 'Ø' => "o",
        'đ' | 'Đ' | 'ð' | 'Ð' => "d",
        'ı' => "i",
        'ß' | 'ẞ' => "ss",
        'æ' | 'Æ' => "ae",
        'œ' | 'Œ' => "oe",
        'þ' | 'Þ' => "th",
        '\'' | '’' | 'ʼ' | '`' => "",
        _ => return None,
    })
}

/// Characters within text that are not drawn and part no words: soft hyphens, spaces of no width, marks of direction
/// (which address books put around phone numbers). The non-joiner is not one of them: it parts words in Persian.
pub(super) const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200d}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// The ASCII digit that a digit stands for.
pub(super) fn digit(c: char) -> Option<char> {
    const ZEROS: [u32; 8] = [0x30, 0x660, 0x6f0, 0x966, 0x9e6, 0xe50, 0xed0, 0xff10];
    let value = ZEROS.iter().find_map(|zero| u32::from(c).checked_sub(*zero).filter(|value| *value < 10))?;
    char::from_digit(value, 10)
}

/// Scripts that are written without spaces between words: Thai, Lao, Burmese, Khmer, Chinese, Japanese.
pub(super) const fn is_word_by_itself(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{2e80}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_compared_without_case_marks_and_punctuation() {
        for (typed, folded) in [
            ("Ёлка, Ещё", "елка еще"),
            ("Café au lait", "cafe au lait"),
            ("O'Brien", "obrien"),
            ("ＡＢＣ １２", "abc 12"),
            ("İstanbul", "istanbul"),
            ("Straße", "strasse"),
            ("  @ann_lee ", "ann lee"),
            ("par\u{ad}cel \u{202a}zero\u{200b}width\u{202c}", "parcel zerowidth"),
            ("۱۲ ٣ １", "12 3 1"),
        ] {
            assert_eq!(fold(typed), folded, "{typed}");
            let words: Vec<String> = words(typed).into_iter().map(|word| word.folded).collect();
            assert_eq!(words.join(" "), folded, "{typed}");
        }
    }

    #[test]
    fn a_word_knows_its_place_in_the_text() {
        let text = "Nе\u{301}t: été 東京";
        let found: Vec<_> = words(text).iter().map(|word| &text[word.start..word.end]).collect();
        assert_eq!(found, ["Nе\u{301}t", "été", "東", "京"]);
    }
}
