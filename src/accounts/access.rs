//! The verified caller and its permissions in each tenant: the isolation of tenants.
//!
//! Every query about a tenant starts from a [`Scope`], and only this file makes one: from an [`Access`], which was
//! loaded for a verified token or key, or for the system's own work. It decides over values and does no I/O;
//! `locate.rs` finds the tenant of a thing, `load_access.rs` reads an access from the store.

use std::sync::Arc;

use uuid::Uuid;

use super::roles::{self, Permission, Permissions, PlatformRole, Role};
use super::terms::Terms;
use crate::error::Error;
use crate::model::{Author, AuthorKind};

/// The author of a change, as it is stored with the change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    pub kind: AuthorKind,
    pub id: Option<Uuid>,
    pub name: Option<String>,
}

impl Actor {
    pub fn system() -> Self {
        Self { kind: AuthorKind::System, id: None, name: None }
    }

    /// The user, if the actor is a person with an account.
    pub fn user(&self) -> Option<Uuid> {
        self.id.filter(|_| self.kind == AuthorKind::Manager)
    }

    pub fn author(&self) -> Author {
        Author { kind: self.kind, id: self.id.map(|id| id.to_string()), name: self.name.clone() }
    }
}

/// The identity that was verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Identity {
    User(Uuid),
    Key(Uuid),
}

impl Identity {
    pub const fn id(self) -> Uuid {
        match self {
            Self::User(id) | Self::Key(id) => id,
        }
    }
}

/// A tenant that the caller may see, with its permissions there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub tenant: Uuid,
    /// The tenant's name.
    pub name: String,
    pub role: Role,
    /// From the role in the tenant and the platform role together.
    pub permissions: Permissions,
    /// Limited to these companies; `None` means the whole tenant.
    pub companies: Option<Arc<[Uuid]>>,
    /// What the tenant's plan gives.
    pub terms: Arc<Terms>,
}

impl Grant {
    /// `companies` do not limit a caller whose roles give the whole tenant.
    pub fn new(
        tenant: Uuid,
        name: String,
        role: Role,
        platform_role: Option<PlatformRole>,
        companies: Option<Arc<[Uuid]>>,
        terms: Arc<Terms>,
    ) -> Self {
        let permissions = roles::permissions(Some(role), platform_role);
        let companies = companies.filter(|_| !permissions.has(Permission::Whole));
        Self { tenant, name, role, permissions, companies, terms }
    }
}

/// The permissions of a verified caller, as of the time when they were loaded.
#[derive(Clone, Debug)]
pub struct Access {
    pub identity: Identity,
    pub name: String,
    /// `None` for API keys.
    pub email: Option<String>,
    pub platform_role: Option<PlatformRole>,
    /// At most one per tenant.
    pub grants: Vec<Grant>,
}

impl Access {
    /// The user, if the caller is a person.
    pub fn user(&self) -> Option<Uuid> {
        match self.identity {
            Identity::User(id) => Some(id),
            Identity::Key(_) => None,
        }
    }

    /// Whether the caller is an AI worker, which sees no feed.
    pub fn is_responder(&self) -> bool {
        self.grants.iter().any(|grant| grant.permissions.has(Permission::Respond))
    }

    pub fn actor(&self) -> Actor {
        let kind = match self.identity {
            Identity::User(_) => AuthorKind::Manager,
            Identity::Key(_) if self.is_responder() => AuthorKind::Responder,
            // A program of the business, which writes with its API key.
            Identity::Key(_) => AuthorKind::OtherApp,
        };
        Actor { kind, id: Some(self.identity.id()), name: Some(self.name.clone()) }
    }

    /// The scope of one tenant. A tenant that the caller does not see is [`Error::NotFound`], exactly as one that does
    /// not exist; a tenant without the permission is [`Error::Forbidden`].
    pub fn tenant(&self, tenant: Uuid, need: Permission) -> Result<Scope, Error> {
        let grant =
            self.grants.iter().find(|grant| grant.tenant == tenant).ok_or(Error::NotFound("tenant"))?;
        self.scope(grant, need).ok_or(Error::Forbidden(need.refusal()))
    }

