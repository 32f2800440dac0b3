//! The caller's own profile: at sign-in, by `/me`, and in the socket's connect reply.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::access::Access;
use super::roles::{Permissions, PlatformRole, Role};

/// A person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct User {
    pub id: Uuid,
    pub email: String,
    pub name: String,
    pub platform_role: Option<PlatformRole>,
}

/// A tenant that the caller sees, and its role there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TenantRole {
    pub id: Uuid,
    pub name: String,
    pub role: Role,
    /// What it may do there.
    pub permissions: Permissions,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Profile {
    /// Nothing for API keys.
    pub user: Option<User>,
    pub tenants: Vec<TenantRole>,
    /// What it may do on the platform itself, whatever tenants there are.
    pub permissions: Permissions,
}

/// What a person or a program is told when its socket is connected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Connected {
    /// Nothing for API keys.
    pub user: Option<User>,
    pub tenants: Vec<FollowedTenant>,
    pub now: i64,
    /// A longer frame ends the connection: what does not fit is not to be sent.
    pub max_frame_bytes: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FollowedTenant {
    pub id: Uuid,
    pub name: String,
    pub role: Role,
    /// Whether its events come by themselves: a connection follows a bounded number of feeds.
    pub live: bool,
}

impl Access {
    pub fn profile(&self) -> Profile {
        let tenants = self.grants.iter().map(|grant| TenantRole {
            id: grant.tenant,
            name: grant.name.clone(),
            role: grant.role,
            permissions: grant.permissions,
        });
        let permissions = self.platform_role.map_or(Permissions::NONE, PlatformRole::permissions);
        Profile { user: self.profile_user(), tenants: tenants.collect(), permissions }
    }

    pub fn profile_user(&self) -> Option<User> {
        self.user().map(|id| User {
            id,
            email: self.email.clone().unwrap_or_default(),
            name: self.name.clone(),
            platform_role: self.platform_role,
        })
    }
}
