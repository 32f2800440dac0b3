//! Conversations by the labels that their rows show, their own and their contact's, for lists of a label. A row has a copy of
//! what lists are ordered by, which changes with the conversation.

use uuid::Uuid;

use super::{StoreError, Tx};
use crate::args;
use crate::model::Conversation;

/// The newest conversations of a contact, which follow its labels.
const FOLLOWING: i64 = 200;

const PUT: &str = "insert into labelled (tenant, label, conversation, contact, channel, bucket, assignee, updated_at, waiting_since) \
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (tenant, label, conversation) do nothing";
const CLEAR: &str = "delete from labelled where tenant = $1 and conversation = $2";
const FOLLOW: &str = "update labelled set bucket = $3, assignee = $4, updated_at = $5, waiting_since = $6 \
    where tenant = $1 and conversation = $2";
const CLEAR_CONTACT: &str = "delete from labelled where tenant = $1 and contact = $2 and not exists \
    (select 1 from conversation_labels l where l.tenant = $1 and l.label = labelled.label and l.conversation = labelled.conversation)";
const PUT_CONTACT: &str = "insert into labelled (tenant, label, conversation, contact, channel, bucket, assignee, updated_at, waiting_since) \
    select c.tenant, $3, c.id, c.contact, c.channel, c.bucket, c.assignee, c.updated_at, c.waiting_since from conversations c \
    where c.tenant = $1 and c.contact = $2 order by c.id desc limit $4 on conflict (tenant, label, conversation) do nothing";

pub const ALL: &[&str] = &[PUT, CLEAR, FOLLOW, CLEAR_CONTACT, PUT_CONTACT];

fn labels(of: &Conversation) -> impl Iterator<Item = &Uuid> {
    of.labels.iter().chain(&of.contact.labels)
}

/// After a change of the conversation's own labels, and of one that was opened.
pub async fn set(tx: &mut Tx<'_>, of: &Conversation) -> Result<(), StoreError> {
    tx.put(CLEAR, args![of.tenant, of.id]).await?;
    put(tx, of).await
}

/// Of a conversation that has no rows yet.
pub async fn put(tx: &mut Tx<'_>, of: &Conversation) -> Result<(), StoreError> {
    for label in labels(of) {
        let args = args![
            of.tenant,
            *label,
            of.id,
            of.contact.id,
            of.channel,
            of.bucket.as_str(),
            of.assignee,
            of.updated_at,
            of.waiting_since
        ];
        tx.put(PUT, args).await?;
    }
    Ok(())
}

/// After a change of where the conversation stands in lists. Costs nothing if it has no label.
pub async fn follow(tx: &mut Tx<'_>, of: &Conversation) -> Result<(), StoreError> {
    if labels(of).next().is_none() {
        return Ok(());
    }
    let args = args![of.tenant, of.id, of.bucket.as_str(), of.assignee, of.updated_at, of.waiting_since];
    tx.put(FOLLOW, args).await
}

/// After a change of the labels that a contact's conversations show: those of the person that it is one with.
pub async fn of_contact(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    contact: Uuid,
    labels: impl IntoIterator<Item = Uuid>,
) -> Result<(), StoreError> {
    tx.put(CLEAR_CONTACT, args![tenant, contact]).await?;
    for label in labels {
        tx.put(PUT_CONTACT, args![tenant, contact, label, FOLLOWING]).await?;
    }
    Ok(())
}