    /// As [`Self::tenant`], for a thing of a company. Outside of the caller's companies it is [`Error::NotFound`].
    /// `what` names the thing in the refusal.
    pub fn company(
        &self,
        tenant: Uuid,
        company: Option<Uuid>,
        need: Permission,
        what: &'static str,
    ) -> Result<Scope, Error> {
        let grant = self.grants.iter().find(|grant| grant.tenant == tenant).ok_or(Error::NotFound(what))?;
        let sees =
            company.is_none_or(|company| grant.companies.as_ref().is_none_or(|list| list.contains(&company)));
        if !sees {
            return Err(Error::NotFound(what));
        }
        self.scope(grant, need).ok_or(Error::Forbidden(need.refusal()))
    }

    /// Every tenant in which the caller has the permission.
    pub fn tenants(&self, need: Permission) -> Vec<Scope> {
        self.grants.iter().filter_map(|grant| self.scope(grant, need)).collect()
    }

    /// Checks a permission on the whole installation, which only platform roles give.
    pub fn platform(&self, need: Permission) -> Result<(), Error> {
        match self.platform_role {
            Some(role) if role.permissions().has(need) => Ok(()),
            _ => Err(Error::Forbidden("only an administrator of the platform may do this")),
        }
    }

    fn scope(&self, grant: &Grant, need: Permission) -> Option<Scope> {
        grant.permissions.has(need).then(|| Scope {
            tenant: grant.tenant,
            actor: self.actor(),
            companies: grant.companies.clone(),
            operates: grant.permissions.has(Permission::Operate),
            terms: Arc::clone(&grant.terms),
        })
    }
}

/// One tenant, seen by one actor: the handle from which every query about a tenant is made. Having it proves that the
/// permission was checked; it cannot be made from an id that a client sent.
#[derive(Clone, Debug)]
pub struct Scope {
    tenant: Uuid,
    actor: Actor,
    companies: Option<Arc<[Uuid]>>,
    operates: bool,
    terms: Arc<Terms>,
}

impl Scope {
    /// For the system's own work in a tenant: a webhook, a job, a sweep. The tenant must come from a row of the store.
    pub fn system(tenant: Uuid) -> Self {
        Self { tenant, actor: Actor::system(), companies: None, operates: false, terms: Terms::unlimited() }
    }

    /// For the command line, whose user has access to the installation's files.
    pub fn operator(tenant: Uuid) -> Self {
        Self { operates: true, ..Self::system(tenant) }
    }

    /// Whether the actor is an operator of the installation or of the platform.
    pub fn operates(&self) -> bool {
        self.operates
    }

    pub fn tenant(&self) -> Uuid {
        self.tenant
    }

    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The terms of the tenant's plan. A limit is counted in the transaction of the verb that would exceed it.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The companies to which the scope is limited; `None` means the whole tenant.
    pub fn companies(&self) -> Option<&[Uuid]> {
        self.companies.as_deref()
    }

