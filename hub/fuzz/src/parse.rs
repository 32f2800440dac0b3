//! Bodies of webhooks, through the adapters: no bytes make them panic, and no body takes too much memory, which the
//! allocator counts.

#[path = "../../../adapters/tests/support/bounded.rs"]
mod bounded;

use peak_alloc::PeakAlloc;

#[global_allocator]
static COUNTED: PeakAlloc = PeakAlloc;

/// The longest stretched body, in bytes.
const LONGEST: usize = 256 * 1024;

/// Parses the bytes as a body of that provider. If the last byte is 0, the three before it choose a part that is
/// repeated: memory out of proportion shows only in long bodies, and a fuzzer makes short ones.
pub fn parse(provider: &str, data: &[u8]) {
    bounded::check(COUNTED, provider, &stretched(data), "fuzzed");
}

fn stretched(data: &[u8]) -> Vec<u8> {
    let [body @ .., from, length, times, 0] = data else { return data.to_vec() };
    let from = usize::from(*from) * body.len() / 256;
    let to = body.len().min(from + 1 + usize::from(*length));
    let part = &body[from..to];
    let room = LONGEST.saturating_sub(body.len()) / part.len().max(1);
    let times = room.min(1 << (times % 18));
    let mut whole = body[..from].to_vec();
    for _ in 0..times {
        whole.extend_from_slice(part);
    }
    whole.extend_from_slice(&body[to..]);
    whole
}
