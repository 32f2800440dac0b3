//! Size limits of messages from people and responders, and the frame size that follows from them.

/// Characters of one message, over all its parts.
pub const MAX_TEXT: usize = 40_000;
pub const MAX_ATTACHMENTS: usize = 10;
/// Bytes of a file's URL.
pub const MAX_URL: usize = 2_000;
/// Characters of a file's name and of its type.
pub const MAX_LABEL: usize = 200;
pub const MAX_CLIENT_ID: usize = 100;
/// Reply buttons of one message or answer, and the size of a button's id in bytes and of its title in characters.
pub const MAX_BUTTONS: usize = 13;
pub const MAX_BUTTON: usize = 80;
/// Bytes of what fills a template, as JSON.
pub const MAX_TEMPLATE_BYTES: usize = 6 * 1024;

/// The size in bytes that a frame or an HTTP body must be allowed so that any message within these limits fits. The
/// limits apply to the texts and files of all parts of an answer together.
pub const MAX_FRAME: usize = 704 * 1024;
/// JSON may escape each character: 12 bytes for a surrogate pair.
const WORST: usize = 12 * MAX_TEXT
    + MAX_ATTACHMENTS * (6 * MAX_URL + 2 * 12 * MAX_LABEL + 200)
    + MAX_BUTTONS * (6 * MAX_BUTTON + 12 * MAX_BUTTON + 40)
    + 6 * MAX_TEMPLATE_BYTES
    + 2 * 12 * MAX_BUTTON
    + 6 * MAX_CLIENT_ID
    + 8 * 1024;
const _: () = assert!(WORST <= MAX_FRAME);
