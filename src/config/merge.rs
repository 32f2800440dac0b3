//! Merges the file into the defaults and the environment into both. The defaults hold every key, so they also give the
//! known keys and their types.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use toml::{Table, Value};

use super::Config;
use super::links::is_service_variable;
use super::origin::{Origin, Origins, PREFIX, variable};

/// Variables with our prefix that are not keys: those of the command line and the reference worker.
const NOT_KEYS: &[&str] =
    &["HUBBUB_CONFIG", "HUBBUB_URL", "HUBBUB_API_KEY", "HUBBUB_CAPACITY", "HUBBUB_TARGET_PASSWORD"];
const TESTS: &str = "HUBBUB_TEST_";

/// The merged configuration before validation, with the origin of each value.
pub(super) fn merge(
    defaults: &str,
    path: &Path,
    file: &str,
    env: &BTreeMap<String, String>,
) -> anyhow::Result<(Config, Origins)> {
    let defaults: Table = defaults.parse().context("the compiled-in defaults")?;
    let (mut table, mut origins) = (defaults.clone(), Origins::new(path));
    lay_over(&mut table, file, &mut origins)?;
    for path in paths(&defaults) {
        let name = variable(&path);
        if let (Some(text), Some(known)) = (env.get(&name), at(&mut table, &path)) {
            *known = typed(known, text).context(name)?;
            origins.note(&path, Origin::Environment);
        }
    }
    refuse_unknown(&defaults, env)?;
    let config = match Config::try_from(table.clone()) {
        Ok(config) => config,
        Err(error) => return Err(blame(&defaults, &mut table, &origins).unwrap_or(error.into())),
    };
    Ok((config, origins))
}

/// Overrides values of the table with those of the file.
fn lay_over(table: &mut Table, file: &str, origins: &mut Origins) -> anyhow::Result<()> {
    let read = file.parse::<Table>().with_context(|| origins.in_file("cannot be read as TOML"))?;
    for (section, values) in read {
        let Some(Value::Table(known)) = table.get_mut(&section) else {
            let here = origins.in_file(&format!("unknown section or key {section:?}"));
            let name = format!("{PREFIX}{}", section.to_uppercase());
            match paths(table).find(|path| variable(path) == name) {
                Some(path) => {
                    let (section, key) = path.split_once('.').unwrap_or_default();
                    bail!("{here}; write `{key} = …` under [{section}]")
                }
                None => bail!("{here}; the sections are {}", keys(table)),
            }
        };
        let Value::Table(values) = values else {
            bail!("{}: is a section: write [{section}]", origins.in_file(&section));
        };
        for (key, value) in values {
            let path = format!("{section}.{key}");
            let Some(default) = known.get_mut(&key) else {
                let here = origins.in_file(&format!("unknown key {path:?}"));
                bail!("{here}; those of [{section}] are {}", keys(known));
            };
            if default.type_str() != value.type_str() {
                let (wanted, is) = (default.type_str(), value.type_str());
                bail!("{}: must be {wanted}, not {is}", origins.in_file(&path));
            }
            *default = value;
            origins.note(&path, Origin::File);
        }
    }
    Ok(())
}

/// Refuses unknown variables with our prefix: a misspelled one would be silently ignored.
fn refuse_unknown(defaults: &Table, env: &BTreeMap<String, String>) -> anyhow::Result<()> {
    let known: Vec<String> = paths(defaults).map(|path| variable(&path)).collect();
    for (name, value) in env {
        let Some(rest) = name.strip_prefix(PREFIX).filter(|_| !name.starts_with(TESTS)) else { continue };
        let is_known = known.contains(name) || NOT_KEYS.contains(&name.as_str());
        if !is_known && !is_service_variable(rest, value) {
            bail!("unknown variable {name}; the known ones are {}", known.join(", "));
        }
    }
    Ok(())
}

impl TryFrom<Table> for Config {
    type Error = toml::de::Error;

    fn try_from(table: Table) -> Result<Self, Self::Error> {
        table.try_into()
    }
}

/// The deserialiser does not report the key in a usable form. This finds it by setting each key alone over the
/// defaults.
fn blame(defaults: &Table, table: &mut Table, origins: &Origins) -> Option<anyhow::Error> {
    origins.changed().find_map(|path| {
        let mut alone = defaults.clone();
        *at(&mut alone, path)? = at(table, path)?.clone();
        let error = Config::try_from(alone).err()?;
        Some(anyhow!("{}: {}", origins.name(path), error.message()))
    })
}

/// Each key as `section.key`.
fn paths(table: &Table) -> impl Iterator<Item = String> + '_ {
    table
        .iter()
        .filter_map(|(section, keys)| Some((section, keys.as_table()?)))
        .flat_map(|(section, keys)| keys.keys().map(move |key| format!("{section}.{key}")))
}

fn at<'table>(table: &'table mut Table, path: &str) -> Option<&'table mut Value> {
    let (section, key) = path.split_once('.')?;
    table.get_mut(section)?.get_mut(key)
}

fn keys(table: &Table) -> String {
    table.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// Parses the text of a variable as the type of the key.
fn typed(known: &Value, text: &str) -> anyhow::Result<Value> {
    Ok(match known {
        Value::Integer(_) => Value::Integer(text.trim().parse().context("must be a whole number")?),
        Value::Boolean(_) => Value::Boolean(text.trim().parse().context("must be true or false")?),
        Value::Array(_) => {
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            Value::Array(parts.map(|part| Value::String(part.to_owned())).collect())
        }
        _ => Value::String(text.to_owned()),
    })
}
