//! CPU time and memory of a process, read from `/proc`. Linux only; elsewhere the values are absent.

use std::fs;

use anyhow::{Context, Result};
use serde::Serialize;

/// `USER_HZ`, which is 100 on every Linux that exposes `/proc/<pid>/stat` to us.
const TICKS_PER_SECOND: f64 = 100.0;

#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Usage {
    pub(crate) cpu_seconds: f64,
    pub(crate) rss_kib: u64,
    pub(crate) peak_rss_kib: u64,
    pub(crate) descriptors: u64,
    /// Number of live threads.
    pub(crate) context_switches: u64,
}

/// The usage of a process between two moments.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Spent {
    pub(crate) cpu_seconds: f64,
    pub(crate) context_switches: u64,
    pub(crate) rss_kib_before: u64,
    pub(crate) rss_kib_after: u64,
    pub(crate) peak_rss_kib: u64,
    pub(crate) descriptors: u64,
}

impl Spent {
    pub(crate) fn between(before: Usage, after: Usage) -> Self {
        Self {
            cpu_seconds: after.cpu_seconds - before.cpu_seconds,
            context_switches: after.context_switches.saturating_sub(before.context_switches),
            rss_kib_before: before.rss_kib,
            rss_kib_after: after.rss_kib,
            peak_rss_kib: after.peak_rss_kib,
            descriptors: after.descriptors,
        }
    }
}

/// The usage of the process since its start.
pub(crate) fn usage(pid: u32) -> Result<Usage> {
    let stat =
        fs::read_to_string(format!("/proc/{pid}/stat")).with_context(|| format!("no process {pid}"))?;
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    // Descriptors of another user's process may not be readable; the other values are.
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, |dir| dir.count() as u64);
    let switches = |status: &str| {
        status_number(status, "voluntary_ctxt_switches:")
            + status_number(status, "nonvoluntary_ctxt_switches:")
    };
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let context_switches = threads
        .filter_map(|thread| fs::read_to_string(thread.path().join("status")).ok())
        .map(|status| switches(&status))
        .sum();
    Ok(Usage {
        cpu_seconds: cpu_seconds(&stat).context("unreadable /proc stat line")?,
        rss_kib: status_number(&status, "VmRSS:"),
        peak_rss_kib: status_number(&status, "VmHWM:"),
        descriptors,
        context_switches,
    })
}

/// Pins a process without threads to the cores of another one.
#[cfg(target_os = "linux")]
pub(crate) fn share_cores(pid: u32, with: u32) -> Result<()> {
    use rustix::thread::{Pid, sched_getaffinity, sched_setaffinity};
    let known = |pid: u32| Pid::from_raw(pid.cast_signed()).with_context(|| format!("no process {pid}"));
    let cores = sched_getaffinity(Some(known(with)?)).context("cannot tell the server's cores")?;
    for thread in fs::read_dir(format!("/proc/{with}/task"))?.flatten() {
        let thread = thread.file_name().to_string_lossy().parse().context("a thread's number")?;
        // The process may have ended meanwhile.
        if sched_getaffinity(Some(known(thread)?)).is_ok_and(|its| its != cores) {
            anyhow::bail!(
                "the server's threads have different cores: start it under taskset, which binds them all"
            );
        }
    }
    sched_setaffinity(Some(known(pid)?), &cores).context("cannot set the bare server's cores")
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn share_cores(_: u32, _: u32) -> Result<()> {
    Ok(())
}

/// Fields 14 and 15 (user and system ticks), counted after the name, which may contain spaces and parentheses.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let after_name = stat.rsplit_once(')')?.1;
    let mut fields = after_name.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some((user + system) as f64 / TICKS_PER_SECOND)
}

fn status_number(status: &str, field: &str) -> u64 {
    status
        .lines()
        .find_map(|line| line.strip_prefix(field))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_found_behind_a_name_with_brackets() {
        let stat = "42 (odd) name) S 1 42 42 0 -1 4194560 900 0 3 0 150 50 0 0 20 0 9 0 100 1000 200";
        assert_eq!(cpu_seconds(stat), Some(2.0));
        assert_eq!(status_number("Name:\tx\nVmHWM:\t  2048 kB\nVmRSS:\t  1024 kB\n", "VmRSS:"), 1024);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn own_process_uses_memory() {
        assert!(usage(std::process::id()).expect("own process is readable").rss_kib > 0);
    }
}
