//! The address at which a channel's provider is called. Secrets belong to the address and the account that they were
//! given for: whoever changes these gives every secret again, so the right to change a channel is no way to read them.

use std::collections::BTreeMap;

use adapters::{Binds, CredentialField, Outward, outward};

use super::{ChannelSecrets, claims};
use crate::accounts::Scope;
use crate::error::Error;
use crate::model::Channel;
use crate::vault::random_token;

/// Refuses addresses that are not public, so that the caller learns it now. The binding check is at each call, when the
/// name is resolved.
pub fn check(outward: &Outward, credentials: &BTreeMap<String, String>) -> Result<(), Error> {
    let is_address = |name: &str| {
        let of_apps = adapters::apps().flat_map(adapters::App::fields);
        let mut fields = adapters::providers().flat_map(adapters::Provider::credentials).chain(of_apps);
        fields.any(|field| field.name == name && field.binds == Binds::Address)
    };
    for (name, value) in credentials {
        if !is_address(name) || value.trim().is_empty() {
            continue;
        }
        let field = format!("credentials.{name}");
        let url = match outward::base(value) {
            Ok(url) => url,
            Err(why) => return Err(Error::invalid(field, why.to_string())),
        };
        if let Err(refused) = outward.judge(&url) {
            let problem = format!("{refused}; the operator can allow its host (allow_private_hosts)");
            return Err(Error::invalid(field, problem));
        }
    }
    Ok(())
}

/// The result of a change of credentials.
pub(super) struct Changed {
    pub secrets: ChannelSecrets,
    /// The accounts of the channel, if the change names other ones.
    pub claims: Option<Vec<String>>,
    /// It is another address or account.
    pub is_elsewhere: bool,
    /// It is another account, wherever that is.
    pub is_other_account: bool,
}

/// The field by which `wanted` names another address or account than `before`.
fn moved<'a>(
    fields: &'a [CredentialField],
    before: &BTreeMap<String, String>,
    wanted: &BTreeMap<String, String>,
) -> Option<&'a CredentialField> {
    let form = |values: &BTreeMap<String, String>, field: &CredentialField| {
        values.get(field.name).map(|value| field.binds.canonical(value))
    };
    let mut binding = fields.iter().filter(|field| field.binds != Binds::Nothing);
    binding.find(|field| form(before, field) != form(wanted, field))
}

/// Refuses a change of an address or an account that keeps a stored secret: it was given for the former one. `section` is
/// where the values stand in the request.
pub(super) fn keep_with_address(
    fields: &[CredentialField],
    before: &BTreeMap<String, String>,
    wanted: &BTreeMap<String, String>,
    (given, section): (&BTreeMap<String, String>, &'static str),
) -> Result<(), Error> {
    let Some(moved) = moved(fields, before, wanted) else { return Ok(()) };
    let has = |values: &BTreeMap<String, String>, name: &str| {
        values.get(name).is_some_and(|value| !value.trim().is_empty())
    };
    let missing =
        fields.iter().find(|field| field.secret && has(wanted, field.name) && !has(given, field.name));
    match missing {
        Some(missing) => {
            let problem = format!("is needed again: the stored one was given for another {}", moved.name);
            Err(Error::invalid(format!("{section}.{}", missing.name), problem))
        }
        None => Ok(()),
    }
}

/// The secrets with `wanted` as the credentials, of which `given` came with this change.
pub(super) fn change(
    scope: &Scope,
    channel: &Channel,
    mut secrets: ChannelSecrets,
    wanted: BTreeMap<String, String>,
    given: &BTreeMap<String, String>,
) -> Result<Changed, Error> {
    let provider = adapters::provider(&channel.kind).ok_or(Error::NotFound("provider"))?;
    let fields = provider.credentials();
    let moved = moved(fields, &secrets.credentials, &wanted);
    if moved.is_some() && channel.operated && !scope.operates() {
        return Err(Error::Forbidden(
            "an operator set where this channel is: only an operator may change it",
        ));
    }
    keep_with_address(fields, &secrets.credentials, &wanted, (given, "credentials"))?;
    let before = claims::of(provider, &secrets);
    // What it would be if only the address changed.
    for field in fields.iter().filter(|field| field.binds == Binds::Address) {
        secrets.credentials.remove(field.name);
        secrets
            .credentials
            .extend(wanted.get(field.name).map(|value| (field.name.to_owned(), value.clone())));
    }
    let there = claims::of(provider, &secrets);
    secrets.credentials = wanted;
    let after = claims::of(provider, &secrets);
    let is_other = before != after;
    let is_elsewhere = moved.is_some() || is_other;
    if is_elsewhere {
        // The former server knows the webhook's secret. A new one invalidates its deliveries.
        secrets.hook_secret = random_token("")?;
        secrets.external_id = None;
    }
    let is_other_account = there != after;
    Ok(Changed { secrets, claims: is_other.then_some(after), is_elsewhere, is_other_account })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_cannot_aim_the_server_at_its_own_network() {
        let outward = Outward::allowing(&["waha"]);
        let given = |value: &str| [("base_url".to_owned(), value.to_owned())].into();
        for right in ["https://waha.example.com:3000", "http://waha:3000/", " "] {
            assert!(check(&outward, &given(right)).is_ok(), "{right}");
        }
        for wrong in [
            "http://169.254.169.254/latest",
            "http://localhost:1",
            "http://[::ffff:7f00:1]",
            "http://0x7f.1",
            "file:///etc/passwd",
            "waha",
            "https://u:p@example.com",
            "https://example.com/?x",
            "https://example.com/#",
        ] {
            let refused = check(&outward, &given(wrong)).expect_err(wrong);
            assert!(refused.to_string().starts_with("credentials.base_url: "), "{wrong}: {refused}");
        }
        assert!(check(&outward, &[("token".to_owned(), "77:abc".to_owned())].into()).is_ok());
    }
}
