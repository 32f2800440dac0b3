//! The words of an HTML mail, without anything that runs, styles or hides behind them. No tree is built: one pass over the
//! text, whatever it holds.

use mail_parser::decoders::html::add_html_token;

/// Elements whose content is no words.
const SKIPPED: &[&str] =
    &["script", "style", "title", "template", "iframe", "object", "noframes", "svg", "select"];

/// Elements that stand on lines of their own, and those of them with an empty line around.
const BLOCKS: &[&str] = &[
    "div", "tr", "li", "dt", "dd", "section", "article", "header", "footer", "hr", "address", "center",
    "form", "tbody", "thead", "main", "aside", "nav", "figure",
];
const PARAGRAPHS: &[&str] =
    &["p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "blockquote", "pre", "table"];

/// The longest entity has 33 characters.
const MAX_ENTITY: usize = 40;

#[derive(Default)]
struct Text {
    text: String,
    is_blank_due: bool,
    /// Line ends that are due before the next word.
    lines_due: usize,
    /// One was without an end. Looking for that of each would take the square of the mail's length.
    is_head_open: bool,
}

impl Text {
    fn push(&mut self, word: &str) {
        for c in word.chars() {
            // U+0000, which no database takes, can be written as an entity.
            if c == '\0' {
                continue;
            }
            // Not the no-break space, which is part of a word.
            if c.is_ascii_whitespace() {
                self.is_blank_due = true;
                continue;
            }
            if !self.text.is_empty() {
                for _ in 0..self.lines_due {
                    self.text.push('\n');
                }
                if self.is_blank_due && self.lines_due == 0 {
                    self.text.push(' ');
                }
            }
            (self.is_blank_due, self.lines_due) = (false, 0);
            self.text.push(c);
        }
    }

    fn line(&mut self, least: usize) {
        self.lines_due = self.lines_due.max(least);
    }
}

pub(super) fn to_text(html: &str) -> String {
    let mut text = Text::default();
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&']) {
        text.push(&rest[..at]);
        rest = &rest[at..];
        rest = if rest.starts_with('&') { entity(rest, &mut text) } else { tag(rest, &mut text) };
    }
    text.push(rest);
    text.text
}

fn entity<'a>(rest: &'a str, text: &mut Text) -> &'a str {
    let name = rest.bytes().take(MAX_ENTITY).position(|byte| byte == b';');
    match name {
        Some(end) if end > 1 && rest[1..end].bytes().all(|b| b.is_ascii_alphanumeric() || b == b'#') => {
            let mut word = String::new();
            add_html_token(&mut word, &rest.as_bytes()[..=end], false);
            text.push(&word.replace('\u{a0}', " "));
            &rest[end + 1..]
        }
        _ => {
            text.push("&");
            &rest[1..]
        }
    }
}

/// What follows the tag, the comment or, if it is neither, the sign.
fn tag<'a>(rest: &'a str, text: &mut Text) -> &'a str {
    if let Some(comment) = rest.strip_prefix("<!--") {
        return comment.find("-->").map_or("", |end| &comment[end + 3..]);
    }
    let inside = &rest[1..];
    let (is_end, named) = match inside.strip_prefix('/') {
        Some(named) => (true, named),
        None => (false, inside),
    };
    if !named.starts_with(|c: char| c.is_ascii_alphabetic() || c == '!' || c == '?') {
        text.push("<");
        return inside;
    }
    let length = named.bytes().take_while(u8::is_ascii_alphanumeric).count();
    let name = named[..length].to_ascii_lowercase();
    let after = end_of_tag(named).map_or("", |end| &named[end + 1..]);
    let is_one_of = |names: &[&str]| names.contains(&name.as_str());
    if name == "head" {
        let head = if is_end || text.is_head_open { None } else { skipped(after, &name) };
        text.is_head_open |= head.is_none() && !is_end;
        return head.unwrap_or(after);
    }
    if !is_end && is_one_of(SKIPPED) {
        // A style sheet without an end is nothing to read. A head without one would be the whole mail.
        return skipped(after, &name).unwrap_or_default();
    }
    if name == "br" {
        text.lines_due = (text.lines_due + 1).min(2);
    } else if is_one_of(PARAGRAPHS) {
        text.line(2);
    } else if is_one_of(BLOCKS) {
        text.line(1);
    } else if matches!(name.as_str(), "td" | "th") {
        text.is_blank_due = true;
    }
    after
}

/// A bracket inside of an attribute's quotes ends nothing.
fn end_of_tag(named: &str) -> Option<usize> {
    let mut quote = None;
    let mut before = b' ';
    for (at, byte) in named.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return Some(at),
            (None, b'"' | b'\'') if before == b'=' => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
        if !byte.is_ascii_whitespace() {
            before = byte;
        }
    }
    // A quote that nothing closes must not take the rest of the mail.
    named.find('>')
}

/// What follows the end of an element, whose words nobody is to see.
fn skipped<'a>(rest: &'a str, name: &str) -> Option<&'a str> {
    let is_at = |at: usize, what: &str| {
        rest.as_bytes()
            .get(at..at + what.len())
            .is_some_and(|part| part.eq_ignore_ascii_case(what.as_bytes()))
    };
    let end = format!("/{name}");
    let mut from = 0;
    while let Some(at) = rest[from..].find('<').map(|found| from + found) {
        if is_at(at + 1, &end) {
            return Some(rest[at..].find('>').map_or("", |close| &rest[at + close + 1..]));
        }
        // A head that was left open ends where the body begins.
        if name == "head" && is_at(at + 1, "body") {
            return Some(&rest[at..]);
        }
        from = at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_and_what_runs_or_styles_goes() {
        let html = "<html><head><style>p{color:red}</style><title>t</title></head><body><p>Can you <b>call</b> me?</p>\
                    <script>alert(1)</script></body></html>";
        assert_eq!(to_text(html), "Can you call me?");
        assert_eq!(to_text("<STYLE type=x>a{}</STYLE >b<!-- c --><SCRIPT\n>d</script\n>e"), "be");
        assert_eq!(to_text("<p onclick=\"a>b\" title='x>y'>one</p>two"), "one\n\ntwo");
        assert_eq!(to_text("a<script>b"), "a");
        assert_eq!(to_text("<head><meta x><body>seen"), "seen");
        assert_eq!(to_text("<head>seen<head> too"), "seen too");
        assert_eq!(to_text("<a href=\"x>seen</a>"), "seen");
    }

    #[test]
    fn lines_and_blanks_are_those_that_are_seen() {
        assert_eq!(to_text("<div>The <b>blue</b>\r\n one, please.</div>"), "The blue one, please.");
        assert_eq!(to_text("<p>a</p>\n<p>b</p>c<br>d<br><br>e<br><br><br><br>f"), "a\n\nb\n\nc\nd\n\ne\n\nf");
        assert_eq!(
            to_text("<ul><li>one<li>two</ul><table><tr><td>1<td>2<tr><td>3</table>"),
            "one\ntwo\n\n1 2\n3"
        );
    }

    #[test]
    fn entities_are_letters_and_signs_are_signs() {
        assert_eq!(to_text("a &amp; b &lt;c&gt; &eacute;&#233;&#xE9;&nbsp;x"), "a & b <c> ééé x");
        assert_eq!(
            to_text("5 < 6 & 7 > 3 &unknown; AT&T; &; &#0; &#xD800;"),
            "5 < 6 & 7 > 3 &unknown; AT&T; &; \u{fffd}"
        );
        assert_eq!(to_text(""), "");
    }
}
