//! Any bytes as the stream of a session, framing and compression included. The first byte chooses the form and whether
//! compression was agreed on; the rest is what the client sends after the upgrade. `tests/mangled.rs` is the same
//! without a fuzzer.

#![no_main]

use hub::Agreed;
use hub_fuzz::{form, play};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((choice, bytes)) = data.split_first() else { return };
    play(
        Agreed { form: form(*choice), deflate: choice & 2 == 2, native_pings: choice & 4 == 4 },
        bytes.to_vec(),
    );
});
