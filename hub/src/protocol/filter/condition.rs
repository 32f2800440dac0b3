//! The compiled filter: conditions on tags that a publication fulfils or not.

use crate::log::Tags;

pub(super) enum Test {
    All(Vec<Test>),
    Any(Vec<Test>),
    Not(Box<Test>),
    Tag(String, Comparison),
}

pub(super) enum Comparison {
    Exists(bool),
    In(bool, Vec<String>),
    Starts(String),
    Ends(String),
    Contains(String),
    Number(Number, fn(&Number, &Number) -> bool),
}

/// Whole numbers compare exactly, others as floating point.
pub(super) enum Number {
    Whole(i128),
    Other(f64),
}

impl Number {
    pub(super) fn read(text: &str) -> Option<Self> {
        let other = || text.parse().ok().filter(|n: &f64| n.is_finite()).map(Number::Other);
        text.parse().ok().map(Number::Whole).or_else(other)
    }

    fn float(&self) -> f64 {
        match self {
            Number::Whole(n) => *n as f64,
            Number::Other(n) => *n,
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other) == Some(std::cmp::Ordering::Equal)
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        match (self, other) {
            (Number::Whole(a), Number::Whole(b)) => a.partial_cmp(b),
            _ => self.float().partial_cmp(&other.float()),
        }
    }
}

impl Test {
    pub(super) fn holds(&self, tags: &Tags) -> bool {
        match self {
            Test::All(tests) => tests.iter().all(|test| test.holds(tags)),
            Test::Any(tests) => tests.iter().any(|test| test.holds(tags)),
            Test::Not(test) => !test.holds(tags),
            Test::Tag(key, comparison) => comparison.holds(tags.get(key)),
        }
    }
}

impl Comparison {
    fn holds(&self, found: Option<&str>) -> bool {
        let has = |test: &dyn Fn(&str) -> bool| found.is_some_and(test);
        match self {
            Comparison::Exists(wanted) => found.is_some() == *wanted,
            Comparison::In(wanted, vals) => has(&|found| vals.iter().any(|val| val == found)) == *wanted,
            Comparison::Starts(val) => has(&|found| found.starts_with(val)),
            Comparison::Ends(val) => has(&|found| found.ends_with(val)),
            Comparison::Contains(val) => has(&|found| found.contains(val)),
            Comparison::Number(wanted, test) => {
                has(&|found| Number::read(found).is_some_and(|found| test(&found, wanted)))
            }
        }
    }
}
