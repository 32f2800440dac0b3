//! Frames as values: bytes in any pieces to messages and control frames, and headers for what goes out.
//! Does no input or output. What a client may not do ends the reading with a fault (RFC 6455, sections 5 and 7).

use bytes::{Bytes, BytesMut};

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    Text(Bytes),
    Binary(Bytes),
    Ping(Bytes),
    Close,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Close code 1002.
    Violation(&'static str),
    /// Close code 1007.
    NotUtf8,
    /// Close code 1009.
    TooLarge,
}

use Fault::{NotUtf8, TooLarge, Violation};

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// Longest payload of a control frame.
const MAX_CONTROL: usize = 125;

pub(super) struct Parser {
    /// Read, not yet understood. Empty, and without memory, between frames.
    input: BytesMut,
    /// The message whose fragments are coming, and its opcode.
    message: Option<(u8, BytesMut)>,
    max_message: usize,
}

struct Header {
    last: bool,
    opcode: u8,
    mask: [u8; 4],
    header: usize,
    payload: usize,
}

impl Parser {
    pub(super) fn new(max_message: usize) -> Self {
        Parser { input: BytesMut::new(), message: None, max_message }
    }

    pub(super) fn feed(&mut self, data: &[u8]) {
        self.input.extend_from_slice(data);
    }

    /// Forgets everything; for the time after a fault.
    pub(super) fn clear(&mut self) {
        self.input = BytesMut::new();
        self.message = None;
    }

    /// The next whole message or control frame; `None` until more is fed. Pongs are of no interest.
    pub(super) fn next(&mut self) -> Result<Option<Event>, Fault> {
        loop {
            let Some(header) = self.header()? else { return Ok(None) };
            if self.input.len() < header.header + header.payload {
                return Ok(None);
            }
            let mut payload = self.input.split_to(header.header + header.payload).split_off(header.header);
            if self.input.is_empty() {
                self.input = BytesMut::new();
            }
            unmask(&mut payload, header.mask);
            match header.opcode {
                PING => return Ok(Some(Event::Ping(payload.freeze()))),
                PONG => {}
                CLOSE => return close(&payload).map(Some),
                opcode => {
                    if let Some(event) = self.data(opcode, header.last, payload)? {
                        return Ok(Some(event));
                    }
                }
            }
        }
    }

    fn header(&self) -> Result<Option<Header>, Fault> {
        let input = &self.input[..];
        let [first, second, rest @ ..] = input else { return Ok(None) };
        let (last, opcode) = (first & 0x80 != 0, first & 0x0f);
        if first & 0x70 != 0 {
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
            return Err(Violation("length in more bytes than needed"));
        }
        match opcode {
            CONTINUATION if self.message.is_none() => return Err(Violation("continuation of nothing")),
            TEXT | BINARY if self.message.is_some() => return Err(Violation("message within a message")),
            CLOSE | PING | PONG if !last => return Err(Violation("control frame in fragments")),
            CLOSE | PING | PONG if payload > MAX_CONTROL as u64 => {
                return Err(Violation("long control frame"));
            }
            CONTINUATION | TEXT | BINARY | CLOSE | PING | PONG => {}
            _ => return Err(Violation("unknown opcode")),
        }
        let before = self.message.as_ref().map_or(0, |(_, message)| message.len());
        let payload = usize::try_from(payload).map_err(|_| TooLarge)?;
        if opcode < CLOSE && payload > self.max_message - before {
            return Err(TooLarge);
        }
        let header = 2 + size + 4;
        let Some(mask) = input.get(header - 4..header) else { return Ok(None) };
        let mask = [mask[0], mask[1], mask[2], mask[3]];
        Ok(Some(Header { last, opcode, mask, header, payload }))
    }

    fn data(&mut self, opcode: u8, last: bool, payload: BytesMut) -> Result<Option<Event>, Fault> {
        let (opcode, whole) = match self.message.take() {
            None => (opcode, payload),
            Some((opcode, mut message)) => {
                message.extend_from_slice(&payload);
                (opcode, message)
            }
        };
        if !last {
            self.message = Some((opcode, whole));
            return Ok(None);
        }
        if opcode == BINARY {
            return Ok(Some(Event::Binary(whole.freeze())));
        }
        std::str::from_utf8(&whole).map_err(|_| NotUtf8)?;
        Ok(Some(Event::Text(whole.freeze())))
    }
}

fn close(payload: &[u8]) -> Result<Event, Fault> {
    match payload {
        [] => Ok(Event::Close),
        [_] => Err(Violation("half a close code")),
        [a, b, reason @ ..] => {
            let code = u16::from_be_bytes([*a, *b]);
            if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
                return Err(Violation("close code that may not be sent"));
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

/// The header of a whole server frame.
pub(super) struct Head {
    bytes: [u8; 10],
    len: usize,
}

impl Head {
    pub(super) fn text(payload: usize) -> Self {
        Head::new(TEXT, payload)
    }

    pub(super) fn binary(payload: usize) -> Self {
        Head::new(BINARY, payload)
    }

    pub(super) fn close(payload: usize) -> Self {
        Head::new(CLOSE, payload)
    }

    pub(super) fn pong(payload: usize) -> Self {
        Head::new(PONG, payload)
    }

    fn new(opcode: u8, payload: usize) -> Self {
        let mut bytes = [0; 10];
        bytes[0] = 0x80 | opcode;
        let len = if payload < 126 {
            bytes[1] = payload as u8;
            2
        } else if let Ok(short) = u16::try_from(payload) {
            bytes[1] = 126;
            bytes[2..4].copy_from_slice(&short.to_be_bytes());
            4
        } else {
            bytes[1] = 127;
            bytes[2..].copy_from_slice(&(payload as u64).to_be_bytes());
            10
        };
        Head { bytes, len }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

#[cfg(test)]
mod tests;
