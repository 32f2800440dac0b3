//! Replies and pushes to length-prefixed binary messages.

use bytes::Bytes;
use prost::Message;
use serde_json::value::RawValue;

use super::messages as wire;
use crate::{
    entry::Entry,
    log::{ClientInfo, Publication},
    protocol::reply::{ConnectReply, Reply, SubscribeReply},
};

pub(crate) fn reply(id: u32, reply: &Reply) -> Bytes {
    let mut out = wire::Reply { id, ..wire::Reply::default() };
    match reply {
        Reply::Connect(result) => out.connect = Some(Box::new(connect(result))),
        Reply::Subscribe(result) => out.subscribe = Some(Box::new(subscribed(result))),
        Reply::Unsubscribe => out.unsubscribe = Some(wire::Empty {}),
        Reply::Publish => out.publish = Some(wire::Empty {}),
        Reply::Presence(clients) => {
            let presence = clients.iter().map(|who| (who.client.clone(), client_info(who))).collect();
            out.presence = Some(wire::PresenceResult { presence });
        }
        Reply::PresenceStats { clients, users } => {
            let (num_clients, num_users) = (*clients as u32, *users as u32);
            out.presence_stats = Some(wire::PresenceStatsResult { num_clients, num_users });
        }
        Reply::History(history) => {
            out.history = Some(wire::HistoryResult {
                publications: publications(&history.publications),
                epoch: history.epoch.clone(),
                offset: history.offset,
            });
        }
        Reply::Rpc(data) => out.rpc = Some(wire::Data { data: raw(Some(data)) }),
        Reply::Refresh { client, version, ttl } => {
            let (client, version) = (client.clone(), version.clone());
            let (expires, ttl) = (ttl.is_some(), ttl.unwrap_or(0));
            out.refresh = Some(wire::RefreshResult { client, version, expires, ttl });
        }
        Reply::SubRefresh { ttl } => {
            let (expires, ttl) = (ttl.is_some(), ttl.unwrap_or(0));
            out.sub_refresh = Some(wire::SubRefreshResult { expires, ttl });
        }
        Reply::Error(error) => {
            let (code, message) = (error.code, error.message.to_string());
            out.error = Some(wire::Error { code, message, temporary: error.temporary });
        }
    }
    framed(&out)
}

pub(crate) fn publication(room: &str, publication: &Publication) -> Bytes {
    push(wire::Push { publication: Some(published(publication)), ..to(room) })
}

/// In place of its data, what to do with the data of the one before.
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

pub(crate) fn subscribe(room: &str, sub: &SubscribeReply) -> Bytes {
    let subscribe = wire::Subscribe {
        recoverable: sub.recoverable,
        epoch: sub.epoch.clone(),
        offset: sub.offset,
        positioned: sub.recoverable,
        data: raw(sub.data.as_deref()),
    };
    push(wire::Push { subscribe: Some(subscribe), ..to(room) })
}

pub(crate) fn message(data: &Bytes) -> Bytes {
    push(wire::Push { message: Some(wire::Data { data: data.clone() }), ..to("") })
}

fn to(room: &str) -> wire::Push {
    wire::Push { channel: room.to_owned(), ..wire::Push::default() }
}

fn push(push: wire::Push) -> Bytes {
    framed(&wire::Reply { push: Some(push), ..wire::Reply::default() })
}

fn framed(reply: &wire::Reply) -> Bytes {
    reply.encode_length_delimited_to_vec().into()
}

fn raw(value: Option<&RawValue>) -> Bytes {
    value.map(|value| Bytes::copy_from_slice(value.get().as_bytes())).unwrap_or_default()
}

fn connect(result: &ConnectReply) -> wire::ConnectResult {
    wire::ConnectResult {
        client: result.client.clone(),
        version: result.version.clone(),
        expires: result.ttl.is_some(),
        ttl: result.ttl.unwrap_or(0),
        data: raw(result.data.as_deref()),
        subs: result.subs.iter().map(sub_entry).collect(),
        ping: result.ping_s.unwrap_or(0),
        pong: result.ping_s.is_some(),
        time: result.time_ms,
    }
}

fn sub_entry((room, sub): &(String, SubscribeReply)) -> wire::SubEntry {
    wire::SubEntry { room: room.clone(), result: Some(subscribed(sub)) }
}

fn subscribed(sub: &SubscribeReply) -> wire::SubscribeResult {
    wire::SubscribeResult {
        expires: sub.ttl.is_some(),
        ttl: sub.ttl.unwrap_or(0),
        recoverable: sub.recoverable,
        epoch: sub.epoch.clone(),
        publications: publications(&sub.publications),
        recovered: sub.recovered == Some(true),
        offset: sub.offset,
        positioned: sub.recoverable,
        data: raw(sub.data.as_deref()),
        was_recovering: sub.recovered.is_some(),
        delta: sub.delta,
    }
}

fn publications(entries: &[Entry]) -> Vec<wire::Publication> {
    entries.iter().filter_map(Entry::source).map(published).collect()
}

fn published(publication: &Publication) -> wire::Publication {
    wire::Publication {
        data: publication.data.clone(),
        info: publication.info.as_deref().map(client_info),
        offset: publication.offset,
        tags: publication.tags.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
        delta: false,
        time: publication.time_ms,
    }
}

fn client_info(who: &ClientInfo) -> wire::ClientInfo {
    wire::ClientInfo {
        user: who.user.clone(),
        client: who.client.clone(),
        conn_info: raw(who.conn_info.as_deref()),
        chan_info: raw(who.chan_info.as_deref()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wire_bytes() {
        let publication = Publication { offset: 7, data: Bytes::from_static(b"1"), ..Publication::default() };
        let bytes = super::publication("r", &publication);
        assert_eq!(&bytes[..], b"\x0c\x22\x0a\x12\x01r\x22\x05\x22\x011\x30\x07");
        assert_eq!(&super::reply(3, &Reply::Unsubscribe)[..], b"\x04\x08\x03\x3a\x00");
        // A room without anything to tell still has its (empty) result.
        let empty = super::sub_entry(&("r".to_owned(), crate::protocol::reply::SubscribeReply::default()));
        assert_eq!(prost::Message::encode_to_vec(&empty), b"\x0a\x01r\x12\x00");
        assert_eq!(wire::Reply::default().encode_length_delimited_to_vec(), super::super::PING);
    }
}
