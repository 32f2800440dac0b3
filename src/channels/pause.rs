//! A paused channel: inbound messages are stored and shown, and nothing is sent. A person's send is refused with the
//! reason; queued sends and turns for the AI wait until the channel is resumed.

use crate::error::Error;
use crate::model::{Channel, ChannelState};
use crate::store::jobs::{self, Class};
use crate::store::queues::{self, QueueKey};
use crate::store::{Tx, Wake, turns};

/// The reason of a turn that waits for its channel.
pub(crate) const REASON: &str = "channel_paused";
/// A turn of a paused channel is tried again after this, in case the resume was not seen.
pub(crate) const LOOK_AGAIN_MS: i64 = 60_000;

/// Applies a change of the channel's state to its queue and its turns.
pub(crate) async fn changed(tx: &mut Tx<'_>, channel: &Channel) -> Result<(), Error> {
    let key = QueueKey { tenant: channel.tenant, id: channel.id, class: Class::Send };
    if channel.state != ChannelState::Active {
        let reason = if channel.state == ChannelState::Disconnected {
            "the channel is disconnected"
        } else {
            "the channel is paused"
        };
        return Ok(queues::pause(tx, key, reason).await?);
    }
    queues::resume(tx, key).await?;
    jobs::recovered(tx, channel.tenant, channel.id).await?;
    let now = tx.now();
    for turn in turns::resume(tx, (channel.tenant, channel.id), REASON).await? {
        tx.wake(Wake::Turn { tenant: channel.tenant, channel: channel.id, turn, due_at: now });
    }
    Ok(())
}

/// Refuses a person's send while the channel is paused or disconnected.
pub(crate) fn must_run(channel: &Channel) -> Result<(), Error> {
    match channel.state {
        ChannelState::Active => Ok(()),
        ChannelState::Disabled => Err(Error::conflict(
            "channel_paused",
            "the channel is paused, nothing leaves through it: switch it on in its settings, then send",
        )),
        ChannelState::Disconnected => Err(Error::conflict(
            "channel_disconnected",
            "the channel is disconnected, nothing leaves through it: connect it in its settings, then send",
        )),
    }
}
