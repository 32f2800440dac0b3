//! Labels of a tenant, and which contacts and conversations have them. A contact and a conversation have a copy of their list,
//! which is what is shown; the rows are what is looked through.

use uuid::Uuid;

use super::value::from_row;
use super::{StoreError, Tx};
use crate::args;
use crate::model::Label;

const LIST: &str = "select id, name, colour from labels where tenant = $1 order by id limit 500";
const PUT: &str = "insert into labels (tenant, id, name, colour, created_at) values ($1, $2, $3, $4, $5) \
    on conflict (tenant, id) do update set name = $3, colour = $4";
const REMOVE: &str = "delete from labels where tenant = $1 and id = $2";
const ATTACH: &str = "insert into contact_labels (tenant, label, contact) values ($1, $2, $3) \
    on conflict (tenant, label, contact) do nothing";
const DETACH: &str = "delete from contact_labels where tenant = $1 and contact = $2";
const BEARERS: &str =
    "select contact from contact_labels where tenant = $1 and label = $2 order by contact limit $3";
const ATTACH_HERE: &str = "insert into conversation_labels (tenant, label, conversation) values ($1, $2, $3) \
    on conflict (tenant, label, conversation) do nothing";
const DETACH_HERE: &str = "delete from conversation_labels where tenant = $1 and conversation = $2";
const BEARERS_HERE: &str = "select conversation from conversation_labels where tenant = $1 and label = $2 order by conversation limit $3";
const SHOW: &str = "update contacts set labels = $3 where tenant = $1 and id = $2";
const SHOW_HERE: &str = "update conversations set labels = $3 where tenant = $1 and id = $2";

pub const ALL: &[&str] =
    &[LIST, PUT, REMOVE, ATTACH, DETACH, BEARERS, ATTACH_HERE, DETACH_HERE, BEARERS_HERE, SHOW, SHOW_HERE];

from_row!(Label { id, name, colour });

pub async fn list(tx: &mut Tx<'_>, tenant: Uuid) -> Result<Vec<Label>, StoreError> {
    tx.all(LIST, args![tenant]).await
}

pub async fn put(tx: &mut Tx<'_>, tenant: Uuid, label: &Label) -> Result<(), StoreError> {
    let now = tx.now();
    tx.put(PUT, args![tenant, label.id, &label.name, &label.colour, now]).await
}

/// Removes a label that nothing bears any more.
pub async fn remove(tx: &mut Tx<'_>, tenant: Uuid, label: Uuid) -> Result<(), StoreError> {
    tx.put(REMOVE, args![tenant, label]).await
}

/// Sets the labels of a contact.
pub async fn of_contact(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    contact: Uuid,
    labels: &[Uuid],
) -> Result<(), StoreError> {
    tx.put(DETACH, args![tenant, contact]).await?;
    for label in labels {
        tx.put(ATTACH, args![tenant, *label, contact]).await?;
    }
    let list = written(labels)?;
    tx.put(SHOW, args![tenant, contact, &list]).await
}

/// Sets the labels of a conversation.
pub async fn of_conversation(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    conversation: Uuid,
    labels: &[Uuid],
) -> Result<(), StoreError> {
    tx.put(DETACH_HERE, args![tenant, conversation]).await?;
    for label in labels {
        tx.put(ATTACH_HERE, args![tenant, *label, conversation]).await?;
    }
    let list = written(labels)?;
    tx.put(SHOW_HERE, args![tenant, conversation, &list]).await
}

/// Some of the contacts and of the conversations that bear a label.
pub async fn bearers(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    label: Uuid,
    limit: i64,
) -> Result<(Vec<Uuid>, Vec<Uuid>), StoreError> {
    let contacts: Vec<(Uuid,)> = tx.all(BEARERS, args![tenant, label, limit]).await?;
    let conversations: Vec<(Uuid,)> = tx.all(BEARERS_HERE, args![tenant, label, limit]).await?;
    Ok((contacts.into_iter().map(|(id,)| id).collect(), conversations.into_iter().map(|(id,)| id).collect()))
}

fn written(labels: &[Uuid]) -> Result<Option<String>, StoreError> {
    let text = serde_json::to_string(labels).map_err(|error| StoreError::Engine(error.to_string()))?;
    Ok((!labels.is_empty()).then_some(text))
}
