//! The tags that models put around their reasoning, recognised at the beginning of a text that may be incomplete. The
//! result depends only on the text, never on how it was split into pieces.

/// Blocks of reasoning and of tool calls, as `<name …>…</name>`, in any case and with a prefix (`x:think`).
const BLOCKS: &[&str] = &[
    "think",
    "thinking",
    "thought",
    "thoughts",
    "reasoning",
    "reflection",
    "analysis",
    "scratchpad",
    "monologue",
    "inner_monologue",
    "inner_thoughts",
    "chain_of_thought",
    "cot",
    "tool_call",
    "tool_calls",
    "function_call",
    "tool_response",
];
/// The same as `[NAME]…[/NAME]` and `◁name▷…◁/name▷`.
const BRACKETED: &[&str] = &["think", "thinking", "thought", "reasoning"];
/// Tags around the answer itself: they are removed, and their content stays.
const WRAPPERS: &[&str] = &["answer", "final_answer", "response"];

/// Maximum characters of a name, and of a whole tag.
const NAME: usize = 40;
const TAG: usize = 200;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    Open,
    Close,
    /// Has no content: an empty block, a closing tag, a wrapper.
    Nothing,
    /// `<|start|>`, `<|channel|>`, `<|message|>`, `<|end|>`: a format in which each message names its recipient.
    Start,
    Channel,
    Message,
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// With its length in bytes.
    Tag(Tag, usize),
    /// No tag: the first character is text.
    Text,
    /// Incomplete: more text is needed.
    More,
}

/// The position at which the next tag can begin.
pub(super) fn start(text: &str) -> Option<usize> {
    text.find(['<', '[', '◁'])
}

/// Recognises the tag at the beginning of a text. `ended`: no more text follows.
pub(super) fn read(text: &str, ended: bool) -> Found {
    let found = match text.chars().next() {
        Some('<') if text[1..].starts_with(['|', '｜']) => token(text),
        Some('<') => angle(text),
        Some('[') => bracketed(text, ']'),
        Some('◁') => bracketed(text, '▷'),
        _ => Found::Text,
    };
    match found {
        Found::More if ended => cut_off(text),
        found => found,
    }
}

/// The stream ended within a tag. It counts as a tag if its name is complete.
fn cut_off(text: &str) -> Found {
    let Some(inner) = text.strip_prefix('<').map(str::trim_start) else { return Found::Text };
    let (inner, tag) = match inner.strip_prefix('/') {
        Some(inner) => (inner.trim_start(), Tag::Close),
        None => (inner, Tag::Open),
    };
    let name = inner.split(|c: char| !is_name(c)).next().unwrap_or_default();
    if is_one_of(name, BLOCKS) { Found::Tag(tag, text.len()) } else { Found::Text }
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '-' | '.')
}

/// The name without a prefix, in lower case.
fn is_one_of(name: &str, names: &[&str]) -> bool {
    let plain = name.rsplit(':').next().unwrap_or_default();
    names.iter().any(|known| known.eq_ignore_ascii_case(plain))
}

/// `<name …>`, `</name>`, `<name/>`, and `<name|>`, the end of a channel.
fn angle(text: &str) -> Found {
    let mut at = 1 + spaces(&text[1..]);
    let closes = text[at..].starts_with('/');
    if closes {
        at += 1;
        at += spaces(&text[at..]);
    }
    let length = text[at..].chars().take(NAME + 1).take_while(|c| is_name(*c)).count();
    let (name, rest) = text[at..].split_at(length);
    if length > NAME || (length == 0 && !rest.is_empty()) {
        return Found::Text;
    }
    let Some(next) = rest.chars().next() else { return Found::More };
    let end = at + length;
    if next == '|' {
        return match rest[1..].chars().next() {
            None => Found::More,
            Some('>') if name.eq_ignore_ascii_case("channel") => Found::Tag(Tag::Close, end + 2),
            Some(_) => Found::Text,
        };
    }
    let (block, wrapper) = (is_one_of(name, BLOCKS), is_one_of(name, WRAPPERS));
    if !(block || wrapper) || !(next == '>' || next == '/' || next.is_whitespace()) {
        return Found::Text;
    }
    let tag = |is_empty: bool| match (block, closes) {
        (true, true) => Tag::Close,
        (true, false) if !is_empty => Tag::Open,
        _ => Tag::Nothing,
    };
    match rest.char_indices().take(TAG).find(|(_, c)| *c == '>') {
        Some((place, _)) => Found::Tag(tag(rest[..place].ends_with('/')), end + place + 1),
        None if rest.chars().nth(TAG).is_none() => Found::More,
        // For an incomplete block, hiding too much is better than too little.
        None if block => Found::Tag(tag(false), end),
        None => Found::Text,
    }
}

fn spaces(text: &str) -> usize {
    text.bytes().take(2).take_while(|byte| *byte == b' ').count()
}

/// `[NAME]` and its like.
fn bracketed(text: &str, end: char) -> Found {
    let first = text.chars().next().map_or(0, char::len_utf8);
    let closes = text[first..].starts_with('/');
    let at = first + usize::from(closes);
    let length = text[at..].bytes().take(NAME).take_while(u8::is_ascii_alphabetic).count();
    let (name, rest) = text[at..].split_at(length);
    match rest.chars().next() {
        None if BRACKETED.iter().any(|known| begins(known, name)) => Found::More,
        Some(next) if next == end && is_one_of(name, BRACKETED) => {
            let tag = if closes { Tag::Close } else { Tag::Open };
            Found::Tag(tag, at + length + next.len_utf8())
        }
        _ => Found::Text,
    }
}

fn begins(known: &str, name: &str) -> bool {
    known.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
}

/// `<|name|>`, also with the wide bar, and `<|channel>`.
fn token(text: &str) -> Found {
    let bar = text[1..].chars().next().unwrap_or('|');
    let at = 1 + bar.len_utf8();
    let is_inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '/' | ' ' | '▁');
    let name: String = text[at..].chars().take(NAME + 1).take_while(|c| is_inside(*c)).collect();
    if name.chars().count() > NAME {
        return Found::Text;
    }
    let rest = &text[at + name.len()..];
    let Some(next) = rest.chars().next() else { return Found::More };
    let name_end = at + name.len();
    if next == '>' && name.eq_ignore_ascii_case("channel") {
        return Found::Tag(Tag::Open, name_end + 1);
    }
    if next != bar || name.is_empty() {
        return Found::Text;
    }
    match rest[bar.len_utf8()..].chars().next() {
        None => Found::More,
        Some('>') => Found::Tag(meaning(&name.to_ascii_lowercase()), name_end + bar.len_utf8() + 1),
        Some(_) => Found::Text,
    }
}

fn meaning(name: &str) -> Tag {
    match name {
        "start" => Tag::Start,
        "channel" => Tag::Channel,
        "message" => Tag::Message,
        "end" | "return" | "call" => Tag::End,
        _ if ["think", "thought", "reason", "tool"].iter().any(|word| name.contains(word)) => {
            if name.starts_with('/') || name.contains("end") { Tag::Close } else { Tag::Open }
        }
        _ => Tag::Nothing,
    }
}
