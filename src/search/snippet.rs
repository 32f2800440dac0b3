//! An excerpt of a text around what was found, as segments. There is no markup in it.

use serde::Serialize;
use utoipa::ToSchema;

use super::Query;

/// Characters of an excerpt, and of what stands before the first hit.
const LENGTH: usize = 160;
const LEAD: usize = 40;

/// A piece of an excerpt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Segment {
    pub text: String,
    /// It is what was looked for.
    pub hit: bool,
}

/// The part of the text that shows the first hit, cut with `…` where it does not begin or end.
pub fn excerpt(text: &str, query: &Query) -> Vec<Segment> {
    let hits = query.hits(text);
    let first = hits.first().map_or(0, |hit| hit.0);
    let start = text[..first].char_indices().rev().nth(LEAD - 1).map_or(0, |(at, _)| at);
    let start = match text[start..first].find(char::is_whitespace) {
        Some(gap) if start > 0 => start + gap + 1,
        _ => start,
    };
    let start = text.ceil_char_boundary(start).min(first);
    let end = text[start..].char_indices().nth(LENGTH).map_or(text.len(), |(at, _)| start + at);
    let mut segments = Vec::new();
    let mut add = |piece: &str, hit: bool| {
        if !piece.is_empty() {
            segments.push(Segment { text: piece.replace(['\r', '\n', '\t'], " "), hit });
        }
    };
    let mut at = start;
    if start > 0 {
        add("…", false);
    }
    for (from, to) in hits {
        if from >= end {
            break;
        }
        add(&text[at..from.max(at)], false);
        add(&text[from.max(at)..to.min(end)], true);
        at = to.min(end).max(at);
    }
    add(&text[at..end], false);
    if end < text.len() {
        add("…", false);
    }
    segments
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, typed: &str) -> String {
        let segments = excerpt(text, &Query::parse(typed));
        segments
            .iter()
            .map(|one| if one.hit { format!("[{}]", one.text) } else { one.text.clone() })
            .collect()
    }

    #[test]
    fn hits_are_marked_in_the_text_as_it_is() {
        assert_eq!(shown("Ещё ёлка, <b>", "елк"), "Ещё [ёлка], <b>");
        assert_eq!(shown("call +1 555 010-0123 now", "0123"), "call +[1] [555] [010]-[0123] now");
        assert_eq!(shown("a b a", "\"b a\""), "a [b] [a]");
        let long = format!("{} needle {}", "word ".repeat(100), "more ".repeat(100));
        let found = shown(&long, "needle");
        assert!(found.starts_with('…') && found.ends_with('…') && found.contains("[needle]"), "{found}");
        assert!(found.chars().count() < LENGTH + 10);
    }
}
