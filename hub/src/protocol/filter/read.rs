//! Reads a filter in both forms. A part of a few bytes takes a hundred times the memory, so parts are counted before they
//! are kept. A filter with too many parts becomes an empty one, which is refused as invalid.

use std::{cell::Cell, fmt, marker::PhantomData};

use prost::{
    DecodeError, Message,
    encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field},
};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::FilterNode;

/// Nodes and values of one filter. It runs for every publication of the room.
const MAX_PARTS: usize = 100;

/// The number of parts that may follow; `None` once there were too many.
struct PartsLeft(Cell<Option<usize>>);

impl PartsLeft {
    fn all() -> Self {
        PartsLeft(Cell::new(Some(MAX_PARTS)))
    }

    fn take(&self) -> bool {
        self.0.set(self.0.get().and_then(|left| left.checked_sub(1)));
        self.0.get().is_some()
    }

    fn or_nothing(&self, node: FilterNode) -> FilterNode {
        self.0.get().map(|_| node).unwrap_or_default()
    }
}

impl FilterNode {
    /// Decodes a filter in Protobuf.
    pub(crate) fn from_protobuf(bytes: &[u8]) -> Result<FilterNode, DecodeError> {
        let left = PartsLeft::all();
        count(bytes, &left)?;
        // With too many parts it is not decoded at all.
        let bytes = if left.0.get().is_some() { bytes } else { &[] };
        FilterNode::decode(bytes)
    }
}

/// Counts a node and the parts below it. Stops when there are too many, which bounds the depth of the recursion as well.
fn count(mut node: &[u8], left: &PartsLeft) -> Result<(), DecodeError> {
    if !left.take() {
        return Ok(());
    }
    while !node.is_empty() {
        let (tag, kind) = decode_key(&mut node)?;
        if (tag, kind) == (6, WireType::LengthDelimited) {
            let length = decode_varint(&mut node)?;
            let split = usize::try_from(length).ok().and_then(|length| node.split_at_checked(length));
            // A truncated node is an error of the decoder.
            let Some((child, rest)) = split else { return Ok(()) };
            count(child, left)?;
            node = rest;
        } else {
            if tag == 5 {
                left.take();
            }
            skip_field(kind, tag, &mut node, DecodeContext::default())?;
        }
        if left.0.get().is_none() {
            return Ok(());
        }
    }
    Ok(())
}

impl<'de> Deserialize<'de> for FilterNode {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let left = PartsLeft::all();
        let node = Part(&left, PhantomData).deserialize(from)?;
        Ok(left.or_nothing(node.unwrap_or_default()))
    }
}

/// One part of a filter; `None` when there are too many.
struct Part<'a, T>(&'a PartsLeft, PhantomData<T>);

struct List<'a, T>(&'a PartsLeft, PhantomData<T>);

struct Fields<'a>(&'a PartsLeft);

trait Read: Sized {
    fn read<'de, D: Deserializer<'de>>(from: D, left: &PartsLeft) -> Result<Self, D::Error>;
}

impl Read for String {
    fn read<'de, D: Deserializer<'de>>(from: D, _: &PartsLeft) -> Result<Self, D::Error> {
        String::deserialize(from)
    }
}

impl Read for FilterNode {
    fn read<'de, D: Deserializer<'de>>(from: D, left: &PartsLeft) -> Result<Self, D::Error> {
        from.deserialize_map(Fields(left))
    }
}

impl<'de, T: Read> DeserializeSeed<'de> for Part<'_, T> {
    type Value = Option<T>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Option<T>, D::Error> {
        if self.0.take() {
            T::read(from, self.0).map(Some)
        } else {
            IgnoredAny::deserialize(from).map(|_| None)
        }
    }
}

impl<'de, T: Read> DeserializeSeed<'de> for List<'_, T> {
    type Value = Vec<T>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Vec<T>, D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de, T: Read> Visitor<'de> for List<'_, T> {
    type Value = Vec<T>;

    fn expecting(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Part(self.0, PhantomData))? {
            list.extend(item);
        }
        Ok(list)
    }
}

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = FilterNode;

    fn expecting(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str("a filter")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<FilterNode, A::Error> {
        let mut node = FilterNode::default();
        while let Some(name) = fields.next_key::<String>()? {
            match name.as_str() {
                "op" => node.op = fields.next_value()?,
                "key" => node.key = fields.next_value()?,
                "cmp" => node.cmp = fields.next_value()?,
                "val" => node.val = fields.next_value()?,
                "vals" => node.vals = fields.next_value_seed(List(self.0, PhantomData))?,
                "nodes" => node.nodes = fields.next_value_seed(List(self.0, PhantomData))?,
                _ => drop(fields.next_value::<IgnoredAny>()?),
            }
        }
        Ok(node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(nodes: usize, vals: usize) -> FilterNode {
        let leaf = FilterNode { key: "a".to_owned(), cmp: "ex".to_owned(), ..FilterNode::default() };
        let vals = vec!["x".to_owned(); vals];
        let branch = FilterNode { op: "or".to_owned(), nodes: vec![leaf; nodes], ..FilterNode::default() };
        FilterNode { op: "not".to_owned(), vals, nodes: vec![branch], ..FilterNode::default() }
    }

    fn json(node: &FilterNode) -> String {
        let nodes: Vec<_> = node.nodes.iter().map(json).collect();
        format!(
            "{{\"op\":{:?},\"key\":{:?},\"other\":[1],\"cmp\":{:?},\"vals\":{:?},\"nodes\":[{}]}}",
            node.op,
            node.key,
            node.cmp,
            node.vals,
            nodes.join(",")
        )
    }

    fn both(node: &FilterNode) -> [FilterNode; 2] {
        [
            serde_json::from_str(&json(node)).unwrap(),
            FilterNode::from_protobuf(&node.encode_to_vec()).unwrap(),
        ]
    }

    #[test]
    fn a_filter_with_too_many_parts_is_not_kept() {
        for (nodes, vals) in [(98, 0), (0, 98), (50, 48)] {
            let node = tree(nodes, vals);
            assert_eq!(both(&node), [node.clone(), node]);
        }
        for (nodes, vals) in [(99, 0), (0, 99), (50, 49), (20_000, 0), (0, 20_000)] {
            assert_eq!(both(&tree(nodes, vals)), [FilterNode::default(), FilterNode::default()]);
        }
    }

    #[test]
    fn a_deep_filter_does_not_overflow_the_stack() {
        let mut node = Vec::new();
        for _ in 0..1000 {
            let mut outer = vec![0x32];
            prost::encode_length_delimiter(node.len(), &mut outer).unwrap();
            outer.append(&mut node);
            node = outer;
        }
        assert_eq!(FilterNode::from_protobuf(&node), Ok(FilterNode::default()));
        let json = "{\"nodes\":[".repeat(50_000);
        assert!(serde_json::from_str::<FilterNode>(&json).is_err());
    }

    #[test]
    fn broken_messages_are_refused() {
        for bytes in [&b"\x32\x05"[..], b"\x32", b"\x2a\xff", b"\xff", b"\x30\x01", b"\x2a\x01\xff"] {
            assert!(FilterNode::from_protobuf(bytes).is_err(), "{bytes:x?}");
        }
    }
}
