//! People, API keys and what they may do: signing in, tokens, roles, and the vault for what is secret.
//!
//! Start with `access.rs`: it is the wall between tenants. Signing in is `sign_in.rs`, `refresh.rs` and
//! `sign_out.rs` over `password.rs` and `token.rs`.

pub mod access;
pub mod load_access;
pub mod locate;

pub use access::{Access, Actor, Grant, Identity, Permission, PlatformRole, Role, Scope};
pub use load_access::LoadAccess;
pub use locate::{Locate, Thing};
