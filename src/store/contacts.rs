//! Contacts (customers), and their ids on channels.

use uuid::Uuid;

use super::value::{Arg, Columns, FromRow, Row, from_row};
use super::{StoreError, Tx};
use crate::args;
use crate::model::Contact;

const FIND: &str = "select p.id, p.name, p.handle, p.user_name, p.opted_out_at, p.merged_into, p.has_merged, p.labels, p.blocked_at from identities i join contacts p \
    on p.tenant = i.tenant and p.id = i.contact where i.tenant = $1 and i.channel = $2 and i.external_id = $3";
const BY_ID: &str = "select p.id, p.name, p.handle, p.user_name, p.opted_out_at, p.merged_into, p.has_merged, p.labels, p.blocked_at \
    from contacts p where p.tenant = $1 and p.id = $2";
/// A group has at most `people::MOST` contacts.
const MEMBERS: &str = "select p.id, p.name, p.handle, p.user_name, p.opted_out_at, p.merged_into, p.has_merged, p.labels, p.blocked_at \
    from contacts p where p.tenant = $1 and p.merged_into = $2 and p.merged_into is not null limit 100";
const SET_ROOT: &str = "update contacts set merged_into = $3, has_merged = $4 where tenant = $1 and id = $2";
const SET_BLOCKED: &str = "update contacts set blocked_at = $3 where tenant = $1 and id = $2";
const IDENTITIES: &str = "select i.contact, i.channel, h.kind, i.external_id, h.company from identities i \
    join channels h on h.tenant = i.tenant and h.id = i.channel where i.tenant = $1 and i.contact = $2 limit 100";
const CREATED: &str = "select created_at from contacts where tenant = $1 and id = $2";
const INSERT: &str = "insert into contacts (tenant, id, name, handle, user_name, created_at, updated_at) \
    values ($1, $2, $3, $4, $5, $6, $6)";
const LINK: &str = "insert into identities (tenant, channel, external_id, contact, created_at) \
    values ($1, $2, $3, $4, $5) on conflict (tenant, channel, external_id) do nothing";
const DESCRIBE: &str = "update contacts set name = $3, handle = $4, user_name = $5, updated_at = $6, \
    described_at = case when described_at > $7 then described_at else $7 end where tenant = $1 and id = $2";
/// A message tells of its writer, so what is known is as new as the newest message.
const DESCRIBED: &str = "select p.described_at, (select max(o.heard_at) from (select heard_at from conversations \
    where tenant = $1 and contact = $2 order by id desc limit 10) o) from contacts p where p.tenant = $1 and p.id = $2";
const SET_OPT_OUT: &str =
    "update contacts set opted_out_at = $3, opted_out_by = $4, updated_at = $5 where tenant = $1 and id = $2";
const RENAME_IDENTITY: &str =
    "update identities set external_id = $4 where tenant = $1 and channel = $2 and external_id = $3";

/// The limit is above the number of ids that a contact has on a channel.
const IDS_BESIDE: &str = "select o.external_id from identities i join identities o on o.tenant = i.tenant and o.contact = i.contact \
    where i.tenant = $1 and i.channel = $2 and i.external_id = $3 and o.channel = $2 and o.external_id <> $3 limit 20";

/// Nothing while the provider is being asked.
const PROFILE_ASKS: &str = "select profile_asks, coalesce(profile_asked_at, 0) from contacts where tenant = $1 and id = $2 \
    and not exists (select 1 from jobs j where j.tenant = $1 and j.subject = $3 and j.kind = 'fetch_profile')";
const ASKED: &str = "update contacts set profile_asks = profile_asks + 1, profile_asked_at = $3 where tenant = $1 and id = $2";

const ADDRESS: &str = "select address from contacts where tenant = $1 and id = $2";
const SET_ADDRESS: &str =
    "update contacts set address = $3 where tenant = $1 and id = $2 and address is null";

