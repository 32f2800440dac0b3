//! Tenants and their companies: the platform makes tenants, their members see them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::access::Scope;
use super::check_name;
use crate::error::Error;
use crate::model::text_enum;
use crate::search::phone;
use crate::store::retention::{self, OwnDays};
use crate::store::storage::{self, Storage};
use crate::store::{Tx, Verb, accounts};

text_enum!(
    /// What a company sells.
    CompanyKind { Product = "product", Service = "service", Hybrid = "hybrid" }
);

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TenantView {
    pub id: Uuid,
    pub name: String,
    pub created_at: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CompanyView {
    pub id: Uuid,
    pub tenant: Uuid,
    pub name: String,
    pub kind: CompanyKind,
    /// Two letters: the country of phone numbers that are written without one.
    pub country: Option<String>,
}

/// Makes a tenant. The caller must have checked that it is an administrator of the platform, or the operator.
pub struct CreateTenant {
    pub name: String,
}

impl Verb for CreateTenant {
    type Out = TenantView;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<TenantView, Error> {
        let name = check_name("name", &self.name)?;
        let id = tx.new_id();
        accounts::insert_tenant(tx, id, &name).await?;
        Ok(TenantView { id, name, created_at: tx.now() })
    }
}

/// Changes a tenant's retention in days (feed, raw bodies, attempts, leads, history), and returns the resulting one. `None` leaves a
/// value as it is; `Some(None)` takes the configured value. For the operator only.
pub struct SetRetention {
    pub scope: Scope,
    pub changes: [Option<Option<i64>>; 5],
    /// After so many days messages leave the store for the history, which has to keep them for longer; 0: never.
    pub store_days: i64,
}

impl Verb for SetRetention {
    type Out = OwnDays;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<OwnDays, Error> {
        let own = retention::own(tx, self.scope.tenant()).await?.ok_or(Error::NotFound("tenant"))?;
        let [feed, envelopes, attempts, leads, history] = self.changes;
        for (field, days) in [
            ("feed", feed),
            ("envelopes", envelopes),
            ("attempts", attempts),
            ("leads", leads),
            ("history", history),
        ] {
            if days.flatten().is_some_and(|days| !(0..=36_500).contains(&days)) {
                return Err(Error::invalid(field, "give 0 (for ever) to 36500 days, or `default`"));
            }
        }
        // As the configuration's own: a message would leave the store for where it is removed already.
        let least = self.store_days;
        if least > 0 && history.flatten().is_some_and(|days| (1..=least).contains(&days)) {
            let problem = format!(
                "give more than {least} days, after which messages leave the store for MongoDB (store_days of [history]), or \
                 0 (for ever), or `default`"
            );
            return Err(Error::invalid("history", problem));
        }
        let days = (
            feed.unwrap_or(own.0),
            envelopes.unwrap_or(own.1),
            attempts.unwrap_or(own.2),
            leads.unwrap_or(own.3),
            history.unwrap_or(own.4),
        );
        retention::set(tx, self.scope.tenant(), days).await?;
        Ok(days)
    }
}

/// Changes a tenant's storage limits, in bytes and in files, and returns its usage and the resulting limits. `None`
/// leaves a limit as it is; `Some(None)` takes the configured one, 0 is no limit. For the operator only.
pub struct SetStorage {
    pub scope: Scope,
    pub changes: [Option<Option<i64>>; 2],
}

impl Verb for SetStorage {
    type Out = Storage;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Storage, Error> {
        let tenant = self.scope.tenant();
        let storage = storage::of(tx, tenant).await?.ok_or(Error::NotFound("tenant"))?;
        let [bytes, files] = self.changes;
        for (field, most) in [("bytes", bytes), ("files", files)] {
            if most.flatten().is_some_and(|most| most < 0) {
                return Err(Error::invalid(field, "give 0 (no limit) or more, or `default`"));
            }
        }
        let own = (bytes.unwrap_or(storage.own.0), files.unwrap_or(storage.own.1));
        storage::set(tx, tenant, own).await?;
        Ok(Storage { own, ..storage })
    }
}

/// A page of all tenants, by rising id. For the platform's administrators and the operator only.
pub struct ListTenants {
    pub after: Option<Uuid>,
    pub limit: i64,
}

impl Verb for ListTenants {
    type Out = Vec<TenantView>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let rows = accounts::tenants(tx, self.after.unwrap_or_default(), self.limit).await?;
        Ok(rows.into_iter().map(|(id, name, created_at)| TenantView { id, name, created_at }).collect())
    }
}

pub struct CreateCompany {
    pub scope: Scope,
    pub name: String,
    pub kind: CompanyKind,
}

impl Verb for CreateCompany {
    type Out = CompanyView;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<CompanyView, Error> {
        let (name, tenant, kind) = (check_name("name", &self.name)?, self.scope.tenant(), self.kind);
        if accounts::tenant_name(tx, tenant).await?.is_none() {
            return Err(Error::NotFound("tenant"));
        }
        let id = tx.new_id();
        accounts::insert_company(tx, id, tenant, &name, kind.as_str()).await?;
        Ok(CompanyView { id, tenant, name, kind, country: None })
    }
}

/// In which country a company's numbers are that are written without one.
pub struct SetCountry {
    pub scope: Scope,
    pub company: Uuid,
    /// Two letters; `None`: such numbers are found by their end only.
    pub country: Option<String>,
}

impl Verb for SetCountry {
    type Out = CompanyView;

    fn tenant(&self) -> Option<Uuid> {
        Some(self.scope.tenant())
    }

    async fn run(&self, tx: &mut Tx<'_>) -> Result<CompanyView, Error> {
        let country = match self.country.as_deref().map(str::trim).filter(|letters| !letters.is_empty()) {
            Some(letters) if phone::country(letters).is_some() => Some(letters.to_ascii_uppercase()),
            Some(_) => return Err(Error::invalid("country", "write its two letters: `DE`, `BR`")),
            None => None,
        };
        let tenant = self.scope.tenant();
        accounts::set_country(tx, tenant, self.company, country.as_deref()).await?;
        let found = accounts::company(tx, tenant, self.company).await?;
        let found = found.filter(|_| self.scope.sees_company(self.company));
        view(tenant, found.ok_or(Error::NotFound("company"))?)
    }
}

/// The companies of the scopes' tenants that the caller may see.
pub struct ListCompanies(pub Vec<Scope>);

impl Verb for ListCompanies {
    type Out = Vec<CompanyView>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let mut found = Vec::new();
        for scope in &self.0 {
            for company in accounts::companies(tx, scope.tenant()).await? {
                if scope.sees_company(company.0) {
                    found.push(view(scope.tenant(), company)?);
                }
            }
        }
        Ok(found)
    }
}

fn view(
    tenant: Uuid,
    (id, name, kind, country): (Uuid, String, String, Option<String>),
) -> Result<CompanyView, Error> {
    let kind = kind.parse().map_err(|why: String| anyhow::anyhow!("a company's kind: {why}"))?;
    Ok(CompanyView { id, tenant, name, kind, country })
}
