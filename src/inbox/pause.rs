//! A paused channel: what customers write is stored and shown as ever, and nothing leaves. What people want to send
//! is refused, with the reason; answers that are queued already, and turns for the AI, wait until it goes on.

use crate::error::Error;
use crate::model::{Channel, ChannelState};
use crate::store::jobs::{self, Class};
use crate::store::queues::{self, QueueKey};
use crate::store::{Tx, Wake, turns};

/// What a turn says that waits for its channel.
pub(super) const REASON: &str = "channel_paused";
/// A turn of a paused channel is looked at again after this, should nobody say that the channel goes on.
pub(super) const LOOK_AGAIN_MS: i64 = 60_000;

/// The state of the channel changed.
pub(crate) async fn changed(tx: &mut Tx<'_>, channel: &Channel) -> Result<(), Error> {
    let key = QueueKey { tenant: channel.tenant, id: channel.id, class: Class::Send };
    if channel.state == ChannelState::Disabled {
        return Ok(queues::pause(tx, key, "the channel is paused").await?);
    }
    queues::resume(tx, key).await?;
    jobs::recovered(tx, channel.tenant, channel.id).await?;
    let now = tx.now();
    for turn in turns::resume(tx, (channel.tenant, channel.id), REASON).await? {
        tx.wake(Wake::Turn { tenant: channel.tenant, channel: channel.id, turn, due_at: now });
    }
    Ok(())
}

/// Refuses what a person wants to send now.
pub(super) fn must_run(channel: &Channel) -> Result<(), Error> {
    if channel.state == ChannelState::Disabled {
        return Err(Error::conflict(
            "channel_paused",
            "the channel is paused, nothing leaves through it: switch it on in its settings, then send",
        ));
    }
    Ok(())
}
