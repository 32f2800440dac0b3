//! Decoding what a client sends: frames of one or more JSON objects joined by newlines.
//! Unknown fields are ignored; an object that is neither command nor pong ends the session.

use std::{collections::HashMap, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::value::RawValue;

use super::filter::FilterNode;

#[derive(Debug)]
pub(crate) enum Decoded {
    /// `{}`: the answer to our ping.
    Pong,
    Command {
        id: u32,
        command: Command,
    },
    /// The rest of the frame is not decoded. The text is for the log.
    Bad(&'static str),
}

#[derive(Debug)]
pub(crate) enum Command {
    Connect(Box<Connect>),
    Subscribe(Box<Subscribe>),
    Unsubscribe(Channel),
    Publish(Publish),
    Presence(Channel),
    PresenceStats(Channel),
    History(Box<History>),
    Rpc(Rpc),
    Send(SendMessage),
    Refresh(Refresh),
    SubRefresh(SubRefresh),
    /// Well framed, but with data that is not JSON.
    Unreadable,
    /// In the schema, but no client sends it.
    Ping,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Connect {
    #[serde(deserialize_with = "or_default")]
    pub(crate) token: String,
    #[serde(deserialize_with = "present")]
    pub(crate) data: Option<Box<RawValue>>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) name: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) version: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) headers: HashMap<String, String>,
    #[serde(deserialize_with = "objects")]
    pub(crate) subs: HashMap<String, Position>,
}

/// A client's position in a room.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Position {
    #[serde(deserialize_with = "or_default")]
    pub(crate) recover: bool,
    #[serde(deserialize_with = "or_default")]
    pub(crate) offset: u64,
    #[serde(deserialize_with = "or_default")]
    pub(crate) epoch: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Subscribe {
    #[serde(deserialize_with = "or_default")]
    pub(crate) channel: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) token: String,
    #[serde(deserialize_with = "present")]
    pub(crate) data: Option<Box<RawValue>>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) recover: bool,
    #[serde(deserialize_with = "or_default")]
    pub(crate) offset: u64,
    #[serde(deserialize_with = "or_default")]
    pub(crate) epoch: String,
    pub(crate) tf: Option<FilterNode>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) flag: i64,
    /// The kind of deltas that the client understands, if it wants them.
    #[serde(deserialize_with = "or_default")]
    pub(crate) delta: String,
}

impl Subscribe {
    /// Bit 2 of `flag`: the client prefers error 112 to a stream with a gap.
    pub(crate) fn strict(&self) -> bool {
        self.flag & 2 != 0
    }

