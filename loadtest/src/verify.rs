//! The checks: every message of a run arrives exactly once, cursors and `seq` have no gaps, and each chat has one
//! conversation. Pure state, fed with events or messages, without I/O or time.

use std::collections::HashMap;

use serde::Serialize;

use crate::event::{Event, Message};
use crate::webhook::Run;

/// Violations kept as examples; the rest is only counted.
const MAX_EXAMPLES: usize = 5;

#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Tally {
    pub(crate) events: u64,
    /// Distinct messages of this run that were seen.
    pub(crate) messages: u64,
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
    pub(crate) cursor_gaps: u64,
    pub(crate) seq_gaps: u64,
    pub(crate) split_conversations: u64,
    pub(crate) examples: Vec<String>,
}

impl Tally {
    pub(crate) fn passed(&self) -> bool {
        self.lost + self.doubled + self.cursor_gaps + self.seq_gaps + self.split_conversations == 0
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.events += other.events;
        self.messages += other.messages;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.cursor_gaps += other.cursor_gaps;
        self.seq_gaps += other.seq_gaps;
        self.split_conversations += other.split_conversations;
        self.examples.extend(other.examples);
        self.examples.truncate(MAX_EXAMPLES);
    }

    fn example(&mut self, text: impl FnOnce() -> String) {
        if self.examples.len() < MAX_EXAMPLES {
            self.examples.push(text());
        }
    }
}

pub(crate) struct Check {
    run: Run,
    cursor: u64,
    seen: Vec<bool>,
    /// Last `seq` of every conversation that had a message.
    seq: HashMap<Box<str>, u64>,
    /// The conversation of each chat.
    homes: HashMap<usize, Box<str>>,
    tally: Tally,
}

impl Check {
    /// Expects the event after `cursor` first.
    pub(crate) fn new(run: Run, cursor: u64) -> Self {
        Self {
            run,
            cursor,
            seen: vec![false; run.messages],
            seq: HashMap::new(),
            homes: HashMap::new(),
            tally: Tally::default(),
        }
    }

    pub(crate) fn cursor(&self) -> u64 {
        self.cursor
    }

    /// Processes the next event. Returns the message's number if it belongs to this run and is seen for the first
    /// time.
    pub(crate) fn event(&mut self, event: &Event<'_>) -> Option<usize> {
        self.tally.events += 1;
        let expected = self.cursor + 1;
        if event.cursor != expected {
            self.tally.cursor_gaps += 1;
            self.tally.example(|| format!("cursor {} came where {expected} was due", event.cursor));
        }
        self.cursor = self.cursor.max(event.cursor);
        self.message(event.created()?)
    }

    /// Processes the next message of its conversation.
    pub(crate) fn message(&mut self, message: &Message<'_>) -> Option<usize> {
        let index = self.our_index(message);
        self.check_seq(message, index.is_some());
        let index = index?;
        self.check_home(message, index);
        if std::mem::replace(&mut self.seen[index], true) {
            self.tally.doubled += 1;
            self.tally.example(|| format!("message {index} came again as {}", message.id));
            return None;
        }
        self.tally.messages += 1;
        Some(index)
    }

    fn our_index(&self, message: &Message<'_>) -> Option<usize> {
        let text = message.text.as_deref().filter(|_| message.direction == "in")?;
        self.run.index_of(text)
    }

    fn check_seq(&mut self, message: &Message<'_>, ours: bool) {
        let last = self.seq.get_mut(message.conversation);
        // The run's own chats are new, so their `seq` begins at 1; other chats already have messages.
        let expected = match &last {
            Some(last) => **last + 1,
            None if ours => 1,
            None => message.seq,
        };
        match last {
            Some(last) => *last = message.seq,
            None => drop(self.seq.insert(message.conversation.into(), message.seq)),
        }
        if message.seq != expected {
            self.tally.seq_gaps += 1;
            self.tally.example(|| {
                format!("seq {} came where {expected} was due in {}", message.seq, message.conversation)
            });
        }
    }

    fn check_home(&mut self, message: &Message<'_>, index: usize) {
        let home =
            self.homes.entry(self.run.conversation_of(index)).or_insert_with(|| message.conversation.into());
        if **home != *message.conversation {
            self.tally.split_conversations += 1;
            self.tally.example(|| format!("message {index} went to a second conversation of its chat"));
        }
    }

    /// Conversations of this run, with the number of their chat.
    pub(crate) fn conversations(&self) -> impl Iterator<Item = (usize, &str)> {
        self.homes.iter().map(|(chat, conversation)| (*chat, &**conversation))
    }

    /// The result; messages that never arrived are counted as lost.
    pub(crate) fn finish(mut self) -> Tally {
        for index in (0..self.seen.len()).filter(|index| !self.seen[*index]) {
            self.tally.lost += 1;
            self.tally.example(|| format!("message {index} never came"));
        }
        self.tally
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::tests_support::text;

    /// (cursor, conversation, seq, message number)
    type Row = (u64, &'static str, u64, usize);

    fn check(rows: &[Row]) -> Tally {
        let run = Run::new(4, 2);
        let mut check = Check::new(run, 10);
        for (cursor, conversation, seq, index) in rows {
            let json = format!(
                r#"{{"cursor":{cursor},"kind":"message.created","message":{{"id":"m","conversation":"{conversation}",
                "seq":{seq},"direction":"in","text":"{}","author":{{"kind":"customer"}},"status":"received"}}}}"#,
                text(&run, *index)
            );
            check.event(&serde_json::from_str(&json).unwrap());
        }
        check.finish()
    }

    const GOOD: [Row; 4] = [(11, "a", 1, 0), (12, "b", 1, 1), (13, "a", 2, 2), (14, "b", 2, 3)];

    fn with(at: usize, row: Row) -> Vec<Row> {
        let mut rows = GOOD.to_vec();
        rows[at] = row;
        rows
    }

    #[test]
    fn whole_stream_passes() {
        let tally = check(&GOOD);
        assert!(tally.passed(), "{tally:?}");
        assert_eq!((tally.events, tally.messages), (4, 4));
    }

    #[test]
    fn each_fault_is_seen_as_itself() {
        assert_eq!(check(&GOOD[..3]).lost, 1);
        assert_eq!(check(&with(2, (13, "a", 2, 0))).doubled, 1);
        assert_eq!(check(&with(3, (15, "b", 2, 3))).cursor_gaps, 1);
        assert_eq!(check(&with(3, (13, "b", 2, 3))).cursor_gaps, 1, "going back");
        assert_eq!(check(&with(2, (13, "a", 3, 2))).seq_gaps, 1);
        assert_eq!(check(&with(0, (11, "a", 2, 0))).seq_gaps, 2, "not from one, then back");
        assert_eq!(check(&with(3, (14, "c", 1, 3))).split_conversations, 1);
    }
}
