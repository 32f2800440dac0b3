//! Any bytes as the body of this provider's webhook. `adapters/tests/memory.rs` does the same with the worst known bodies,
//! without a fuzzer.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| hub_fuzz::parse("instagram", data));
