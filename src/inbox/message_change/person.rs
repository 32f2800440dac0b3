//! Merges the reactions of a group member with several ids (a phone number and a hidden id). The ids come from the event
//! and from the channel's stored identities. It stores no new identities: unlinked ids stay two people.

use anyhow::Context as _;
use uuid::Uuid;

use super::order::Marks;
use super::{MessageChange, apply};
use crate::error::Error;
use crate::model::Message;
use crate::store::{Tx, contacts, messages};

/// Merges the marks and reactions of the person's other ids into `by`. `true` if the message's reactions changed.
pub(super) async fn join(
    tx: &mut Tx<'_>,
    (tenant, channel): (Uuid, Uuid),
    message: &mut Message,
    change: &MessageChange,
) -> Result<bool, Error> {
    let MessageChange::Reacted { by, also: Some(also), .. } = change else { return Ok(false) };
    let mut marks = Marks::read(messages::marks(tx, tenant, message.id).await?.as_deref());
    let others = |id: &str| id != by && id != super::US;
    if !marks.people().any(others) && !message.reactions.iter().any(|it| others(&it.by)) {
        return Ok(false);
    }
    let mut ids = contacts::ids_beside(tx, (tenant, channel), by).await?;
    for id in also {
        ids.extend(contacts::ids_beside(tx, (tenant, channel), id).await?);
        ids.push(id.clone());
    }
    ids.retain(|id| id != by);
    if marks.join(by, &ids) {
        let text = serde_json::to_string(&marks).context("marks cannot be written as JSON")?;
        messages::set_marks(tx, tenant, message.id, &text).await?;
    }
    let seen = apply::join(message, by, &ids);
    if seen {
        messages::set_reactions(tx, tenant, message).await?;
    }
    Ok(seen)
}
