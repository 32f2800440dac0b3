//! What holds for every body, whatever the bytes: the memory that its parsing takes, and the number and the keys of
//! the events that it becomes. Shared by the tests and the fuzzer, whose allocator counts.

use adapters::{
    Context, Fields,
    bounds::{MAX_EVENTS, MAX_ID_BYTES, MAX_KEY_BYTES},
    provider,
};
use peak_alloc::PeakAlloc;

/// Bytes that parsing may take, the events included: so many for a byte of the body, and so many in any case. The
/// latter are a thousand [`Fields`] of the shortest elements (a list of numbers) and the events that they become, which
/// for a moment are there together.
pub const FOR_A_BYTE: usize = 20;
pub const IN_ANY_CASE: usize = 2 * 1024 * 1024;

/// Parses the body and panics if it becomes too much. Gives the bytes that it took.
pub fn check(counted: PeakAlloc, name: &str, body: &[u8], what: &str) -> usize {
    let provider = provider(name).expect("a built provider");
    let context = Context::default();
    counted.reset_peak_usage();
    let before = counted.current_usage();
    let parsed = provider.parse(body, &context);
    let taken = counted.peak_usage().saturating_sub(before);
    let allowed = FOR_A_BYTE * body.len() + IN_ANY_CASE;
    assert!(taken <= allowed, "{name}, {what}: {taken} bytes for a body of {}", body.len());
    let Ok(events) = parsed else { return taken };
    let fields = provider.fields(body, &context).expect("it was read before");
    assert_eq!(events.len(), fields.len(), "{name}, {what}: an event for each");
    assert!((1..=MAX_EVENTS + 1).contains(&events.len()), "{name}, {what}: {} events", events.len());
    for event in &fields {
        for key in keys(event).into_iter().flatten() {
            assert!(key.len() <= MAX_KEY_BYTES, "{name}, {what}: a key of {} bytes", key.len());
        }
        let update = event.update_key().map_or(0, str::len);
        assert!(update <= MAX_ID_BYTES, "{name}, {what}: an update's id of {update} bytes");
    }
    taken
}

fn keys(event: &Fields) -> [Option<&str>; 7] {
    [
        event.message_key(),
        event.target_key(),
        event.reply_key(),
        event.external_message_id.as_deref(),
        event.external_conversation_id.as_deref(),
        event.external_contact_id.as_deref(),
        event.alternate_contact_id.as_deref(),
    ]
}
