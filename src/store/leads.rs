//! Leads of landing pages, and the pages that sign them.

use uuid::Uuid;

use super::links::json_text;
use super::value::{Arg, FromRow, Row, from_row};
use super::{StoreError, Tx};
use crate::args;
use crate::model::Lead;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, tenant, company, source, external_id, name, email, phone, reference, contact, fields, utm, click_ids, landing, \
             referrer, consent, consent_at, at from leads where tenant = $1 and ",
            $rest
        )
    };
}

const INSERT: &str = "insert into leads (tenant, id, company, source, external_id, digest, name, email, phone, phone_key, reference, fields, utm, click_ids, \
    landing, referrer, consent, consent_at, at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)";
const BY_EXTERNAL_ID: &str = select!("source = $2 and external_id = $3");
const BY_DIGEST: &str = select!("source = $2 and digest = $3 and at > $4 order by at desc limit 1");
const OF_TENANT: &str = select!("id < $2 order by id desc limit $3");
const WAITING_PHONE: &str = select!("phone_key = $2 and contact is null order by id limit 10");
const WAITING_EMAIL: &str = select!("email = $2 and contact is null order by id limit 10");
const BY_REFERENCE: &str = select!("reference = $2");
const REFERENCE_OF_LEAD: &str = "select reference from leads where tenant = $1 and reference = $2";
const REFERENCE_OF_CLICK: &str = "select reference from clicks where tenant = $1 and reference = $2";
const FOUND: &str = "update leads set contact = coalesce(contact, $3) where tenant = $1 and id = $2";
const USE_REFERENCE: &str = "update leads set reference = null where tenant = $1 and id = $2";
const OF_COMPANY: &str = select!("company = $4 and id < $2 order by id desc limit $3");
const INSERT_SOURCE: &str = "insert into lead_sources (tenant, id, company, name, sealed, created_at) values ($1, $2, $3, $4, $5, $6) \
    on conflict (tenant, name) do nothing";
const SOURCES: &str = "select id, tenant, company, name, sealed, created_at from lead_sources where tenant = $1 order by id limit 200";
/// A signed request names nothing but the landing page.
const SOURCE: &str = "select id, tenant, company, name, sealed, created_at from lead_sources where id = $1";
const REMOVE_SOURCE: &str = "delete from lead_sources where tenant = $1 and id = $2";

pub const ALL: &[&str] = &[
    INSERT,
    BY_EXTERNAL_ID,
    BY_DIGEST,
    OF_TENANT,
    WAITING_PHONE,
    WAITING_EMAIL,
    BY_REFERENCE,
    REFERENCE_OF_LEAD,
    REFERENCE_OF_CLICK,
    FOUND,
    USE_REFERENCE,
    OF_COMPANY,
    INSERT_SOURCE,
    SOURCES,
    SOURCE,
    REMOVE_SOURCE,
];

impl FromRow for Lead {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let mut columns = row.columns();
        Ok(Self {
            id: columns.take()?,
            tenant: columns.take()?,
            company: columns.take()?,
            source: columns.take()?,
            external_id: columns.take()?,
            name: columns.take()?,
            email: columns.take()?,
            phone: columns.take()?,
            reference: columns.take()?,
            contact: columns.take()?,
            fields: columns.json()?,
            utm: columns.json()?,
            click_ids: columns.json()?,
            landing: columns.take()?,
            referrer: columns.take()?,
            consent: columns.take()?,
            consent_at: columns.take()?,
            at: columns.take()?,
        })
    }
}

/// A landing page with its secret, sealed.
pub struct LeadSource {
    pub id: Uuid,
    pub tenant: Uuid,
    pub company: Option<Uuid>,
    pub name: String,
    pub sealed: String,
    pub created_at: i64,
}

from_row!(LeadSource { id, tenant, company, name, sealed, created_at });

/// `phone_key`: the digits of its phone in E.164.
pub async fn insert(
    tx: &mut Tx<'_>,
    lead: &Lead,
    digest: &str,
    phone_key: Option<&str>,
) -> Result<(), StoreError> {
    let (fields, utm, click_ids) =
        (json_text(&lead.fields)?, json_text(&lead.utm)?, json_text(&lead.click_ids)?);
    let args = args![
        lead.tenant,
        lead.id,
        lead.company,
        &lead.source,
        &lead.external_id,
        digest,
        &lead.name,
        &lead.email,
        &lead.phone,
        phone_key,
        &lead.reference,
        &fields,
        &utm,
        &click_ids,
        &lead.landing,
        &lead.referrer,
        &lead.consent,
        lead.consent_at,
        lead.at
    ];
    tx.put(INSERT, args).await
}

