//! Logs and metrics of the process, set up once for any number of servers in it (tests run several). Log lines carry
//! fields, never a message body or a secret.

mod last_lines;
pub mod traces;

use std::io::IsTerminal as _;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat};
pub use last_lines::LastLines;

/// Stands for all names that callers make up (methods of HTTP and of the socket) in metrics, logs and traces: each of
/// theirs would be kept for good, sent on, and may say anything. The word is OpenTelemetry's.
pub const MADE_UP: &str = "_OTHER";

static NUMBERS: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
static STARTED: OnceLock<Instant> = OnceLock::new();

/// Histogram buckets in seconds, from a cached read to a slow provider.
const BUCKETS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
const BATCHES: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0];

/// Counters of what hardly ever happens, which are there from the start: of one that begins with its first event, nobody
/// sees it rise.
const RARE: &[&str] =
    &["hubbub_http_panics_total", "hubbub_publish_panics_total", "hubbub_sessions_forked_total"];

/// Logs to standard error, so that the output of commands stays clean.
pub fn start(config: &Config) -> anyhow::Result<()> {
    let filter = filter(&config.log.level)?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // An error means that logging was already set up.
    let _ = match config.log.format {
        LogFormat::Text => builder.with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    start_metrics();
    Ok(())
}

/// The driver of PostgreSQL writes the values of statements at the level `debug`: texts of messages, addresses, secret
/// paths. Only a filter that names it gets them.
const WITH_VALUES: &str = "tokio_postgres";

fn filter(level: &str) -> anyhow::Result<EnvFilter> {
    let filter = EnvFilter::try_new(level).context("log")?;
    if level.contains(WITH_VALUES) {
        return Ok(filter);
    }
    Ok(filter.add_directive(format!("{WITH_VALUES}=info").parse().context("log")?))
}

/// Logging for commands: warnings and errors only, as text.
pub fn start_quiet() {
    let builder =
        tracing_subscriber::fmt().with_env_filter(EnvFilter::new("warn")).with_writer(std::io::stderr);
    let _ = builder.with_target(false).without_time().try_init();
}

/// Logging for an interactive demonstration: warnings and errors only, printed above the lines of `keep`.
pub fn start_above(keep: &'static LastLines) {
    // Hides the configuration's warnings: the demonstration's master key is temporary on purpose.
    let filter = EnvFilter::new("warn,hubbub::config=error");
    let builder = tracing_subscriber::fmt().with_env_filter(filter);
    let builder = builder.with_target(false).with_ansi(std::io::stderr().is_terminal());
    let _ = builder.with_writer(|| keep.above(std::io::stderr())).try_init();
}

/// Installs the process's metrics recorder, unless there is one.
pub fn start_metrics() {
    STARTED.get_or_init(Instant::now);
    NUMBERS.get_or_init(|| {
        let builder = PrometheusBuilder::new().set_buckets(BUCKETS).and_then(|builder| {
            builder.set_buckets_for_metric(
                metrics_exporter_prometheus::Matcher::Suffix("_verbs".to_owned()),
                BATCHES,
            )
        });
        builder.and_then(PrometheusBuilder::install_recorder).ok()
    });
    for name in RARE {
        metrics::counter!(*name).increment(0);
    }
}

/// All metrics as text. Empty if no recorder could be installed.
pub fn render_metrics() -> String {
    NUMBERS.get().and_then(Option::as_ref).map(PrometheusHandle::render).unwrap_or_default()
}

/// Runs the recorder's upkeep periodically, so that its histograms do not grow while nobody scrapes them.
pub async fn keep_tidy(stop: CancellationToken) {
    let mut ticks = tokio::time::interval(Duration::from_secs(10));
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        if let Some(Some(handle)) = NUMBERS.get() {
            handle.run_upkeep();
        }
    }
}

pub fn uptime() -> Duration {
    STARTED.get_or_init(Instant::now).elapsed()
}