pub const ALL: &[&str] = &[
    ADDRESS,
    SET_ADDRESS,
    FIND,
    BY_ID,
    MEMBERS,
    SET_ROOT,
    SET_BLOCKED,
    IDENTITIES,
    CREATED,
    INSERT,
    LINK,
    DESCRIBE,
    DESCRIBED,
    SET_OPT_OUT,
    RENAME_IDENTITY,
    IDS_BESIDE,
    PROFILE_ASKS,
    ASKED,
];

impl FromRow for Contact {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        read(&mut row.columns())
    }
}

/// A contact from nine columns: id, name, handle, user name, the opt-out, the contact it is merged into, whether others are merged into it,
/// labels, block.
pub(super) fn read(columns: &mut Columns<'_, '_>) -> Result<Contact, StoreError> {
    Ok(Contact {
        id: columns.take()?,
        name: columns.take()?,
        handle: columns.take()?,
        user_name: columns.take()?,
        opted_out_at: columns.take()?,
        merged_into: columns.take()?,
        has_merged: columns.take()?,
        labels: columns.json_or_null()?.unwrap_or_default(),
        blocked_at: columns.take()?,
    })
}

pub async fn by_id(tx: &mut Tx<'_>, tenant: Uuid, id: Uuid) -> Result<Option<Contact>, StoreError> {
    tx.one(BY_ID, args![tenant, id]).await
}

/// Who the contact is where others can write into its thread.
pub async fn address(tx: &mut Tx<'_>, tenant: Uuid, id: Uuid) -> Result<Option<String>, StoreError> {
    Ok(tx.one::<(Option<String>,)>(ADDRESS, args![tenant, id]).await?.and_then(|(address,)| address))
}

/// Keeps that, unless it is known.
pub async fn set_address(tx: &mut Tx<'_>, tenant: Uuid, id: Uuid, address: &str) -> Result<(), StoreError> {
    tx.put(SET_ADDRESS, args![tenant, id, address]).await
}

/// The contact as which this one is seen, and those that are merged into it, by rising id.
pub async fn group(tx: &mut Tx<'_>, tenant: Uuid, root: Uuid) -> Result<Vec<Contact>, StoreError> {
    let mut found: Vec<Contact> = by_id(tx, tenant, root).await?.into_iter().collect();
    found.extend(tx.all::<Contact>(MEMBERS, args![tenant, root]).await?);
    Ok(found)
}

/// Fills in what is known of the person, if the contact is one of several.
pub async fn complete(tx: &mut Tx<'_>, tenant: Uuid, contact: &mut Contact) -> Result<(), StoreError> {
    if !contact.is_joined() {
        return Ok(());
    }
    let group = group(tx, tenant, contact.root()).await?;
    show(contact, &group);
    Ok(())
}

/// As [`complete`], with the group's contacts, of which the first is the root.
pub fn show(contact: &mut Contact, group: &[Contact]) {
    let first = |of: fn(&Contact) -> &Option<String>| group.iter().find_map(|one| of(one).clone());
    contact.name = first(|one| &one.name).or(contact.name.take());
    contact.handle = contact.handle.take().or_else(|| first(|one| &one.handle));
    contact.blocked_at = group.iter().filter_map(|one| one.blocked_at).min();
    contact.labels.clear();
    for label in group.iter().flat_map(|one| &one.labels) {
        if !contact.labels.contains(label) {
            contact.labels.push(*label);
        }
    }
}

/// Sets as what a contact is seen, and whether others are seen as it.
pub async fn set_root(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    contact: Uuid,
    merged_into: Option<Uuid>,
    has_merged: bool,
) -> Result<(), StoreError> {
    tx.put(SET_ROOT, args![tenant, contact, merged_into, has_merged]).await
}

pub async fn set_blocked(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    contact: Uuid,
    blocked_at: Option<i64>,
) -> Result<(), StoreError> {
    tx.put(SET_BLOCKED, args![tenant, contact, blocked_at]).await
}

