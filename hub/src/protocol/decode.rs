//! Decodes what a client sends in JSON: frames of one or more objects joined by newlines. An object that is neither a
//! command nor a pong ends the session.

use serde::Deserialize;

use super::{
    command::{
        Channel, Command, Connect, Decoded, History, Publish, Refresh, Rpc, SendMessage, SubRefresh,
        Subscribe,
    },
    fields::{Object, object, or_default},
};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Envelope {
    #[serde(deserialize_with = "or_default")]
    id: u32,
    #[serde(deserialize_with = "object")]
    connect: Option<Box<Connect>>,
    #[serde(deserialize_with = "object")]
    subscribe: Option<Box<Subscribe>>,
    #[serde(deserialize_with = "object")]
    unsubscribe: Option<Channel>,
    #[serde(deserialize_with = "object")]
    publish: Option<Publish>,
    #[serde(deserialize_with = "object")]
    presence: Option<Channel>,
    #[serde(deserialize_with = "object")]
    presence_stats: Option<Channel>,
    #[serde(deserialize_with = "object")]
    history: Option<Box<History>>,
    #[serde(deserialize_with = "object")]
    rpc: Option<Rpc>,
    #[serde(deserialize_with = "object")]
    send: Option<SendMessage>,
    #[serde(deserialize_with = "object")]
    refresh: Option<Refresh>,
    #[serde(deserialize_with = "object")]
    sub_refresh: Option<SubRefresh>,
    ping: Option<serde::de::IgnoredAny>,
}

/// The commands of one text frame, in order, up to the first bad one.
pub(crate) fn decode(frame: &[u8]) -> Vec<Decoded> {
    let objects = serde_json::Deserializer::from_slice(frame).into_iter::<Object<Envelope>>();
    Decoded::of_frame(objects.map(|object| match object {
        Ok(Object(envelope)) => classify(envelope),
        Err(_) => Decoded::Bad("not a command object"),
    }))
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

    use super::{super::fields::MAX_POSITIONS, *};

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
            "{\"id\":1,\"subscribe\":[\"a\"]}",
            "{\"id\":1,\"publish\":[\"a\",1]}",
            "{\"id\":1,\"connect\":{\"subs\":{\"a\":[true,1,\"e\"]}}}",
            "{\"id\":1,\"history\":{\"channel\":\"a\",\"since\":[1,\"e\"]}}",
            "{\"id\":1,\"subscribe\":null}",
        ] {
            let last = kinds(frame).pop().unwrap();
            assert_eq!(last, "Bad", "{frame:?}");
        }
    }

    #[test]
    fn null_elsewhere_is_nothing() {
        for frame in [
            r#"{"id":1,"connect":{"token":null,"data":null,"name":null,"headers":null,"subs":null}}"#,
            r#"{"id":1,"subscribe":{"channel":"a","recover":null,"offset":null,"epoch":null,"tf":null,"flag":null,"delta":null}}"#,
            r#"{"id":1,"history":{"channel":"a","limit":null,"since":{"offset":1,"epoch":null},"reverse":null}}"#,
            r#"{"id":1,"rpc":{"method":null},"connect":null}"#,
        ] {
            assert_eq!(kinds(frame), ["Command"], "{frame}");
        }
        assert_eq!(kinds(r#"{"id":null}"#), ["Pong"]);
    }

    #[test]
    fn positions_are_not_without_number() {
        let frame = |count| {
            let subs: Vec<_> = (0..count).map(|n| format!("\"{n}\":{{\"offset\":1}}")).collect();
            format!("{{\"id\":1,\"connect\":{{\"subs\":{{{}}}}}}}", subs.join(","))
        };
        assert_eq!(kinds(&frame(MAX_POSITIONS)), ["Command"]);
        assert_eq!(kinds(&frame(MAX_POSITIONS + 1)), ["Bad"]);
    }

    #[test]
    fn null_data_is_data() {
        let Some(Decoded::Command { command: Command::Publish(publish), .. }) =
            decode(b"{\"id\":1,\"publish\":{\"channel\":\"a\",\"data\":null}}").pop()
        else {
            panic!("not a publish")
        };
        assert_eq!(publish.data.unwrap().as_bytes(), b"null");
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
