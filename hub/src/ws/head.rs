//! Opcodes, and the headers of outgoing frames (RFC 6455, section 5.2). Incoming frames are parsed in `frame`.

pub(super) const CONTINUATION: u8 = 0;
pub(super) const TEXT: u8 = 1;
pub(super) const BINARY: u8 = 2;
pub(super) const CLOSE: u8 = 8;
pub(super) const PING: u8 = 9;
pub(super) const PONG: u8 = 10;

/// The header of an outgoing frame, which is never a fragment.
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

    pub(super) fn ping() -> Self {
        Head::new(PING, 0)
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

    /// The same for a compressed payload.
    pub(super) fn deflated(mut self) -> Self {
        self.bytes[0] |= 0x40;
        self
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}
