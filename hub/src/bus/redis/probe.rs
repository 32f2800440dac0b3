//! The probe: a message of the node to itself, which takes the way of all others. A connection may seem to stand and carry
//! nothing, so after a probe that does not come back both are opened anew.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep, timeout};

use super::{super::message::Message, shared::Shared};
use crate::lock::lock;

/// While the path is down, the next try comes after so long.
const RETRY: Duration = Duration::from_millis(250);

pub(super) async fn run(shared: Arc<Shared>) {
    let mut last = 0;
    loop {
        let topics: Vec<Arc<str>> =
            lock(&shared.probes).iter().map(|probe| Arc::clone(probe.topic())).collect();
        let was_up = shared.path.get().is_up();
        let wait = if was_up { shared.probe_wait } else { RETRY.min(shared.probe_wait) };
        let began = Instant::now();
        // They are not known before the first look at the servers.
        if topics.is_empty() {
            sleep(RETRY).await;
        } else if all_come_back(&shared, &topics, &mut last, wait).await {
            shared.up(began.elapsed() / topics.len() as u32);
            sleep(shared.probe_every).await;
        } else if was_up {
            shared.down("a probe did not come back");
            shared.reconnect.iter().for_each(tokio::sync::Notify::notify_one);
        }
    }
}

/// One after another: the first that does not come back is enough.
async fn all_come_back(shared: &Shared, topics: &[Arc<str>], last: &mut u64, wait: Duration) -> bool {
    for topic in topics {
        *last += 1;
        shared.publish(topic, &Message::Probe(*last));
        if timeout(wait, shared.path.wait_for(*last)).await.is_err() {
            return false;
        }
    }
    true
}
