//! `hubbub doctor`: prints what the checks found, a line for each.

use std::path::Path;

use clap::builder::PossibleValuesParser;

use super::print;
use crate::clock::Clock;
use crate::config;
use crate::doctor::{CHECKS, Level, examine};

#[derive(clap::Args)]
pub(super) struct Doctor {
    /// Only these checks.
    #[arg(long, value_name = "CHECK", value_parser = PossibleValuesParser::new(CHECKS.iter().map(|(name, _)| *name)))]
    only: Vec<String>,
    /// Warnings count as failures.
    #[arg(long)]
    strict: bool,
}

impl Doctor {
    /// The error is what is printed last; everything else is on standard output.
    pub(super) async fn run(self, file: Option<&Path>) -> anyhow::Result<()> {
        let config = match config::read(file) {
            Ok(config) => config,
            Err(error) => {
                print(&line(Level::Fail, "configuration", &format!("{error:#}")))?;
                anyhow::bail!("the configuration is not valid, so nothing else was looked at");
            }
        };
        let found = examine(&config, &Clock::System, &self.only).await;
        let mut text = Vec::new();
        for finding in &found {
            text.push(line(finding.level, finding.check, &finding.what));
            if finding.level != Level::Ok && !finding.advice.is_empty() {
                text.push(format!("{:21}-> {}", "", finding.advice));
            }
        }
        print(&text.join("\n"))?;
        let worst = found.iter().map(|finding| finding.level).max().unwrap_or(Level::Ok);
        let bound = if self.strict { Level::Warn } else { Level::Fail };
        if worst >= bound {
            let bad = found.iter().filter(|finding| finding.level >= bound).count();
            anyhow::bail!("{bad} of {} findings need something to be done", found.len());
        }
        Ok(())
    }
}

fn line(level: Level, check: &str, what: &str) -> String {
    format!("{:5} {check:14} {what}", level.as_str())
}