    pub(crate) fn wants_deltas(&self) -> bool {
        self.delta == "fossil"
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Channel {
    #[serde(deserialize_with = "or_default")]
    pub(crate) channel: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Publish {
    #[serde(deserialize_with = "or_default")]
    pub(crate) channel: String,
    #[serde(deserialize_with = "present")]
    pub(crate) data: Option<Box<RawValue>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct History {
    #[serde(deserialize_with = "or_default")]
    pub(crate) channel: String,
    /// 0: only the position, unless `since` is there; negative: all.
    #[serde(deserialize_with = "or_default")]
    pub(crate) limit: i32,
    #[serde(deserialize_with = "object")]
    pub(crate) since: Option<Position>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) reverse: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Rpc {
    #[serde(deserialize_with = "or_default")]
    pub(crate) method: String,
    #[serde(deserialize_with = "present")]
    pub(crate) data: Option<Box<RawValue>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SendMessage {
    #[serde(deserialize_with = "present")]
    pub(crate) data: Option<Box<RawValue>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Refresh {
    #[serde(deserialize_with = "or_default")]
    pub(crate) token: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SubRefresh {
    #[serde(deserialize_with = "or_default")]
    pub(crate) channel: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) token: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Envelope {
    #[serde(deserialize_with = "or_default")]
    id: u32,
    #[serde(deserialize_with = "object")]
    connect: Option<Box<Connect>>,
    #[serde(deserialize_with = "object")]
    subscribe: Option<Box<Subscribe>>,
    #[serde(deserialize_with = "object")]
    unsubscribe: Option<Channel>,
    #[serde(deserialize_with = "object")]
    publish: Option<Publish>,
    #[serde(deserialize_with = "object")]
    presence: Option<Channel>,
    #[serde(deserialize_with = "object")]
    presence_stats: Option<Channel>,
    #[serde(deserialize_with = "object")]
    history: Option<Box<History>>,
    #[serde(deserialize_with = "object")]
    rpc: Option<Rpc>,
    #[serde(deserialize_with = "object")]
    send: Option<SendMessage>,
    #[serde(deserialize_with = "object")]
    refresh: Option<Refresh>,
    #[serde(deserialize_with = "object")]
    sub_refresh: Option<SubRefresh>,
    ping: Option<serde::de::IgnoredAny>,
}

/// Accepts only an object: the derived decoders would accept an array as well.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(fields)).map(Object)
            }
        }

        from.deserialize_map(Fields(PhantomData))
    }
}

fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    Option::<Object<T>>::deserialize(from).map(|found| found.map(|object| object.0))
}

/// Positions by room, at most [`MAX_POSITIONS`]: each takes many times the memory of its few bytes on the wire.
fn objects<'de, D: Deserializer<'de>>(from: D) -> Result<HashMap<String, Position>, D::Error> {
    struct Bounded;

    impl<'de> Visitor<'de> for Bounded {
        type Value = HashMap<String, Position>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "an object with at most {MAX_POSITIONS} members")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
            let mut found = HashMap::new();
            while let Some((name, Object(position))) = members.next_entry()? {
                if found.len() == MAX_POSITIONS {
                    return Err(serde::de::Error::custom("too many positions"));
                }
                found.insert(name, position);
            }
            Ok(found)
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(HashMap::new())
        }
    }

    from.deserialize_any(Bounded)
}

/// For fields other than data: `null` means the same as an absent field.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}

/// For data: `null` is a value; only an absent field is `None`.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(from).map(Some)
}

/// Positions that one connect command may have.
const MAX_POSITIONS: usize = 2048;
/// Commands and pongs that one frame may have: the shortest have two bytes, and take a hundred times the memory.
pub(crate) const MAX_IN_FRAME: usize = 2048;

/// The commands of one text frame, in order, up to the first bad one.
pub(crate) fn decode(frame: &[u8]) -> Vec<Decoded> {
    let mut decoded = Vec::new();
    let objects = serde_json::Deserializer::from_slice(frame).into_iter::<Object<Envelope>>();
    for object in objects {
        let one = match object {
            Ok(Object(envelope)) => classify(envelope),
            Err(_) => Decoded::Bad("not a command object"),
        };
        let one =
            if decoded.len() < MAX_IN_FRAME { one } else { Decoded::Bad("too many commands in a frame") };
        let stop = matches!(one, Decoded::Bad(_));
        decoded.push(one);
        if stop {
            return decoded;
        }
    }
    if decoded.is_empty() {
        decoded.push(Decoded::Bad("empty frame"));
    }
    decoded
}

