//! Removes a model's reasoning from its streamed text: takes the text in pieces and returns what is for the customer,
//! without reasoning blocks, tool calls and tags. It buffers no more than what could become a closing tag.
//!
//! A tag inside a code block counts as a tag: losing an example of one is better than showing reasoning.

mod tag;

use self::tag::{Found, Tag};

/// The change of the answer by a piece.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct TextChange {
    /// The text so far was reasoning: a closing tag without an opening one was found.
    pub forget: bool,
    pub text: String,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Message {
    /// The text for the customer, as far as is known.
    #[default]
    Plain,
    /// The recipient of the next message.
    Head(String),
    /// Not for the customer.
    Inner,
}

#[derive(Default)]
pub(super) struct Thoughts {
    pending: String,
    /// Open blocks.
    depth: usize,
    message: Message,
    /// The customer's message has begun with its own tag.
    addressed: bool,
    /// Text was returned since the beginning or since the last reset.
    begun: bool,
    marks: Marks,
}

/// The reasoning tags seen so far, in ascending order of significance.
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
    pub(super) fn push(&mut self, piece: &str) -> TextChange {
        self.pending.push_str(piece);
        self.read(false)
    }

    /// The rest of the text at the end of the stream.
    pub(super) fn end(&mut self) -> TextChange {
        self.read(true)
    }

    /// Tags were seen, so the returned text is known not to be reasoning.
    pub(super) fn is_marked(&self) -> bool {
        self.marks != Marks::None
    }

    /// A block ended that was not opened: this model's reasoning starts without a tag.
    pub(super) fn thinks_at_once(&self) -> bool {
        self.marks == Marks::Unopened
    }

    /// The text ended within reasoning.
    pub(super) fn is_inside(&self) -> bool {
        self.depth > 0 || self.message == Message::Inner
    }

    fn read(&mut self, ended: bool) -> TextChange {
        let (mut said, pending) = (TextChange::default(), std::mem::take(&mut self.pending));
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

    fn words(&mut self, said: &mut TextChange, words: &str) {
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

    fn forget(&mut self, said: &mut TextChange) {
        *said = TextChange { forget: true, text: String::new() };
        self.begun = false;
    }

    fn apply(&mut self, said: &mut TextChange, tag: Tag) {
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
                // Text before the first tag belongs to a message without its own tag.
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
                    // The header was returned as text.
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
