//! How a channel does, from wherever it is learnt: a connection, a send, the provider's own word.

use crate::announce;
use crate::error::Error;
use crate::model::{Channel, ChannelHealth};
use crate::store::{Tx, Wake, channels};

/// Writes a channel's health and shows it.
pub(crate) async fn note(tx: &mut Tx<'_>, channel: &mut Channel, health: ChannelHealth) -> Result<(), Error> {
    channel.health = Some(health);
    channels::set_health(tx, channel).await?;
    announce::channel(tx, channel)?;
    tx.wake(Wake::Channel(channel.id));
    Ok(())
}
