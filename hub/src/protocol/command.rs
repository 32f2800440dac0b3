//! The commands of a client, as values with their shapes in JSON. Unknown fields are ignored.

use std::collections::HashMap;

use serde::Deserialize;

use super::{
    fields::{object, objects, or_default, present},
    filter::FilterNode,
};
use crate::data::Data;

/// Commands and pongs that one frame may have: the shortest have two bytes, and take a hundred times the memory.
pub(crate) const MAX_IN_FRAME: usize = 2048;

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

impl Decoded {
    /// The commands of a frame, in order, up to the first bad one. A frame without any is bad, and so is one with too many.
    pub(crate) fn of_frame(commands: impl Iterator<Item = Self>) -> Vec<Self> {
        let mut decoded = Vec::new();
        for one in commands {
            let one =
                if decoded.len() < MAX_IN_FRAME { one } else { Self::Bad("too many commands in a frame") };
            let stop = matches!(one, Self::Bad(_));
            decoded.push(one);
            if stop {
                return decoded;
            }
        }
        if decoded.is_empty() {
            decoded.push(Self::Bad("empty frame"));
        }
        decoded
    }
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
    /// Well framed, but with a filter that is none.
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
    pub(crate) data: Option<Data>,
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
    pub(crate) data: Option<Data>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) recover: bool,
    #[serde(deserialize_with = "or_default")]
    pub(crate) offset: u64,
    #[serde(deserialize_with = "or_default")]
    pub(crate) epoch: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) join_leave: bool,
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
    pub(crate) data: Option<Data>,
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
    pub(crate) data: Option<Data>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SendMessage {
    #[serde(deserialize_with = "present")]
    pub(crate) data: Option<Data>,
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
