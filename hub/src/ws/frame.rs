//! Parses frames: bytes in any pieces to messages and control frames. Does no input or output. A violation of RFC 6455
//! (sections 5 and 7) ends the reading with a fault.

use bytes::Bytes;

use super::{
    fault::Fault::{self, NotUtf8, TooLarge, Violation},
    head::{BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT},
    inflate::inflate,
};
use crate::transport::MaxBytes;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    Text(Bytes),
    Binary(Bytes),
    Ping(Bytes),
    Pong,
    /// A small fragment of an unfinished message.
    Fragment,
    Close,
}

/// Longest payload of a control frame.
const MAX_CONTROL: usize = 125;

/// A fragment with fewer bytes is reported, to be limited: no client library makes such fragments, and an empty one costs
/// as much as a command.
const SMALL_FRAGMENT: usize = 128;

pub(super) struct Parser {
    /// Bytes that were read; those from `at` on are not parsed yet. Holds no memory between frames, and no more than the
    /// unparsed bytes otherwise.
    input: Vec<u8>,
    at: usize,
    /// The message whose fragments are coming.
    message: Option<PartialMessage>,
    /// permessage-deflate was agreed on.
    deflate: bool,
}

struct PartialMessage {
    opcode: u8,
    deflated: bool,
    data: Vec<u8>,
}

struct Header {
    last: bool,
    opcode: u8,
    deflated: bool,
    mask: [u8; 4],
    header: usize,
    payload: usize,
}

impl Parser {
    pub(super) fn new(deflate: bool) -> Self {
        Parser { input: Vec::new(), at: 0, message: None, deflate }
    }

    pub(super) fn feed(&mut self, data: &[u8]) {
        self.input.extend_from_slice(data);
    }

    /// Drops everything, after a fault.
    pub(super) fn clear(&mut self) {
        *self = Parser::new(self.deflate);
    }

    /// The next whole message or control frame; `None` until more is fed. A message over `max` is a fault as soon as a
    /// header says so.
    pub(super) fn next(&mut self, max: MaxBytes) -> Result<Option<Event>, Fault> {
        while let Some(header) = self.header(max.message)? {
            let start = self.at + header.header;
            let Some(payload) = self.input[start..].get_mut(..header.payload) else { break };
            unmask(payload, header.mask);
            self.at = start + header.payload;
            match header.opcode {
                PING => return Ok(Some(Event::Ping(Bytes::copy_from_slice(payload)))),
                PONG => return Ok(Some(Event::Pong)),
                CLOSE => return close(payload).map(Some),
                _ => {
                    if let Some(message) = gather(&mut self.message, &header, payload) {
                        return finish(message, max.inflated).map(Some);
                    }
                    // Larger fragments are bounded by the length of the message.
                    if header.payload < SMALL_FRAGMENT {
                        return Ok(Some(Event::Fragment));
                    }
                }
            }
        }
        self.tidy();
        Ok(None)
    }

    /// Keeps only what is not parsed yet.
    fn tidy(&mut self) {
        if self.at > 0 {
            self.input = self.input[self.at..].to_vec();
            self.at = 0;
        }
    }

    fn header(&self, max: usize) -> Result<Option<Header>, Fault> {
        let input = &self.input[self.at..];
        let [first, second, rest @ ..] = input else { return Ok(None) };
        let (last, opcode) = (first & 0x80 != 0, first & 0x0f);
        let begins_deflated = first & 0x40 != 0;
        let may_be_deflated = self.deflate && matches!(opcode, TEXT | BINARY);
        if first & 0x30 != 0 || (begins_deflated && !may_be_deflated) {
            return Err(Violation("reserved bit set"));
        }
        if second & 0x80 == 0 {
            return Err(Violation("frame without mask"));
        }
        let (payload, size) = match (second & 0x7f, rest) {
            (126, [a, b, ..]) => (u64::from(u16::from_be_bytes([*a, *b])), 2),
            (127, rest) => match rest.first_chunk() {
                Some(long) => (u64::from_be_bytes(*long), 8),
                None => return Ok(None),
            },
            (126, _) => return Ok(None),
            (short, _) => (u64::from(short), 0),
        };
        if (size == 2 && payload < 126) || (size == 8 && u16::try_from(payload).is_ok()) {
            return Err(Violation("length not in its shortest form"));
        }
        match opcode {
            CONTINUATION if self.message.is_none() => {
                return Err(Violation("continuation without a message"));
            }
            TEXT | BINARY if self.message.is_some() => {
                return Err(Violation("new message before the end of another"));
            }
            CLOSE | PING | PONG if !last => return Err(Violation("fragmented control frame")),
            CLOSE | PING | PONG if payload > MAX_CONTROL as u64 => {
                return Err(Violation("long control frame"));
            }
            CONTINUATION | TEXT | BINARY | CLOSE | PING | PONG => {}
            _ => return Err(Violation("unknown opcode")),
        }
        let begun = self.message.as_ref().map_or((0, false), |m| (m.data.len(), m.deflated));
        let deflated = begins_deflated || begun.1;
        let payload = usize::try_from(payload).map_err(|_| TooLarge)?;
        // The limit may have shrunk since the message began. Incompressible data becomes a little longer by deflate.
        let max = if deflated { max.saturating_add(max / 1024 + 64) } else { max };
        if opcode < CLOSE && begun.0.saturating_add(payload) > max {
            return Err(TooLarge);
        }
        let header = 2 + size + 4;
        let Some(mask) = input.get(header - 4..header) else { return Ok(None) };
        let mask = [mask[0], mask[1], mask[2], mask[3]];
        Ok(Some(Header { last, opcode, deflated, mask, header, payload }))
    }
}

/// The whole message, if this was its last fragment.
fn gather(begun: &mut Option<PartialMessage>, header: &Header, payload: &[u8]) -> Option<PartialMessage> {
    let empty = || PartialMessage { opcode: header.opcode, deflated: header.deflated, data: Vec::new() };
    let mut message = begun.take().unwrap_or_else(empty);
    message.data.extend_from_slice(payload);
    if header.last {
        return Some(message);
    }
    *begun = Some(message);
    None
}

fn finish(message: PartialMessage, max_inflated: usize) -> Result<Event, Fault> {
    let data = if message.deflated { inflate(&message.data, max_inflated)? } else { message.data };
    if message.opcode == BINARY {
        return Ok(Event::Binary(data.into()));
    }
    let text = String::from_utf8(data).map_err(|_| NotUtf8)?;
    Ok(Event::Text(text.into()))
}

fn close(payload: &[u8]) -> Result<Event, Fault> {
    match payload {
        [] => Ok(Event::Close),
        [_] => Err(Violation("close frame of one byte")),
        [a, b, reason @ ..] => {
            let code = u16::from_be_bytes([*a, *b]);
            if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
                return Err(Violation("invalid close code"));
            }
            std::str::from_utf8(reason).map_err(|_| NotUtf8)?;
            Ok(Event::Close)
        }
    }
}

fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let mut words = payload.chunks_exact_mut(4);
    for word in &mut words {
        for (byte, mask) in word.iter_mut().zip(mask) {
            *byte ^= mask;
        }
    }
    for (byte, mask) in words.into_remainder().iter_mut().zip(mask) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests;
