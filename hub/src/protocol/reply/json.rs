//! Encodes replies in JSON. The result key is always there, even if its object is empty: without it a client disconnects
//! for good. The JavaScript client passes presence, its counts and history on as they are, so zero values in them are
//! written as well.

use bytes::Bytes;

use super::{ConnectReply, Reply, SubscribeReply};
use crate::{
    log::ClientInfo,
    protocol::{
        event::RoomEvent,
        json::ObjectWriter,
        push::{client_info, push},
    },
};

pub(crate) fn encode(id: u32, reply: &Reply) -> Bytes {
    let mut out = Vec::with_capacity(64);
    let mut envelope = ObjectWriter::begin(&mut out);
    envelope.number("id", id);
    match reply {
        Reply::Connect(connect) => connect_body(envelope.object("connect"), connect),
        Reply::Subscribe(sub) => {
            let mut object = envelope.object("subscribe");
            subscribe_fields(&mut object, sub);
            object.end();
        }
        Reply::Unsubscribe => envelope.object("unsubscribe").end(),
        Reply::Publish => envelope.object("publish").end(),
        Reply::Presence(clients) => presence(envelope.object("presence"), clients),
        Reply::PresenceStats { clients, users } => {
            let mut object = envelope.object("presence_stats");
            object.number_or_zero("num_clients", *clients as u64);
            object.number_or_zero("num_users", *users as u64);
            object.end();
        }
        Reply::History(history) => {
            let mut object = envelope.object("history");
            publications(&mut object, &history.publications, false);
            object.text_or_empty("epoch", &history.epoch);
            object.number_or_zero("offset", history.offset);
            object.end();
        }
        Reply::Rpc(data) => {
            let mut object = envelope.object("rpc");
            object.data("data", Some(data));
            object.end();
        }
        Reply::Refresh { client, version, ttl } => {
            let mut object = envelope.object("refresh");
            object.text("client", client);
            object.text("version", version);
            expiry(&mut object, *ttl);
            object.end();
        }
        Reply::SubRefresh { ttl } => {
            let mut object = envelope.object("sub_refresh");
            expiry(&mut object, *ttl);
            object.end();
        }
        Reply::Error(error) => {
            let mut object = envelope.object("error");
            object.number("code", error.code);
            object.text("message", &error.message);
            object.flag("temporary", error.temporary);
            object.end();
        }
    }
    envelope.end();
    out.into()
}

fn connect_body(mut object: ObjectWriter<'_>, connect: &ConnectReply) {
    object.text("client", &connect.client);
    object.text("version", &connect.version);
    expiry(&mut object, connect.ttl);
    object.data("data", connect.data.as_ref());
    if !connect.subs.is_empty() {
        let mut subs = object.object("subs");
        for (room, sub) in &connect.subs {
            let mut object = subs.object(room);
            subscribe_fields(&mut object, sub);
            object.end();
        }
        subs.end();
    }
    object.number("ping", connect.ping_s.unwrap_or(0));
    object.flag("pong", connect.ping_s.is_some());
    if let Some(emulation) = &connect.emulation {
        object.text("session", &emulation.session);
        object.text("node", &emulation.node);
    }
    object.number("time", connect.time_ms);
    object.end();
}

fn subscribe_fields(object: &mut ObjectWriter<'_>, sub: &SubscribeReply) {
    expiry(object, sub.ttl);
    object.flag("recoverable", sub.recoverable);
    object.flag("positioned", sub.recoverable);
    object.text("epoch", &sub.epoch);
    object.number("offset", sub.offset);
    if !sub.publications.is_empty() {
        publications(object, &sub.publications, sub.delta);
    }
    object.flag("recovered", sub.recovered == Some(true));
    object.flag("was_recovering", sub.recovered.is_some());
    object.data("data", sub.data.as_ref());
    object.flag("delta", sub.delta);
}

fn expiry(object: &mut ObjectWriter<'_>, ttl: Option<u32>) {
    object.flag("expires", ttl.is_some());
    object.number("ttl", ttl.unwrap_or(0));
}

