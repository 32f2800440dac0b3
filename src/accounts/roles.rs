//! The table of permissions of each role. Everything else asks for a permission: Rust by [`Permissions`], SQL by
//! returning the roles, over which [`permissions`] decides, the page by the permissions that `/me` lists for each
//! tenant.
//!
//! To add a role: a variant below and its line in the table. To add a permission: a variant, its refusal, its lines in
//! the table.

use serde::{Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ArrayBuilder, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::model::text_enum;

text_enum!(
    /// What a member of a tenant (or an API key) may do there.
    Role {
        /// Everything in the tenant.
        Owner = "owner",
        /// Reads and answers.
        Agent = "agent",
        /// Reads.
        Viewer = "viewer",
        /// An AI worker: gets turns and answers them, and nothing else. API keys only.
        Responder = "responder",
        /// Nothing by itself: the tenant is seen by the caller's platform role.
        Platform = "platform",
    }
);

text_enum!(
    /// What a person of the platform may do, in every tenant.
    PlatformRole {
        /// Everything.
        Admin = "admin",
        /// Reads and answers.
        Manager = "manager",
    }
);

text_enum!(
    /// What a call needs.
    Permission {
        /// See conversations, messages, channels.
        Read = "read",
        /// Write to customers, take over, assign, close.
        Answer = "answer",
        /// Say which contacts are one person, and take it back.
        Merge = "merge",
        /// Channels, people, keys, the integration log.
        Manage = "manage",
        /// Answer turns as an AI worker. No person has it: turns are answered under a lease.
        Respond = "respond",
        /// Held to no companies: sees the whole tenant.
        Whole = "whole",
        /// Tracked links, landing pages and the names of sources.
        Promote = "promote",
        /// Runs the installation: may do in a tenant what its owner may not.
        Operate = "operate",
    }
);

use Permission::{Answer, Manage, Merge, Operate, Promote, Read, Respond, Whole};

impl Role {
    pub const fn permissions(self) -> Permissions {
        Permissions::of(match self {
            Self::Owner => &[Read, Answer, Merge, Manage, Promote, Whole],
            Self::Agent => &[Read, Answer, Merge],
            Self::Viewer => &[Read],
            Self::Responder => &[Respond],
            Self::Platform => &[],
        })
    }

    /// Whether a person can have the role in a tenant.
    pub const fn is_for_people(self) -> bool {
        matches!(self, Self::Owner | Self::Agent | Self::Viewer)
    }

    /// Whether an API key can have the role.
    pub const fn is_for_keys(self) -> bool {
        !matches!(self, Self::Platform)
    }
}

impl PlatformRole {
    pub const fn permissions(self) -> Permissions {
        Permissions::of(match self {
            Self::Admin => &[Read, Answer, Merge, Manage, Promote, Whole, Operate],
            Self::Manager => &[Read, Answer, Merge, Promote, Whole],
        })
    }
}

/// The permissions in a tenant, from the role there and the platform role together.
pub fn permissions(role: Option<Role>, platform_role: Option<PlatformRole>) -> Permissions {
    let here = role.map_or(Permissions::NONE, Role::permissions);
    let everywhere = platform_role.map_or(Permissions::NONE, PlatformRole::permissions);
    here.and(everywhere)
}

impl Permission {
    const ALL: [Self; 8] = [Read, Answer, Merge, Manage, Respond, Whole, Promote, Operate];

    /// The detail of the refusal without this permission.
    pub const fn refusal(self) -> &'static str {
        match self {
            Read => "this account cannot read here",
            Answer => "this account may read here, but not answer",
            Merge => "this account may not say which contacts are one person",
            Manage => "only an owner or an administrator may do this",
            Respond => "this needs an API key of role responder",
            Promote => "only an owner, a manager or an administrator may do this",
            Whole => "this account has only some companies of the tenant",
            Operate => "only an administrator of the platform may do this",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of permissions; in JSON a list of their names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Permissions(u8);

impl Permissions {
    pub const NONE: Self = Self(0);

    pub const fn of(list: &[Permission]) -> Self {
        let (mut bits, mut at) = (0, 0);
        while at < list.len() {
            bits |= list[at].bit();
            at += 1;
        }
        Self(bits)
    }

    pub const fn has(self, need: Permission) -> bool {
        self.0 & need.bit() != 0
    }

    #[must_use]
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.into_iter().filter(move |one| self.has(*one))
    }
}

impl Serialize for Permissions {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.iter())
    }
}

impl PartialSchema for Permissions {
    fn schema() -> RefOr<Schema> {
        ArrayBuilder::new().items(utoipa::openapi::Ref::from_schema_name(Permission::name())).into()
    }
}

impl ToSchema for Permissions {
    fn schemas(found: &mut Vec<(String, RefOr<Schema>)>) {
        found.push((Permission::name().into_owned(), Permission::schema()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_into_it() {
        for one in Permission::ALL {
            let set = Permissions::of(&[one]);
            assert_eq!(set.iter().collect::<Vec<_>>(), [one]);
        }
        let both = permissions(Some(Role::Viewer), Some(PlatformRole::Manager));
        assert!(both.has(Answer) && both.has(Whole) && !both.has(Manage));
        assert_eq!(
            serde_json::to_string(&both).expect("json"),
            r#"["read","answer","merge","whole","promote"]"#
        );
        assert_eq!(permissions(None, None), Permissions::NONE);
    }

    /// Code that compares roles misses the next role: everything else must ask for a permission.
    #[test]
    fn nobody_else_decides_by_a_role() {
        fn look(folder: &std::path::Path, found: &mut Vec<String>) {
            for entry in std::fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    look(&path, found);
                } else if path.extension().is_some_and(|end| end == "rs")
                    && !path.ends_with("accounts/roles.rs")
                {
                    let text = std::fs::read_to_string(&path).expect("a text");
                    let lines = text.lines().enumerate().filter(|(_, line)| decides(line));
                    found.extend(lines.map(|(at, line)| format!("{}:{}: {line}", path.display(), at + 1)));
                }
            }
        }
        fn decides(line: &str) -> bool {
            let code = line.trim_start();
            let by_word = ["'owner'", "'agent'", "'viewer'"].iter().any(|word| code.contains(word));
            let in_rust = ["== Role::", "!= Role::", "== PlatformRole::", "!= PlatformRole::"]
                .iter()
                .any(|way| code.contains(way))
                || (code.contains("matches!(") && code.contains("Role::"))
                || (code.contains("Role::") && code.contains(" => "))
                || code.contains("(PlatformRole::") && code.contains("==")
                || code.contains("platform_role is not null and ")
                || code.contains("platform_role is not null or ");
            !code.starts_with("//") && (by_word || in_rust)
        }
        let mut found = Vec::new();
        look(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
        assert_eq!(found, Vec::<String>::new(), "ask for a permission instead");
    }
}
