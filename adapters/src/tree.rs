//! A body as a tree of JSON values that takes memory in proportion to the body. Built without bounds, a list of small
//! numbers takes 50 times its text and a list of small objects more than 100 times. Of lists and objects only the
//! beginning is kept, longer than any provider's; what follows is skipped, and costs no memory. What the rest of the
//! tree takes is counted while it is built.

use std::{borrow::Cow, cell::Cell, fmt, mem::size_of};

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::{Map, Number, Value};

/// Elements of a list and members of an object that are kept. One more than the events that a body may have, so that
/// it is seen that there were more.
pub(crate) const MAX_MEMBERS: usize = crate::bounds::MAX_EVENTS + 1;

/// Bytes that the tree may take: so many whatever the body's size, and so many for each of its bytes.
const BASE: usize = 256 * 1024;
const FOR_A_BYTE: usize = 8;

/// What the allocator rounds up to, and keeps beside.
const SLACK: usize = 16;
/// A place in a list, which grows by doubling.
const PLACE: usize = 2 * size_of::<Value>();
/// A list's first allocation.
const LIST: usize = 4 * size_of::<Value>() + SLACK;
/// A node of an object's tree has room for eleven members. The twelfth makes two more, and from then on nodes are half full
/// when members come in order.
const ROOM: usize = 11;
const NODE: usize = ROOM * (size_of::<String>() + size_of::<Value>()) + 2 * SLACK;
const MEMBER: usize = NODE / 4;

/// The tree of a whole body.
pub(crate) fn read(body: &[u8]) -> serde_json::Result<Value> {
    let left = Cell::new(BASE + FOR_A_BYTE * body.len());
    let mut text = serde_json::Deserializer::from_slice(body);
    let value = Build(&left).deserialize(&mut text)?;
    text.end()?;
    Ok(value)
}

/// Builds one value out of what is left.
#[derive(Clone, Copy)]
struct Build<'a>(&'a Cell<usize>);

impl Build<'_> {
    fn take<E: Error>(self, bytes: usize) -> Result<(), E> {
        let left = self.0.get().checked_sub(bytes);
        self.0.set(left.ok_or_else(|| E::custom("it holds more values than its size allows"))?);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Build<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Build<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        self.take(value.len() + SLACK)?;
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while list.len() < MAX_MEMBERS {
            let Some(value) = members.next_element_seed(self)? else { return Ok(Value::Array(list)) };
            self.take(if list.is_empty() { LIST } else { PLACE })?;
            list.push(value);
        }
        while members.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while map.len() < MAX_MEMBERS {
            let Some(Key(name)) = members.next_key()? else { return Ok(Value::Object(map)) };
            let node = match map.len() {
                0 => NODE,
                1..ROOM => 0,
                ROOM => 2 * NODE,
                _ => MEMBER,
            };
            self.take(name.len() + SLACK + node)?;
            let value = members.next_value_seed(self)?;
            map.insert(name.into_owned(), value);
        }
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Value::Object(map))
    }
}

/// The name of a member, borrowed from the body where it holds no escapes.
pub(crate) struct Key<'de>(pub(crate) Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;

        impl<'de> Visitor<'de> for Name {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(name)))
            }

            fn visit_str<E>(self, name: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(name.to_owned())))
            }
        }

        deserializer.deserialize_str(Name)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_ordinary_body_is_read_as_it_is() {
        let text = r#"{"a":[1,-2,3.5,true,null,"x\u00e9\n",{}],"b":{"c":{"d":[]}},"b\n":18446744073709551615,"a":1e400}"#;
        assert!(read(text.as_bytes()).is_err(), "a number out of range is refused, as it always was");
        let text = text.replace("1e400", "1e40");
        assert_eq!(read(text.as_bytes()).unwrap(), serde_json::from_str::<Value>(&text).unwrap());
        for text in ["", "{", "[1,]", "{\"a\":1}x", "nul", "[1 2]"] {
            assert!(read(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn the_end_of_a_long_list_is_skipped() {
        let list = format!("[{}1]", "1,".repeat(50_000));
        assert_eq!(read(list.as_bytes()).unwrap().as_array().map(Vec::len), Some(MAX_MEMBERS));
        let members: Vec<_> = (0..50_000).map(|n| format!("\"{n}\":[]")).collect();
        let object = format!("[{{{}}},7]", members.join(","));
        let value = read(object.as_bytes()).unwrap();
        assert_eq!(value[0].as_object().map(Map::len), Some(MAX_MEMBERS));
        assert_eq!(value[1], json!(7));
        assert!(
            read(format!("[{}", "1,".repeat(50_000)).as_bytes()).is_err(),
            "it has to be JSON to its end"
        );
    }

    #[test]
    fn a_tree_out_of_proportion_is_refused() {
        let row = format!("[{}0]", "{\"\":0},".repeat(900));
        let body = format!("[{}0]", format!("{row},").repeat(100));
        let error = read(body.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("more values than its size allows"), "{error}");
        let usual = format!("[{}0]", r#"{"offset":1,"length":2,"type":"bold"},"#.repeat(100));
        assert!(read(usual.as_bytes()).is_ok());
    }
}
