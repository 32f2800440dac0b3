//! The report of the seeds, as text and as JSON.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use super::Findings;
use crate::report;

#[derive(Serialize)]
pub(super) struct SeedReport {
    pub(super) seed: u64,
    pub(super) seconds: f64,
    pub(super) stages: BTreeMap<&'static str, f64>,
    /// Faults that were done, by kind.
    pub(super) faults: BTreeMap<String, u64>,
    /// Deliveries of webhooks so far, by status; 0: no answer.
    pub(super) attempts: BTreeMap<String, u64>,
    /// Events that the providers gave up so far.
    pub(super) given_up_by_provider: u64,
    /// Jobs that the server gave up so far, with their reasons.
    pub(super) given_up: Vec<String>,
    pub(super) findings: Findings,
    /// The run did not come to its end.
    pub(super) error: Option<String>,
}

impl SeedReport {
    pub(super) fn broken(seed: u64, error: &anyhow::Error) -> Self {
        Self {
            seed,
            seconds: 0.0,
            stages: BTreeMap::new(),
            faults: BTreeMap::new(),
            attempts: BTreeMap::new(),
            given_up_by_provider: 0,
            given_up: Vec::new(),
            findings: Findings::default(),
            error: Some(format!("{error:#}")),
        }
    }

    pub(super) fn passed(&self) -> bool {
        self.error.is_none() && self.findings.passed()
    }
}

impl Display for SeedReport {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let faults: u64 = self.faults.values().sum();
        let stages: Vec<String> =
            self.stages.iter().map(|(name, seconds)| format!("{name} {seconds:.0}")).collect();
        let stages = stages.join(", ");
        write!(out, "seed {}: {faults} faults, {:.0} s ({stages}): ", self.seed, self.seconds)?;
        match (&self.error, self.findings.passed()) {
            (Some(error), _) => write!(out, "FAILED: {error}"),
            (None, true) => write!(out, "whole"),
            (None, false) => {
                write!(out, "FAILED")?;
                for (name, count) in &self.findings.broken {
                    write!(out, "\n  not so: {name} ({count})")?;
                }
                for example in &self.findings.examples {
                    write!(out, "\n    {example}")?;
                }
                Ok(())
            }
        }
    }
}

#[derive(Serialize)]
pub(super) struct Report {
    command: &'static str,
    nodes: usize,
    redis: bool,
    postgres: String,
    pub(super) left_out: Vec<&'static str>,
    seconds: f64,
    faults: BTreeMap<String, u64>,
    findings: Findings,
    seeds: Vec<SeedReport>,
    problems: Vec<String>,
}

impl Report {
    pub(super) fn new(nodes: usize, redis: bool, postgres: String) -> Self {
        Self {
            command: "cluster chaos",
            nodes,
            redis,
            postgres,
            left_out: Vec::new(),
            seconds: 0.0,
            faults: BTreeMap::new(),
            findings: Findings::default(),
            seeds: Vec::new(),
            problems: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, seed: SeedReport) {
        self.seconds += seed.seconds;
        for (name, count) in &seed.faults {
            *self.faults.entry(name.clone()).or_default() += count;
        }
        self.findings.add(&seed.findings);
        if !seed.passed() {
            self.problems.push(seed.to_string());
        }
        self.seeds.push(seed);
    }

    pub(super) fn passed(&self) -> bool {
        self.problems.is_empty()
    }

    pub(super) fn publish(&self, json: Option<&Path>) -> Result<()> {
        report::publish(self, json)
    }
}

impl Display for Report {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let bus = if self.redis { "Redis" } else { "no Redis" };
        let seeds = self.seeds.len();
        writeln!(
            out,
            "{seeds} seeds, {} nodes, {}, {bus}, {:.0} s",
            self.nodes, self.postgres, self.seconds
        )?;
        for (name, count) in &self.faults {
            writeln!(out, "  {count:>8} × {name}")?;
        }
        for what in &self.left_out {
            writeln!(out, "  left out: {what}")?;
        }
        writeln!(out, "  looked at:")?;
        for (name, count) in &self.findings.checked {
            writeln!(out, "  {count:>8} {name}")?;
        }
        let attempts: Vec<String> = self
            .seeds
            .last()
            .into_iter()
            .flat_map(|seed| &seed.attempts)
            .map(|(status, count)| format!("{status}: {count}"))
            .collect();
        writeln!(out, "  the last deliveries of webhooks by status: {}", attempts.join(", "))?;
        for reason in self.seeds.last().into_iter().flat_map(|seed| &seed.given_up) {
            writeln!(out, "  given up by the server: {reason}")?;
        }
        report::verdict(out, &self.problems, "nothing lost, nothing twice, no gap")
    }
}
