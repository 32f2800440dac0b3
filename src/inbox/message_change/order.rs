//! The order of the changes of one message: by their own time, and at the same time by the order of delivery, if the
//! provider numbers or dates deliveries. Deliveries overtake each other and are repeated, so an applied change leaves a
//! mark, and an older or repeated change is dropped. Pure.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

/// Remembered deliveries of a mark, to recognise repetitions.
const KEYS: usize = 12;
/// People with a reaction mark on one message. Over the limit the oldest mark is removed.
const PEOPLE: usize = 200;

/// The marks of one message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Marks {
    #[serde(skip_serializing_if = "Mark::is_empty")]
    pub edit: Mark,
    /// By person; kept for a removed reaction too.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    reactions: BTreeMap<String, Mark>,
}

/// The change that was applied last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Mark {
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<i64>,
    /// The order of its delivery.
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
    /// The people who have a reaction mark.
    pub(super) fn people(&self) -> impl Iterator<Item = &str> {
        self.reactions.keys().map(String::as_str)
    }

    /// Merges the marks of a person's other ids into `by`. `false` if there are none.
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
    /// Keeps the later mark and the remembered deliveries of both.
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

    /// Whether a change is newer than the mark; if so, it becomes the mark. A delivery `key` that was applied before is
    /// refused. A change without a time is applied on arrival, and never makes one with a time count as older. At the
    /// same time the later delivery wins: by `place`, or without one by arrival.
    pub(super) fn pass(&mut self, (at, place): (Option<i64>, Option<i64>), key: &str) -> bool {
        let known = !key.is_empty() && self.keys.iter().any(|known| known == key);
        let before =
            |last: Option<i64>, this: Option<i64>| last.zip(this).is_some_and(|(last, this)| this < last);
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
