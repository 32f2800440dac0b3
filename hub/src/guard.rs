//! Calls of the application. A panic in one is counted and logged, and ends nothing but the call.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;

use crate::stats::{Counters, count};

/// `None` if the call panicked.
pub(crate) async fn guarded<T>(counters: &Counters, call: impl Future<Output = T>) -> Option<T> {
    let result = AssertUnwindSafe(call).catch_unwind().await;
    if result.is_err() {
        count(&counters.panics);
        tracing::error!("the application panicked in a call of the engine");
    }
    result.ok()
}
