//! Tracked links, their visits by day, and the references that visitors were given.

use uuid::Uuid;

use super::value::{FromRow, Row};
use super::{StoreError, Tx};
use crate::args;
use crate::model::{Link, Utm};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select l.id, l.tenant, h.company, l.channel, h.kind, l.code, l.name, l.target, l.prefilled, l.utm, l.campaign, \
             l.active, l.expires_at, l.visits, l.chats, l.visited_at, l.created_at, l.updated_at from links l \
             join channels h on h.tenant = l.tenant and h.id = l.channel ",
            $rest
        )
    };
}

const INSERT: &str = "insert into links (tenant, id, channel, code, name, target, prefilled, utm, campaign, active, expires_at, created_at, updated_at) \
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)";
const INSERT_CODE: &str =
    "insert into link_codes (code, tenant, link) values ($1, $2, $3) on conflict (code) do nothing";
const UPDATE: &str = "update links set name = $3, target = $4, prefilled = $5, utm = $6, campaign = $7, active = $8, \
    expires_at = $9, updated_at = $10 where tenant = $1 and id = $2";
const BY_ID: &str = select!("where l.tenant = $1 and l.id = $2");
/// An address holds only the code.
const PLACE_OF: &str = "select tenant, link from link_codes where code = $1";
const OF_TENANT: &str = select!("where l.tenant = $1 and l.id < $2 order by l.id desc limit $3");
const COUNT: &str = "select count(*) from (select 1 from links where tenant = $1 limit $2) found";
const REMOVE: &str = "delete from links where tenant = $1 and id = $2";
const REMOVE_CODE: &str = "delete from link_codes where code = $1";
const REMOVE_VISITS: &str = "delete from visits where tenant = $1 and link = $2";
const VISITED: &str = "update links set visits = visits + 1, visited_at = $3 where tenant = $1 and id = $2";
const ADD_VISIT: &str = "insert into visits (tenant, link, day, amount) values ($1, $2, $3, 1) \
    on conflict (tenant, link, day) do update set amount = visits.amount + 1";
const DAYS: &str = "select day, amount from visits where tenant = $1 and link = $2 and day >= $3 limit 400";
const ADD_CLICK: &str = "insert into clicks (tenant, reference, link, channel, utm, clicked_at) \
    values ($1, $2, $3, $4, $5, $6) on conflict (tenant, reference) do nothing";
const CLICK: &str = "select link, utm, clicked_at from clicks where tenant = $1 and reference = $2 and channel = $3 and used_at is null";
const USE_CLICK: &str =
    "update clicks set used_at = $3 where tenant = $1 and reference = $2 and used_at is null";
const CHATTED: &str = "update links set chats = chats + 1 where tenant = $1 and id = $2";
const OLD_CLICKS: &str =
    "select tenant, reference from clicks where clicked_at < $1 order by clicked_at limit $2";
const REMOVE_CLICK: &str = "delete from clicks where tenant = $1 and reference = $2";
const OLD_VISITS: &str = "select tenant, link, day from visits where day < $1 order by day limit $2";
const REMOVE_VISIT: &str = "delete from visits where tenant = $1 and link = $2 and day = $3";

pub const ALL: &[&str] = &[
    INSERT,
    INSERT_CODE,
    UPDATE,
    BY_ID,
    PLACE_OF,
    OF_TENANT,
    COUNT,
    REMOVE,
    REMOVE_CODE,
    REMOVE_VISITS,
    VISITED,
    ADD_VISIT,
    DAYS,
    ADD_CLICK,
    CLICK,
    USE_CLICK,
    CHATTED,
    OLD_CLICKS,
    REMOVE_CLICK,
    OLD_VISITS,
    REMOVE_VISIT,
];

impl FromRow for Link {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let mut columns = row.columns();
        Ok(Self {
            id: columns.take()?,
            tenant: columns.take()?,
            company: columns.take()?,
            channel: columns.take()?,
            channel_kind: columns.take()?,
            code: columns.take()?,
            name: columns.take()?,
            target: columns.take()?,
            text: columns.take()?,
            utm: columns.json()?,
            campaign: columns.take()?,
            active: columns.take()?,
            expires_at: columns.take()?,
            visits: columns.take()?,
            chats: columns.take()?,
            visited_at: columns.take()?,
            created_at: columns.take()?,
            updated_at: columns.take()?,
        })
    }
}

pub(super) fn json_text<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Engine(error.to_string()))
}

/// Takes a code for the link; `false` if another link has it.
pub async fn take_code(
    tx: &mut Tx<'_>,
    code: &str,
    (tenant, link): (Uuid, Uuid),
) -> Result<bool, StoreError> {
    Ok(tx.exec(INSERT_CODE, args![code, tenant, link]).await? == 1)
}

pub async fn insert(tx: &mut Tx<'_>, link: &Link) -> Result<(), StoreError> {
    let utm = json_text(&link.utm)?;
    let args = args![
        link.tenant,
        link.id,
        link.channel,
        &link.code,
        &link.name,
        &link.target,
        &link.text,
        &utm,
        &link.campaign,
        link.active,
        link.expires_at,
        link.created_at
    ];
    tx.exec(INSERT, args).await?;
    Ok(())
}

