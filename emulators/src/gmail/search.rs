//! The part of Gmail's search language that a client of the API uses. Operators that are not known are refused, where
//! Gmail would search for them as words: a test must not pass because of that.

use super::{dates, mailbox::Stored, part::addresses};

const DAY_MS: i64 = 24 * 3_600_000;

enum Term {
    After(i64),
    Before(i64),
    Label(String),
    From(String),
    To(String),
    Subject(String),
    MessageId(String),
    HasAttachment,
    Word(String),
    Anything,
}

pub(super) struct Search {
    /// Whether it must fit, and what.
    terms: Vec<(bool, Term)>,
    pub(super) is_anywhere: bool,
}

impl Search {
    pub(super) fn parse(query: &str, now_ms: i64) -> Result<Self, String> {
        let mut search = Self { terms: Vec::new(), is_anywhere: false };
        for word in query.split_whitespace() {
            let (wanted, word) = word.strip_prefix('-').map_or((true, word), |rest| (false, rest));
            search.is_anywhere |= wanted && word == "in:anywhere";
            search.terms.push((wanted, term(word, now_ms)?));
        }
        Ok(search)
    }

    pub(super) fn fits(&self, mail: &Stored) -> bool {
        self.terms.iter().all(|(wanted, term)| fits(term, mail) == *wanted || matches!(term, Term::Anything))
    }
}

fn term(word: &str, now_ms: i64) -> Result<Term, String> {
    let Some((name, value)) = word.split_once(':') else { return Ok(Term::Word(word.to_lowercase())) };
    let value = value.trim_matches(['"', '(', ')']);
    let wrong = || format!("Invalid search term: {word}");
    Ok(match name.to_ascii_lowercase().as_str() {
        "after" | "newer" => Term::After(time(value).ok_or_else(wrong)?),
        "before" | "older" => Term::Before(time(value).ok_or_else(wrong)?),
        "newer_than" => Term::After(now_ms - span(value).ok_or_else(wrong)?),
        "older_than" => Term::Before(now_ms - span(value).ok_or_else(wrong)?),
        "in" if matches!(value, "anywhere" | "chats") => Term::Anything,
        "in" | "is" | "label" => Term::Label(label(value)),
        "from" => Term::From(value.to_lowercase()),
        "to" => Term::To(value.to_lowercase()),
        "subject" => Term::Subject(value.to_lowercase()),
        "rfc822msgid" => Term::MessageId(value.trim_matches(['<', '>']).to_owned()),
        "has" if value == "attachment" => Term::HasAttachment,
        _ => return Err(wrong()),
    })
}

/// Seconds since 1970, or a date, as `2026/11/10`.
fn time(value: &str) -> Option<i64> {
    let mut parts = value.split(['/', '-']).map(|part| part.parse::<i64>().ok());
    let first = parts.next()??;
    match (parts.next(), parts.next()) {
        (None, None) => Some(first * 1000),
        (Some(month), Some(day)) => Some(dates::days(first, month?, day?) * DAY_MS),
        _ => None,
    }
}

/// As `7d`, `2m` or `1y`.
fn span(value: &str) -> Option<i64> {
    let (number, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    let days = match unit {
        "d" => 1,
        "m" => 30,
        "y" => 365,
        _ => return None,
    };
    Some(number.parse::<i64>().ok()? * days * DAY_MS)
}

/// Labels are compared by id; searches have their names.
fn label(value: &str) -> String {
    match value.to_ascii_lowercase().as_str() {
        "drafts" => "DRAFT".into(),
        _ => value.to_ascii_uppercase(),
    }
}

fn fits(term: &Term, mail: &Stored) -> bool {
    let header = |name: &str| mail.root.header(name).unwrap_or_default().to_lowercase();
    let has_address =
        |name: &str, address: &str| addresses(&header(name)).iter().any(|known| known == address);
    match term {
        Term::After(at_ms) => mail.at_ms >= *at_ms,
        Term::Before(at_ms) => mail.at_ms < *at_ms,
        Term::Label(label) if label == "READ" => !mail.has("UNREAD"),
        Term::Label(label) => mail.has(label),
        Term::From(address) => has_address("From", address),
        Term::To(address) => has_address("To", address),
        Term::Subject(words) => header("Subject").contains(words.as_str()),
        Term::MessageId(id) => header("Message-ID").trim_matches(['<', '>']) == id.to_lowercase(),
        Term::HasAttachment => mail.root.walk().iter().any(|(_, part)| !part.filename.is_empty()),
        Term::Word(word) => {
            mail.snippet().to_lowercase().contains(word) || header("Subject").contains(word.as_str())
        }
        Term::Anything => true,
    }
}
