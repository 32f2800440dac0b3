//! The origin of each value of the configuration, so that a refusal names the file or variable to change.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub(super) const PREFIX: &str = "HUBBUB_";

/// Sections whose keys are ambiguous without the section's name.
const NAMED: &[&str] = &["bus", "history", "metrics", "retention", "storage", "search", "log", "telemetry"];

/// The variable that sets a key, which is given as `section.key`.
pub(super) fn variable(path: &str) -> String {
    let (section, key) = path.split_once('.').unwrap_or(("", path));
    let name = match (section, key) {
        ("log", "level") => "log".to_owned(),
        _ if NAMED.contains(&section) => format!("{section}_{key}"),
        _ => key.to_owned(),
    };
    format!("{PREFIX}{}", name.to_uppercase())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    File,
    Environment,
}

/// The keys that differ from the compiled-in defaults.
#[derive(Debug)]
pub(super) struct Origins {
    file: PathBuf,
    changed: BTreeMap<String, Origin>,
}

impl Origins {
    pub(super) fn new(file: &Path) -> Self {
        Self { file: file.to_owned(), changed: BTreeMap::new() }
    }

    pub(super) fn note(&mut self, key: &str, origin: Origin) {
        self.changed.insert(key.to_owned(), origin);
    }

    pub(super) fn changed(&self) -> impl Iterator<Item = &str> {
        self.changed.keys().map(String::as_str)
    }

    /// A key as the operator finds it: the variable, the file and the key, or the key alone if it has its default.
    pub(super) fn name(&self, key: &str) -> String {
        match self.changed.get(key) {
            Some(Origin::Environment) => variable(key),
            Some(Origin::File) => self.in_file(key),
            None => key.to_owned(),
        }
    }

    pub(super) fn in_file(&self, what: &str) -> String {
        format!("{}: {what}", self.file.display())
    }
}