    pub fn sees_company(&self, company: Uuid) -> bool {
        self.companies.as_ref().is_none_or(|list| list.contains(&company))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Permission::{Answer, Manage, Read, Respond};

    const HERE: Uuid = Uuid::from_u128(1);
    const THERE: Uuid = Uuid::from_u128(2);
    const BRAND: Uuid = Uuid::from_u128(11);
    const OTHER_BRAND: Uuid = Uuid::from_u128(12);

    fn grant(tenant: Uuid, role: Role, companies: Option<&[Uuid]>) -> Grant {
        Grant::new(tenant, "A shop".into(), role, None, companies.map(Arc::from), Terms::unlimited())
    }

    fn caller(identity: Identity, platform_role: Option<PlatformRole>, grants: Vec<Grant>) -> Access {
        Access { identity, name: "Somebody".into(), email: None, platform_role, grants }
    }

    fn user(platform_role: Option<PlatformRole>, grants: Vec<Grant>) -> Access {
        let with_platform = |grant: Grant| {
            let Grant { tenant, name, role, companies, terms, .. } = grant;
            Grant::new(tenant, name, role, platform_role, companies, terms)
        };
        let grants = grants.into_iter().map(with_platform).collect();
        caller(Identity::User(Uuid::from_u128(7)), platform_role, grants)
    }

    /// Invariant 9: every role with every permission, in its tenant and in a tenant that it does not see.
    #[test]
    fn tenants_are_walls() {
        let key = |role| caller(Identity::Key(Uuid::from_u128(8)), None, vec![grant(HERE, role, None)]);
        let platform = |role| {
            user(Some(role), vec![grant(HERE, Role::Platform, None), grant(THERE, Role::Platform, None)])
        };
        let member = |role| user(None, vec![grant(HERE, role, None)]);
        let table: Vec<(&str, Access, Vec<Permission>, Vec<Permission>)> = vec![
            ("owner", member(Role::Owner), vec![Read, Answer, Manage], vec![]),
            ("agent", member(Role::Agent), vec![Read, Answer], vec![]),
            ("viewer", member(Role::Viewer), vec![Read], vec![]),
            ("responder key", key(Role::Responder), vec![Respond], vec![]),
            ("agent key", key(Role::Agent), vec![Read, Answer], vec![]),
            ("nobody", user(None, vec![]), vec![], vec![]),
            ("admin", platform(PlatformRole::Admin), vec![Read, Answer, Manage], vec![Read, Answer, Manage]),
            ("manager", platform(PlatformRole::Manager), vec![Read, Answer], vec![Read, Answer]),
            (
                "manager who owns a shop",
                user(
                    Some(PlatformRole::Manager),
                    vec![grant(HERE, Role::Owner, None), grant(THERE, Role::Platform, None)],
                ),
                vec![Read, Answer, Manage],
                vec![Read, Answer],
            ),
        ];
        for (who, access, here, there) in table {
            for need in [Read, Answer, Manage, Respond] {
                for (tenant, allowed) in [(HERE, &here), (THERE, &there)] {
                    let seen = access.grants.iter().any(|grant| grant.tenant == tenant);
                    let got = access.tenant(tenant, need);
                    match (seen, allowed.contains(&need)) {
                        (_, true) => assert_eq!(got.expect(who).tenant(), tenant, "{who} {need:?}"),
                        (true, false) => assert!(matches!(got, Err(Error::Forbidden(_))), "{who} {need:?}"),
                        (false, false) => {
                            assert!(matches!(got, Err(Error::NotFound("tenant"))), "{who} {need:?}");
                        }
                    }
                }
                let expected = usize::from(here.contains(&need)) + usize::from(there.contains(&need));
                assert_eq!(access.tenants(need).len(), expected, "{who} {need:?}");
            }
        }
    }

    #[test]
    fn what_belongs_to_another_company_does_not_exist() {
        let agent = user(None, vec![grant(HERE, Role::Agent, Some(&[BRAND]))]);
        let scope = agent.company(HERE, Some(BRAND), Answer, "conversation").expect("its own company");
        assert!(scope.sees_company(BRAND) && !scope.sees_company(OTHER_BRAND));
        let outside = agent.company(HERE, Some(OTHER_BRAND), Answer, "conversation");
        assert!(matches!(outside, Err(Error::NotFound("conversation"))));
        // Absence is checked before the permission, so that the refusal discloses nothing.
        let outside = agent.company(HERE, Some(OTHER_BRAND), Manage, "conversation");
        assert!(matches!(outside, Err(Error::NotFound("conversation"))));
        let inside = agent.company(HERE, Some(BRAND), Manage, "conversation");
        assert!(matches!(inside, Err(Error::Forbidden(_))));
    }

    #[test]
    fn owners_and_the_platform_are_not_held_to_companies() {
        let owner = user(None, vec![grant(HERE, Role::Owner, Some(&[BRAND]))]);
        assert!(owner.company(HERE, Some(OTHER_BRAND), Manage, "channel").is_ok());
        let manager = user(Some(PlatformRole::Manager), vec![grant(HERE, Role::Viewer, Some(&[BRAND]))]);
        let scope =
            manager.company(HERE, Some(OTHER_BRAND), Answer, "channel").expect("by the platform role");
        assert_eq!(scope.companies(), None);
    }

    #[test]
    fn the_actor_tells_people_from_programs() {
        let key =
            |role| caller(Identity::Key(Uuid::from_u128(8)), None, vec![grant(HERE, role, None)]).actor();
        assert_eq!(user(None, vec![]).actor().user(), Some(Uuid::from_u128(7)));
        assert_eq!(key(Role::Responder).kind, AuthorKind::Responder);
        assert_eq!(key(Role::Agent).kind, AuthorKind::OtherApp);
        assert_eq!(key(Role::Agent).user(), None);
    }
}
