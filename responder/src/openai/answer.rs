//! An answer while it comes: which of a model's words can be shown now, and what the whole comes to. Thoughts are left out
//! before the marker is looked for, so that a model which thinks of people does not call them.

use std::sync::atomic::{AtomicU8, Ordering};

use super::super::{MAX_ANSWER_CHARS, Outcome};
use super::Failure;
use super::chunk::Delta;
use super::marker::Marker;
use super::thoughts::{Said, Thoughts};

/// Characters that a model may say for one answer, its thoughts among them.
const MAX_SAID_CHARS: usize = 400_000;

/// What is known of where this model's thoughts begin. Some begin with their first word, and only their end is marked:
/// then nothing can be shown before that end. Until it is known, an answer is shown when it is whole.
#[derive(Default)]
pub(super) struct Habit(AtomicU8);

impl Habit {
    const UNKNOWN: u8 = 0;
    /// It does not think aloud, or marks both ends.
    const MARKED: u8 = 1;
    const AT_ONCE: u8 = 2;

    fn holds_back(&self) -> bool {
        self.0.load(Ordering::Relaxed) != Self::MARKED
    }

    fn thinks_at_once(&self) -> bool {
        self.0.load(Ordering::Relaxed) == Self::AT_ONCE
    }

    fn learn(&self, thoughts: &Thoughts) {
        if thoughts.thinks_at_once() {
            self.0.store(Self::AT_ONCE, Ordering::Relaxed);
        } else {
            let (known, marked) = (Self::UNKNOWN, Self::MARKED);
            // Once seen, it is so: such models do not think about every answer.
            let _ = self.0.compare_exchange(known, marked, Ordering::Relaxed, Ordering::Relaxed);
        }
    }
}

/// An answer while it comes.
pub(super) struct Answer<'a> {
    habit: &'a Habit,
    thoughts: Thoughts,
    words: Marker,
    /// What may be shown, and is kept back.
    waiting: String,
    hold_back: bool,
    /// Thoughts were seen, apart from the words or in them.
    thought: bool,
    said: usize,
}

impl<'a> Answer<'a> {
    pub fn new(habit: &'a Habit) -> Self {
        Self {
            habit,
            thoughts: Thoughts::default(),
            words: Marker::default(),
            waiting: String::new(),
            hold_back: habit.holds_back(),
            thought: false,
            said: 0,
        }
    }

    /// Takes a piece and gives what can be shown now.
    pub fn push(&mut self, delta: &Delta) -> String {
        let words = delta.words();
        self.said += words.chars().count();
        self.thought |= delta.has_thoughts();
        let said = self.thoughts.push(&words);
        self.take(&said);
        // Thoughts with marks, or apart from the words: the words are no thoughts.
        if self.thought || self.thoughts.is_marked() {
            self.hold_back = false;
        }
        if self.hold_back { String::new() } else { std::mem::take(&mut self.waiting) }
    }

    /// More than anybody would read, or wait for.
    pub fn is_endless(&self) -> bool {
        self.said > MAX_SAID_CHARS
    }

    /// Nothing says yet that these are words for the customer, and this model is known to think first.
    pub fn may_be_thought(&self) -> bool {
        self.hold_back && self.habit.thinks_at_once()
    }

    fn take(&mut self, said: &Said) {
        if said.forget {
            self.words = Marker::default();
            self.waiting.clear();
        }
        let shown = self.words.push(&said.text);
        if self.words.chars() <= MAX_ANSWER_CHARS {
            self.waiting.push_str(&shown);
        }
    }

    /// Nothing follows: what can be shown now, or why this is no answer.
    pub fn end(&mut self) -> Result<String, Failure> {
        let said = self.thoughts.end();
        self.take(&said);
        self.habit.learn(&self.thoughts);
        if self.thoughts.is_inside() {
            return Err(Failure::Thinking);
        }
        Ok(std::mem::take(&mut self.waiting))
    }

    pub fn outcome(self) -> Result<Outcome, Failure> {
        let thought = self.thought || self.thoughts.is_marked();
        match self.words.end() {
            (_, Some(reason)) => Ok(Outcome::Handoff(reason)),
            (text, None) if text.is_empty() && thought => Err(Failure::OnlyThoughts),
            (text, None) if text.is_empty() => Err(Failure::Empty),
            (text, None) => Ok(Outcome::Answer(text.chars().take(MAX_ANSWER_CHARS).collect())),
        }
    }
}
