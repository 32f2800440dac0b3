//! Keeps inside what a model says to itself. Takes its words in pieces and gives out what is meant for the customer: no
//! blocks of thoughts, no calls of tools, no marks. It keeps no more of a thought than what could be the end of it.
//!
//! Inside of a code block a tag is a tag all the same: an example of one is lost rather than a thought shown.

mod tag;

use self::tag::{Found, Tag};

/// What a piece adds to the answer.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// What was said before this was a thought after all: its end came, and its beginning never did.
    pub forget: bool,
    pub text: String,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Message {
    /// Words for the customer, as far as is known.
    #[default]
    Plain,
    /// For whom the next one is.
    Head(String),
    /// For nobody outside.
    Inner,
}

#[derive(Default)]
pub(super) struct Thoughts {
    pending: String,
    /// Blocks that are open.
    depth: usize,
    message: Message,
    /// A message for the customer has begun, by its own mark.
    addressed: bool,
    /// Words were given out since the beginning, or since what was before was forgotten.
    begun: bool,
    marks: Marks,
}

/// Which marks of thoughts were seen. Each says more than the one before it.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Marks {
    #[default]
    None,
    /// A block was opened.
    Opened,
    /// A block ended that was not opened.
    Unopened,
}

impl Thoughts {
    pub(super) fn push(&mut self, piece: &str) -> Said {
        self.pending.push_str(piece);
        self.read(false)
    }

    /// What is left when nothing follows.
    pub(super) fn end(&mut self) -> Said {
        self.read(true)
    }

    /// There were marks: what is given out is known to be no thought.
    pub(super) fn is_marked(&self) -> bool {
        self.marks != Marks::None
    }

    /// A block ended that was not opened: this model's thoughts begin with its first word.
    pub(super) fn thinks_at_once(&self) -> bool {
        self.marks == Marks::Unopened
    }

    /// The end is within a thought.
    pub(super) fn is_inside(&self) -> bool {
        self.depth > 0 || self.message == Message::Inner
    }

    fn read(&mut self, ended: bool) -> Said {
        let (mut said, pending) = (Said::default(), std::mem::take(&mut self.pending));
        let mut rest = pending.as_str();
        while !rest.is_empty() {
            let place = tag::start(rest).unwrap_or(rest.len());
            self.words(&mut said, &rest[..place]);
            rest = &rest[place..];
            match tag::read(rest, ended) {
                Found::Tag(tag, length) => {
                    self.apply(&mut said, tag);
                    rest = &rest[length..];
                }
                Found::Text => {
                    let length = rest.chars().next().map_or(0, char::len_utf8);
                    self.words(&mut said, &rest[..length]);
                    rest = &rest[length..];
                }
                Found::More => break,
            }
        }
        rest.clone_into(&mut self.pending);
        said
    }

    fn words(&mut self, said: &mut Said, words: &str) {
        match &mut self.message {
            _ if self.depth > 0 => {}
            Message::Inner => {}
            Message::Head(name) => name.extend(words.chars().take(100_usize.saturating_sub(name.len()))),
            Message::Plain => {
                let words = if self.begun { words } else { words.trim_start() };
                self.begun |= !words.is_empty();
                said.text.push_str(words);
            }
        }
    }

    fn forget(&mut self, said: &mut Said) {
        *said = Said { forget: true, text: String::new() };
        self.begun = false;
    }

    fn apply(&mut self, said: &mut Said, tag: Tag) {
        match tag {
            Tag::Nothing => {}
            Tag::Open => {
                self.marks = self.marks.max(Marks::Opened);
                self.depth += 1;
            }
            Tag::Close if self.depth > 0 => self.depth -= 1,
            Tag::Close if self.message != Message::Plain => {}
            Tag::Close => {
                self.marks = Marks::Unopened;
                self.forget(said);
            }
            Tag::Start | Tag::Channel => {
                // Words in front of the first mark are those of a message whose own marks are missing.
                if !self.addressed && self.message == Message::Plain && self.begun {
                    self.marks = Marks::Unopened;
                    self.forget(said);
                }
                self.marks = self.marks.max(Marks::Opened);
                self.message = Message::Head(String::new());
            }
            Tag::Message => {
                self.marks = self.marks.max(Marks::Opened);
                let to_customer = match std::mem::take(&mut self.message) {
                    Message::Head(name) => {
                        matches!(name.split_whitespace().next(), Some("final" | "assistant") | None)
                    }
                    // Its head was taken for words.
                    _ if self.begun && !self.addressed => {
                        self.marks = Marks::Unopened;
                        self.forget(said);
                        false
                    }
                    _ => true,
                };
                self.addressed |= to_customer;
                self.message = if to_customer { Message::Plain } else { Message::Inner };
            }
            Tag::End => self.message = Message::Plain,
        }
    }
}

#[cfg(test)]
mod tests;
