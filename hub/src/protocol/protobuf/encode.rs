//! Pushes to length-prefixed binary messages, and the parts that replies share with them.

use bytes::Bytes;
use prost::Message;

use super::messages as wire;
use crate::{
    data::Data,
    log::{ClientInfo, Publication},
};

pub(crate) fn publication(room: &str, publication: &Publication) -> Bytes {
    push(wire::Push { publication: Some(published(publication)), ..to(room) })
}

/// A publication with a delta in place of its data.
pub(crate) fn delta(room: &str, publication: &Publication, delta: &Bytes) -> Bytes {
    let publication = wire::Publication { data: delta.clone(), delta: true, ..published(publication) };
    push(wire::Push { publication: Some(publication), ..to(room) })
}

pub(crate) fn join(room: &str, who: &ClientInfo) -> Bytes {
    push(wire::Push { join: Some(wire::Who { info: Some(client_info(who)) }), ..to(room) })
}

pub(crate) fn leave(room: &str, who: &ClientInfo) -> Bytes {
    push(wire::Push { leave: Some(wire::Who { info: Some(client_info(who)) }), ..to(room) })
}

pub(crate) fn unsubscribe(room: &str, code: u32, reason: &str) -> Bytes {
    let reason = reason.to_owned();
    push(wire::Push { unsubscribe: Some(wire::Unsubscribe { code, reason }), ..to(room) })
}

pub(crate) fn disconnect(code: u16, reason: &str) -> Bytes {
    let disconnect = wire::Disconnect { code: code.into(), reason: reason.to_owned() };
    push(wire::Push { disconnect: Some(disconnect), ..to("") })
}

pub(crate) fn message(data: Data) -> Bytes {
    push(wire::Push { message: Some(wire::Data { data: data.into_bytes() }), ..to("") })
}

pub(crate) fn to(room: &str) -> wire::Push {
    wire::Push { channel: room.to_owned(), ..wire::Push::default() }
}

pub(crate) fn push(push: wire::Push) -> Bytes {
    framed(&wire::Reply { push: Some(push), ..wire::Reply::default() })
}

pub(crate) fn framed(reply: &wire::Reply) -> Bytes {
    reply.encode_length_delimited_to_vec().into()
}

pub(crate) fn raw(data: Option<&Data>) -> Bytes {
    data.map(|data| data.bytes().clone()).unwrap_or_default()
}

pub(crate) fn published(publication: &Publication) -> wire::Publication {
    wire::Publication {
        data: raw(Some(&publication.data)),
        info: publication.info.as_deref().map(client_info),
        offset: publication.offset,
        tags: publication.tags.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
        delta: false,
        time: publication.time_ms,
    }
}

pub(crate) fn client_info(who: &ClientInfo) -> wire::ClientInfo {
    wire::ClientInfo {
        user: who.user.clone(),
        client: who.client.clone(),
        conn_info: raw(who.conn_info.as_ref()),
        chan_info: raw(who.chan_info.as_ref()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wire_bytes() {
        let publication = Publication { offset: 7, data: "1".into(), ..Publication::default() };
        let bytes = super::publication("r", &publication);
        assert_eq!(&bytes[..], b"\x0c\x22\x0a\x12\x01r\x22\x05\x22\x011\x30\x07");
        assert_eq!(wire::Reply::default().encode_length_delimited_to_vec(), super::super::PING);
    }
}
