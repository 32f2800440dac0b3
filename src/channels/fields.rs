//! Values that are given for the fields of a provider or of its app: known names, bounded, nothing missing, defaults filled in.

use std::collections::BTreeMap;

use adapters::CredentialField;

use crate::error::Error;

/// Bytes of one value. They are read with every use of the channel.
pub(super) const MAX_BYTES: usize = 4_096;

/// The values with their defaults. `section` is where they stand in the request, `whose` names the fields' owner in
/// refusals.
pub(super) fn check(
    fields: &[CredentialField],
    given: BTreeMap<String, String>,
    whose: (&'static str, &str),
) -> Result<BTreeMap<String, String>, Error> {
    check_beside(fields, &[], given, whose)
}

/// As [`check`], where the app has the values of the fields `of_app`.
pub(super) fn check_beside(
    fields: &[CredentialField],
    of_app: &[&str],
    mut given: BTreeMap<String, String>,
    (section, whose): (&'static str, &str),
) -> Result<BTreeMap<String, String>, Error> {
    given.retain(|_, value| !value.trim().is_empty());
    let is_known = |name: &str| fields.iter().any(|field| field.name == name);
    if let Some(unknown) = given.keys().find(|name| !is_known(name)) {
        let known: Vec<_> = fields.iter().map(|field| field.name).collect();
        let problem = format!("{whose} has no {unknown:?}; it takes {}", known.join(", "));
        return Err(Error::invalid(section, problem));
    }
    if let Some((name, _)) = given.iter().find(|(_, value)| value.len() > MAX_BYTES) {
        return Err(Error::invalid(format!("{section}.{name}"), format!("at most {MAX_BYTES} bytes")));
    }
    for field in fields.iter().filter(|field| !of_app.contains(&field.name)) {
        if let (None, Some(default)) = (given.get(field.name), field.default) {
            given.insert(field.name.to_owned(), default.to_owned());
        }
        if field.required && !given.contains_key(field.name) {
            let problem = format!("is needed. {}", field.help);
            return Err(Error::invalid(format!("{section}.{}", field.name), problem));
        }
    }
    Ok(given)
}
