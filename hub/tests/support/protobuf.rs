//! Protobuf for tests, by a table of the protocol's messages that is independent of the engine: JSON values with the
//! protocol's names, to bytes and back.

use serde_json::{Map, Value, json};

#[derive(Clone, Copy)]
enum Kind {
    Text,
    /// Any bytes: embedded JSON, or a string, or those of `bytes`.
    Raw,
    Number,
    Flag,
    One(&'static str),
    Many(&'static str),
    /// A map by name: of strings if empty, else of this message.
    Named(&'static str),
}
use Kind::{Flag, Many, Named, Number, One, Raw, Text};

fn fields(message: &str) -> &'static [(u64, &'static str, Kind)] {
    match message {
        "Command" => &[
            (1, "id", Number),
            (4, "connect", One("ConnectRequest")),
            (5, "subscribe", One("SubscribeRequest")),
            (6, "unsubscribe", One("Channel")),
            (7, "publish", One("PublishRequest")),
            (8, "presence", One("Channel")),
            (9, "presence_stats", One("Channel")),
            (10, "history", One("HistoryRequest")),
            (11, "ping", One("Empty")),
            (12, "send", One("Data")),
            (13, "rpc", One("Rpc")),
            (14, "refresh", One("Token")),
            (15, "sub_refresh", One("SubRefresh")),
        ],
        "Channel" => &[(1, "channel", Text)],
        "Data" => &[(1, "data", Raw)],
        "Token" => &[(1, "token", Text)],
        "SubRefresh" => &[(1, "channel", Text), (2, "token", Text)],
        "Rpc" => &[(1, "data", Raw), (2, "method", Text)],
        "ConnectRequest" => &[
            (1, "token", Text),
            (2, "data", Raw),
            (3, "subs", Named("SubscribeRequest")),
            (4, "name", Text),
            (5, "version", Text),
            (6, "headers", Named("")),
        ],
        "SubscribeRequest" => &[
            (1, "channel", Text),
            (2, "token", Text),
            (3, "recover", Flag),
            (6, "epoch", Text),
            (7, "offset", Number),
            (8, "data", Raw),
            (11, "join_leave", Flag),
            (12, "delta", Text),
            (13, "tf", One("FilterNode")),
            (14, "flag", Number),
        ],
        "FilterNode" => &[
            (1, "op", Text),
            (2, "key", Text),
            (3, "cmp", Text),
            (4, "val", Text),
            (5, "vals", Many("")),
            (6, "nodes", Many("FilterNode")),
        ],
        "PublishRequest" => &[(1, "channel", Text), (2, "data", Raw)],
        "HistoryRequest" => {
            &[(1, "channel", Text), (7, "limit", Number), (8, "since", One("Position")), (9, "reverse", Flag)]
        }
        "Position" => &[(1, "offset", Number), (2, "epoch", Text)],
        "Reply" => &[
            (1, "id", Number),
            (2, "error", One("Error")),
            (4, "push", One("Push")),
            (5, "connect", One("ConnectResult")),
            (6, "subscribe", One("SubscribeResult")),
            (7, "unsubscribe", One("Empty")),
            (8, "publish", One("Empty")),
            (9, "presence", One("PresenceResult")),
            (10, "presence_stats", One("PresenceStats")),
            (11, "history", One("HistoryResult")),
            (13, "rpc", One("Data")),
            (14, "refresh", One("Refreshed")),
            (15, "sub_refresh", One("SubRefreshed")),
        ],
        "Error" => &[(1, "code", Number), (2, "message", Text), (3, "temporary", Flag)],
        "Push" => &[
            (2, "channel", Text),
            (4, "pub", One("Publication")),
            (5, "join", One("Who")),
            (6, "leave", One("Who")),
            (7, "unsubscribe", One("Unsubscribe")),
            (8, "message", One("Data")),
            (9, "subscribe", One("SubscribePush")),
        ],
        "Publication" => &[
            (4, "data", Raw),
            (5, "info", One("ClientInfo")),
            (6, "offset", Number),
            (7, "tags", Named("")),
            (8, "delta", Flag),
            (9, "time", Number),
        ],
        "ClientInfo" => {
            &[(1, "user", Text), (2, "client", Text), (3, "conn_info", Raw), (4, "chan_info", Raw)]
        }
        "Who" => &[(1, "info", One("ClientInfo"))],
        "Unsubscribe" => &[(2, "code", Number), (3, "reason", Text)],
        "SubscribePush" => &[
            (1, "recoverable", Flag),
            (4, "epoch", Text),
            (5, "offset", Number),
            (6, "positioned", Flag),
            (7, "data", Raw),
        ],
        "ConnectResult" => &[
            (1, "client", Text),
            (2, "version", Text),
            (3, "expires", Flag),
            (4, "ttl", Number),
            (5, "data", Raw),
            (6, "subs", Named("SubscribeResult")),
            (7, "ping", Number),
            (8, "pong", Flag),
            (11, "time", Number),
        ],
        "SubscribeResult" => &[
            (1, "expires", Flag),
            (2, "ttl", Number),
            (3, "recoverable", Flag),
            (6, "epoch", Text),
            (7, "publications", Many("Publication")),
            (8, "recovered", Flag),
            (9, "offset", Number),
            (10, "positioned", Flag),
            (11, "data", Raw),
            (12, "was_recovering", Flag),
            (13, "delta", Flag),
        ],
        "PresenceResult" => &[(1, "presence", Named("ClientInfo"))],
        "PresenceStats" => &[(1, "num_clients", Number), (2, "num_users", Number)],
        "HistoryResult" => {
            &[(1, "publications", Many("Publication")), (2, "epoch", Text), (3, "offset", Number)]
        }
        "Refreshed" => &[(1, "client", Text), (2, "version", Text), (3, "expires", Flag), (4, "ttl", Number)],
        "SubRefreshed" => &[(1, "expires", Flag), (2, "ttl", Number)],
        "Empty" => &[],
        other => panic!("no message {other}"),
    }
}

/// Commands as one frame. A key that the table does not know is sent as an unknown field.
pub(crate) fn encode(commands: &[Value]) -> Vec<u8> {
    let mut out = Vec::new();
    for command in commands {
        sized(&mut out, &message("Command", command));
    }
    out
}

fn message(name: &str, value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    for (key, value) in value.as_object().unwrap() {
        let Some((number, _, kind)) = fields(name).iter().find(|(_, field, _)| field == key) else {
            put(&mut out, 999, b"unheard of");
            continue;
        };
        match kind {
            Text => put(&mut out, *number, value.as_str().unwrap().as_bytes()),
            Raw => put(&mut out, *number, &unwrapped(value)),
            One(inner) => put(&mut out, *number, &message(inner, value)),
            Many(inner) => {
                for item in value.as_array().unwrap() {
                    match *inner {
                        "" => put(&mut out, *number, item.as_str().unwrap().as_bytes()),
                        inner => put(&mut out, *number, &message(inner, item)),
                    }
                }
            }
            Named(inner) => {
                for (key, value) in value.as_object().unwrap() {
                    let mut entry = Vec::new();
                    put(&mut entry, 1, key.as_bytes());
                    match *inner {
                        "" => put(&mut entry, 2, value.as_str().unwrap().as_bytes()),
                        inner => put(&mut entry, 2, &message(inner, value)),
                    }
                    put(&mut out, *number, &entry);
                }
            }
            Number | Flag => {
                varint(&mut out, number << 3);
                let number = value.as_u64().or_else(|| value.as_i64().map(i64::cast_unsigned));
                varint(&mut out, number.unwrap_or_else(|| u64::from(value.as_bool().unwrap())));
            }
        }
    }
    out
}

/// Bytes that need not be JSON, as a value.
pub(crate) fn bytes(data: &[u8]) -> Value {
    json!({ "any bytes": data })
}

/// The bytes of a value: of `bytes`, or else its JSON.
pub(crate) fn unwrapped(value: &Value) -> Vec<u8> {
    match value.get("any bytes") {
        Some(data) => serde_json::from_value(data.clone()).unwrap(),
        None => value.to_string().into_bytes(),
    }
}

fn put(out: &mut Vec<u8>, number: u64, data: &[u8]) {
    varint(out, number << 3 | 2);
    sized(out, data);
}

fn sized(out: &mut Vec<u8>, data: &[u8]) {
    varint(out, data.len() as u64);
    out.extend_from_slice(data);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// The replies of one frame; with `exact` data is as it is on the wire (`bytes`), otherwise parsed.
pub(crate) fn decode(mut frame: &[u8], exact: bool) -> Vec<Value> {
    let mut replies = Vec::new();
    while !frame.is_empty() {
        replies.push(value("Reply", take_sized(&mut frame), exact));
    }
    replies
}

fn value(name: &str, mut data: &[u8], exact: bool) -> Value {
    let mut out = Map::new();
    // Maps and messages without entries look like absent ones; these two are shown in JSON all the same.
    match name {
        "PresenceResult" => drop(out.insert("presence".to_owned(), json!({}))),
        "HistoryResult" => drop(out.insert("publications".to_owned(), json!([]))),
        _ => {}
    }
    while !data.is_empty() {
        let key = take_varint(&mut data);
        let field = fields(name).iter().find(|(number, ..)| *number == key >> 3);
        let (_, field, kind) = field.unwrap_or_else(|| panic!("{name} has no field {}", key >> 3));
        let wire_type = if matches!(kind, Number | Flag) { 0 } else { 2 };
        assert_eq!(key & 7, wire_type, "{name}.{field}");
        let text = |data: &[u8]| Value::from(std::str::from_utf8(data).unwrap());
        let read = match *kind {
            Number => json!(take_varint(&mut data)),
            Flag => json!(take_varint(&mut data) == 1),
            Text => text(take_sized(&mut data)),
            Raw => {
                let raw = take_sized(&mut data);
                if exact { bytes(raw) } else { serde_json::from_slice(raw).unwrap_or_else(|_| text(raw)) }
            }
            One(inner) => value(inner, take_sized(&mut data), exact),
            Many(inner) => {
                let item = value(inner, take_sized(&mut data), exact);
                let list = out.entry(*field).or_insert_with(|| json!([]));
                list.as_array_mut().unwrap().push(item);
                continue;
            }
            Named(inner) => {
                let (mut entry, mut key, mut item) = (take_sized(&mut data), String::new(), Value::Null);
                if !inner.is_empty() {
                    item = json!({});
                }
                while !entry.is_empty() {
                    match (take_varint(&mut entry), inner) {
                        (0x0a, _) => key.push_str(std::str::from_utf8(take_sized(&mut entry)).unwrap()),
                        (0x12, "") => item = text(take_sized(&mut entry)),
                        (0x12, inner) => item = value(inner, take_sized(&mut entry), exact),
                        other => panic!("{other:?} in a map"),
                    }
                }
                out.entry(*field).or_insert_with(|| json!({}))[key] = item;
                continue;
            }
        };
        out.insert((*field).to_owned(), read);
    }
    Value::Object(out)
}

fn take_sized<'a>(data: &mut &'a [u8]) -> &'a [u8] {
    let size = take_varint(data) as usize;
    let (taken, rest) = data.split_at(size);
    *data = rest;
    taken
}

fn take_varint(data: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = data.split_first().expect("a varint");
        *data = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return value;
        }
    }
    panic!("a varint without end")
}
