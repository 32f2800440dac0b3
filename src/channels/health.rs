//! The health of a channel, whatever reports it: connecting, a send, an event of the provider.

use crate::announce;
use crate::error::Error;
use crate::model::{Channel, ChannelHealth};
use crate::store::{Tx, Wake, channels};

/// Stores and announces a channel's health.
pub(crate) async fn note(tx: &mut Tx<'_>, channel: &mut Channel, health: ChannelHealth) -> Result<(), Error> {
    channel.health = Some(health);
    channels::set_health(tx, channel).await?;
    announce::channel(tx, channel)?;
    tx.wake(Wake::Channel(channel.id));
    Ok(())
}
