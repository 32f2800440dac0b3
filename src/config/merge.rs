//! Lays the file over the defaults and the environment over both. The defaults hold every key, so they are also
//! the list of the known ones and of their types.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use toml::{Table, Value};

const PREFIX: &str = "HUBBUB_";

/// Variables of ours that are no keys: of the command line and of the reference worker.
const NOT_KEYS: &[&str] = &["HUBBUB_CONFIG", "HUBBUB_URL", "HUBBUB_API_KEY", "HUBBUB_CAPACITY"];
const TESTS: &str = "HUBBUB_TEST_";

pub(super) fn merge(defaults: &str, file: &str, env: &BTreeMap<String, String>) -> anyhow::Result<Table> {
    let mut table: Table = defaults.parse().context("the compiled-in defaults")?;
    for (key, value) in file.parse::<Table>()? {
        let Some(known) = table.get_mut(&key) else {
            bail!("unknown key {key:?}; the known ones are {}", known_keys(&table));
        };
        if known.type_str() != value.type_str() {
            bail!("{key}: must be {}, not {}", known.type_str(), value.type_str());
        }
        *known = value;
    }
    for (key, known) in &mut table {
        let name = format!("{PREFIX}{}", key.to_uppercase());
        if let Some(text) = env.get(&name) {
            *known = typed(known, text).with_context(|| name)?;
        }
    }
    for name in env.keys().filter(|name| name.starts_with(PREFIX) && !name.starts_with(TESTS)) {
        let key = name[PREFIX.len()..].to_lowercase();
        if !table.contains_key(&key) && !NOT_KEYS.contains(&name.as_str()) {
            bail!("unknown variable {name}; the known keys are {}", known_keys(&table));
        }
    }
    Ok(table)
}

fn known_keys(table: &Table) -> String {
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
