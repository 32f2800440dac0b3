//! The order of what happens to one message: by the time at which it happened, and of one time by delivery. Deliveries
//! overtake each other and are repeated, so what was applied leaves a mark that the next has to beat. Pure.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

/// Deliveries of a mark that are recognised when they come again.
const KEYS: usize = 12;
/// People of one message whose reactions are kept apart; of more, those who reacted last.
const PEOPLE: usize = 200;

/// The marks of one message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Marks {
    #[serde(skip_serializing_if = "Mark::is_empty")]
    pub edit: Mark,
    /// By person; of a reaction that was taken back as well.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    reactions: BTreeMap<String, Mark>,
}

/// What was applied last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Mark {
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<i64>,
    #[serde(skip_serializing_if = "VecDeque::is_empty")]
    keys: VecDeque<String>,
}

impl Marks {
    pub(super) fn read(text: Option<&str>) -> Self {
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    /// The mark of one person's reaction.
    pub(super) fn reaction(&mut self, by: &str) -> &mut Mark {
        if self.reactions.len() >= PEOPLE && !self.reactions.contains_key(by) {
            let oldest = self.reactions.iter().min_by_key(|(_, mark)| mark.at).map(|(by, _)| by.clone());
            oldest.and_then(|oldest| self.reactions.remove(&oldest));
        }
        self.reactions.entry(by.to_owned()).or_default()
    }
}

impl Mark {
    pub(super) fn at(at: Option<i64>) -> Self {
        Self { at, keys: VecDeque::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.at.is_none() && self.keys.is_empty()
    }

    /// Is what happened at this time news, after what was applied? `key` names the delivery: one that was applied comes to
    /// nothing when it comes again. What has no time happens when it comes, and keeps nothing with a time from counting.
    pub(super) fn pass(&mut self, at: Option<i64>, key: &str) -> bool {
        let known = !key.is_empty() && self.keys.iter().any(|known| known == key);
        let older = matches!((self.at, at), (Some(last), Some(at)) if at < last);
        if known || older {
            return false;
        }
        self.at = self.at.max(at);
        if !key.is_empty() {
            self.keys.push_back(key.to_owned());
            if self.keys.len() > KEYS {
                self.keys.pop_front();
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_later_one_counts_and_of_one_time_the_one_that_came_later() {
        let mut mark = Mark::default();
        assert!(mark.pass(Some(20), "a"));
        assert!(!mark.pass(Some(10), "b"), "older");
        assert!(mark.pass(Some(20), "c"), "the same time, delivered later");
        assert!(!mark.pass(Some(20), "a") && !mark.pass(Some(20), "c"), "delivered again");
        assert!(mark.pass(Some(21), "d"));
        assert!(!mark.pass(Some(30), "a"), "known, whatever time it has now");
    }

    #[test]
    fn what_has_no_time_counts_when_it_comes_and_keeps_nothing_out() {
        let mut mark = Mark::at(Some(20));
        assert!(mark.pass(None, "a") && !mark.pass(None, "a"));
        assert!(!mark.pass(Some(19), "b") && mark.pass(Some(20), "c"));
    }

    #[test]
    fn marks_have_an_end() {
        let mut marks = Marks::default();
        for n in 0..1_000_i64 {
            assert!(marks.edit.pass(Some(n), &n.to_string()));
            assert!(marks.reaction(&n.to_string()).pass(Some(n), "x"));
        }
        assert_eq!((marks.edit.keys.len(), marks.reactions.len()), (KEYS, PEOPLE));
        assert!(marks.reactions.contains_key("999") && !marks.reactions.contains_key("0"));
        let text = serde_json::to_string(&marks).unwrap();
        assert_eq!(Marks::read(Some(&text)), marks);
        assert_eq!(Marks::read(Some("damaged")), Marks::default());
    }
}
