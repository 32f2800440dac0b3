//! The difference between two publications in the delta format of Fossil: pieces copied from the old text, and new
//! pieces. A delta begins with the length of the new text and ends with its checksum.

use bytes::Bytes;

/// Longer texts are sent whole: to compare them would delay the room.
const MAX_BYTES: usize = 128 * 1024;
/// The length of the blocks that are looked up. Shorter pieces are found only at the beginning and the end.
const BLOCK: usize = 16;
const DIGITS: &[u8; 64] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~";

/// The delta from `old` to `new`, `None` if it is not shorter than `new`. Between texts in UTF-8 it is UTF-8 as well.
pub(crate) fn between(old: &[u8], new: &[u8]) -> Option<Bytes> {
    if old.len().max(new.len()) > MAX_BYTES {
        return None;
    }
    let mut delta = Delta { out: Vec::with_capacity(64), new, written: 0 };
    number(&mut delta.out, new.len() as u32);
    delta.out.push(b'\n');

    let head = common(old.iter(), new.iter());
    delta.copy(0, 0, head);
    let tail = common(old[head..].iter().rev(), new[head..].iter().rev());
    let end = new.len() - tail;
    delta.find(&Blocks::of(old), end);
    delta.copy(old.len() - tail, end, tail);
    delta.insert(new.len());

    number(&mut delta.out, checksum(new));
    delta.out.push(b';');
    (delta.out.len() < new.len()).then(|| delta.out.into())
}

struct Delta<'a> {
    out: Vec<u8>,
    new: &'a [u8],
    /// So many bytes of `new` are in `out`.
    written: usize,
}

impl Delta<'_> {
    /// Copies a piece that both texts have, if that is shorter. Characters are not cut, so that the pieces between two
    /// copies are UTF-8.
    fn copy(&mut self, mut from: usize, mut to: usize, len: usize) {
        let mut end = to + len;
        while to < end && !self.is_border(to) {
            (from, to) = (from + 1, to + 1);
        }
        while end > to && !self.is_border(end) {
            end -= 1;
        }
        let len = end - to;
        if len <= digits(len as u32) + digits(from as u32) + 4 {
            return;
        }
        self.insert(to);
        number(&mut self.out, len as u32);
        self.out.push(b'@');
        number(&mut self.out, from as u32);
        self.out.push(b',');
        self.written = end;
    }

    /// Writes the new text up to `to`.
    fn insert(&mut self, to: usize) {
        let text = &self.new[self.written..to];
        if !text.is_empty() {
            number(&mut self.out, text.len() as u32);
            self.out.push(b':');
            self.out.extend_from_slice(text);
            self.written = to;
        }
    }

    /// Looks for pieces of the old text in the new one, up to `end`.
    fn find(&mut self, old: &Blocks<'_>, end: usize) {
        let mut at = self.written;
        while at + BLOCK <= end {
            let Some(from) = old.find(&self.new[at..at + BLOCK]) else {
                at += 1;
                continue;
            };
            let back = common(old.text[..from].iter().rev(), self.new[self.written..at].iter().rev());
            let len = common(old.text[from..].iter(), self.new[at..end].iter());
            self.copy(from - back, at - back, back + len);
            at += len;
        }
    }

    fn is_border(&self, at: usize) -> bool {
        self.new.get(at).is_none_or(|byte| byte & 0b1100_0000 != 0b1000_0000)
    }
}

/// The positions of the blocks of a text. Of blocks with the same hash only the first is kept.
struct Blocks<'a> {
    text: &'a [u8],
    /// Position plus one by hash; 0 for none.
    first: Vec<u32>,
}

impl<'a> Blocks<'a> {
    fn of(text: &'a [u8]) -> Self {
        let mut blocks = Blocks { text, first: vec![0; (text.len() / BLOCK * 2).next_power_of_two()] };
        for (n, block) in text.chunks_exact(BLOCK).enumerate() {
            let slot = blocks.slot(block);
            if blocks.first[slot] == 0 {
                blocks.first[slot] = (n * BLOCK + 1) as u32;
            }
        }
        blocks
    }

    fn find(&self, block: &[u8]) -> Option<usize> {
        let at = (self.first[self.slot(block)] as usize).checked_sub(1)?;
        (self.text[at..at + BLOCK] == *block).then_some(at)
    }

