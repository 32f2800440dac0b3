//! Parses arguments that contain the id of one object under the object's name: returns the id, and the other fields
//! as a type. Errors read as if both were one type.

use std::fmt;

use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::forward_to_deserialize_any;
use uuid::Uuid;

/// `lenient` ignores fields that the type does not know, which are refused otherwise.
pub(super) fn read<T: DeserializeOwned>(
    json: &[u8],
    thing: &'static str,
    lenient: bool,
) -> serde_json::Result<(Uuid, T)> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    let mut id = None;
    let rest = T::deserialize(About { reader: &mut reader, thing, lenient, id: &mut id })?;
    reader.end()?;
    // Cannot be `None`: a document without the id is refused earlier.
    id.map(|id| (id, rest)).ok_or_else(|| de::Error::missing_field(thing))
}

struct About<'a, D> {
    reader: D,
    thing: &'static str,
    lenient: bool,
    id: &'a mut Option<Uuid>,
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for About<'_, D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, D::Error> {
        Err(de::Error::custom("the arguments of a call are a struct of named fields"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let Self { reader, thing, lenient, id } = self;
        reader.deserialize_struct(name, fields, Fields { visitor, fields, thing, lenient, id })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// Wraps the type's deserializer, and takes the id out of the fields.
struct Fields<'a, V> {
    visitor: V,
    fields: &'static [&'static str],
    thing: &'static str,
    lenient: bool,
    id: &'a mut Option<Uuid>,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Fields<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<V::Value, M::Error> {
        let Self { visitor, fields, thing, lenient, id } = self;
        visitor.visit_map(Rest { map, fields, thing, lenient, id })
    }
}

struct Rest<'a, M> {
    map: M,
    fields: &'static [&'static str],
    thing: &'static str,
    lenient: bool,
    id: &'a mut Option<Uuid>,
}

impl<'de, M: MapAccess<'de>> MapAccess<'de> for Rest<'_, M> {
    type Error = M::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, M::Error> {
        while let Some(key) = self.map.next_key::<String>()? {
            if key == self.thing {
                if self.id.is_some() {
                    return Err(de::Error::duplicate_field(self.thing));
                }
                *self.id = Some(self.map.next_value()?);
            } else if self.fields.contains(&key.as_str()) {
                return seed.deserialize(de::value::StringDeserializer::new(key)).map(Some);
            } else if self.lenient {
                self.map.next_value::<IgnoredAny>()?;
            } else {
                let known: Vec<String> =
                    [self.thing].iter().chain(self.fields).map(|name| format!("`{name}`")).collect();
                let expected = match known.as_slice() {
                    [one] => one.clone(),
                    [one, other] => format!("{one} or {other}"),
                    more => format!("one of {}", more.join(", ")),
                };
                return Err(de::Error::custom(format!("unknown field `{key}`, expected {expected}")));
            }
        }
        if self.id.is_none() {
            return Err(de::Error::missing_field(self.thing));
        }
        Ok(None)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, M::Error> {
        self.map.next_value_seed(seed)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Refused, read_about};
    use super::*;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Apart {
        text: String,
        seq: Option<i64>,
    }

    /// The equivalent single type.
    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its refusals are compared")]
    struct Together {
        conversation: Uuid,
        text: String,
        seq: Option<i64>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Empty {}

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its refusals are compared")]
    struct OnlyTheId {
        conversation: Uuid,
    }

    const ID: &str = "018f0000-0000-7000-8000-00000000000a";

    fn refused<T: fmt::Debug>(read: Result<T, Refused>) -> Refused {
        read.expect_err("refused")
    }

    #[test]
    fn the_id_is_read_beside_the_rest() {
        let text = format!(r#"{{"text": "a", "conversation": "{ID}"}}"#);
        let (id, rest) = read_about::<Apart>(text.as_bytes(), "conversation", false).expect("both");
        assert_eq!((id.to_string().as_str(), rest), (ID, Apart { text: "a".into(), seq: None }));
        let more = format!(r#"{{"text": "a", "conversation": "{ID}", "more": [1]}}"#);
        assert!(read_about::<Apart>(more.as_bytes(), "conversation", true).is_ok());
    }

    #[test]
    fn it_refuses_like_one_type() {
        for text in [
            "{}".to_owned(),
            "null".to_owned(),
            "7".to_owned(),
            r#"{"text": "a"}"#.to_owned(),
            r#"{"conversation": "no"}"#.to_owned(),
            r#"{"conversation": null, "text": 1}"#.to_owned(),
            format!(r#"{{"conversation": "{ID}"}}"#),
            format!(r#"{{"conversation": "{ID}", "text": 1}}"#),
            format!(r#"{{"conversation": "{ID}", "text": "a", "seq": "x"}}"#),
            format!(r#"{{"conversation": "{ID}", "text": "a", "more": 1}}"#),
            format!(r#"{{"conversation": "{ID}", "text": "a", "text": "b"}}"#),
            format!(r#"{{"conversation": "{ID}", "conversation": "{ID}"}}"#),
            format!(r#"{{"conversation": "{ID}", "text": "\u0000"}}"#),
            format!(r#"{{"conversation": "{ID}", "text": "a"}}{{}}"#),
        ] {
            let one = super::super::read::<Together>(text.as_bytes());
            let apart = read_about::<Apart>(text.as_bytes(), "conversation", false);
            let (one, mut apart) = (refused(one), refused(apart));
            // The error for a document that is not an object contains the type's name.
            apart.problem = apart.problem.replace("Apart", "Together");
            assert_eq!(one, apart, "{text}");
        }
        for text in ["{}".to_owned(), format!(r#"{{"conversation": "{ID}", "more": 1}}"#)] {
            let one = super::super::read::<OnlyTheId>(text.as_bytes());
            let apart = read_about::<Empty>(text.as_bytes(), "conversation", false);
            assert_eq!(refused(one), refused(apart), "{text}");
        }
    }
}
