//! Any bytes as what is posted to a channel of this provider. `adapters/tests/memory.rs` is the same with the worst
//! shapes that are known, without a fuzzer.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| hub_fuzz::parse("telegram", data));