fn publications(object: &mut ObjectWriter<'_>, events: &[RoomEvent], as_texts: bool) {
    let out = object.key("publications");
    if !as_texts {
        out.reserve(events.iter().map(|e| e.body().len() + 1).sum());
    }
    out.push(b'[');
    for (n, event) in events.iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        if as_texts {
            out.extend_from_slice(&event.text_body());
        } else {
            out.extend_from_slice(event.body());
        }
    }
    out.push(b']');
}

fn presence(mut object: ObjectWriter<'_>, clients: &[ClientInfo]) {
    let mut list = object.object("presence");
    for who in clients {
        client_info(list.key(&who.client), who);
    }
    list.end();
    object.end();
}

/// The push to a client that the server subscribed.
pub(crate) fn subscribe(room: &str, sub: &SubscribeReply) -> Bytes {
    let mut out = Vec::new();
    push(&mut out, room, |p| {
        let mut object = p.object("subscribe");
        subscribe_fields(&mut object, sub);
        object.end();
    });
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::Data,
        log::Publication,
        protocol::{codes::ErrorReply, reply::HistoryReply},
    };

    fn text(reply: &Reply) -> String {
        String::from_utf8(encode(3, reply).to_vec()).unwrap()
    }

    #[test]
    fn the_result_key_is_there_even_if_empty() {
        let empty_history = HistoryReply { epoch: String::new(), offset: 0, publications: vec![] };
        let all = [
            (Reply::Subscribe(SubscribeReply::default()), r#"{"id":3,"subscribe":{}}"#),
            (Reply::Unsubscribe, r#"{"id":3,"unsubscribe":{}}"#),
            (Reply::Publish, r#"{"id":3,"publish":{}}"#),
            (Reply::Presence(vec![]), r#"{"id":3,"presence":{"presence":{}}}"#),
            (
                Reply::PresenceStats { clients: 0, users: 0 },
                r#"{"id":3,"presence_stats":{"num_clients":0,"num_users":0}}"#,
            ),
            (
                Reply::History(empty_history),
                r#"{"id":3,"history":{"publications":[],"epoch":"","offset":0}}"#,
            ),
            (Reply::Rpc(Data::default()), r#"{"id":3,"rpc":{"data":null}}"#),
            (Reply::Rpc("\u{1}".into()), r#"{"id":3,"rpc":{"data":{"b64data":"AQ=="}}}"#),
            (Reply::SubRefresh { ttl: None }, r#"{"id":3,"sub_refresh":{}}"#),
        ];
        for (reply, wire) in all {
            assert_eq!(text(&reply), wire);
        }
    }

    #[test]
    fn error_replies_are_code_message_temporary() {
        insta::assert_snapshot!(text(&Reply::Error(ErrorReply::INTERNAL)), @r#"{"id":3,"error":{"code":100,"message":"internal server error","temporary":true}}"#);
        insta::assert_snapshot!(text(&Reply::Error(ErrorReply::NOT_AVAILABLE)), @r#"{"id":3,"error":{"code":108,"message":"not available"}}"#);
    }

    #[test]
    fn connect_and_recovery_shapes() {
        let publication = Publication { offset: 6, data: "1".into(), ..Publication::default() };
        let sub = SubscribeReply {
            recoverable: true,
            epoch: "e".into(),
            offset: 5,
            recovered: Some(true),
            publications: vec![RoomEvent::publication("r", publication)],
            ..SubscribeReply::default()
        };
        let connect = ConnectReply {
            client: "c".into(),
            version: "v".into(),
            ttl: Some(60),
            data: None,
            subs: vec![("r".into(), sub)],
            ping_s: Some(25),
            emulation: None,
            time_ms: 9,
        };
        insta::assert_snapshot!(text(&Reply::Connect(connect.into())), @r#"{"id":3,"connect":{"client":"c","version":"v","expires":true,"ttl":60,"subs":{"r":{"recoverable":true,"positioned":true,"epoch":"e","offset":5,"publications":[{"data":1,"offset":6}],"recovered":true,"was_recovering":true}},"ping":25,"pong":true,"time":9}}"#);
    }
}
