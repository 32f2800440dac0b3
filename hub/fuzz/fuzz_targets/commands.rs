//! Any bytes as the commands of a connected session, in one valid frame, so that the code behind the framing is reached
//! at once. The first byte chooses the form, and whether a server-side room is resumed.

#![no_main]

use hub::{Agreed, Form};
use hub_fuzz::{BINARY, TEXT, form, frame, play};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((choice, commands)) = data.split_first() else { return };
    let mut stream = Vec::with_capacity(data.len() + 64);
    match form(*choice) {
        Form::Json => {
            let resumes: &[u8] = br#"{"id":1,"connect":{"token":"t","subs":{"own":{"recover":true}}}}"#;
            frame(TEXT, if choice & 2 == 0 { br#"{"id":1,"connect":{}}"# } else { resumes }, &mut stream);
            frame(TEXT, commands, &mut stream);
        }
        Form::Protobuf => {
            // The same: length, id, connect.
            let resumes: &[u8] = b"\x12\x08\x01\x22\x0e\x0a\x01t\x1a\x09\x0a\x03own\x12\x02\x18\x01";
            frame(BINARY, if choice & 2 == 0 { b"\x04\x08\x01\x22\x00" } else { resumes }, &mut stream);
            frame(BINARY, commands, &mut stream);
        }
    }
    play(Agreed { form: form(*choice), ..Agreed::default() }, stream);
});
