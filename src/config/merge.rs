//! Lays the file over the defaults and the environment over both. The defaults hold every key, so they are also
//! the list of the known ones and of their types.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use toml::{Table, Value};

use super::Config;
use super::links::is_service_variable;
use super::origin::{Origin, Origins, PREFIX, variable};

/// Variables of ours that are no keys: of the command line and of the reference worker.
const NOT_KEYS: &[&str] = &["HUBBUB_CONFIG", "HUBBUB_URL", "HUBBUB_API_KEY", "HUBBUB_CAPACITY"];
const TESTS: &str = "HUBBUB_TEST_";

/// The configuration as it was written, unchecked, and where its values came from.
pub(super) fn merge(
    defaults: &str,
    path: &Path,
    file: &str,
    env: &BTreeMap<String, String>,
) -> anyhow::Result<(Config, Origins)> {
    let defaults: Table = defaults.parse().context("the compiled-in defaults")?;
    let (mut table, mut origins) = (defaults.clone(), Origins::new(path));
    for (key, value) in file.parse::<Table>().with_context(|| path.display().to_string())? {
        let Some(known) = table.get_mut(&key) else {
            bail!(
                "{}; the known ones are {}",
                origins.in_file(&format!("unknown key {key:?}")),
                keys(&table)
            );
        };
        if known.type_str() != value.type_str() {
            bail!("{}: must be {}, not {}", origins.in_file(&key), known.type_str(), value.type_str());
        }
        *known = value;
        origins.note(&key, Origin::File);
    }
    for (key, known) in &mut table {
        let name = variable(key);
        if let Some(text) = env.get(&name) {
            *known = typed(known, text).context(name)?;
            origins.note(key, Origin::Environment);
        }
    }
    for (name, value) in env {
        let Some(rest) = name.strip_prefix(PREFIX).filter(|_| !name.starts_with(TESTS)) else { continue };
        let known = table.contains_key(&rest.to_lowercase()) || NOT_KEYS.contains(&name.as_str());
        if !known && !is_service_variable(rest, value) {
            bail!("unknown variable {name}; the known keys are {}", keys(&table));
        }
    }
    let config = match Config::try_from(table.clone()) {
        Ok(config) => config,
        Err(error) => return Err(blame(&defaults, &table, &origins).unwrap_or(error.into())),
    };
    Ok((config, origins))
}

impl TryFrom<Table> for Config {
    type Error = toml::de::Error;

    fn try_from(table: Table) -> Result<Self, Self::Error> {
        table.try_into()
    }
}

/// The deserialiser names no key in a form to look it up by: the one is found that is wrong over defaults alone.
fn blame(defaults: &Table, table: &Table, origins: &Origins) -> Option<anyhow::Error> {
    origins.changed().find_map(|key| {
        let mut alone = defaults.clone();
        alone.insert(key.to_owned(), table.get(key)?.clone());
        let error = Config::try_from(alone).err()?;
        Some(anyhow!("{}: {}", origins.name(key), error.message()))
    })
}

fn keys(table: &Table) -> String {
    table.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// The text of a variable as the type that the key has.
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
