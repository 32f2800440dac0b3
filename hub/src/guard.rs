//! Calls of the application. A panic in one is counted and logged, and ends nothing but the call.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;

use crate::stats::{Counters, count};

/// Runs a call of the application; `None` if it panicked, which is logged.
pub(crate) async fn guarded<T>(counters: &Counters, call: impl Future<Output = T>) -> Option<T> {
    let result = caught(counters, call).await;
    if result.is_none() {
        tracing::error!("the application panicked in a call of the engine");
    }
    result
}

/// As [`guarded`], for a caller that logs the panic itself.
pub(crate) async fn caught<T>(counters: &Counters, call: impl Future<Output = T>) -> Option<T> {
    let result = AssertUnwindSafe(call).catch_unwind().await;
    if result.is_err() {
        count(&counters.panics);
    }
    result.ok()
}
