//! What nodes tell each other.

use std::sync::Arc;

use bytes::Bytes;
use uuid::Uuid;

use crate::{
    log::{ClientInfo, Publication},
    protocol::Form,
};

#[derive(Clone, Debug)]
pub(crate) enum Message {
    /// Of a room's log, or an ephemeral one (offset 0).
    Publication { room: String, publication: Publication },
    /// A client joined a room.
    Joined { room: String, member: Member },
    /// A client left a room.
    Left { room: String, member: Member },
    /// Clients that are in rooms of the topic, told again and again: who is not told of for long is gone.
    Present { members: Vec<(String, Member)> },
    /// Asks the others for `Present`.
    WhoIsThere,
    /// Asks the others for those that are in a room, of which this node now has its first member.
    WhoIsIn { room: String },
    /// Of the application.
    Notice(Bytes),
    /// A frame for a session on a stream that the addressed node has.
    Frame { id: u64, form: Form, session: Uuid, frame: Bytes },
    /// What became of it.
    Taken { id: u64, outcome: Outcome },
    /// A node to itself.
    Probe(u64),
}

/// A client of another node in a room, as others see it.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) who: Arc<ClientInfo>,
    /// It is listed in the room's presence.
    pub(crate) listed: bool,
    /// Its join and leave are announced.
    pub(crate) announced: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Taken,
    UnknownSession,
    TooMany,
    TooSlow,
}
