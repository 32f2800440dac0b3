//! What was typed, as words, beginnings of words, phrases and numbers, all of which a document must have. Every string
//! is a query; one without words finds nothing.

use super::fold::{Word, is_invisible, is_word_by_itself, words};
use super::number::{TypedNumber, from_end};
use super::tokens::{FROM_END, NUMBER, numbers};
use super::{Kind, filter};
use uuid::Uuid;

/// What is read of a typed text, in characters, and the most words of it.
const TYPED: usize = 300;
const WORDS: usize = 12;
/// Letters from which on a word finds longer ones, so that inflected forms are found.
const INFLECTED: usize = 4;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Term {
    Word(String),
    Beginning(String),
}

impl Term {
    fn fits(&self, word: &str) -> bool {
        match self {
            Self::Word(own) => word == own,
            Self::Beginning(own) => word.starts_with(own.as_str()),
        }
    }

    /// `#` stands for the block. Tokens have only letters and digits, so that nothing in them needs an escape.
    fn written(&self, syntax: Syntax) -> String {
        let (Self::Word(text) | Self::Beginning(text)) = self;
        let prefix = if matches!(self, Self::Beginning(_)) { syntax.prefix } else { "" };
        format!("{quote}#_{text}{quote}{prefix}", quote = syntax.quote)
    }
}

/// How an engine writes a query.
#[derive(Clone, Copy, Debug)]
pub struct Syntax {
    pub quote: &'static str,
    pub prefix: &'static str,
    pub and: &'static str,
    pub or: &'static str,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// All must be there, in any order.
    terms: Vec<Term>,
    /// Each must be there, word after word.
    phrases: Vec<Vec<Term>>,
    /// One of these must be there: what was typed is a number.
    number: Vec<Term>,
    /// Or all of these: its groups, which may be two numbers, a price, a date.
    groups: Vec<Term>,
    /// Of each list one must be there.
    filters: Vec<Vec<String>>,
}

impl Query {
    pub fn parse(typed: &str) -> Self {
        let typed: String = typed.chars().filter(|c| !is_invisible(*c)).take(TYPED).collect();
        let mut query = Self { number: number(&typed), ..Self::default() };
        if !query.number.is_empty() {
            query.groups = groups_of(&typed);
            return query;
        }
        let mut left = WORDS;
        let pieces: Vec<&str> = typed.split(['"', '«', '»', '“', '”', '„']).collect();
        let last = pieces.len() - 1;
        for (at, piece) in pieces.iter().enumerate() {
            let mut found = words(piece);
            found.truncate(left);
            left -= found.len();
            // The word that is being typed: nothing stands behind it.
            let is_open = at == last && found.last().is_some_and(|word| word.end == piece.len());
            let count = found.len();
            let term = |(at, word): (usize, Word), inflects: bool| {
                let is_long = word.folded.chars().count() >= INFLECTED;
                let begins = (is_open && at + 1 == count) || (inflects && is_long);
                if begins { Term::Beginning(word.folded) } else { Term::Word(word.folded) }
            };
            let is_phrase = at % 2 == 1;
            // Letters of a script without spaces stand together, as they were typed.
            let runs: Vec<Vec<usize>> = if is_phrase { Vec::new() } else { runs(&found) };
            let terms: Vec<Term> = found.into_iter().enumerate().map(|word| term(word, !is_phrase)).collect();
            if is_phrase && count > 1 {
                query.phrases.push(terms);
                continue;
            }
            query.phrases.extend(runs.iter().map(|run| run.iter().map(|at| terms[*at].clone()).collect()));
            let alone = |at: &usize| !runs.iter().flatten().any(|one| one == at);
            query.terms.extend((0..count).filter(alone).map(|at| terms[at].clone()));
        }
        query
    }

