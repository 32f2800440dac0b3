//! Encoding of pushes in JSON. Each is encoded once for all receivers.

use std::ops::Range;

use bytes::Bytes;

use super::json::ObjectWriter;
use crate::{
    data::Data,
    log::{ClientInfo, Publication},
};

pub(crate) const PING: &[u8] = b"{}";

/// How the data of a publication is written.
#[derive(Clone, Copy)]
pub(crate) enum DataAs<'a> {
    /// As a JSON value.
    Value,
    /// As a string with the JSON in it, for clients that agreed on deltas.
    Text,
    /// As a string with a delta to the data of the publication before.
    Delta(&'a [u8]),
}

/// The whole push, and the range of the publication object in it, which replies with publications reuse.
pub(crate) fn publication(room: &str, publication: &Publication, data: DataAs<'_>) -> (Bytes, Range<usize>) {
    let mut out = Vec::with_capacity(publication.data.len() + room.len() + 96);
    let mut body = 0..0;
    push(&mut out, room, |p| {
        let out = p.key("pub");
        body.start = out.len();
        let mut object = ObjectWriter::begin(out);
        match data {
            DataAs::Value => object.data("data", Some(&publication.data)),
            DataAs::Text => object.text_or_empty("data", &publication.data.json_text()),
            DataAs::Delta(delta) => object.text_or_empty("data", &String::from_utf8_lossy(delta)),
        }
        if let Some(info) = &publication.info {
            client_info(object.key("info"), info);
        }
        object.number("offset", publication.offset);
        if !publication.tags.is_empty() {
            let mut tags = object.object("tags");
            for (key, value) in publication.tags.iter() {
                tags.text_or_empty(key, value);
            }
            tags.end();
        }
        object.flag("delta", matches!(data, DataAs::Delta(_)));
        object.number("time", publication.time_ms);
        object.end();
        body.end = out.len();
    });
    (out.into(), body)
}

pub(crate) fn join(room: &str, who: &ClientInfo) -> Bytes {
    presence_change(room, "join", who)
}

pub(crate) fn leave(room: &str, who: &ClientInfo) -> Bytes {
    presence_change(room, "leave", who)
}

fn presence_change(room: &str, kind: &str, who: &ClientInfo) -> Bytes {
    let mut out = Vec::new();
    push(&mut out, room, |p| {
        let mut object = p.object(kind);
        client_info(object.key("info"), who);
        object.end();
    });
    out.into()
}

pub(crate) fn unsubscribe(room: &str, code: u32, reason: &str) -> Bytes {
    let mut out = Vec::new();
    push(&mut out, room, |p| {
        let mut object = p.object("unsubscribe");
        object.number("code", code);
        object.text("reason", reason);
        object.end();
    });
    out.into()
}

pub(crate) fn disconnect(code: u16, reason: &str) -> Bytes {
    let mut out = Vec::new();
    push(&mut out, "", |p| {
        let mut object = p.object("disconnect");
        object.number("code", code);
        object.text("reason", reason);
        object.end();
    });
    out.into()
}

pub(crate) fn message(data: &Data) -> Bytes {
    let mut out = Vec::with_capacity(data.len() + 32);
    push(&mut out, "", |p| {
        let mut object = p.object("message");
        object.data("data", Some(data));
        object.end();
    });
    out.into()
}

/// A client as others see it.
pub(crate) fn client_info(out: &mut Vec<u8>, who: &ClientInfo) {
    let mut object = ObjectWriter::begin(out);
    object.text_or_empty("user", &who.user);
    object.text_or_empty("client", &who.client);
    object.data("conn_info", who.conn_info.as_ref());
    object.data("chan_info", who.chan_info.as_ref());
    object.end();
}

/// The envelope of a push about a room.
pub(crate) fn push(out: &mut Vec<u8>, room: &str, body: impl FnOnce(&mut ObjectWriter<'_>)) {
    let mut envelope = ObjectWriter::begin(out);
    let mut push = envelope.object("push");
    push.text("channel", room);
    body(&mut push);
    push.end();
    envelope.end();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &Bytes) -> &str {
        std::str::from_utf8(bytes).unwrap()
    }

    #[test]
    fn wire_shapes() {
        let who = ClientInfo { user: "42".into(), client: "c".into(), ..ClientInfo::default() };
        let full = Publication {
            offset: 7,
            data: "{\"a\":1}".into(),
            tags: [("company", "9")].into_iter().collect(),
            info: Some(who.clone().into()),
            time_ms: 5,
            ..Publication::default()
        };
        let (frame, body) = publication("room", &full, DataAs::Value);
        insta::assert_snapshot!(text(&frame), @r#"{"push":{"channel":"room","pub":{"data":{"a":1},"info":{"user":"42","client":"c"},"offset":7,"tags":{"company":"9"},"time":5}}}"#);
        insta::assert_snapshot!(text(&frame.slice(body)), @r#"{"data":{"a":1},"info":{"user":"42","client":"c"},"offset":7,"tags":{"company":"9"},"time":5}"#);
        insta::assert_snapshot!(text(&join("room", &who)), @r#"{"push":{"channel":"room","join":{"info":{"user":"42","client":"c"}}}}"#);
        insta::assert_snapshot!(text(&leave("room", &who)), @r#"{"push":{"channel":"room","leave":{"info":{"user":"42","client":"c"}}}}"#);
        insta::assert_snapshot!(text(&unsubscribe("room", 2500, "insufficient state")), @r#"{"push":{"channel":"room","unsubscribe":{"code":2500,"reason":"insufficient state"}}}"#);
        insta::assert_snapshot!(text(&message(&"[1]".into())), @r#"{"push":{"message":{"data":[1]}}}"#);
    }
}
