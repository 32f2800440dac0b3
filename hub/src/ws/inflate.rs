//! Decompression for permessage-deflate (RFC 7692), within a bound. Its tests are beside compression.

use std::cell::RefCell;

use flate2::{Decompress, FlushDecompress, Status};

use super::{
    deflate::{CHUNK_BYTES, TAIL},
    fault::Fault,
};

thread_local! {
    static INFLATER: RefCell<Option<Inflater>> = const { RefCell::new(None) };
}

struct Inflater {
    engine: Decompress,
    chunk: Box<[u8]>,
}

/// The message of a payload with RSV1. Stops as soon as it is over `max` bytes.
pub(super) fn inflate(payload: &[u8], max: usize) -> Result<Vec<u8>, Fault> {
    INFLATER.with_borrow_mut(|inflater| inflater.get_or_insert_with(Inflater::new).inflate(payload, max))
}

impl Inflater {
    fn new() -> Self {
        Inflater { engine: Decompress::new(false), chunk: vec![0; CHUNK_BYTES].into() }
    }

    fn inflate(&mut self, payload: &[u8], max: usize) -> Result<Vec<u8>, Fault> {
        const INVALID: Fault = Fault::Violation("invalid compressed data");
        self.engine.reset(false);
        let mut out = Vec::new();
        for mut rest in [payload, &TAIL] {
            loop {
                let (read, written) = (self.engine.total_in(), self.engine.total_out());
                let status = self.engine.decompress(rest, &mut self.chunk, FlushDecompress::Sync);
                let status = status.map_err(|_| INVALID)?;
                let read = (self.engine.total_in() - read) as usize;
                let written = (self.engine.total_out() - written) as usize;
                if written > max - out.len() {
                    return Err(Fault::TooLarge);
                }
                out.extend_from_slice(&self.chunk[..written]);
                rest = &rest[read..];
                let full = written == self.chunk.len();
                if status == Status::StreamEnd {
                    // Peers may send final blocks, with further blocks after them (section 7.2.3.4).
                    self.engine.reset(false);
                } else if read == 0 && !rest.is_empty() && !full {
                    return Err(INVALID);
                }
                if rest.is_empty() && !full {
                    break;
                }
            }
        }
        Ok(out)
    }
}
