//! How large a message may be that people and responders send, and what a frame must therefore be allowed to have.

/// Characters of one message, over all its parts.
pub const MAX_TEXT: usize = 40_000;
pub const MAX_ATTACHMENTS: usize = 10;
/// Bytes of a file's address.
pub const MAX_URL: usize = 2_000;
/// Characters of a file's name and of its type.
pub const MAX_LABEL: usize = 200;
pub const MAX_CLIENT_ID: usize = 100;

/// Bytes that a frame, or a body over HTTP, must be allowed to have so that any message within these limits fits. Of an
/// answer in parts all texts and all files together have the same limits.
pub const MAX_FRAME: usize = 704 * 1024;
/// JSON may write each character as an escape, 12 bytes if it is a pair.
const WORST: usize =
    12 * MAX_TEXT + MAX_ATTACHMENTS * (6 * MAX_URL + 2 * 12 * MAX_LABEL + 200) + 6 * MAX_CLIENT_ID + 8 * 1024;
const _: () = assert!(WORST <= MAX_FRAME);
