//! WebSocket frames (RFC 6455, section 5) as bytes, for client and server. No sockets, extensions or fragment order.

use anyhow::{Result, bail};

pub(crate) const CONTINUATION: u8 = 0;
pub(crate) const TEXT: u8 = 1;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

const MAX_PAYLOAD_BYTES: usize = 64 * 1024 * 1024;
/// Masking protects proxies from scripts; a generator without scripts may use a constant mask.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

pub(crate) struct Frame<'a> {
    pub(crate) last: bool,
    pub(crate) opcode: u8,
    /// Still masked if `mask` is set.
    pub(crate) payload: &'a [u8],
    pub(crate) mask: Option<[u8; 4]>,
}

impl Frame<'_> {
    pub(crate) fn unmasked(&self) -> Vec<u8> {
        let mask = self.mask.unwrap_or_default();
        self.payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect()
    }
}

/// The first frame and its length in bytes; `None` if it is incomplete.
pub(crate) fn next(bytes: &[u8]) -> Result<Option<(Frame<'_>, usize)>> {
    let [first, second, rest @ ..] = bytes else { return Ok(None) };
    let (length, rest) = match (second & 0x7f, rest) {
        (126, [a, b, rest @ ..]) => (usize::from(u16::from_be_bytes([*a, *b])), rest),
        (127, rest) if rest.len() >= 8 => {
            let (length, rest) = rest.split_at(8);
            (length.iter().fold(0, |sum: usize, byte| sum.saturating_mul(256) + usize::from(*byte)), rest)
        }
        (126 | 127, _) => return Ok(None),
        (length, rest) => (usize::from(length), rest),
    };
    if length > MAX_PAYLOAD_BYTES || first & 0x70 != 0 {
        bail!("not a WebSocket frame, or one of {length} bytes");
    }
    let (mask, rest) = match (second & 0x80 != 0, rest) {
        (true, [a, b, c, d, rest @ ..]) => (Some([*a, *b, *c, *d]), rest),
        (true, _) => return Ok(None),
        (false, rest) => (None, rest),
    };
    if rest.len() < length {
        return Ok(None);
    }
    let used = bytes.len() - rest.len() + length;
    let frame = Frame { last: first & 0x80 != 0, opcode: first & 0x0f, payload: &rest[..length], mask };
    Ok(Some((frame, used)))
}

/// Appends a whole message as a client sends it.
pub(crate) fn write_masked(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    head(out, opcode, payload.len(), 0x80);
    out.extend(MASK);
    out.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
}

/// Appends a whole message as a server sends it.
pub(crate) fn write_plain(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    head(out, opcode, payload.len(), 0);
    out.extend(payload);
}

fn head(out: &mut Vec<u8>, opcode: u8, length: usize, mask_bit: u8) {
    out.push(0x80 | opcode);
    match length {
        0..=125 => out.push(mask_bit + length as u8),
        126..=0xffff => {
            out.push(mask_bit + 126);
            out.extend((length as u16).to_be_bytes());
        }
        _ => {
            out.push(mask_bit + 127);
            out.extend((length as u64).to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_survives_both_ways_and_no_prefix_is_taken_for_a_frame() {
        for length in [0, 1, 125, 126, 65_535, 65_536] {
            let payload = vec![b'x'; length];
            for write in [write_masked, write_plain] {
                let mut bytes = Vec::new();
                write(&mut bytes, TEXT, &payload);
                let (frame, used) = next(&bytes).unwrap().unwrap();
                assert_eq!((used, frame.opcode, frame.last), (bytes.len(), TEXT, true));
                assert_eq!(frame.unmasked(), payload);
                for cut in (0..bytes.len()).take(20).chain([bytes.len() - 1]) {
                    assert!(next(&bytes[..cut]).unwrap().is_none(), "{cut} of {length}");
                }
            }
        }
    }

    #[test]
    fn reserved_bits_and_endless_frames_are_refused() {
        assert!(next(&[0xc1, 0]).is_err());
        assert!(next(&[0x81, 127, 255, 255, 255, 255, 255, 255, 255, 255]).is_err());
    }
}
