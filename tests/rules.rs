//! When a customer may be written to: windows, the customer's own wish, and what is told before the first answer.

mod kills;
mod notice;
mod opt_out;
mod pace;
mod templates;
mod window;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use hubbub::clock::Clock;
use serde_json::Value;

use crate::kit::api::Api;

/// A clock of the test's, so far ahead of the system's.
struct Ahead {
    by_ms: Arc<AtomicI64>,
    hand: Arc<AtomicI64>,
    ticks: tokio::task::JoinHandle<()>,
}

impl Ahead {
    fn new() -> (Clock, Self) {
        let (clock, hand) = Clock::manual(Clock::System.now_ms());
        let by_ms = Arc::new(AtomicI64::new(0));
        let (by, moved) = (Arc::clone(&by_ms), Arc::clone(&hand));
        let ticks = tokio::spawn(async move {
            loop {
                moved.store(Clock::System.now_ms() + by.load(Ordering::Relaxed), Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        (clock, Self { by_ms, hand, ticks })
    }

    fn hours(&self, hours: i64) {
        let by = hours * 3_600_000;
        self.by_ms.store(by, Ordering::Relaxed);
        self.hand.store(Clock::System.now_ms() + by, Ordering::Relaxed);
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.ticks.abort();
    }
}

/// Waits until a conversation is as it should be.
async fn conversation(api: &Api, id: &Value, fits: impl Fn(&Value) -> bool) -> Value {
    let path = format!("/api/v1/conversations/{}", id.as_str().expect("an id"));
    let begin = std::time::Instant::now();
    loop {
        let (status, found) = api.get(&path).await;
        assert_eq!(status, 200, "{found}");
        if fits(&found) {
            return found;
        }
        assert!(begin.elapsed() < crate::kit::PATIENCE, "{found}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
