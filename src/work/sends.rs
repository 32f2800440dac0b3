//! The sends that have begun, as their jobs: a stop does not drop them with the other work. Of a send that is dropped between
//! the call and its answer nobody knows whether the provider took it, and a person would have to find out.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Shared by the workers and by what stops them.
#[derive(Clone, Debug, Default)]
pub struct Sends {
    begun: Arc<watch::Sender<HashSet<Uuid>>>,
    cut: CancellationToken,
}

/// A send that has begun, until it is dropped.
pub(super) struct Begun {
    begun: Arc<watch::Sender<HashSet<Uuid>>>,
    job: Uuid,
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.begun.send_modify(|begun| {
            begun.remove(&self.job);
        });
    }
}

impl Sends {
    /// Keeps the job's run from being dropped. The caller looks at the soft token after this: a stop that does not see the
    /// send has cancelled that token before.
    pub(super) fn begin(&self, job: Uuid) -> Begun {
        self.begun.send_modify(|begun| {
            begun.insert(job);
        });
        Begun { begun: Arc::clone(&self.begun), job }
    }

    pub fn count(&self) -> usize {
        self.begun.borrow().len()
    }

    /// Resolves when none is under way.
    pub async fn none_left(&self) {
        self.wait(HashSet::is_empty).await;
    }

    /// Lets the sends be dropped that are still under way.
    pub fn cut(&self) {
        self.cut.cancel();
    }

    /// Resolves when everything is to be dropped, the sends included.
    pub async fn are_cut(&self) {
        self.cut.cancelled().await;
    }

    /// Resolves when the run of a job is to be dropped: at the hard token, but for a send that has begun.
    pub(super) async fn may_drop(&self, job: Uuid, hard: &CancellationToken) {
        hard.cancelled().await;
        tokio::select! {
            () = self.cut.cancelled() => {}
            () = self.wait(|begun| !begun.contains(&job)) => {}
        }
    }

    async fn wait(&self, is_so: impl Fn(&HashSet<Uuid>) -> bool) {
        // Fails when the sender is gone, which `self` keeps.
        let _ = self.begun.subscribe().wait_for(|begun| is_so(begun)).await;
    }
}

/// The longest that one send takes, if one call may take so long: its provider may want a token first, then the file, then
/// the message.
pub fn longest(call: Duration) -> Duration {
    call * 2 + adapters::LONGEST_UPLOAD
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_send_that_has_begun_is_dropped_last() {
        let (sends, hard) = (Sends::default(), CancellationToken::new());
        let [send, other] = [1, 2].map(Uuid::from_u128);
        let begun = sends.begin(send);
        hard.cancel();
        let is_dropped = async |job| {
            let soon = Duration::from_millis(10);
            tokio::time::timeout(soon, sends.may_drop(job, &hard)).await.is_ok()
        };
        assert!(is_dropped(other).await && !is_dropped(send).await);
        assert_eq!(sends.count(), 1);
        drop(begun);
        sends.none_left().await;
        assert!(is_dropped(send).await);

        let begun = sends.begin(send);
        assert!(!is_dropped(send).await);
        sends.cut();
        assert!(is_dropped(send).await);
        drop(begun);
    }
}
