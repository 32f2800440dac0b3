//! Ends the silences of the AI whose time is over. The rows are the truth, looked at once a second.

use crate::inbox::silence::EndSilence;
use crate::store::{Store, ownership};

/// Of one look; the others are found by the next.
const AT_ONCE: i64 = 200;

pub(super) async fn end(store: &Store) {
    let now = store.clock().now_ms();
    let over = match store.read(ownership::Over { now, limit: AT_ONCE }).await {
        Ok(over) => over,
        Err(error) => return tracing::warn!(%error, "silences cannot be read"),
    };
    for (tenant, conversation) in over {
        if let Err(error) = store.write(EndSilence { tenant, conversation }).await {
            tracing::warn!(%error, %conversation, "a silence could not be ended; it is tried again");
        }
    }
}
