//! Why contacts are one person: who or what said so, and what became of it. As what a contact is seen is derived from the active
//! ones (`people/roots.rs`).

use uuid::Uuid;

use super::value::{Arg, FromRow, Row};
use super::{StoreError, Tx};
use crate::args;
use crate::model::{Merge, MergeState};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select g.id, g.contact, g.into_contact, g.kind, g.state, g.author, g.channel, g.ids, m.id, m.conversation, g.created_at, \
             g.decided_at, g.decided_by from contact_merges g left join messages m on m.tenant = g.tenant and m.channel = g.channel \
             and m.external_key = g.message_key ",
            $rest
        )
    };
}

const INSERT: &str = "insert into contact_merges (tenant, id, contact, into_contact, kind, state, author, channel, ids, \
    message_key, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
const LOAD: &str = select!("where g.tenant = $1 and g.id = $2");
const OF_CONTACT: &str = select!("where g.tenant = $1 and g.contact = $2 order by g.id desc limit $3");
const OF_INTO: &str = select!("where g.tenant = $1 and g.into_contact = $2 order by g.id desc limit $3");
const DECIDE: &str =
    "update contact_merges set state = $3, decided_at = $4, decided_by = $5 where tenant = $1 and id = $2";
const OF_PAIR: &str = "select state from contact_merges where tenant = $1 and contact = $2 and into_contact = $3 \
    and kind = $4 order by id desc limit 1";
const ACTIVE: &str = "select id, contact, into_contact from contact_merges where tenant = $1 and contact = $2 \
    and state = 'active' order by id limit 200";
const ACTIVE_INTO: &str = "select id, contact, into_contact from contact_merges where tenant = $1 and into_contact = $2 \
    and state = 'active' order by id limit 200";

pub const ALL: &[&str] = &[INSERT, LOAD, OF_CONTACT, OF_INTO, DECIDE, OF_PAIR, ACTIVE, ACTIVE_INTO];

impl FromRow for Merge {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let mut columns = row.columns();
        Ok(Self {
            id: columns.take()?,
            contact: columns.take()?,
            into: columns.take()?,
            kind: columns.word()?,
            state: columns.word()?,
            author: columns.take()?,
            channel: columns.take()?,
            ids: columns.json_or_null()?.unwrap_or_default(),
            message: columns.take()?,
            conversation: columns.take()?,
            created_at: columns.take()?,
            decided_at: columns.take()?,
            decided_by: columns.take()?,
        })
    }
}

/// `key`: of the message that told it.
pub async fn insert(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    merge: &Merge,
    key: Option<&str>,
) -> Result<(), StoreError> {
    let ids = serde_json::to_string(&merge.ids).map_err(|error| StoreError::Engine(error.to_string()))?;
    let args = args![
        tenant,
        merge.id,
        merge.contact,
        merge.into,
        merge.kind.as_str(),
        merge.state.as_str(),
        &merge.author,
        merge.channel,
        ids.as_str(),
        key,
        merge.created_at
    ];
    tx.put(INSERT, args).await
}

pub async fn load(tx: &mut Tx<'_>, tenant: Uuid, id: Uuid) -> Result<Option<Merge>, StoreError> {
    tx.one(LOAD, args![tenant, id]).await
}

/// What contacts have to do with: of each the newest, at most `limit` in which it is named first, and as many others.
pub async fn of_contacts(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    contacts: &[Uuid],
    limit: i64,
) -> Result<Vec<Merge>, StoreError> {
    let asked: Vec<_> =
        contacts.iter().map(|id| vec![Arg::from(tenant), (*id).into(), limit.into()]).collect();
    let mut found = tx.each::<Merge>(OF_CONTACT, &asked).await?;
    found.extend(tx.each::<Merge>(OF_INTO, &asked).await?);
    Ok(found.into_iter().flatten().collect())
}

/// Stores what became of it, as it is in the value.
pub async fn decide(tx: &mut Tx<'_>, tenant: Uuid, merge: &Merge) -> Result<(), StoreError> {
    let args = args![tenant, merge.id, merge.state.as_str(), merge.decided_at, &merge.decided_by];
    tx.put(DECIDE, args).await
}

/// What became of the newest reason of this kind for two contacts, whichever of them comes first.
pub async fn of_pair(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    (one, other): (Uuid, Uuid),
    kind: &str,
) -> Result<Option<MergeState>, StoreError> {
    for (contact, into) in [(one, other), (other, one)] {
        let found: Option<(String,)> = tx.one(OF_PAIR, args![tenant, contact, into, kind]).await?;
        if let Some((state,)) = found {
            return Ok(state.parse().ok());
        }
    }
    Ok(None)
}

/// The active reasons that name one of these contacts: id, contact, into which.
pub async fn active(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    contacts: &[Uuid],
) -> Result<Vec<(Uuid, Uuid, Uuid)>, StoreError> {
    let asked: Vec<_> = contacts.iter().map(|id| vec![Arg::from(tenant), Arg::from(*id)]).collect();
    let mut found = tx.each(ACTIVE, &asked).await?;
    found.extend(tx.each(ACTIVE_INTO, &asked).await?);
    Ok(found.into_iter().flatten().collect())
}
