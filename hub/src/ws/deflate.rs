//! permessage-deflate (RFC 7692), always without context takeover: every message is compressed by itself, so compressors
//! belong to threads and a connection holds none. A message to many receivers is compressed once for direct writes, and
//! once per thread for queued ones.

use std::cell::RefCell;

use bytes::Bytes;
use flate2::{Compress, Compression, FlushCompress};

/// Our window, the same for all connections, so that all can be sent the same bytes. With peers that require a smaller
/// one compression is not agreed on. JSON of up to 64 KB is hardly larger with it than with 15.
pub(super) const WINDOW_BITS: u8 = 12;

/// The best ratio for its time: 2 KB of JSON become 40 % in 17 µs; level 1 gives 54 %, level 6 39 %.
const LEVEL: u32 = 2;
/// Smaller messages are not compressed: 10 µs would save a quarter of their size.
const MIN_BYTES: usize = 512;
/// The last message is kept if it has at most this size.
const REMEMBERED_BYTES: usize = 256 * 1024;
pub(super) const CHUNK_BYTES: usize = 16 * 1024;
/// Ends every deflated message and is not sent (section 7.2.1).
pub(super) const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

thread_local! {
    static DEFLATER: RefCell<Option<Deflater>> = const { RefCell::new(None) };
}

struct Deflater {
    engine: Compress,
    chunk: Box<[u8]>,
    last: Option<LastDeflated>,
}

/// Recognised by its address, at which there can be nothing else while it is kept.
struct LastDeflated {
    message: Bytes,
    deflated: Option<Bytes>,
}

/// The payload of a frame with RSV1; `None` if compression does not pay.
pub(super) fn deflate(message: &Bytes) -> Option<Bytes> {
    if message.len() < MIN_BYTES {
        return None;
    }
    DEFLATER.with_borrow_mut(|deflater| {
        let deflater = deflater.get_or_insert_with(Deflater::new);
        let is_this = |last: &&LastDeflated| {
            last.message.as_ptr() == message.as_ptr() && last.message.len() == message.len()
        };
        if let Some(last) = deflater.last.as_ref().filter(is_this) {
            return last.deflated.clone();
        }
        let deflated = deflater.deflate(message).filter(|deflated| deflated.len() < message.len());
        let last = || LastDeflated { message: message.clone(), deflated: deflated.clone() };
        deflater.last = (message.len() <= REMEMBERED_BYTES).then(last);
        deflated
    })
}

impl Deflater {
    fn new() -> Self {
        let engine = Compress::new_with_window_bits(Compression::new(LEVEL), false, WINDOW_BITS);
        Deflater { engine, chunk: vec![0; CHUNK_BYTES].into(), last: None }
    }

    fn deflate(&mut self, mut message: &[u8]) -> Option<Bytes> {
        self.engine.reset();
        let mut out = Vec::new();
        loop {
            let (read, written) = (self.engine.total_in(), self.engine.total_out());
            self.engine.compress(message, &mut self.chunk, FlushCompress::Sync).ok()?;
            message = &message[(self.engine.total_in() - read) as usize..];
            let written = (self.engine.total_out() - written) as usize;
            out.extend_from_slice(&self.chunk[..written]);
            if message.is_empty() && written < self.chunk.len() {
                return out.strip_suffix(&TAIL).map(Bytes::copy_from_slice);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use flate2::{Decompress, FlushDecompress};

    use super::{
        super::{fault::Fault, inflate::inflate},
        *,
    };

    fn json(size: usize) -> Bytes {
        (0..)
            .flat_map(|n: usize| format!("{{\"n\":{n},\"text\":\"some text\"}},").into_bytes())
            .take(size)
            .collect()
    }

    #[test]
    fn the_examples_of_the_rfc() {
        // Section 7.2.3: deflated, stored, with a final block, and with two blocks.
        for payload in [
            &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00][..],
            &[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00],
            &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
            &[0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00],
        ] {
            assert_eq!(inflate(payload, 5), Ok(b"Hello".to_vec()), "{payload:x?}");
            assert_eq!(inflate(payload, 4), Err(Fault::TooLarge), "{payload:x?}");
        }
        assert_eq!(inflate(&[0], 0), Ok(Vec::new()));
    }

    #[test]
    fn a_bomb_is_too_large_before_it_is_inflated() {
        let zeros = Bytes::from(vec![0; 64 << 20]);
        let bomb = deflate(&zeros).unwrap();
        assert!(bomb.len() < zeros.len() / 100);
        assert_eq!(inflate(&bomb, 64 * 1024), Err(Fault::TooLarge));
    }

    #[test]
    fn invalid_data_is_a_violation() {
        assert_eq!(inflate(b"\xff\xff\xff", 100), Err(Fault::Violation("invalid compressed data")));
    }

    #[test]
    fn what_does_not_get_smaller_goes_out_as_it_is() {
        let mut seed = 1u32;
        let noise: Bytes = std::iter::repeat_with(|| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 24) as u8
        })
        .take(5000)
        .collect();
        assert_eq!(deflate(&noise), None);
        assert_eq!(deflate(&json(MIN_BYTES - 1)), None);
        assert!(deflate(&json(MIN_BYTES)).is_some());
    }

    #[test]
    fn the_same_message_is_deflated_once_and_shared() {
        let (message, other) = (json(2000), json(3000));
        let first = deflate(&message).unwrap();
        assert_eq!(deflate(&message.clone()).unwrap().as_ptr(), first.as_ptr());
        assert_eq!(inflate(&deflate(&other).unwrap(), 3000).unwrap(), other);
        assert_eq!(deflate(&message).unwrap(), first);
    }

    /// A reader with a window of that size, which fails where it is too small.
    #[test]
    fn a_window_of_the_agreed_size_is_enough() {
        let message: Bytes = [json(3000), Bytes::from(vec![7; 5000]), json(60_000)].concat().into();
        let payload = [&deflate(&message).unwrap()[..], &TAIL].concat();
        let mut engine = Decompress::new_with_window_bits(false, WINDOW_BITS);
        let (mut out, mut chunk) = (Vec::new(), [0; 100]);
        while out.len() < message.len() {
            let (read, written) = (engine.total_in() as usize, engine.total_out());
            engine.decompress(&payload[read..], &mut chunk, FlushDecompress::Sync).unwrap();
            out.extend_from_slice(&chunk[..(engine.total_out() - written) as usize]);
        }
        assert_eq!(out, message);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_is_deflated_inflates_to_the_same(size in MIN_BYTES..200_000, noise: u64, every in 1usize..500) {
            let mut message = json(size).to_vec();
            for (n, byte) in message.iter_mut().step_by(every).enumerate() {
                *byte ^= (noise >> (n % 57)) as u8;
            }
            let message = Bytes::from(message);
            if let Some(deflated) = deflate(&message) {
                prop_assert_eq!(inflate(&deflated, size), Ok(message.to_vec()));
                prop_assert_eq!(inflate(&deflated, size - 1), Err(Fault::TooLarge));
            }
        }

        #[test]
        fn any_bytes_are_survived_within_bounds(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(out) = inflate(&bytes, 1000) {
                prop_assert!(out.len() <= 1000);
            }
        }
    }
}
