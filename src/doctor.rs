//! `hubbub doctor`: looks at a configuration and at what it names, and says of each thing how it is and what to do. It
//! changes nothing, but for one object that it writes into a bucket and deletes.
//!
//! To add a check: a function in a file below, and a line in [`CHECKS`].

mod database;
mod files;
mod machine;
mod reach;

use futures_util::future::BoxFuture;

use crate::clock::Clock;
use crate::config::Config;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Ok,
    /// It works, with a risk, or cannot be judged now.
    Warn,
    /// It does not work.
    Fail,
}

impl Level {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub check: &'static str,
    pub level: Level,
    /// How it is.
    pub what: String,
    /// What to do about it; empty if it is fine.
    pub advice: String,
}

/// What the checks look at.
pub struct Patient<'a> {
    pub config: &'a Config,
    pub clock: &'a Clock,
}

/// The judgements of one check.
#[derive(Debug, Default)]
pub struct Judged(Vec<(Level, String, String)>);

impl Judged {
    fn ok(what: impl Into<String>) -> Self {
        Self::default().and_ok(what)
    }

    fn warn(what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::default().and_warn(what, advice)
    }

    fn fail(what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::default().and_fail(what, advice)
    }

    fn and_ok(mut self, what: impl Into<String>) -> Self {
        self.0.push((Level::Ok, what.into(), String::new()));
        self
    }

    fn and_warn(mut self, what: impl Into<String>, advice: impl Into<String>) -> Self {
        self.0.push((Level::Warn, what.into(), advice.into()));
        self
    }

    fn and_fail(mut self, what: impl Into<String>, advice: impl Into<String>) -> Self {
        self.0.push((Level::Fail, what.into(), advice.into()));
        self
    }
}

type Check = for<'a> fn(&'a Patient<'a>) -> BoxFuture<'a, Judged>;

/// All checks, in the order in which they are told.
pub const CHECKS: &[(&str, Check)] = &[
    ("configuration", |patient| Box::pin(async { machine::configuration(patient) })),
    ("database", |patient| Box::pin(database::reachable(patient))),
    ("migrations", |patient| Box::pin(database::migrations(patient))),
    ("replica", |patient| Box::pin(database::replica(patient))),
    ("master-key", |patient| Box::pin(database::master_key(patient))),
    ("clock", |patient| Box::pin(database::clock(patient))),
    ("nodes", |patient| Box::pin(database::nodes(patient))),
    ("bus", |patient| Box::pin(reach::bus(patient))),
    ("history", |patient| Box::pin(reach::history(patient))),
    ("server", |patient| Box::pin(reach::server(patient))),
    ("public-url", |patient| Box::pin(reach::public_url(patient))),
    ("webhooks", |patient| Box::pin(reach::webhooks(patient))),
    ("descriptors", |_| Box::pin(async { machine::descriptors() })),
    ("disk", |patient| Box::pin(async { machine::disk(patient) })),
    ("files", |patient| Box::pin(files::library(patient))),
];

/// Runs the checks, or those that `only` names.
pub async fn examine(config: &Config, clock: &Clock, only: &[String]) -> Vec<Finding> {
    let patient = Patient { config, clock };
    let mut findings = Vec::new();
    for (name, check) in CHECKS {
        if !only.is_empty() && !only.iter().any(|one| one == name) {
            continue;
        }
        let judged = check(&patient).await;
        let finding = |(level, what, advice)| Finding { check: name, level, what, advice };
        findings.extend(judged.0.into_iter().map(finding));
    }
    findings
}