/// An id of a contact on a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityRow {
    pub contact: Uuid,
    pub channel: Uuid,
    pub kind: String,
    pub external_id: String,
    pub company: Uuid,
}

from_row!(IdentityRow { contact, channel, kind, external_id, company });

/// The ids of contacts on all channels.
pub async fn identities(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    contacts: &[Uuid],
) -> Result<Vec<IdentityRow>, StoreError> {
    let asked: Vec<_> = contacts.iter().map(|id| vec![Arg::from(tenant), Arg::from(*id)]).collect();
    Ok(tx.each(IDENTITIES, &asked).await?.into_iter().flatten().collect())
}

/// Those of these contacts that there are.
pub async fn by_ids(tx: &mut Tx<'_>, tenant: Uuid, ids: &[Uuid]) -> Result<Vec<Contact>, StoreError> {
    let asked: Vec<_> = ids.iter().map(|id| vec![Arg::from(tenant), Arg::from(*id)]).collect();
    Ok(tx.each(BY_ID, &asked).await?.into_iter().flatten().collect())
}

/// What is merged into these contacts.
pub async fn members(tx: &mut Tx<'_>, tenant: Uuid, roots: &[Uuid]) -> Result<Vec<Contact>, StoreError> {
    let asked: Vec<_> = roots.iter().map(|id| vec![Arg::from(tenant), Arg::from(*id)]).collect();
    Ok(tx.each(MEMBERS, &asked).await?.into_iter().flatten().collect())
}

/// When a contact was first seen.
pub async fn created_at(tx: &mut Tx<'_>, tenant: Uuid, contact: Uuid) -> Result<Option<i64>, StoreError> {
    Ok(tx.one::<(i64,)>(CREATED, args![tenant, contact]).await?.map(|(at,)| at))
}

/// Of a `(tenant, channel)`.
pub async fn find(
    tx: &mut Tx<'_>,
    (tenant, channel): (Uuid, Uuid),
    external_id: &str,
) -> Result<Option<Contact>, StoreError> {
    tx.one(FIND, args![tenant, channel, external_id]).await
}

/// What a webhook body says about a contact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Description<'a> {
    pub name: Option<&'a str>,
    /// Digits only.
    pub phone: Option<&'a str>,
    /// Without `@`.
    pub user_name: Option<&'a str>,
}

impl Contact {
    /// Applies what a provider says, over what was there; `false` if it changes nothing. Fields that are absent keep their value, and a phone
    /// number is preferred as the handle over a user name.
    pub fn learn(&mut self, said: &Description<'_>) -> bool {
        let before = (self.name.clone(), self.handle.clone(), self.user_name.clone());
        if let Some(name) = said.name {
            self.name = Some(name.to_owned());
        }
        if let Some(user_name) = said.user_name {
            // The handle is the old user name, not a number, so it changes with the user name.
            if self.handle.is_none() || self.handle == self.user_name {
                self.handle = Some(user_name.to_owned());
            }
            self.user_name = Some(user_name.to_owned());
        }
        if let Some(phone) = said.phone {
            self.handle = Some(phone.to_owned());
        }
        before != (self.name.clone(), self.handle.clone(), self.user_name.clone())
    }
}

pub async fn insert(tx: &mut Tx<'_>, tenant: Uuid, said: &Description<'_>) -> Result<Contact, StoreError> {
    let (id, now) = (tx.new_id(), tx.now());
    let mut contact = Contact { id, ..Contact::default() };
    contact.learn(said);
    let args = args![tenant, id, &contact.name, &contact.handle, &contact.user_name, now];
    tx.put(INSERT, args).await?;
    super::contact_terms::note(tx, tenant, &contact, false).await?;
    Ok(contact)
}

