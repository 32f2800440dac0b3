//! Asks for the reading of what a provider holds and did not deliver.

use crate::error::Error;
use crate::model::Channel;
use crate::store::jobs::{self, ReadNews, Slot};
use crate::store::{Tx, cursors};

/// Has the channel's news read, in the transaction that learned of them. One job waits at a time; one that runs already may
/// have looked before.
pub(crate) async fn ask(tx: &mut Tx<'_>, channel: &Channel) -> Result<(), Error> {
    let is_asked = adapters::provider(&channel.kind).is_some_and(|one| one.abilities().history);
    if !is_asked || jobs::is_waiting::<ReadNews>(tx, channel.tenant, channel.id).await? {
        return Ok(());
    }
    cursors::begin(tx, (channel.tenant, channel.id)).await?;
    let lane = format!("news:{}", channel.id);
    let slot = Slot { tenant: channel.tenant, queue: channel.id, lane: &lane, position: tx.now() };
    Ok(jobs::push(tx, &slot, &ReadNews { channel: channel.id }).await?)
}
