//! The report of a run, as JSON and as text.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::histogram::Summary;
use crate::process::Usage;
use crate::sender::Sent;
use crate::turns::TurnTally;
use crate::verify::Tally;
use crate::watch::ConnectionCounts;

#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) command: &'static str,
    pub(crate) plan: Plan,
    pub(crate) sent: SentReport,
    pub(crate) sockets: SocketReport,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) server: Option<ServerUse>,
    pub(crate) generator_cpu_seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) chaos: Option<ChaosReport>,
    /// The feed read over HTTP from the start cursor.
    pub(crate) feed: Tally,
    /// The messages of every conversation read over HTTP.
    pub(crate) stored: Tally,
    /// Empty when all checks passed.
    pub(crate) problems: Vec<String>,
}

#[derive(Serialize)]
pub(crate) struct Plan {
    pub(crate) kind: String,
    pub(crate) messages: usize,
    pub(crate) conversations: usize,
    pub(crate) rate: f64,
    pub(crate) concurrency: usize,
    pub(crate) sockets: usize,
}

#[derive(Serialize)]
pub(crate) struct SentReport {
    pub(crate) acknowledged: u64,
    pub(crate) seconds: f64,
    /// Committed messages per second, from the first due time to the last acknowledgement.
    pub(crate) durable_per_second: f64,
    pub(crate) acknowledgement: Summary,
    pub(crate) generator_lag: Summary,
    pub(crate) repeats: BTreeMap<String, u64>,
}

impl From<Sent> for SentReport {
    fn from(sent: Sent) -> Self {
        let acknowledgement = sent.acknowledgement.summary();
        let seconds = sent.elapsed.as_secs_f64();
        Self {
            acknowledged: acknowledgement.count,
            seconds,
            durable_per_second: acknowledgement.count as f64 / seconds.max(1e-9),
            acknowledgement,
            generator_lag: sent.lag.summary(),
            repeats: sent.repeats,
        }
    }
}

#[derive(Serialize)]
pub(crate) struct SocketReport {
    /// From a webhook's due time to its event on a socket.
    pub(crate) latency: Summary,
    pub(crate) connections: ConnectionCounts,
    /// Sums over all sockets.
    pub(crate) tally: Tally,
}

#[derive(Serialize)]
pub(crate) struct ServerUse {
    pub(crate) cpu_seconds: f64,
    pub(crate) cpu_us_per_message: f64,
    pub(crate) rss_kib_before: u64,
    pub(crate) rss_kib_after: u64,
    pub(crate) peak_rss_kib: u64,
    pub(crate) descriptors: u64,
}

impl ServerUse {
    pub(crate) fn between(before: Usage, after: Usage, messages: usize) -> Self {
        let cpu_seconds = after.cpu_seconds - before.cpu_seconds;
        Self {
            cpu_seconds,
            cpu_us_per_message: cpu_seconds * 1e6 / messages.max(1) as f64,
            rss_kib_before: before.rss_kib,
            rss_kib_after: after.rss_kib,
            peak_rss_kib: after.peak_rss_kib,
            descriptors: after.descriptors,
        }
    }
}

#[derive(Serialize)]
pub(crate) struct ChaosReport {
    pub(crate) seed: u64,
    pub(crate) kills: Vec<Kill>,
    pub(crate) turns: TurnTally,
}

#[derive(Serialize)]
pub(crate) struct Kill {
    /// Messages acknowledged when the server was killed.
    pub(crate) acknowledged: usize,
    pub(crate) ready_after_ms: u64,
}

impl Report {
    pub(crate) fn passed(&self) -> bool {
        self.problems.is_empty()
    }

    /// Lists the failed checks in the parts that every command has.
    pub(crate) fn judge(&mut self) {
        for (place, tally) in
            [("sockets", &self.sockets.tally), ("feed", &self.feed), ("store", &self.stored)]
        {
            if !tally.passed() {
                self.problems.push(format!(
                    "{place}: {} lost, {} doubled, {} cursor gaps, {} seq gaps, {} split conversations: {}",
                    tally.lost,
                    tally.doubled,
                    tally.cursor_gaps,
                    tally.seq_gaps,
                    tally.split_conversations,
                    tally.examples.join("; ")
                ));
            }
        }
        let connections = &self.sockets.connections;
        if connections.unrecovered + connections.malformed > 0 {
            self.problems.push(format!(
                "sockets: {} resumptions not recovered, {} malformed frames",
                connections.unrecovered, connections.malformed
            ));
        }
        if let Some(chaos) = self.chaos.as_ref().filter(|chaos| !chaos.turns.passed()) {
            self.problems.push(format!("answers: {:?}", chaos.turns));
        }
    }

