//! `hubbub admin user`.

use anyhow::bail;
use clap::{Args, Subcommand};
use serde::Serialize;

use super::{Context, Show, from_stdin};
use crate::accounts::users::{
    GrantRole, ListUsers, NewUser, RevokeRole, SetActive, SetPlatformRole, UserView,
};
use crate::accounts::{Permission, PlatformRole, Role, Scope};
use crate::vault::random_token;

/// Characters of a generated password: 120 random bits.
const GENERATED: usize = 20;

#[derive(Subcommand)]
pub(in crate::cli) enum User {
    /// Make a user. Without --password-stdin a password is made and shown this once.
    Create {
        #[arg(long)]
        email: String,
        #[arg(long)]
        name: String,
        #[command(flatten)]
        password: Password,
        /// admin or manager: of the whole platform.
        #[arg(long)]
        platform_role: Option<PlatformRole>,
        /// Make the user a member of this tenant.
        #[arg(long, requires = "role", value_name = "ID|NAME")]
        tenant: Option<String>,
        /// owner, agent or viewer.
        #[arg(long, requires = "tenant")]
        role: Option<Role>,
        #[command(flatten)]
        show: Show,
    },
    List {
        #[command(flatten)]
        show: Show,
    },
    /// Set a new password and end all sessions. Without --password-stdin one is made and shown this once.
    SetPassword {
        #[arg(long = "email", visible_alias = "user", value_name = "EMAIL|NAME|ID")]
        user: String,
        #[command(flatten)]
        password: Password,
        #[command(flatten)]
        show: Show,
    },
    /// Switch a user off and end all sessions.
    Disable {
        #[arg(long = "email", visible_alias = "user", value_name = "EMAIL|NAME|ID")]
        user: String,
        #[command(flatten)]
        show: Show,
    },
    /// Switch a user on again.
    Enable {
        #[arg(long = "email", visible_alias = "user", value_name = "EMAIL|NAME|ID")]
        user: String,
        #[command(flatten)]
        show: Show,
    },
    /// Give a role in a tenant (--tenant, --role), or of the platform (--platform-role).
    Grant {
        #[arg(long = "email", visible_alias = "user", value_name = "EMAIL|NAME|ID")]
        user: String,
        #[arg(long, requires = "role", value_name = "ID|NAME")]
        tenant: Option<String>,
        /// owner, agent or viewer.
        #[arg(long, requires = "tenant")]
        role: Option<Role>,
        /// Only these companies of the tenant; may be repeated.
        #[arg(long, requires = "tenant", value_name = "ID|NAME")]
        company: Vec<String>,
        /// admin or manager.
        #[arg(long, required_unless_present = "tenant")]
        platform_role: Option<PlatformRole>,
        #[command(flatten)]
        show: Show,
    },
    /// Take the place in a tenant (--tenant), or the role of the platform (--platform).
    Revoke {
        #[arg(long = "email", visible_alias = "user", value_name = "EMAIL|NAME|ID")]
        user: String,
        #[arg(long, value_name = "ID|NAME")]
        tenant: Option<String>,
        #[arg(long, required_unless_present = "tenant")]
        platform: bool,
        #[command(flatten)]
        show: Show,
    },
}

#[derive(Args)]
pub(in crate::cli) struct Password {
    /// Read the password from standard input.
    #[arg(long)]
    password_stdin: bool,
}

impl Password {
    /// The password, and whether it was generated and must be shown.
    fn take(&self) -> anyhow::Result<(String, bool)> {
        if self.password_stdin {
            return Ok((from_stdin()?, false));
        }
        let made: String = random_token("")?.chars().take(GENERATED).collect();
        Ok((made, true))
    }
}

/// A user, and its password if it was generated.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    user: UserView,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
}

impl Shown {
    fn text(&self) -> String {
        let UserView { id, email, name, .. } = &self.user;
        let line = format!("{id}  {email}  {name}");
        match &self.password {
            Some(password) => format!("{line}\npassword {password}  (it is not shown again)"),
            None => line,
        }
    }
}

impl User {
    pub(super) async fn run(self, admin: &Context) -> anyhow::Result<()> {
        let find_user = async |given: String| admin.user("--email", &given).await;
        let find_tenant =
            async |given: Option<String>| admin.maybe_tenant("--tenant", given.as_deref()).await;
        match self {
            Self::Create { email, name, password, platform_role, tenant, role, show } => {
                let tenant = find_tenant(tenant).await?;
                let (password, made) = password.take()?;
                let member_of = tenant.zip(role);
                let new = NewUser { email, name, password: password.clone(), platform_role, member_of };
                let user = admin.accounts.create_user(new).await?;
                show.one(&Shown { user, password: made.then_some(password) }, Shown::text)
            }
            Self::List { show } => {
                let all = admin.store.read(ListUsers { after: None, limit: 10_000 }).await?;
                show.list(&all, |user| {
                    let role = user.platform_role.map_or("-", PlatformRole::as_str);
                    let state = if user.active { "active" } else { "disabled" };
                    format!("{}  {state:8}  {role:7}  {}  {}", user.id, user.email, user.name)
                })
            }
            Self::SetPassword { user, password, show } => {
                let user = find_user(user).await?;
                let (password, made) = password.take()?;
                admin.accounts.set_password(user.id, password.clone()).await?;
                show.one(&Shown { user, password: made.then_some(password) }, Shown::text)
            }
            Self::Disable { user, show } => {
                let user = find_user(user).await?.id;
                admin.store.write(SetActive { user, active: false }).await?;
                show.done("the user is disabled")
            }
            Self::Enable { user, show } => {
                let user = find_user(user).await?.id;
                admin.store.write(SetActive { user, active: true }).await?;
                show.done("the user is enabled")
            }
            Self::Grant { user, tenant, role, company, platform_role, show } => {
                let user = find_user(user).await?.id;
                if let Some((tenant, role)) = find_tenant(tenant).await?.zip(role) {
                    let mut companies = Vec::new();
                    for given in &company {
                        companies.push(admin.company("--company", Some(tenant), given).await?.id);
                    }
                    let companies = (!companies.is_empty()).then(|| companies.into());
                    if companies.is_some() && role.permissions().has(Permission::Whole) {
                        bail!("--company: an owner has the whole tenant");
                    }
                    let verb = GrantRole { scope: Scope::system(tenant), user, role, companies };
                    admin.store.write(verb).await?;
                }
                if platform_role.is_some() {
                    admin.store.write(SetPlatformRole { user, role: platform_role }).await?;
                }
                show.done("the role is given")
            }
            Self::Revoke { user, tenant, platform, show } => {
                let user = find_user(user).await?.id;
                if let Some(tenant) = find_tenant(tenant).await? {
                    admin.store.write(RevokeRole { scope: Scope::system(tenant), user }).await?;
                }
                if platform {
                    admin.store.write(SetPlatformRole { user, role: None }).await?;
                }
                show.done("the role is taken")
            }
        }
    }
}