fn classify(e: Envelope) -> Decoded {
    let id = e.id;
    let command = None
        .or(e.connect.map(Command::Connect))
        .or(e.subscribe.map(Command::Subscribe))
        .or(e.unsubscribe.map(Command::Unsubscribe))
        .or(e.publish.map(Command::Publish))
        .or(e.presence.map(Command::Presence))
        .or(e.presence_stats.map(Command::PresenceStats))
        .or(e.history.map(Command::History))
        .or(e.rpc.map(Command::Rpc))
        .or(e.send.map(Command::Send))
        .or(e.refresh.map(Command::Refresh))
        .or(e.sub_refresh.map(Command::SubRefresh))
        .or(e.ping.map(|_| Command::Ping));
    match command {
        None if id == 0 => Decoded::Pong,
        None => Decoded::Bad("no known request"),
        Some(Command::Send(send)) => Decoded::Command { id, command: Command::Send(send) },
        Some(_) if id == 0 => Decoded::Bad("command without id"),
        Some(command) => Decoded::Command { id, command },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kinds(frame: &str) -> Vec<String> {
        let name = |d: &Decoded| format!("{d:?}").split([' ', '(']).next().unwrap().to_owned();
        decode(frame.as_bytes()).iter().map(name).collect()
    }

    #[test]
    fn a_frame_carries_several_commands() {
        let frame =
            "{\"connect\":{\"name\":\"js\"},\"id\":1}\n{\"subscribe\":{\"channel\":\"a\"},\"id\":2}\n";
        assert_eq!(kinds(frame), ["Command", "Command"]);
        assert_eq!(kinds("{}"), ["Pong"]);
        assert_eq!(kinds("{}\n{\"id\":3,\"rpc\":{\n\"method\":\"m\"}}"), ["Pong", "Command"]);
    }

    #[test]
    fn malformed_frames_are_bad() {
        for frame in [
            "",
            "\n",
            "{",
            "[]",
            "1",
            "null",
            "{\"id\":1}",
            "{\"id\":-1,\"rpc\":{}}",
            "{\"id\":\"1\",\"rpc\":{}}",
            "{\"id\":4294967296,\"rpc\":{}}",
            "{\"rpc\":{}}",
            "{\"subscribe\":{\"channel\":\"a\"}}",
            "{\"id\":1,\"subscribe\":[1]}x",
            "{\"id\":1,\"subscribe\":{\"channel\":5}}",
            "{\"id\":1,\"nonsense\":{}}",
            "{\"id\":1,\"subscribe\":[\"a\"]}",
            "{\"id\":1,\"publish\":[\"a\",1]}",
            "{\"id\":1,\"connect\":{\"subs\":{\"a\":[true,1,\"e\"]}}}",
            "{\"id\":1,\"history\":{\"channel\":\"a\",\"since\":[1,\"e\"]}}",
            "{\"id\":1,\"subscribe\":null}",
        ] {
            let last = kinds(frame).pop().unwrap();
            assert_eq!(last, "Bad", "{frame:?}");
        }
    }

    #[test]
    fn null_elsewhere_is_nothing() {
        for frame in [
            r#"{"id":1,"connect":{"token":null,"data":null,"name":null,"headers":null,"subs":null}}"#,
            r#"{"id":1,"subscribe":{"channel":"a","recover":null,"offset":null,"epoch":null,"tf":null,"flag":null,"delta":null}}"#,
            r#"{"id":1,"history":{"channel":"a","limit":null,"since":{"offset":1,"epoch":null},"reverse":null}}"#,
            r#"{"id":1,"rpc":{"method":null},"connect":null}"#,
        ] {
            assert_eq!(kinds(frame), ["Command"], "{frame}");
        }
        assert_eq!(kinds(r#"{"id":null}"#), ["Pong"]);
    }

    #[test]
    fn positions_are_not_without_number() {
        let frame = |count| {
            let subs: Vec<_> = (0..count).map(|n| format!("\"{n}\":{{\"offset\":1}}")).collect();
            format!("{{\"id\":1,\"connect\":{{\"subs\":{{{}}}}}}}", subs.join(","))
        };
        assert_eq!(kinds(&frame(MAX_POSITIONS)), ["Command"]);
        assert_eq!(kinds(&frame(MAX_POSITIONS + 1)), ["Bad"]);
    }

    #[test]
    fn null_data_is_data() {
        let Some(Decoded::Command { command: Command::Publish(publish), .. }) =
            decode(b"{\"id\":1,\"publish\":{\"channel\":\"a\",\"data\":null}}").pop()
        else {
            panic!("not a publish")
        };
        assert_eq!(publish.data.unwrap().get(), "null");
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(!decode(&bytes).is_empty());
        }

        #[test]
        fn any_jsonish_text_is_survived(text in "[{}\\[\\]\",:a-z0-9\n]{0,80}") {
            prop_assert!(!decode(text.as_bytes()).is_empty());
        }
    }
}
