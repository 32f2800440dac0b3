//! Privacy notices of companies, and which of them each contact was told.

use uuid::Uuid;

use super::value::{FromRow, Row};
use super::{StoreError, Tx};
use crate::args;
use crate::model::{MessageStatus, PrivacyNotice};

const CURRENT: &str = "select version, language, texts, created_at from privacy_notices where tenant = $1 and company = $2 \
    order by version desc limit 1";
const INSERT: &str = "insert into privacy_notices (tenant, company, version, language, texts, author, created_at) \
    values ($1, $2, $3, $4, $5, $6, $7)";
/// A notice that failed was not told.
/// No join: PostgreSQL may merge the one receipt with all messages of the tenant in the order of their ids.
const TOLD: &str = "select (select m.status from messages m where m.tenant = r.tenant and m.id = r.message) \
    from notice_receipts r where r.tenant = $1 and r.contact = $2 and r.channel = $3 and r.company = $4 and r.version = $5";
const RECEIPT: &str = "insert into notice_receipts (tenant, contact, channel, company, version, language, message, created_at) \
    values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (tenant, contact, channel, company, version) \
    do update set language = $6, message = $7, created_at = $8";

pub const ALL: &[&str] = &[CURRENT, INSERT, TOLD, RECEIPT];

impl FromRow for PrivacyNotice {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let mut columns = row.columns();
        Ok(Self {
            version: columns.take()?,
            language: columns.take()?,
            texts: columns.json()?,
            created_at: columns.take()?,
        })
    }
}

/// The newest version of a company's notice.
pub async fn current(
    tx: &mut Tx<'_>,
    (tenant, company): (Uuid, Uuid),
) -> Result<Option<PrivacyNotice>, StoreError> {
    tx.one(CURRENT, args![tenant, company]).await
}

pub async fn insert(
    tx: &mut Tx<'_>,
    (tenant, company): (Uuid, Uuid),
    notice: &PrivacyNotice,
    author: Option<Uuid>,
) -> Result<(), StoreError> {
    let texts =
        serde_json::to_string(&notice.texts).map_err(|error| StoreError::Engine(error.to_string()))?;
    let args = args![tenant, company, notice.version, &notice.language, &texts, author, notice.created_at];
    tx.put(INSERT, args).await
}

/// Whom a version is told: tenant, contact, channel, and the company whose notice it is.
#[derive(Clone, Copy, Debug)]
pub struct Reader {
    pub tenant: Uuid,
    pub contact: Uuid,
    pub channel: Uuid,
    pub company: Uuid,
}

pub async fn is_told(tx: &mut Tx<'_>, to: Reader, version: i64) -> Result<bool, StoreError> {
    let args = args![to.tenant, to.contact, to.channel, to.company, version];
    let status = tx.one::<(Option<String>,)>(TOLD, args).await?.and_then(|(status,)| status);
    Ok(status.is_some_and(|status| status != MessageStatus::Failed.as_str()))
}

pub async fn told(
    tx: &mut Tx<'_>,
    to: Reader,
    (version, language): (i64, &str),
    message: Uuid,
) -> Result<(), StoreError> {
    let now = tx.now();
    let args = args![to.tenant, to.contact, to.channel, to.company, version, language, message, now];
    tx.put(RECEIPT, args).await
}
