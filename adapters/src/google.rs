//! What channels of Google's have in common: tokens of an OAuth client, and Google's published keys. Knows no mail.

pub(crate) mod keys;
pub(crate) mod token;

use crate::{Account, call::Failure, outward};

/// A base address of the account, without a slash at its end.
pub(crate) fn base(account: &Account, name: &'static str, default: &str) -> Result<String, Failure> {
    let base = outward::base(account.get(name).unwrap_or(default))
        .map_err(|why| Failure::setting(name, &why.to_string()))?;
    Ok(base.as_str().trim_end_matches('/').to_owned())
}