pub async fn update(tx: &mut Tx<'_>, link: &Link) -> Result<(), StoreError> {
    let utm = json_text(&link.utm)?;
    let args = args![
        link.tenant,
        link.id,
        &link.name,
        &link.target,
        &link.text,
        &utm,
        &link.campaign,
        link.active,
        link.expires_at,
        link.updated_at
    ];
    tx.exec(UPDATE, args).await?;
    Ok(())
}

pub async fn by_id(tx: &mut Tx<'_>, tenant: Uuid, id: Uuid) -> Result<Option<Link>, StoreError> {
    tx.one(BY_ID, args![tenant, id]).await
}

/// The link of an address.
pub async fn by_code(tx: &mut Tx<'_>, code: &str) -> Result<Option<Link>, StoreError> {
    match tx.one::<(Uuid, Uuid)>(PLACE_OF, args![code]).await? {
        Some((tenant, id)) => by_id(tx, tenant, id).await,
        None => Ok(None),
    }
}

/// The newest links before one.
pub async fn of_tenant(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    before: Uuid,
    limit: i64,
) -> Result<Vec<Link>, StoreError> {
    tx.all(OF_TENANT, args![tenant, before, limit]).await
}

/// How many links there are, counted up to `most`.
pub async fn count(tx: &mut Tx<'_>, tenant: Uuid, most: i64) -> Result<i64, StoreError> {
    Ok(tx.one::<(i64,)>(COUNT, args![tenant, most]).await?.map_or(0, |(count,)| count))
}

/// Removes a link with its visits. References that are under way find no link any more.
pub async fn remove(tx: &mut Tx<'_>, link: &Link) -> Result<(), StoreError> {
    tx.put(REMOVE_CODE, args![&link.code]).await?;
    tx.put(REMOVE_VISITS, args![link.tenant, link.id]).await?;
    tx.put(REMOVE, args![link.tenant, link.id]).await
}

/// Counts a visit.
pub async fn count_visit(tx: &mut Tx<'_>, (tenant, link): (Uuid, Uuid), day: i64) -> Result<(), StoreError> {
    let now = tx.now();
    tx.put(VISITED, args![tenant, link, now]).await?;
    tx.put(ADD_VISIT, args![tenant, link, day]).await
}

/// The days since `from` on which the link was visited, and how often.
pub async fn days(
    tx: &mut Tx<'_>,
    (tenant, link): (Uuid, Uuid),
    from: i64,
) -> Result<Vec<(i64, i64)>, StoreError> {
    let mut found: Vec<(i64, i64)> = tx.all(DAYS, args![tenant, link, from]).await?;
    found.sort_unstable();
    Ok(found)
}

/// Keeps a reference; `false` if another visitor has it.
pub async fn add_click(tx: &mut Tx<'_>, link: &Link, reference: &str, utm: &Utm) -> Result<bool, StoreError> {
    let (utm, now) = (json_text(utm)?, tx.now());
    let args = args![link.tenant, reference, link.id, link.channel, &utm, now];
    Ok(tx.exec(ADD_CLICK, args).await? == 1)
}

/// A reference that nobody has used.
pub struct Click {
    pub link: Uuid,
    pub utm: Utm,
    pub clicked_at: i64,
}

impl FromRow for Click {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let mut columns = row.columns();
        Ok(Self { link: columns.take()?, utm: columns.json()?, clicked_at: columns.take()? })
    }
}

/// The unused reference of a channel.
pub async fn click(
    tx: &mut Tx<'_>,
    (tenant, channel): (Uuid, Uuid),
    reference: &str,
) -> Result<Option<Click>, StoreError> {
    tx.one(CLICK, args![tenant, reference, channel]).await
}

/// Uses a reference, and counts the chat.
pub async fn use_click(
    tx: &mut Tx<'_>,
    (tenant, link): (Uuid, Uuid),
    reference: &str,
) -> Result<(), StoreError> {
    let now = tx.now();
    tx.put(USE_CLICK, args![tenant, reference, now]).await?;
    tx.put(CHATTED, args![tenant, link]).await
}

pub async fn remove_old_clicks(tx: &mut Tx<'_>, before: i64, limit: i64) -> Result<u64, StoreError> {
    let old: Vec<(Uuid, String)> = tx.all(OLD_CLICKS, args![before, limit]).await?;
    for (tenant, reference) in &old {
        tx.put(REMOVE_CLICK, args![*tenant, reference]).await?;
    }
    Ok(old.len() as u64)
}

/// `before` is a day.
pub async fn remove_old_visits(tx: &mut Tx<'_>, before: i64, limit: i64) -> Result<u64, StoreError> {
    let old: Vec<(Uuid, Uuid, i64)> = tx.all(OLD_VISITS, args![before, limit]).await?;
    for (tenant, link, day) in &old {
        tx.put(REMOVE_VISIT, args![*tenant, *link, *day]).await?;
    }
    Ok(old.len() as u64)
}
