//! The filter that a client may put on a subscription: a tree of comparisons with a publication's tags.
//! It narrows what the authority allowed and never widens it. A missing tag equals nothing, so it is unequal to
//! everything; numbers compare with numbers only.

mod condition;
mod read;

use std::sync::Arc;

use prost::Message;

use self::condition::{Comparison, Number, Test};
use crate::log::Filter;

/// The bytes of all its strings; it is kept as long as the subscription.
const MAX_BYTES: usize = 4 * 1024;

/// A filter as it was sent; one with too many parts becomes an empty one (see `read`).
#[derive(Clone, PartialEq, Message)]
pub(crate) struct FilterNode {
    /// `and`, `or`, `not`; empty for a comparison.
    #[prost(string, tag = "1")]
    op: String,
    #[prost(string, tag = "2")]
    key: String,
    #[prost(string, tag = "3")]
    cmp: String,
    #[prost(string, tag = "4")]
    val: String,
    #[prost(string, repeated, tag = "5")]
    vals: Vec<String>,
    #[prost(message, repeated, tag = "6")]
    nodes: Vec<FilterNode>,
}

impl FilterNode {
    /// `None` if it is not a valid filter.
    pub(crate) fn compile(&self) -> Option<Filter> {
        (self.bytes() <= MAX_BYTES).then_some(())?;
        let test = self.test()?;
        Some(Arc::new(move |tags| test.holds(tags)))
    }

    fn bytes(&self) -> usize {
        let own = self.key.len() + self.val.len() + self.vals.iter().map(String::len).sum::<usize>();
        own + self.nodes.iter().map(FilterNode::bytes).sum::<usize>()
    }

    fn test(&self) -> Option<Test> {
        let children = || self.nodes.iter().map(FilterNode::test).collect::<Option<Vec<_>>>();
        match self.op.as_str() {
            "and" | "or" if self.nodes.is_empty() => None,
            "and" => Some(Test::All(children()?)),
            "or" => Some(Test::Any(children()?)),
            "not" => match &self.nodes[..] {
                [one] => Some(Test::Not(Box::new(one.test()?))),
                _ => None,
            },
            "" if !self.key.is_empty() => Some(Test::Tag(self.key.clone(), self.comparison()?)),
            _ => None,
        }
    }

    fn comparison(&self) -> Option<Comparison> {
        let val = || self.val.clone();
        let number = || Number::read(&self.val);
        Some(match self.cmp.as_str() {
            "ex" => Comparison::Exists(true),
            "nex" => Comparison::Exists(false),
            "eq" => Comparison::In(true, vec![val()]),
            "neq" => Comparison::In(false, vec![val()]),
            "in" => Comparison::In(true, self.vals.clone()),
            "nin" => Comparison::In(false, self.vals.clone()),
            "sw" => Comparison::Starts(val()),
            "ew" => Comparison::Ends(val()),
            "ct" => Comparison::Contains(val()),
            "lt" => Comparison::Number(number()?, |found, wanted| found < wanted),
            "lte" => Comparison::Number(number()?, |found, wanted| found <= wanted),
            "gt" => Comparison::Number(number()?, |found, wanted| found > wanted),
            "gte" => Comparison::Number(number()?, |found, wanted| found >= wanted),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn filter(node: Value) -> Option<Filter> {
        serde_json::from_value::<FilterNode>(node).unwrap().compile()
    }

    fn passes(node: Value) -> bool {
        let tags = [("kind", "goal"), ("xg", "0.80"), ("n", "9007199254740993")].into_iter().collect();
        filter(node).unwrap()(&tags)
    }

    #[test]
    fn comparisons() {
        let holds = |key: &str, cmp: &str, val: &str| passes(json!({"key": key, "cmp": cmp, "val": val}));
        for (key, cmp, val, wanted) in [
            ("kind", "eq", "goal", true),
            ("kind", "eq", "shot", false),
            ("kind", "neq", "shot", true),
            ("none", "eq", "", false),
            ("none", "neq", "goal", true),
            ("kind", "ex", "", true),
            ("none", "nex", "", true),
            ("kind", "sw", "go", true),
            ("kind", "ew", "al", true),
            ("kind", "ct", "oa", true),
            ("none", "ct", "", false),
            ("xg", "gte", "0.8", true),
            ("xg", "gt", "0.8", false),
            ("xg", "lt", "1", true),
            ("kind", "lt", "1", false),
            ("n", "gt", "9007199254740992", true),
            ("n", "lte", "9007199254740993", true),
        ] {
            assert_eq!(holds(key, cmp, val), wanted, "{key} {cmp} {val}");
        }
        assert!(passes(json!({"key": "kind", "cmp": "in", "vals": ["shot", "goal"]})));
        assert!(!passes(json!({"key": "kind", "cmp": "nin", "vals": ["shot", "goal"]})));
    }

    #[test]
    fn trees() {
        let goal = json!({"key": "kind", "cmp": "eq", "val": "goal"});
        let shot = json!({"key": "kind", "cmp": "eq", "val": "shot"});
        assert!(passes(json!({"op": "or", "nodes": [shot, goal]})));
        assert!(!passes(json!({"op": "and", "nodes": [shot, goal]})));
        assert!(passes(json!({"op": "and", "nodes": [{"op": "not", "nodes": [shot]}, goal]})));
    }

    #[test]
    fn invalid_filters_are_refused() {
        let leaf = json!({"key": "a", "cmp": "ex"});
        for bad in [
            json!({}),
            json!({"key": "a"}),
            json!({"key": "a", "cmp": "like"}),
            json!({"cmp": "ex"}),
            json!({"key": "a", "cmp": "gt", "val": "much"}),
            json!({"op": "xor", "nodes": [leaf]}),
            json!({"op": "and"}),
            json!({"op": "not", "nodes": [leaf, leaf]}),
            json!({"op": "or", "nodes": vec![leaf.clone(); 100]}),
        ] {
            assert!(filter(bad.clone()).is_none(), "{bad}");
        }
    }
}
