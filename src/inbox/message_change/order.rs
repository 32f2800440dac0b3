//! The order of what happens to one message: by the time at which it happened, and of one time by delivery, as the
//! provider numbers or dates its deliveries, if it does. Deliveries overtake each other and are repeated, so what was
//! applied leaves a mark that the next has to beat. Pure.

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
    /// Its place among the deliveries.
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<i64>,
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

impl Marks {
    /// Those whose reactions are known.
    pub(super) fn people(&self) -> impl Iterator<Item = &str> {
        self.reactions.keys().map(String::as_str)
    }

    /// What a person did under other ids counts as done under this one. `false`: there is nothing.
    pub(super) fn join(&mut self, by: &str, others: &[String]) -> bool {
        let mut joined = false;
        for other in others.iter().filter(|other| *other != by) {
            let Some(theirs) = self.reactions.remove(other) else { continue };
            self.reactions.entry(by.to_owned()).or_default().join(theirs);
            joined = true;
        }
        joined
    }
}

impl Mark {
    /// The later of two counts; the deliveries of both are known.
    fn join(&mut self, other: Self) {
        if (other.at, other.place) > (self.at, self.place) {
            (self.at, self.place) = (other.at, other.place);
        }
        self.keys.extend(other.keys);
        let surplus = self.keys.len().saturating_sub(KEYS);
        self.keys.drain(..surplus);
    }

    pub(super) fn at(at: Option<i64>) -> Self {
        Self { at, ..Self::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.at.is_none() && self.keys.is_empty()
    }

    /// Is what happened at this time news, after what was applied? `key` names the delivery: one that was applied comes to
    /// nothing when it comes again. What has no time happens when it comes, and keeps nothing with a time from counting.
    /// Of one time what was delivered later counts: by its `place`, and without one by its coming.
    pub(super) fn pass(&mut self, (at, place): (Option<i64>, Option<i64>), key: &str) -> bool {
        let known = !key.is_empty() && self.keys.iter().any(|known| known == key);
        let before = |last: Option<i64>, this: Option<i64>| matches!((last, this), (Some(last), Some(this)) if this < last);
        let at_once = at.is_some() && self.at == at;
        if known || before(self.at, at) || (at_once && before(self.place, place)) {
            return false;
        }
        if at_once {
            self.place = place.or(self.place);
        } else if at.is_some() {
            (self.at, self.place) = (at, place);
        }
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
        assert!(mark.pass((Some(20), None), "a"));
        assert!(!mark.pass((Some(10), None), "b"), "older");
        assert!(mark.pass((Some(20), None), "c"), "the same time, delivered later");
        assert!(!mark.pass((Some(20), None), "a") && !mark.pass((Some(20), None), "c"), "delivered again");
        assert!(mark.pass((Some(21), None), "d"));
        assert!(!mark.pass((Some(30), None), "a"), "known, whatever time it has now");
    }

    #[test]
    fn of_one_time_the_one_that_was_delivered_later_counts_whenever_it_comes() {
        let mut mark = Mark::default();
        assert!(mark.pass((Some(20), Some(7)), "b"));
        assert!(!mark.pass((Some(20), Some(6)), "a"), "overtaken");
        assert!(mark.pass((Some(20), None), "c") && !mark.pass((Some(20), Some(6)), "a"));
        assert!(mark.pass((Some(20), Some(8)), "d"));
        // The numbers begin anew, and times go first.
        assert!(mark.pass((Some(21), Some(1)), "e") && mark.pass((Some(21), Some(2)), "f"));
        assert!(!mark.pass((Some(20), Some(9)), "g"));
    }

    #[test]
    fn what_has_no_time_counts_when_it_comes_and_keeps_nothing_out() {
        let mut mark = Mark::at(Some(20));
        assert!(mark.pass((None, None), "a") && !mark.pass((None, None), "a"));
        assert!(!mark.pass((Some(19), None), "b") && mark.pass((Some(20), None), "c"));
    }

    #[test]
    fn what_a_person_did_under_another_id_has_to_be_beaten_as_well() {
        let mut marks = Marks::default();
        assert!(marks.reaction("hidden").pass((Some(20), None), "a"));
        assert!(marks.reaction("phone").pass((Some(10), None), "b"));
        assert!(!marks.join("phone", &["stranger".to_owned()]));
        assert!(marks.join("phone", &["hidden".to_owned(), "phone".to_owned()]));
        assert_eq!(marks.people().collect::<Vec<_>>(), ["phone"]);
        let mark = marks.reaction("phone");
        assert!(!mark.pass((Some(15), None), "c"), "older than what was done under the other id");
        assert!(!mark.pass((Some(30), None), "a") && mark.pass((Some(30), None), "d"));
    }

    #[test]
    fn marks_have_an_end() {
        let mut marks = Marks::default();
        for n in 0..1_000_i64 {
            assert!(marks.edit.pass((Some(n), None), &n.to_string()));
            assert!(marks.reaction(&n.to_string()).pass((Some(n), None), "x"));
        }
        assert_eq!((marks.edit.keys.len(), marks.reactions.len()), (KEYS, PEOPLE));
        assert!(marks.reactions.contains_key("999") && !marks.reactions.contains_key("0"));
        let text = serde_json::to_string(&marks).unwrap();
        assert_eq!(Marks::read(Some(&text)), marks);
        assert_eq!(Marks::read(Some("damaged")), Marks::default());
    }
}