    /// There is nothing to look for.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty() && self.phrases.is_empty() && self.number.is_empty()
    }

    pub fn of_kind(&mut self, kind: Kind) {
        self.filters.push(vec![filter::kind(kind)]);
    }

    /// Of any of these.
    pub fn of_channels(&mut self, channels: &[Uuid]) {
        self.filters.push(channels.iter().map(|id| filter::channel(*id)).collect());
    }

    /// Of any of these.
    pub fn of_contacts(&mut self, contacts: &[Uuid]) {
        self.filters.push(contacts.iter().map(|id| filter::contact(*id)).collect());
    }

    /// The query in an engine's syntax, with `#` for the number of a block.
    pub fn template(&self, syntax: Syntax) -> String {
        let mut parts: Vec<String> = Vec::new();
        let words = self.terms.iter().chain(self.phrases.iter().flatten());
        parts.extend(words.map(|term| term.written(syntax)));
        let any_of = |list: &[Term]| list.iter().map(|term| term.written(syntax)).collect::<Vec<_>>();
        let mut number = any_of(&self.number);
        if !self.groups.is_empty() {
            number.push(format!("({})", any_of(&self.groups).join(syntax.and)));
        }
        let filters = self
            .filters
            .iter()
            .map(|list| list.iter().map(|one| Term::Word(one.clone()).written(syntax)).collect());
        for list in std::iter::once(number).chain(filters) {
            let list: Vec<String> = list;
            if !list.is_empty() {
                parts.push(format!("({})", list.join(syntax.or)));
            }
        }
        parts.sort();
        parts.dedup();
        parts.join(syntax.and)
    }

    /// Whether a text has what the query asks for, filters aside.
    pub fn fits(&self, text: &str) -> bool {
        !self.is_empty() && {
            let words = words(text);
            self.terms.iter().all(|term| words.iter().any(|word| term.fits(&word.folded)))
                && self.phrases.iter().all(|phrase| phrase_at(phrase, &words).is_some())
                && (self.number.is_empty() || self.number_in(text, &words))
        }
    }

    fn number_in(&self, text: &str, words: &[Word]) -> bool {
        let has = |token: &str| self.number.iter().any(|term| term.fits(token));
        words.iter().any(|word| has(&word.folded))
            || numbers(text).iter().any(|digits| has(digits) || has(&from_end(FROM_END, digits)))
            || (!self.groups.is_empty()
                && self.groups.iter().all(|term| words.iter().any(|word| term.fits(&word.folded))))
    }

    /// The bytes of a text that are to be highlighted, in its order.
    pub fn hits(&self, text: &str) -> Vec<(usize, usize)> {
        let words = words(text);
        let mut hits: Vec<(usize, usize)> = Vec::new();
        let is_number = !self.number.is_empty() && self.number_in(text, &words);
        for (at, word) in words.iter().enumerate() {
            let in_phrase = self
                .phrases
                .iter()
                .any(|phrase| (0..phrase.len()).any(|back| at >= back && fits_at(phrase, &words, at - back)));
            // Of a number that is grouped, all groups.
            let of_number = is_number && word.folded.bytes().all(|byte| byte.is_ascii_digit());
            if in_phrase || of_number || self.terms.iter().any(|term| term.fits(&word.folded)) {
                hits.push((word.start, word.end));
            }
        }
        hits
    }
}

fn phrase_at(phrase: &[Term], words: &[Word]) -> Option<usize> {
    (0..words.len()).find(|at| fits_at(phrase, words, *at))
}

fn fits_at(phrase: &[Term], words: &[Word], at: usize) -> bool {
    words.len() >= at + phrase.len()
        && phrase.iter().zip(&words[at..]).all(|(term, word)| term.fits(&word.folded))
}

/// The groups of a number that was typed in several, the last of which may go on.
fn groups_of(typed: &str) -> Vec<Term> {
    let found = words(typed);
    let last = found.len().saturating_sub(1);
    if last == 0 || found.len() > WORDS {
        return Vec::new();
    }
    let term = |(at, word): (usize, Word)| {
        if at == last { Term::Beginning(word.folded) } else { Term::Word(word.folded) }
    };
    found.into_iter().enumerate().map(term).collect()
}

