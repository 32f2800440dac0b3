//! Source text with what is no code blanked out. Every character stays in its line.

/// Blanks comments and, but for scripts, whose imports are strings, the insides of strings.
pub fn code(text: &str, keep_strings: bool) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let rest = &chars[at..];
        let (length, blank) = match rest {
            ['/', '/', ..] => (until(rest, 2, |rest| rest[0] == '\n'), true),
            ['/', '*', ..] => (until(rest, 2, |rest| rest.starts_with(&['*', '/'])) + 2, true),
            ['r', '#', '"', ..] if !follows_name(&chars, at) => {
                (until(rest, 3, |rest| rest.starts_with(&['"', '#'])) + 2, true)
            }
            ['"', ..] => (string(rest, '"'), !keep_strings),
            ['\'' | '`', ..] if keep_strings => (string(rest, rest[0]), false),
            // A character, and not a lifetime.
            ['\'', '\\', ..] => (until(rest, 3, |rest| rest[0] == '\'') + 1, true),
            ['\'', _, '\'', ..] => (3, true),
            _ => (1, false),
        };
        for c in &rest[..length.min(rest.len())] {
            out.push(if blank && *c != '\n' { ' ' } else { *c });
        }
        at += length;
    }
    out
}

pub fn line(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

pub fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn follows_name(chars: &[char], at: usize) -> bool {
    at > 0 && is_name(chars[at - 1])
}

fn until(rest: &[char], from: usize, end: impl Fn(&[char]) -> bool) -> usize {
    (from..rest.len()).find(|at| end(&rest[*at..])).unwrap_or(rest.len())
}

fn string(rest: &[char], quote: char) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}
