//! A streamed answer: the part of a model's text that can be shown now, and the final outcome. Reasoning is removed
//! before the marker is searched, so that a model which reasons about a handoff does not cause one.

use std::sync::atomic::{AtomicU8, Ordering};

use super::super::{MAX_ANSWER_CHARS, Outcome};
use super::Failure;
use super::chunk::Delta;
use super::marker::Marker;
use super::thoughts::{TextChange, Thoughts};

/// Maximum characters of a model's output per answer, including its reasoning.
const MAX_SAID_CHARS: usize = 400_000;

/// Knowledge about a model's reasoning. Some models start with reasoning and mark only its end, so nothing can be
/// shown before that end. Until it is known, an answer is shown when it is complete.
#[derive(Default)]
pub(super) struct Habit(AtomicU8);

impl Habit {
    const UNKNOWN: u8 = 0;
    /// It shows no reasoning, or marks both ends.
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
            // Kept once seen: such models do not reason about every answer.
            let _ = self.0.compare_exchange(known, marked, Ordering::Relaxed, Ordering::Relaxed);
        }
    }
}

/// The state of a streamed answer.
pub(super) struct Answer<'a> {
    habit: &'a Habit,
    thoughts: Thoughts,
    words: Marker,
    /// Text that is held back.
    waiting: String,
    hold_back: bool,
    /// Reasoning was seen, separately or in the text.
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

    /// Adds a piece; returns the text that can be shown now.
    pub fn push(&mut self, delta: &Delta) -> String {
        let words = delta.words();
        self.said += words.chars().count();
        self.thought |= delta.has_thoughts();
        let said = self.thoughts.push(&words);
        self.take(&said);
        // The reasoning has tags or is separate, so this text is not reasoning.
        if self.thought || self.thoughts.is_marked() {
            self.hold_back = false;
        }
        if self.hold_back { String::new() } else { std::mem::take(&mut self.waiting) }
    }

    /// The output is over the limit.
    pub fn is_endless(&self) -> bool {
        self.said > MAX_SAID_CHARS
    }

    /// The text may still be reasoning: this model is known to start with it.
    pub fn may_be_thought(&self) -> bool {
        self.hold_back && self.habit.thinks_at_once()
    }

    fn take(&mut self, said: &TextChange) {
        if said.forget {
            self.words = Marker::default();
            self.waiting.clear();
        }
        let shown = self.words.push(&said.text);
        if self.words.chars() <= MAX_ANSWER_CHARS {
            self.waiting.push_str(&shown);
        }
    }

    /// At the end of the stream: the text that can be shown now, or the reason why there is no answer.
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