/// Where words of one character each follow one another without a gap.
fn runs(found: &[Word]) -> Vec<Vec<usize>> {
    let mut runs: Vec<Vec<usize>> = Vec::new();
    for (at, word) in found.iter().enumerate().filter(|(_, word)| word.folded.starts_with(is_word_by_itself))
    {
        match runs
            .last_mut()
            .filter(|run| run.last() == Some(&at.wrapping_sub(1)) && found[at - 1].end == word.start)
        {
            Some(run) => run.push(at),
            None => runs.push(vec![at]),
        }
    }
    runs.retain(|run| run.len() > 1);
    runs
}

/// If a number was typed, the tokens of which a document must have one.
fn number(typed: &str) -> Vec<Term> {
    let Some(TypedNumber { begins, ends }) = TypedNumber::read(typed, NUMBER) else { return Vec::new() };
    let ends = ends.iter().map(|digits| from_end(FROM_END, digits));
    begins.into_iter().chain(ends).map(Term::Beginning).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Syntax = Syntax { quote: "'", prefix: "*", and: " & ", or: " | " };

    #[test]
    fn what_was_typed_is_what_must_be_there() {
        for (typed, template) in [
            ("the ca", "'#_ca'* & '#_the'"),
            ("the cat ", "'#_cat' & '#_the'"),
            ("Заказы ё", "'#_заказы'* & '#_е'*"),
            ("\"Good morning\" all ", "'#_all' & '#_good' & '#_morning'"),
            ("?!", ""),
            ("1555010", "('#_1555010'* | '#_ⁿ0105551'*)"),
            ("12.5", "('#_125'* | '#_ⁿ521'* | ('#_12' & '#_5'*))"),
        ] {
            let sorted = |text: &str| {
                let mut parts: Vec<_> = text.split(" & ").map(str::to_owned).collect();
                parts.sort();
                parts
            };
            assert_eq!(sorted(&Query::parse(typed).template(PLAIN)), sorted(template), "{typed}");
        }
    }

    #[test]
    fn a_text_fits_what_is_in_it() {
        for (typed, text, fits) in [
            ("morn", "Good morning", true),
            ("mor ", "Good morning", false),
            ("morn ", "Good morning", true),
            ("good \"morning all\"", "Good morning, all", true),
            ("\"all morning\"", "Good morning, all", false),
            ("елка", "Наши ёлки и ЁЛКА", true),
            ("0123", "Call +1 (555) 010-0123", true),
            ("555 010 0123", "Call 15550100123", true),
            ("ann.lee@exa", "write to ann.lee@example.com", true),
            ("東京", "私は東京に", true),
            ("東京", "京都の東", false),
            ("สั่งซื้อ", "ฉันต้องการสั่งซื้อกระเป๋า", true),
            ("12.50", "The fee was 12.50 a night", true),
            ("1500", "We paid 1 500 in total", true),
            ("24.12", "Come on 24.12, please", true),
            ("2.0", "Release 2.0.1", true),
            ("12 34", "34 bags and 12 boxes", true),
            ("12.50", "12 boxes", false),
            ("\u{202a}+15550100123\u{202c}", "Call +1 (555) 010-0123", true),
            ("15550100123", "۱۵۵۵۰۱۰۰۱۲۳", true),
            ("parcel", "my par\u{ad}cel", true),
            ("", "anything", false),
        ] {
            assert_eq!(Query::parse(typed).fits(text), fits, "{typed:?} in {text:?}");
        }
    }

    #[test]
    fn any_string_is_a_query() {
        for typed in
            ["\"", "\"\"\"", "AND OR NOT", "* ^ : ( ) - +", "a\0b", "'; drop table x; --", "\\", "#_#"]
        {
            let query = Query::parse(typed);
            let inside = query.template(Syntax { quote: "", ..PLAIN });
            assert!(inside.chars().all(|c| c.is_alphanumeric() || "#_*&| ()".contains(c)), "{inside}");
            let _ = query.hits("some text \" of any kind 'x'");
        }
    }
}
