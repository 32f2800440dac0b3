//! Decodes binary frames to commands. Data may be any bytes. A command with a filter that is none gets an error reply, and
//! the session goes on: the rest of the frame can be decoded.

use std::iter;

use bytes::Bytes;
use prost::Message;

use super::messages as wire;
use crate::{
    data::Data,
    protocol::{
        command::{
            Channel, Command, Connect, Decoded, History, Position, Publish, Refresh, Rpc, SendMessage,
            SubRefresh, Subscribe,
        },
        filter::FilterNode,
    },
};

/// The commands of one binary frame, in order, up to the first bad one.
pub(crate) fn decode(frame: &Bytes) -> Vec<Decoded> {
    let mut rest = frame.clone();
    Decoded::of_frame(iter::from_fn(|| {
        let is_over = rest.is_empty();
        (!is_over).then(|| next(&mut rest).map_or(Decoded::Bad("not a message with its length"), classify))
    }))
}

fn next(rest: &mut Bytes) -> Option<wire::Command> {
    let length = prost::decode_length_delimiter(&mut *rest).ok()?;
    if length > rest.len() {
        return None;
    }
    wire::Command::decode(rest.split_to(length)).ok()
}

fn classify(envelope: wire::Command) -> Decoded {
    let id = envelope.id;
    let is_send = envelope.send.is_some();
    match command(envelope) {
        Ok(None) if id == 0 => Decoded::Pong,
        Ok(None) => Decoded::Bad("no known request"),
        Ok(Some(command @ Command::Send(_))) => Decoded::Command { id, command },
        _ if id == 0 && !is_send => Decoded::Bad("command without id"),
        Ok(Some(command)) => Decoded::Command { id, command },
        Err(Unreadable) => Decoded::Command { id, command: Command::Unreadable },
    }
}

/// A command with a filter that is none.
struct Unreadable;

/// No bytes are the same as an absent field.
fn some(data: &[u8]) -> Option<Data> {
    (!data.is_empty()).then(|| Data::copied(data))
}

fn command(e: wire::Command) -> Result<Option<Command>, Unreadable> {
    let channel = |channel: wire::Channel| Channel { channel: channel.channel };
    Ok(if let Some(c) = e.connect {
        Some(Command::Connect(Box::new(connect(*c))))
    } else if let Some(c) = e.subscribe {
        Some(Command::Subscribe(Box::new(subscribe(*c)?)))
    } else if let Some(c) = e.unsubscribe {
        Some(Command::Unsubscribe(channel(c)))
    } else if let Some(c) = e.publish {
        Some(Command::Publish(Publish { channel: c.channel, data: some(&c.data) }))
    } else if let Some(c) = e.presence {
        Some(Command::Presence(channel(c)))
    } else if let Some(c) = e.presence_stats {
        Some(Command::PresenceStats(channel(c)))
    } else if let Some(c) = e.history {
        let since = c.since.map(|s| Position { recover: false, offset: s.offset, epoch: s.epoch });
        let (channel, limit, reverse) = (c.channel, c.limit, c.reverse);
        Some(Command::History(Box::new(History { channel, limit, since, reverse })))
    } else if let Some(c) = e.rpc {
        Some(Command::Rpc(Rpc { method: c.method, data: some(&c.data) }))
    } else if let Some(c) = e.send {
        Some(Command::Send(SendMessage { data: some(&c.data) }))
    } else if let Some(c) = e.refresh {
        Some(Command::Refresh(Refresh { token: c.token }))
    } else if let Some(c) = e.sub_refresh {
        Some(Command::SubRefresh(SubRefresh { channel: c.channel, token: c.token }))
    } else {
        e.ping.map(|_| Command::Ping)
    })
}

fn connect(c: wire::ConnectRequest) -> Connect {
    let position =
        |s: wire::SubscribeRequest| Position { recover: s.recover, offset: s.offset, epoch: s.epoch };
    Connect {
        token: c.token,
        data: some(&c.data),
        name: c.name,
        version: c.version,
        headers: c.headers,
        subs: c.subs.into_iter().map(|(room, sub)| (room, position(sub))).collect(),
    }
}

fn subscribe(c: wire::SubscribeRequest) -> Result<Subscribe, Unreadable> {
    Ok(Subscribe {
        channel: c.channel,
        token: c.token,
        data: some(&c.data),
        recover: c.recover,
        offset: c.offset,
        epoch: c.epoch,
        join_leave: c.join_leave,
        tf: c.tf.map(|tf| FilterNode::from_protobuf(&tf)).transpose().map_err(|_| Unreadable)?,
        flag: c.flag,
        delta: c.delta,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn framed(commands: &[wire::Command]) -> Bytes {
        commands.iter().flat_map(Message::encode_length_delimited_to_vec).collect()
    }

    fn rpc(id: u32, data: &'static str) -> wire::Command {
        let request = wire::RpcRequest { data: data.into(), method: "m".into() };
        wire::Command { id, rpc: Some(request), ..wire::Command::default() }
    }

    #[test]
    fn a_frame_carries_several_commands_and_pongs() {
        let decoded = decode(&framed(&[rpc(1, "{\"a\": 1}"), wire::Command::default(), rpc(2, "")]));
        let [
            Decoded::Command { id: 1, command: Command::Rpc(first) },
            Decoded::Pong,
            Decoded::Command { id: 2, command: Command::Rpc(second) },
        ] = &decoded[..]
        else {
            panic!("{decoded:?}")
        };
        assert_eq!(first.data.as_ref().unwrap().as_bytes(), b"{\"a\": 1}");
        assert!(second.data.is_none());
    }

    #[test]
    fn a_filter_that_is_none_fails_only_its_command() {
        let tf = Some(Bytes::from_static(b"\xff"));
        let request =
            wire::SubscribeRequest { channel: "c".to_owned(), tf, ..wire::SubscribeRequest::default() };
        let bad = wire::Command { id: 1, subscribe: Some(Box::new(request)), ..wire::Command::default() };
        let decoded = decode(&framed(&[bad, rpc(2, "{oops")]));
        let [
            Decoded::Command { id: 1, command: Command::Unreadable },
            Decoded::Command { id: 2, command: Command::Rpc(any) },
        ] = &decoded[..]
        else {
            panic!("{decoded:?}")
        };
        assert_eq!(any.data.as_ref().unwrap().as_bytes(), b"{oops");
    }

    #[test]
    fn malformed_frames_are_bad() {
        let frames: [&[u8]; 6] =
            [b"", b"\x05", b"\x02\xff\xff", b"{}", b"\x80", b"\xff\xff\xff\xff\xff\xff\x7f"];
        for frame in frames {
            assert!(matches!(decode(&Bytes::from_static(frame)).pop(), Some(Decoded::Bad(_))), "{frame:?}");
        }
        assert!(matches!(decode(&framed(&[rpc(0, "1")]))[..], [Decoded::Bad("command without id")]));
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(!decode(&Bytes::from(bytes)).is_empty());
        }

        #[test]
        fn any_broken_command_is_survived(at in 0usize..60, with: u8, cut in 0usize..60) {
            let mut frame = framed(&[rpc(1, "{\"a\": \"some text that is long enough\"}"), rpc(2, "[]")]).to_vec();
            let place = at % frame.len();
            frame[place] = with;
            frame.truncate(frame.len() - cut % frame.len());
            prop_assert!(!decode(&frame.into()).is_empty());
        }
    }
}
