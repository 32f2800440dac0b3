//! The ids of a frame's commands, without decoding the commands. Clients count them up by one, so they show the order of
//! frames that came on different ways.

use bytes::{Buf as _, Bytes};
use prost::Message;
use serde::Deserialize;

use super::form::Form;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Json {
    id: u32,
}

#[derive(Clone, PartialEq, Message)]
struct Protobuf {
    #[prost(uint32, tag = "1")]
    id: u32,
}

impl Form {
    /// Of the first and of the last command; `None` if one has no id, which is so for pongs and messages.
    pub(crate) fn ids(self, frame: &Bytes) -> Option<(u32, u32)> {
        let (first, last) = match self {
            Form::Json => {
                let mut lines =
                    frame.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
                let first = lines.next()?;
                (json(first)?, lines.next_back().map_or_else(|| json(first), json)?)
            }
            Form::Protobuf => protobuf(frame.clone())?,
        };
        (first > 0 && last >= first).then_some((first, last))
    }
}

fn json(line: &[u8]) -> Option<u32> {
    serde_json::from_slice::<Json>(line).ok().map(|command| command.id)
}

fn protobuf(mut frame: Bytes) -> Option<(u32, u32)> {
    let first = Protobuf::decode_length_delimited(&mut frame).ok()?.id;
    let mut last = first;
    while frame.has_remaining() {
        last = Protobuf::decode_length_delimited(&mut frame).ok()?.id;
    }
    Some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_frames() {
        let json = |frame: &'static str| Form::Json.ids(&Bytes::from_static(frame.as_bytes()));
        assert_eq!(json("{\"id\":7,\"rpc\":{}}"), Some((7, 7)));
        assert_eq!(json("{\"ping\":{},\"id\":7}\nnonsense\n{\"id\":9}\n"), Some((7, 9)));
        for none in ["", "{}", "nonsense", "{\"id\":7}\n{}", "{\"id\":-1}", "{\"id\":9}\n{\"id\":7}"] {
            assert_eq!(json(none), None, "{none}");
        }
        let binary = |frame: &'static [u8]| Form::Protobuf.ids(&Bytes::from_static(frame));
        assert_eq!(binary(b"\x04\x08\x07\x42\x00\x02\x08\x09"), Some((7, 9)));
        for none in [&b""[..], b"\x00", b"\x02\x08", b"\x09\x08\x07"] {
            assert_eq!(binary(none), None, "{none:?}");
        }
    }
}
