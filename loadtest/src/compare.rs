//! `loadtest compare a.json b.json`: the ratio of every number that two reports share. It does not interpret the
//! numbers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

#[derive(clap::Args)]
pub(crate) struct Args {
    before: PathBuf,
    after: PathBuf,
    /// Only numbers with this text in their name.
    #[arg(long)]
    only: Option<String>,
    /// Write the ratios as JSON too: {name: ratio}.
    #[arg(long)]
    json: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<bool> {
    let (before, after) = (read(&args.before)?, read(&args.after)?);
    let wanted = |name: &str| args.only.as_ref().is_none_or(|only| name.contains(only.as_str()));
    let mut ratios = BTreeMap::new();
    println!("{:<60} {:>15} {:>15} {:>8}", "", "before", "after", "ratio");
    for (name, a) in before.iter().filter(|(name, _)| wanted(name)) {
        let Some(b) = after.get(name) else { continue };
        match ratio(*a, *b) {
            Some(ratio) => {
                println!("{name:<60} {a:>15.3} {b:>15.3} {ratio:>8.3}");
                ratios.insert(name, ratio);
            }
            None => println!("{name:<60} {a:>15.3} {b:>15.3} {:>8}", "-"),
        }
    }
    ensure!(!ratios.is_empty(), "the reports share no numbers");
    if let Some(path) = &args.json {
        std::fs::write(path, serde_json::to_string_pretty(&ratios)?)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(true)
}

fn read(path: &Path) -> Result<BTreeMap<String, f64>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let value = serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))?;
    let mut numbers = BTreeMap::new();
    flatten("", &value, &mut numbers);
    Ok(numbers)
}

fn ratio(before: f64, after: f64) -> Option<f64> {
    let nothing = before.abs() < f64::EPSILON && after.abs() < f64::EPSILON;
    if nothing { Some(1.0) } else { Some(after / before).filter(|ratio| ratio.is_finite()) }
}

/// List elements are matched by their `name` if they have one.
fn flatten(path: &str, value: &Value, numbers: &mut BTreeMap<String, f64>) {
    let inside = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        Value::Number(number) => {
            numbers.extend(number.as_f64().map(|number| (path.to_owned(), number)));
        }
        Value::Object(members) => {
            members.iter().for_each(|(key, member)| flatten(&inside(key), member, numbers));
        }
        Value::Array(members) => {
            for (nth, member) in members.iter().enumerate() {
                let namesakes = |name: &str| members.iter().filter(|other| other["name"] == name).count();
                let key = match member["name"].as_str() {
                    Some(name) if namesakes(name) == 1 => name.to_owned(),
                    Some(name) => format!("{name} {nth}"),
                    None => nth.to_string(),
                };
                flatten(&inside(&key), member, numbers);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn phases_are_found_by_name_and_nothing_is_divided_by_zero() {
        let mut numbers = BTreeMap::new();
        flatten(
            "",
            &json!({"a": {"b": 2}, "phases": [{"name": "steady", "rate": 5.5}], "t": "x", "n": [7.0]}),
            &mut numbers,
        );
        let expected = [("a.b".into(), 2.0), ("phases.steady.rate".into(), 5.5), ("n.0".into(), 7.0)];
        assert_eq!(numbers, BTreeMap::from(expected));
        let mut rounds = BTreeMap::new();
        let list = json!([{"name": "steady", "rate": 1}, {"name": "steady", "rate": 2}]);
        flatten("rounds", &list, &mut rounds);
        let expected = [("rounds.steady 0.rate".into(), 1.0), ("rounds.steady 1.rate".into(), 2.0)];
        assert_eq!(rounds, BTreeMap::from(expected));
        assert_eq!((ratio(0.0, 0.0), ratio(0.0, 2.0), ratio(4.0, 2.0)), (Some(1.0), None, Some(0.5)));
    }
}
