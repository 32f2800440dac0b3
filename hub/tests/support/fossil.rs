//! Applies a delta as a client does, but checks every number.

const DIGITS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~";

/// The new text, from the old one and a delta.
pub(crate) fn apply(old: &[u8], delta: &[u8]) -> Vec<u8> {
    let mut rest = delta;
    let mut new = Vec::new();
    let len = number(&mut rest);
    assert_eq!(take(&mut rest, 1), b"\n");
    loop {
        let count = number(&mut rest);
        match take(&mut rest, 1) {
            b"@" => {
                let from = number(&mut rest);
                assert_eq!(take(&mut rest, 1), b",");
                new.extend_from_slice(&old[from..from + count]);
            }
            b":" => new.extend_from_slice(take(&mut rest, count)),
            b";" => {
                assert_eq!(
                    (new.len(), count, rest),
                    (len, checksum(&new), &b""[..]),
                    "{:?}",
                    delta.escape_ascii()
                );
                return new;
            }
            other => panic!("no command {other:?} in {:?}", delta.escape_ascii()),
        }
    }
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> &'a [u8] {
    rest.split_off(..count).expect("a delta that goes on")
}

fn number(rest: &mut &[u8]) -> usize {
    let len = rest.iter().take_while(|byte| DIGITS.contains(byte)).count();
    assert!((1..=6).contains(&len), "a number is missing before {:?}", rest.escape_ascii());
    let value = |digit: &u8| DIGITS.iter().position(|known| known == digit).unwrap();
    take(rest, len).iter().fold(0, |n, digit| n << 6 | value(digit))
}

fn checksum(text: &[u8]) -> usize {
    let byte = |at| text.get(at).copied().unwrap_or(0);
    let words = (0..text.len()).step_by(4).map(|n| [byte(n), byte(n + 1), byte(n + 2), byte(n + 3)]);
    words.fold(0u32, |sum, word| sum.wrapping_add(u32::from_be_bytes(word))) as usize
}