    fn slot(&self, block: &[u8]) -> usize {
        let words =
            block.chunks_exact(8).map(|word| u64::from_le_bytes(word.try_into().expect("eight bytes")));
        let hash =
            words.fold(0u64, |hash, word| (hash.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        (hash >> 32) as usize & (self.first.len() - 1)
    }
}

fn common<'a>(one: impl Iterator<Item = &'a u8>, other: impl Iterator<Item = &'a u8>) -> usize {
    one.zip(other).take_while(|(a, b)| a == b).count()
}

fn digits(n: u32) -> usize {
    (u32::BITS - n.leading_zeros()).div_ceil(6).max(1) as usize
}

fn number(out: &mut Vec<u8>, n: u32) {
    for digit in (0..digits(n)).rev() {
        out.push(DIGITS[(n >> (6 * digit)) as usize & 63]);
    }
}

/// The sum of the text's big-endian words of four bytes, the last one padded with zeros.
fn checksum(text: &[u8]) -> u32 {
    let word =
        |bytes: &[u8]| (0..4).fold(0, |word, n| word << 8 | u32::from(bytes.get(n).copied().unwrap_or(0)));
    text.chunks(4).fold(0, |sum: u32, bytes| sum.wrapping_add(word(bytes)))
}

#[cfg(test)]
#[path = "../tests/support/fossil.rs"]
mod fossil;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{fossil::apply, *};

    #[test]
    fn a_delta_has_the_format_of_fossil() {
        let old = r#"{"counter":1,"payload":"aaaaaaaaaaaaaaaaaaaaaaaa","more":true}"#;
        let new = old.replace(":1", ":23");
        let delta = between(old.as_bytes(), new.as_bytes()).unwrap();
        insta::assert_snapshot!(delta.escape_ascii(), @r"~\nB@0,2:23n@C,38DeiU;");
    }

    #[test]
    fn moved_pieces_are_found() {
        let part = |name: &str| format!("{{\"name\":\"{name}\",\"text\":\"{}\"}}", name.repeat(40));
        let (a, b, c) = (part("first"), part("second"), part("third"));
        let delta = between(format!("[{a},{b}]").as_bytes(), format!("[{b},{c},{a}]").as_bytes()).unwrap();
        assert!(delta.len() < c.len() + 60, "{}", delta.escape_ascii());
    }

    #[test]
    fn no_delta_is_made_that_is_not_shorter() {
        assert_eq!(between(b"", b"{}"), None);
        assert_eq!(between(b"{\"a\":1}", b"{\"a\":2}"), None);
        assert_eq!(between(b"", &[b'x'; 100]), None);
        let long = vec![b'x'; MAX_BYTES + 1];
        assert_eq!(between(&long, &long), None);
    }

    #[test]
    fn numbers_have_as_many_digits_as_they_need() {
        let text = |n| {
            let mut out = Vec::new();
            number(&mut out, n);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(
            [0, 1, 63, 64, 4095, 4096, u32::MAX].map(text),
            ["0", "1", "~", "10", "~~", "100", "3~~~~~"]
        );
        assert_eq!(checksum(b"\x01\x02\x03\x04\xff"), 0x0102_0304_u32.wrapping_add(0xff00_0000));
    }

    proptest! {
        #[test]
        fn any_bytes_come_back(
            parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..24), 1..8),
            old in proptest::collection::vec(any::<prop::sample::Index>(), 0..16),
            new in proptest::collection::vec(any::<prop::sample::Index>(), 0..16),
        ) {
            let bytes = |order: &[prop::sample::Index]| order.iter().flat_map(|n| n.get(&parts).clone()).collect::<Vec<u8>>();
            let (old, new) = (bytes(&old), bytes(&new));
            if let Some(delta) = between(&old, &new) {
                prop_assert_eq!(apply(&old, &delta), new);
            }
        }

        #[test]
        fn a_client_gets_the_new_text_back(
            parts in proptest::collection::vec("[ab\u{e9}\u{20ac}\u{1f600}]{0,24}", 1..12),
            old in proptest::collection::vec(any::<prop::sample::Index>(), 0..24),
            new in proptest::collection::vec(any::<prop::sample::Index>(), 0..24),
        ) {
            let text = |order: &[prop::sample::Index]| order.iter().map(|n| n.get(&parts).as_str()).collect::<String>();
            let (old, new) = (text(&old), text(&new));
            if let Some(delta) = between(old.as_bytes(), new.as_bytes()) {
                prop_assert!(delta.len() < new.len());
                prop_assert!(std::str::from_utf8(&delta).is_ok());
                prop_assert_eq!(apply(old.as_bytes(), &delta), new.as_bytes());
            }
        }
    }
}
