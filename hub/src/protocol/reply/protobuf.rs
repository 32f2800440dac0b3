//! Encodes replies in Protobuf.

use bytes::Bytes;

use super::{ConnectReply, Reply, SubscribeReply};
use crate::protocol::{
    event::RoomEvent,
    protobuf::{client_info, framed, messages as wire, published, push, raw, to},
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

pub(crate) fn subscribe(room: &str, sub: &SubscribeReply) -> Bytes {
    let subscribe = wire::Subscribe {
        recoverable: sub.recoverable,
        epoch: sub.epoch.clone(),
        offset: sub.offset,
        positioned: sub.recoverable,
        data: raw(sub.data.as_ref()),
    };
    push(wire::Push { subscribe: Some(subscribe), ..to(room) })
}

fn connect(result: &ConnectReply) -> wire::ConnectResult {
    let (session, node) =
        result.emulation.as_ref().map_or(("", ""), |e| (e.session.as_str(), e.node.as_str()));
    wire::ConnectResult {
        client: result.client.clone(),
        version: result.version.clone(),
        expires: result.ttl.is_some(),
        ttl: result.ttl.unwrap_or(0),
        data: raw(result.data.as_ref()),
        subs: result.subs.iter().map(sub_entry).collect(),
        ping: result.ping_s.unwrap_or(0),
        pong: result.ping_s.is_some(),
        session: session.to_owned(),
        node: node.to_owned(),
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
        data: raw(sub.data.as_ref()),
        was_recovering: sub.recovered.is_some(),
        delta: sub.delta,
    }
}

fn publications(events: &[RoomEvent]) -> Vec<wire::Publication> {
    events.iter().filter_map(RoomEvent::source).map(published).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wire_bytes() {
        assert_eq!(&super::reply(3, &Reply::Unsubscribe)[..], b"\x04\x08\x03\x3a\x00");
        // A room with an empty result still has the field.
        let empty = super::sub_entry(&("r".to_owned(), SubscribeReply::default()));
        assert_eq!(prost::Message::encode_to_vec(&empty), b"\x0a\x01r\x12\x00");
    }
}