    pub(crate) fn publish(&self, json: Option<&Path>) -> Result<()> {
        publish(self, json)
    }
}

/// Prints a report, and writes it as JSON if a file is named.
pub(crate) fn publish(report: &(impl Display + Serialize), json: Option<&Path>) -> Result<()> {
    println!("{report}");
    if let Some(path) = json {
        let text = serde_json::to_string_pretty(report)?;
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

impl Display for Report {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let (plan, sent, sockets) = (&self.plan, &self.sent, &self.sockets);
        let rate = if plan.rate > 0.0 { format!("{}/s", plan.rate) } else { "full speed".to_owned() };
        writeln!(
            out,
            "{}: {} {} webhooks in {} conversations at {rate} over {} connections, {} sockets",
            self.command, plan.messages, plan.kind, plan.conversations, plan.concurrency, plan.sockets
        )?;
        writeln!(
            out,
            "  acknowledged {} in {:.2} s, {:.0} durable messages/s, repeats {:?}",
            sent.acknowledged, sent.seconds, sent.durable_per_second, sent.repeats
        )?;
        latency_head(out)?;
        latency(out, "acknowledgement", &sent.acknowledgement)?;
        latency(out, "webhook to socket", &sockets.latency)?;
        latency(out, "generator lag", &sent.generator_lag)?;
        if let Some(server) = &self.server {
            writeln!(
                out,
                "  server {:.2} cpu s ({:.0} us a message), rss {} -> {} KiB, peak {} KiB, {} descriptors",
                server.cpu_seconds,
                server.cpu_us_per_message,
                server.rss_kib_before,
                server.rss_kib_after,
                server.peak_rss_kib,
                server.descriptors
            )?;
        }
        writeln!(out, "  generator {:.2} cpu s", self.generator_cpu_seconds)?;
        let connections = &sockets.connections;
        writeln!(
            out,
            "  sockets saw {} messages, resumed {} times with {} events replayed; feed {} messages, store {}",
            sockets.tally.messages,
            connections.resumed,
            connections.replayed,
            self.feed.messages,
            self.stored.messages
        )?;
        if let Some(chaos) = &self.chaos {
            let down: Vec<_> = chaos.kills.iter().map(|kill| kill.ready_after_ms).collect();
            writeln!(
                out,
                "  {} kills (seed {}), ready again after {down:?} ms",
                chaos.kills.len(),
                chaos.seed
            )?;
            writeln!(out, "  turns {:?}, outgoing {:?}", chaos.turns.turns, chaos.turns.outgoing)?;
        }
        verdict(out, &self.problems, EXACTLY_ONCE)
    }
}

/// The checked property of most runs.
pub(crate) const EXACTLY_ONCE: &str = "nothing lost, doubled or out of order";

/// The last lines of every report. `holds`: the checked property.
pub(crate) fn verdict(out: &mut Formatter<'_>, problems: &[String], holds: &str) -> fmt::Result {
    for problem in problems {
        writeln!(out, "  FAILED {problem}")?;
    }
    if problems.is_empty() { write!(out, "verified: {holds}") } else { write!(out, "FAILED") }
}

/// The columns of the lines that `latency` writes.
pub(crate) fn latency_head(out: &mut Formatter<'_>) -> fmt::Result {
    writeln!(out, "  {:<20} {:>9} {:>9} {:>9} {:>9} {:>9}  ms", "", "p50", "p90", "p99", "p99.9", "max")
}

pub(crate) fn latency(out: &mut Formatter<'_>, name: &str, summary: &Summary) -> fmt::Result {
    write!(out, "  {name:<20}")?;
    for us in [summary.p50_us, summary.p90_us, summary.p99_us, summary.p999_us, summary.max_us] {
        write!(out, " {:>9.2}", us as f64 / 1000.0)?;
    }
    writeln!(out)
}
