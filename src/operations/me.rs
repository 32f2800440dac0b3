//! The caller: its user and its tenants.

use super::Caller;
use crate::accounts::profile::Profile;
use crate::error::Error;

pub async fn me(caller: Caller) -> Result<Profile, Error> {
    Ok(caller.access.profile())
}
