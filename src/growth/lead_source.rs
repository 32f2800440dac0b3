//! Landing pages that sign their leads: each with a secret of its own, which is shown once. A signature is
//! `t=<Unix seconds>,v1=<hex HMAC-SHA-256 of "<t>.<body>">`, and holds for five minutes.

use std::sync::Arc;

use aws_lc_rs::hmac;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{source_name, utm};
use crate::accounts::Scope;
use crate::error::Error;
use crate::store::leads::{self, LeadSource};
use crate::store::{Tx, Verb, places};
use crate::vault::Vault;

const MOST: usize = 200;
const TOLERANCE_S: i64 = 300;

fn owner(id: Uuid) -> String {
    format!("lead source:{id}")
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LeadSourceView {
    pub id: Uuid,
    pub tenant: Uuid,
    pub company: Option<Uuid>,
    /// The source of its leads, whatever they say.
    pub name: String,
    pub created_at: i64,
}

fn view(source: &LeadSource) -> LeadSourceView {
    let LeadSource { id, tenant, company, name, created_at, .. } = source;
    LeadSourceView {
        id: *id,
        tenant: *tenant,
        company: *company,
        name: name.clone(),
        created_at: *created_at,
    }
}

pub struct CreateLeadSource {
    pub scope: Scope,
    pub vault: Arc<Vault>,
    pub company: Option<Uuid>,
    pub name: String,
    pub secret: String,
}

impl Verb for CreateLeadSource {
    type Out = LeadSourceView;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let tenant = self.scope.tenant();
        let name = utm::clean(&self.name).ok_or_else(|| Error::invalid("name", "is empty"))?;
        let name = source_name::meant(tx, tenant, name).await?;
        if let Some(company) = self.company
            && !(self.scope.sees_company(company)
                && places::COMPANY.within(tx, &[tenant], company).await?.is_some())
        {
            return Err(Error::NotFound("company"));
        }
        if leads::sources(tx, tenant).await?.len() >= MOST {
            return Err(Error::conflict("too_many", format!("there are {MOST} landing pages already")));
        }
        let (id, created_at) = (tx.new_id(), tx.now());
        let sealed = self.vault.seal(&owner(id), self.secret.as_bytes())?;
        let source = LeadSource { id, tenant, company: self.company, name, sealed, created_at };
        if !leads::insert_source(tx, &source).await? {
            return Err(Error::conflict("exists", "there is a landing page of this name already"));
        }
        Ok(view(&source))
    }
}

pub struct ListLeadSources {
    pub scope: Scope,
}

impl Verb for ListLeadSources {
    type Out = Vec<LeadSourceView>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        Ok(leads::sources(tx, self.scope.tenant()).await?.iter().map(view).collect())
    }
}

/// Its secret signs nothing any more; its leads stay.
pub struct RemoveLeadSource {
    pub scope: Scope,
    pub id: Uuid,
}

impl Verb for RemoveLeadSource {
    type Out = ();

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let is_gone = leads::remove_source(tx, self.scope.tenant(), self.id).await?;
        if is_gone { Ok(()) } else { Err(Error::NotFound("landing page")) }
    }
}

/// The landing page of a signed request.
pub struct FindLeadSource(pub Uuid);

impl Verb for FindLeadSource {
    type Out = Option<LeadSource>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        Ok(leads::source(tx, self.0).await?)
    }
}

/// Whether the page's secret signed these bytes, within five minutes of `now_s`.
pub fn verify(
    vault: &Vault,
    source: &LeadSource,
    signature: &str,
    body: &[u8],
    now_s: i64,
) -> Result<(), Error> {
    const WRONG: Error =
        Error::Unauthenticated("the signature is not of this landing page, or is older than five minutes");
    let secret = vault.open(&owner(source.id), &source.sealed)?;
    let part =
        |name: &str| signature.split(',').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='));
    let (Some(time), Some(mark)) = (part("t"), part("v1")) else { return Err(WRONG) };
    let at: i64 = time.parse().map_err(|_| WRONG)?;
    if secret.is_empty() || now_s.abs_diff(at) > TOLERANCE_S.unsigned_abs() {
        return Err(WRONG);
    }
    let mark = hex::decode(mark).map_err(|_| WRONG)?;
    let signed = [time.as_bytes(), b".", body].concat();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
    hmac::verify(&key, &signed, &mark).map_err(|_| WRONG)
}
