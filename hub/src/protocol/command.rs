//! Decoding what a client sends: frames of one or more JSON objects joined by newlines.
//! Unknown fields are ignored; an object that is neither command nor pong ends the session.

use std::collections::HashMap;

use serde::{Deserialize, Deserializer};
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
    /// Nothing after it is looked at. The text is for the log.
    Bad(&'static str),
}

#[derive(Debug)]
pub(crate) enum Command {
    Connect(Box<Connect>),
    Subscribe(Box<Subscribe>),
    Unsubscribe(Room),
    Publish(Publish),
    Presence(Room),
    PresenceStats(Room),
    History(Box<History>),
    Rpc(Rpc),
    Send(Send),
    Refresh(Refresh),
    SubRefresh(SubRefresh),
    /// Well framed, but with data that is no JSON.
    Unreadable,
    /// In the schema, used by nobody.
    Ping,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Connect {
    pub(crate) token: String,
    #[serde(deserialize_with = "present")]
    pub(crate) data: Option<Box<RawValue>>,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) subs: HashMap<String, Position>,
}

/// Where a client stands in a room.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Position {
    pub(crate) recover: bool,
    pub(crate) offset: u64,
    pub(crate) epoch: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Subscribe {
    pub(crate) channel: String,
    pub(crate) token: String,
    #[serde(deserialize_with = "present")]
    pub(crate) data: Option<Box<RawValue>>,
    pub(crate) recover: bool,
    pub(crate) offset: u64,
    pub(crate) epoch: String,
    pub(crate) tf: Option<FilterNode>,
    pub(crate) flag: i64,
    /// The kind of deltas that the client understands, if it wants them.
    pub(crate) delta: String,
}

impl Subscribe {
    /// Bit 2 of `flag`: the client would rather have error 112 than a stream with a hole.
    pub(crate) fn strict(&self) -> bool {
        self.flag & 2 != 0
    }

    pub(crate) fn wants_deltas(&self) -> bool {
        self.delta == "fossil"
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Room {
    pub(crate) channel: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Publish {
    pub(crate) channel: String,
    #[serde(deserialize_with = "present")]
    pub(crate) data: Option<Box<RawValue>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct History {
    pub(crate) channel: String,
    /// 0: only the position, unless `since` is there; negative: all.
    pub(crate) limit: i32,
    pub(crate) since: Option<Position>,
    pub(crate) reverse: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Rpc {
    pub(crate) method: String,
    #[serde(deserialize_with = "present")]
    pub(crate) data: Option<Box<RawValue>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Send {
    #[serde(deserialize_with = "present")]
    pub(crate) data: Option<Box<RawValue>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Refresh {
    pub(crate) token: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SubRefresh {
    pub(crate) channel: String,
    pub(crate) token: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Envelope {
    id: u32,
    connect: Option<Box<Connect>>,
    subscribe: Option<Box<Subscribe>>,
    unsubscribe: Option<Room>,
    publish: Option<Publish>,
    presence: Option<Room>,
    presence_stats: Option<Room>,
    history: Option<Box<History>>,
    rpc: Option<Rpc>,
    send: Option<Send>,
    refresh: Option<Refresh>,
    sub_refresh: Option<SubRefresh>,
    ping: Option<serde::de::IgnoredAny>,
}

/// `null` is a value like another; only an absent field is `None`.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(from).map(Some)
}

/// Commands and pongs of one frame; some are two bytes, and take a hundred times as much when they are read.
pub(crate) const MAX_IN_FRAME: usize = 2048;

/// The commands of one text frame, in order, up to the first bad one.
pub(crate) fn decode(frame: &[u8]) -> Vec<Decoded> {
    let mut decoded = Vec::new();
    let mut objects = serde_json::Deserializer::from_slice(frame).into_iter::<Envelope>();
    loop {
        // The derived decoder would take an array for an object as well.
        let rest = frame[objects.byte_offset()..].trim_ascii_start();
        let Some(object) = objects.next() else { break };
        let one = match object {
            Ok(envelope) if rest.first() == Some(&b'{') => classify(envelope),
            _ => Decoded::Bad("not a command object"),
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
        ] {
            let last = kinds(frame).pop().unwrap();
            assert_eq!(last, "Bad", "{frame:?}");
        }
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
