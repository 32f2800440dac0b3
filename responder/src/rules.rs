//! Answers by rules, without a model: a pure function from a turn to an answer, for new installations, the demo and
//! the tests. It recognises a few words of English and Russian.

mod hours;
mod phrases;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc;

pub use self::hours::Hours;
pub use self::phrases::Language;
use self::phrases::{Phrases, Topic};
use super::wire::{Turn, TurnMessage};
use super::{MAX_ANSWER_CHARS, Outcome};

/// Words that hand the customer to people, with any ending.
pub const HANDOFF_WORDS: [&str; 7] =
    ["human", "operator", "real person", "manager", "оператор", "человек", "менеджер"];
/// Maximum length of an ending, in letters.
const MAX_ENDING: usize = 3;
const MAX_QUOTE_CHARS: usize = 80;
const MAX_QUOTES: usize = 3;

#[derive(Clone, Debug)]
pub struct Rules {
    /// The greeting of a customer's first message; `None`: the language's own.
    pub greeting: Option<String>,
    pub handoff_words: Vec<String>,
    pub hours: Option<Hours>,
    /// `None`: the language is detected from the customer's alphabet.
    pub language: Option<Language>,
    /// The pause between two streamed words, so that people see it typing.
    pub pace: Duration,
    /// Unix milliseconds, for the opening hours.
    pub now_ms: fn() -> i64,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            greeting: None,
            handoff_words: HANDOFF_WORDS.map(str::to_owned).to_vec(),
            hours: None,
            language: None,
            pace: Duration::from_millis(45),
            now_ms: system_now_ms,
        }
    }
}

impl Rules {
    pub(super) async fn answer(&self, turn: &Turn, pieces: mpsc::Sender<String>) -> Outcome {
        let outcome = self.decide(turn, (self.now_ms)());
        if let Outcome::Answer(text) = &outcome {
            for word in text.split_inclusive(' ') {
                if pieces.send(word.to_owned()).await.is_err() {
                    break;
                }
                tokio::time::sleep(self.pace).await;
            }
        }
        outcome
    }

    /// The outcome of a turn at this time (Unix milliseconds).
    pub fn decide(&self, turn: &Turn, now_ms: i64) -> Outcome {
        let language = self.language.unwrap_or_else(|| language_of(turn));
        let phrases = language.phrases();
        let words: Vec<String> =
            turn.messages.iter().filter_map(TurnMessage::words).flat_map(words_of).collect();
        if self.handoff_words.iter().any(|asked| says(&words, asked)) {
            return Outcome::Handoff(phrases.handoff.to_owned());
        }
        let is_first = !turn.history.iter().any(TurnMessage::is_ours);
        let mut sentences = Vec::new();
        if is_first {
            sentences.push(match (&self.greeting, &turn.contact.name) {
                (Some(greeting), _) => greeting.clone(),
                (None, Some(name)) => phrases.hello_name.replace("{name}", name.trim()),
                (None, None) => phrases.hello.to_owned(),
            });
        }
        sentences.extend(self.about(&words, phrases, language));
        let quotes = quotes_of(turn);
        if !quotes.is_empty() {
            sentences.push(phrases.noted.replace("{quotes}", &quotes.join(", ")));
        }
        if turn.messages.iter().any(|said| phrases::is_file(&said.kind)) {
            sentences.push(phrases.file.to_owned());
        }
        if self.hours.as_ref().is_some_and(|hours| !hours.is_open(now_ms)) {
            sentences.push(phrases.closed.to_owned());
        }
        sentences.push(phrases.offer.to_owned());
        Outcome::Answer(sentences.join(" ").chars().take(MAX_ANSWER_CHARS).collect())
    }

    /// One sentence per topic that was asked about.
    fn about(&self, words: &[String], phrases: &Phrases, language: Language) -> Vec<String> {
        let asked = phrases
            .topics
            .iter()
            .filter(|(_, stems, _)| words.iter().any(|word| stems.iter().any(|stem| word.starts_with(stem))));
        asked
            .filter_map(|(topic, _, sentence)| match (topic, &self.hours) {
                (Topic::Hours, Some(hours)) => Some(sentence.replace("{hours}", &hours.describe(language))),
                (Topic::Hours, None) => None,
                (Topic::Other, _) => Some((*sentence).to_owned()),
            })
            .collect()
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place of this crate that reads the system's clock")]
fn system_now_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
    since_epoch.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// The customer's words in lower case, without punctuation.
fn words_of(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

/// Whether the phrase occurs; each of its words may have a short ending.
fn says(words: &[String], phrase: &str) -> bool {
    let phrase: Vec<String> = words_of(phrase).collect();
    let is = |word: &String, asked: &String| {
        word.strip_prefix(asked.as_str()).is_some_and(|ending| ending.chars().count() <= MAX_ENDING)
    };
    !phrase.is_empty()
        && words
            .windows(phrase.len())
            .any(|some| some.iter().zip(&phrase).all(|(word, asked)| is(word, asked)))
}

/// The language by the alphabet of most letters, in the turn or else in the customer's earlier messages.
fn language_of(turn: &Turn) -> Language {
    let before = turn.history.iter().rev().filter(|said| !said.is_ours());
    for texts in [turn.messages.iter().collect::<Vec<_>>(), before.collect()] {
        let letters = texts.iter().filter_map(|said| said.words()).flat_map(str::chars);
        let (mut russian, mut other) = (0, 0);
        for letter in letters.filter(|c| c.is_alphabetic()) {
            if ('\u{400}'..='\u{52f}').contains(&letter) { russian += 1 } else { other += 1 }
        }
        if russian + other > 0 {
            return if russian > other { Language::Ru } else { Language::En };
        }
    }
    Language::En
}

fn quotes_of(turn: &Turn) -> Vec<String> {
    let texts: Vec<&str> = turn.messages.iter().filter_map(TurnMessage::words).collect();
    let last = texts.len().saturating_sub(MAX_QUOTES);
    texts[last..]
        .iter()
        .map(|text| {
            let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
            let mut quote: String = line.chars().take(MAX_QUOTE_CHARS).collect();
            if quote.len() < line.len() {
                quote.push('…');
            }
            format!("“{quote}”")
        })
        .collect()
}

#[cfg(test)]
mod tests;
