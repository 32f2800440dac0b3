//! The probe: a message of the node to itself, which takes the way of all others. A connection may seem to stand and carry
//! nothing, so after a probe that does not come back both are opened anew.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep, timeout};

use super::{super::message::Message, shared::Shared};

/// While the path is down, the next try comes after so long.
const RETRY: Duration = Duration::from_millis(250);

pub(super) async fn run(shared: Arc<Shared>) {
    let mut probe = 0;
    loop {
        probe += 1;
        let began = Instant::now();
        shared.publish(&shared.own_topic, &Message::Probe(probe));
        let was_up = shared.path.get().is_up();
        let wait = if was_up { shared.probe_wait } else { RETRY.min(shared.probe_wait) };
        if timeout(wait, shared.path.wait_for(probe)).await.is_ok() {
            shared.up(began.elapsed());
            sleep(shared.probe_every).await;
        } else if was_up {
            shared.down("a probe did not come back");
            shared.reconnect.iter().for_each(tokio::sync::Notify::notify_one);
        }
    }
}