/// Links an id on this channel to a contact. An id that is already linked is not changed.
pub async fn link(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    channel: Uuid,
    external_id: &str,
    contact: Uuid,
) -> Result<bool, StoreError> {
    let now = tx.now();
    Ok(tx.exec(LINK, args![tenant, channel, external_id, contact, now]).await? == 1)
}

/// Writes name, handle and user name as they are in the value, and its search terms. `at`: when this was told.
pub async fn describe(tx: &mut Tx<'_>, tenant: Uuid, contact: &Contact, at: i64) -> Result<(), StoreError> {
    let now = tx.now();
    let args = args![tenant, contact.id, &contact.name, &contact.handle, &contact.user_name, now, at];
    tx.put(DESCRIBE, args).await?;
    super::contact_terms::note(tx, tenant, contact, true).await
}

/// Notes since when the contact wants no messages, and who said so; nothing takes it back.
pub async fn set_opt_out(
    tx: &mut Tx<'_>,
    (tenant, contact): (Uuid, Uuid),
    since: Option<i64>,
    by: &str,
) -> Result<(), StoreError> {
    let now = tx.now();
    let by = since.map(|_| by);
    tx.put(SET_OPT_OUT, args![tenant, contact, since, by, now]).await
}

/// Whether nothing that is known of the contact was told after this time.
pub async fn is_newest(tx: &mut Tx<'_>, tenant: Uuid, contact: Uuid, at: i64) -> Result<bool, StoreError> {
    let known = tx.one::<(Option<i64>, Option<i64>)>(DESCRIBED, args![tenant, contact]).await?;
    Ok(known.is_none_or(|(described, heard)| described.max(heard).is_none_or(|last| last <= at)))
}

/// Replaces a chat's id, not its name, after the provider changed it.
pub async fn rename_identity(
    tx: &mut Tx<'_>,
    (tenant, channel): (Uuid, Uuid),
    from: &str,
    to: &str,
) -> Result<(), StoreError> {
    tx.exec(RENAME_IDENTITY, args![tenant, channel, from, to]).await?;
    Ok(())
}

/// The other ids on the channel of the contact with this id, if the id is known.
pub async fn ids_beside(
    tx: &mut Tx<'_>,
    (tenant, channel): (Uuid, Uuid),
    external_id: &str,
) -> Result<Vec<String>, StoreError> {
    let found: Vec<(String,)> = tx.all(IDS_BESIDE, args![tenant, channel, external_id]).await?;
    Ok(found.into_iter().map(|(id,)| id).collect())
}

/// How often the provider was asked in vain who the contact is, and when it was last; nothing while it is being asked for this
/// conversation.
pub async fn profile_asks(
    tx: &mut Tx<'_>,
    (tenant, contact): (Uuid, Uuid),
    conversation: Uuid,
) -> Result<Option<(i64, i64)>, StoreError> {
    tx.one(PROFILE_ASKS, args![tenant, contact, conversation]).await
}

pub async fn asked_in_vain(tx: &mut Tx<'_>, tenant: Uuid, contact: Uuid) -> Result<(), StoreError> {
    let now = tx.now();
    tx.put(ASKED, args![tenant, contact, now]).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_number_goes_before_a_user_name_and_neither_is_forgotten() {
        let mut ana = Contact::default();
        let user_name = |name| Description { user_name: Some(name), ..Description::default() };
        assert!(ana.learn(&user_name("ana_example")));
        assert_eq!(ana.handle.as_deref(), Some("ana_example"));
        assert!(!ana.learn(&user_name("ana_example")) && !ana.learn(&Description::default()));
        assert!(ana.learn(&user_name("ana_new")));
        assert_eq!(ana.handle.as_deref(), Some("ana_new"), "it changes with the name");
        assert!(ana.learn(&Description { phone: Some("15550100123"), ..Description::default() }));
        assert!(ana.learn(&user_name("ana_third")));
        let seen = (ana.handle.as_deref(), ana.user_name.as_deref());
        assert_eq!(seen, (Some("15550100123"), Some("ana_third")));
    }
}
