//! Messages as bytes: Protobuf, so that nodes of two versions understand each other. Unknown fields are skipped, and a
//! message of an unknown kind is `None`.

use std::sync::Arc;

use bytes::Bytes;
use prost::Message as _;
use uuid::Uuid;

use super::message::{Member, Message, Outcome};
use crate::{
    data::Data,
    log::{ClientInfo, Publication},
    protocol::Form,
    trace::Trace,
};

#[derive(Clone, PartialEq, prost::Message)]
struct Envelope {
    #[prost(string, tag = "1")]
    from: String,
    #[prost(oneof = "Body", tags = "2, 3, 4, 5, 6, 7, 8, 9, 10, 11")]
    body: Option<Body>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Body {
    #[prost(message, tag = "2")]
    Publication(WirePublication),
    #[prost(message, tag = "3")]
    Joined(WireMember),
    #[prost(message, tag = "4")]
    Left(WireMember),
    #[prost(message, tag = "5")]
    Present(WireMembers),
    #[prost(bool, tag = "6")]
    WhoIsThere(bool),
    #[prost(bytes = "bytes", tag = "7")]
    Notice(Bytes),
    #[prost(message, tag = "8")]
    Frame(WireFrame),
    #[prost(message, tag = "9")]
    Taken(WireTaken),
    #[prost(fixed64, tag = "10")]
    Probe(u64),
    #[prost(string, tag = "11")]
    WhoIsIn(String),
}

#[derive(Clone, PartialEq, prost::Message)]
struct WirePublication {
    #[prost(string, tag = "1")]
    room: String,
    #[prost(uint64, tag = "2")]
    offset: u64,
    #[prost(message, required, tag = "3")]
    data: WireData,
    #[prost(message, repeated, tag = "4")]
    tags: Vec<WireTag>,
    #[prost(message, optional, tag = "5")]
    info: Option<WireInfo>,
    #[prost(int64, tag = "6")]
    time_ms: i64,
    #[prost(bytes = "vec", tag = "7")]
    trace: Vec<u8>,
}

/// Whether it is JSON was found out where it entered.
#[derive(Clone, PartialEq, prost::Message)]
struct WireData {
    #[prost(bytes = "bytes", tag = "1")]
    bytes: Bytes,
    #[prost(bool, tag = "2")]
    is_json: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
struct WireTag {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct WireInfo {
    #[prost(string, tag = "1")]
    user: String,
    #[prost(string, tag = "2")]
    client: String,
    #[prost(message, optional, tag = "3")]
    conn_info: Option<WireData>,
    #[prost(message, optional, tag = "4")]
    chan_info: Option<WireData>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct WireMember {
    #[prost(string, tag = "1")]
    room: String,
    #[prost(message, required, tag = "2")]
    who: WireInfo,
    #[prost(bool, tag = "3")]
    listed: bool,
    #[prost(bool, tag = "4")]
    announced: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
struct WireMembers {
    #[prost(message, repeated, tag = "1")]
    members: Vec<WireMember>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct WireFrame {
    #[prost(fixed64, tag = "1")]
    id: u64,
    #[prost(bool, tag = "2")]
    protobuf: bool,
    #[prost(bytes = "bytes", tag = "3")]
    session: Bytes,
    #[prost(bytes = "bytes", tag = "4")]
    frame: Bytes,
}

#[derive(Clone, PartialEq, prost::Message)]
struct WireTaken {
    #[prost(fixed64, tag = "1")]
    id: u64,
    #[prost(uint32, tag = "2")]
    outcome: u32,
}

/// Codes of [`Outcome`]; one that is not here is an unknown session.
const OUTCOMES: [Outcome; 4] = [Outcome::UnknownSession, Outcome::Taken, Outcome::TooMany, Outcome::TooSlow];

pub(super) fn encode(from: &str, message: &Message) -> Bytes {
    let envelope = Envelope { from: from.to_owned(), body: Some(message.into()) };
    envelope.encode_to_vec().into()
}

/// Who sent it, and what. `None` for what this version does not know.
pub(super) fn decode(bytes: Bytes) -> Option<(String, Message)> {
    let Envelope { from, body } = Envelope::decode(bytes).ok()?;
    let message = match body? {
        Body::Publication(publication) => {
            let WirePublication { room, offset, data, tags, info, time_ms, trace } = publication;
            let tags = tags.into_iter().map(|tag| (tag.key, tag.value)).collect();
            let info = info.map(|info| Arc::new(info.into()));
            let trace = Trace::from_bytes(&trace).map(Box::new);
            Message::Publication {
                room,
                publication: Publication { offset, data: data.into(), tags, info, time_ms, trace },
            }
        }
        Body::Joined(member) => {
            let (room, member) = member.split();
            Message::Joined { room, member }
        }
        Body::Left(member) => {
            let (room, member) = member.split();
            Message::Left { room, member }
        }
        Body::Present(all) => {
            Message::Present { members: all.members.into_iter().map(WireMember::split).collect() }
        }
        Body::WhoIsThere(_) => Message::WhoIsThere,
        Body::WhoIsIn(room) => Message::WhoIsIn { room },
        Body::Notice(notice) => Message::Notice(notice),
        Body::Frame(WireFrame { id, protobuf, session, frame }) => {
            let form = if protobuf { Form::Protobuf } else { Form::Json };
            Message::Frame { id, form, session: Uuid::from_slice(&session).ok()?, frame }
        }
        Body::Taken(WireTaken { id, outcome }) => {
            let outcome = OUTCOMES.get(outcome as usize).copied().unwrap_or(Outcome::UnknownSession);
            Message::Taken { id, outcome }
        }
        Body::Probe(probe) => Message::Probe(probe),
    };
    Some((from, message))
}

impl From<&Message> for Body {
    fn from(message: &Message) -> Self {
        match message {
            Message::Publication { room, publication } => {
                let Publication { offset, data, tags, info, time_ms, trace } = publication;
                let tag =
                    |(key, value): (&str, &str)| WireTag { key: key.to_owned(), value: value.to_owned() };
                Body::Publication(WirePublication {
                    room: room.clone(),
                    offset: *offset,
                    data: data.into(),
                    tags: tags.iter().map(tag).collect(),
                    info: info.as_deref().map(WireInfo::from),
                    time_ms: *time_ms,
                    trace: trace.as_deref().map(|trace| trace.to_bytes()).unwrap_or_default(),
                })
            }
            Message::Joined { room, member } => Body::Joined(WireMember::new(room, member)),
            Message::Left { room, member } => Body::Left(WireMember::new(room, member)),
            Message::Present { members } => {
                let members = members.iter().map(|(room, member)| WireMember::new(room, member));
                Body::Present(WireMembers { members: members.collect() })
            }
            Message::WhoIsThere => Body::WhoIsThere(true),
            Message::WhoIsIn { room } => Body::WhoIsIn(room.clone()),
            Message::Notice(notice) => Body::Notice(notice.clone()),
            Message::Frame { id, form, session, frame } => Body::Frame(WireFrame {
                id: *id,
                protobuf: *form == Form::Protobuf,
                session: Bytes::copy_from_slice(session.as_bytes()),
                frame: frame.clone(),
            }),
            Message::Taken { id, outcome } => {
                let code = OUTCOMES.iter().position(|known| known == outcome).unwrap_or(0);
                Body::Taken(WireTaken { id: *id, outcome: code as u32 })
            }
            Message::Probe(probe) => Body::Probe(*probe),
        }
    }
}

impl WireMember {
    fn new(room: &str, member: &Member) -> Self {
        let Member { who, listed, announced } = member;
        WireMember { room: room.to_owned(), who: (&**who).into(), listed: *listed, announced: *announced }
    }

    fn split(self) -> (String, Member) {
        let WireMember { room, who, listed, announced } = self;
        (room, Member { who: Arc::new(who.into()), listed, announced })
    }
}

impl From<&Data> for WireData {
    fn from(data: &Data) -> Self {
        WireData { bytes: data.bytes().clone(), is_json: data.is_json() }
    }
}

impl From<WireData> for Data {
    /// A copy: a slice would keep the whole message in memory.
    fn from(data: WireData) -> Self {
        Data::found_to_be(Bytes::copy_from_slice(&data.bytes), data.is_json)
    }
}

impl From<&ClientInfo> for WireInfo {
    fn from(who: &ClientInfo) -> Self {
        let ClientInfo { user, client, conn_info, chan_info } = who;
        WireInfo {
            user: user.clone(),
            client: client.clone(),
            conn_info: conn_info.as_ref().map(WireData::from),
            chan_info: chan_info.as_ref().map(WireData::from),
        }
    }
}

impl From<WireInfo> for ClientInfo {
    fn from(who: WireInfo) -> Self {
        let WireInfo { user, client, conn_info, chan_info } = who;
        ClientInfo {
            user,
            client,
            conn_info: conn_info.map(Data::from),
            chan_info: chan_info.map(Data::from),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(message: &Message) -> Message {
        let (from, message) = decode(encode("here", message)).unwrap();
        assert_eq!(from, "here");
        message
    }

    #[test]
    fn every_message_is_the_same_on_the_other_side() {
        let who = ClientInfo {
            user: "ann".into(),
            client: "c".into(),
            conn_info: Some("{\"seat\":1}".into()),
            chan_info: None,
        };
        let member = Member { who: Arc::new(who), listed: true, announced: false };
        let publication = Publication {
            offset: 7,
            data: "{\"a\":1}".into(),
            tags: [("company", "x")].into_iter().collect(),
            info: Some(Arc::clone(&member.who)),
            time_ms: 12,
            trace: Some(Box::new(Trace { trace_id: [3; 16], span_id: [4; 8] })),
        };
        let session = Uuid::from_u128(5);
        let frame = Bytes::from_static(b"\x00\xff");
        for message in [
            Message::Publication { room: "r".into(), publication: publication.clone() },
            Message::Publication {
                room: "r".into(),
                publication: Publication { data: b"\x00\xff".to_vec().into(), ..Publication::default() },
            },
            Message::Joined { room: "r".into(), member: member.clone() },
            Message::Left { room: "r".into(), member: member.clone() },
            Message::Present { members: vec![("r".into(), member.clone()), ("s".into(), member)] },
            Message::WhoIsThere,
            Message::WhoIsIn { room: "r".into() },
            Message::Notice(Bytes::from_static(b"notice")),
            Message::Frame { id: 9, form: Form::Protobuf, session, frame: frame.clone() },
            Message::Frame { id: 9, form: Form::Json, session, frame },
            Message::Taken { id: 9, outcome: Outcome::TooSlow },
            Message::Probe(u64::MAX),
        ] {
            assert_eq!(format!("{:?}", through(&message)), format!("{message:?}"));
        }
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        assert!(decode(Bytes::from_static(b"\xff\xff")).is_none());
        // A body with another tag, as a newer version may send it.
        assert!(decode(Bytes::from_static(b"\x0a\x01n\xfa\x01\x00")).is_none());
    }
}