pub async fn by_external_id(
    tx: &mut Tx<'_>,
    (tenant, source): (Uuid, &str),
    external_id: &str,
) -> Result<Option<Lead>, StoreError> {
    tx.one(BY_EXTERNAL_ID, args![tenant, source, external_id]).await
}

/// The last lead of the same person since `since`.
pub async fn by_digest(
    tx: &mut Tx<'_>,
    (tenant, source): (Uuid, &str),
    digest: &str,
    since: i64,
) -> Result<Option<Lead>, StoreError> {
    tx.one(BY_DIGEST, args![tenant, source, digest, since]).await
}

/// The newest leads before one.
pub async fn of_tenant(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    before: Uuid,
    limit: i64,
) -> Result<Vec<Lead>, StoreError> {
    tx.all(OF_TENANT, args![tenant, before, limit]).await
}

/// The first leads of a phone (digits in E.164) of which nobody knows yet whose they are.
pub async fn waiting_phone(tx: &mut Tx<'_>, tenant: Uuid, key: &str) -> Result<Vec<Lead>, StoreError> {
    tx.all(WAITING_PHONE, args![tenant, key]).await
}

/// The first leads of an address of which nobody knows yet whose they are.
pub async fn waiting_email(tx: &mut Tx<'_>, tenant: Uuid, email: &str) -> Result<Vec<Lead>, StoreError> {
    tx.all(WAITING_EMAIL, args![tenant, email]).await
}

pub async fn by_reference(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    reference: &str,
) -> Result<Option<Lead>, StoreError> {
    tx.one(BY_REFERENCE, args![tenant, reference]).await
}

/// Also by visitors of links, so that one text never means two things.
pub async fn is_reference_taken(tx: &mut Tx<'_>, tenant: Uuid, reference: &str) -> Result<bool, StoreError> {
    for sql in [REFERENCE_OF_LEAD, REFERENCE_OF_CLICK] {
        if tx.one::<(Option<String>,)>(sql, args![tenant, reference]).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whose a lead is; the first contact stays.
pub async fn found(tx: &mut Tx<'_>, tenant: Uuid, lead: Uuid, contact: Uuid) -> Result<(), StoreError> {
    tx.put(FOUND, args![tenant, lead, contact]).await
}

pub async fn use_reference(tx: &mut Tx<'_>, tenant: Uuid, lead: Uuid) -> Result<(), StoreError> {
    tx.put(USE_REFERENCE, args![tenant, lead]).await
}

/// The newest leads before one of each company.
pub async fn of_companies(
    tx: &mut Tx<'_>,
    tenant: Uuid,
    companies: &[Uuid],
    before: Uuid,
    limit: i64,
) -> Result<Vec<Lead>, StoreError> {
    let asked: Vec<_> = companies
        .iter()
        .map(|company| vec![tenant.into(), before.into(), limit.into(), Arg::from(*company)])
        .collect();
    Ok(tx.each(OF_COMPANY, &asked).await?.into_iter().flatten().collect())
}

/// `false`: there is one of this name.
pub async fn insert_source(tx: &mut Tx<'_>, source: &LeadSource) -> Result<bool, StoreError> {
    let args =
        args![source.tenant, source.id, source.company, &source.name, &source.sealed, source.created_at];
    Ok(tx.exec(INSERT_SOURCE, args).await? == 1)
}

pub async fn sources(tx: &mut Tx<'_>, tenant: Uuid) -> Result<Vec<LeadSource>, StoreError> {
    tx.all(SOURCES, args![tenant]).await
}

pub async fn source(tx: &mut Tx<'_>, id: Uuid) -> Result<Option<LeadSource>, StoreError> {
    tx.one(SOURCE, args![id]).await
}

/// `false`: there is none.
pub async fn remove_source(tx: &mut Tx<'_>, tenant: Uuid, id: Uuid) -> Result<bool, StoreError> {
    Ok(tx.exec(REMOVE_SOURCE, args![tenant, id]).await? == 1)
}
