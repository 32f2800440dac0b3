//! `/metrics` in the Prometheus text format: the server's counters, the hub's counters, and the process. No label names
//! a tenant: the number of tenants has no bound.

use std::collections::BTreeSet;

use adapters::verify::is_same_secret;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;

use super::extract::bearer;
use super::problem::{Problem, Result};
use crate::app::AppState;
use crate::error::Error;
use crate::model::NodeState;
use crate::store::jobs::Class;
use crate::store::nodes::List;
use crate::store::{Standing, Tx, Verb, queues};
use crate::telemetry;

/// `/metrics` on the main address, with the configured `metrics_token` as the bearer token; 403 if none is configured.
pub async fn metrics(State(app): State<AppState>, headers: HeaderMap) -> Result<impl IntoResponse> {
    let wanted = &app.config.metrics.token;
    if wanted.is_empty() {
        let detail = "the numbers are not shown here: the operator has to set metrics_token, or metrics_listen for an \
            address of their own";
        return Err(Problem::new(StatusCode::FORBIDDEN, "no_metrics_token", detail));
    }
    if !bearer(&headers).is_some_and(|given| is_same_secret(wanted, given)) {
        return Err(Problem::unauthenticated("send the server's metrics_token (`Authorization: Bearer …`)"));
    }
    numbers(&app).await
}

/// `/metrics` on its own address, without a token: the operator restricts access to that address.
pub async fn open(State(app): State<AppState>) -> Result<impl IntoResponse> {
    numbers(&app).await
}

async fn numbers(app: &AppState) -> Result<impl IntoResponse + use<>> {
    jobs(app).await?;
    nodes(app).await?;
    let stats = app.hub.stats();
    let gauges = [
        ("hubbub_hub_sessions", stats.sessions),
        ("hubbub_hub_rooms", stats.rooms),
        ("hubbub_hub_subscriptions", stats.subscriptions),
        ("hubbub_hub_rpcs_running", stats.rpcs_running),
        ("hubbub_hub_queue_bytes", stats.queue_bytes),
        ("hubbub_hub_memory_bytes", stats.memory_bytes),
    ];
    for (name, value) in gauges {
        metrics::gauge!(name).set(value as f64);
    }
    let counters = [
        ("hubbub_hub_connected_total", stats.connected),
        ("hubbub_hub_published_total", stats.published),
        ("hubbub_hub_delivered_total", stats.delivered),
        ("hubbub_hub_dropped_slow_total", stats.dropped_slow),
        ("hubbub_hub_recovered_total", stats.recovered),
        ("hubbub_hub_unrecovered_total", stats.unrecovered),
        ("hubbub_hub_log_reads_total", stats.log_reads),
        ("hubbub_hub_log_errors_total", stats.log_errors),
        ("hubbub_hub_gap_filled_total", stats.gap_filled),
        ("hubbub_hub_streams_lost_total", stats.streams_lost),
        ("hubbub_hub_panics_total", stats.panics),
        ("hubbub_bus_sent_total", stats.bus_sent),
        ("hubbub_bus_received_total", stats.bus_received),
        ("hubbub_bus_lost_total", stats.bus_lost),
        ("hubbub_bus_refused_total", stats.bus_refused),
        ("hubbub_connections_refused_total", app.descriptors.refused()),
    ];
    for (name, value) in counters {
        metrics::counter!(name).absolute(value);
    }
    if let Some(path) = app.hub.path() {
        metrics::gauge!("hubbub_bus_up").set(f64::from(u8::from(path.is_up())));
        if let hub::Path::Up { round_trip } = path {
            metrics::gauge!("hubbub_bus_round_trip_seconds").set(round_trip.as_secs_f64());
        }
    }
    if let Some(replica) = app.store.replica() {
        metrics::gauge!("hubbub_replica_up").set(f64::from(u8::from(replica.standing == Standing::Up)));
        metrics::gauge!("hubbub_replica_lag_seconds").set(replica.lag.as_secs_f64());
        for (place, count) in [("replica", replica.served), ("primary", replica.passed_on)] {
            metrics::counter!("hubbub_replica_reads_total", "place" => place).absolute(count);
        }
    }
    if app.history.is_beside() {
        metrics::gauge!("hubbub_history_owned").set(f64::from(u8::from(app.history.is_owned())));
    }
    for (what, late) in app.retained.overdue() {
        metrics::gauge!("hubbub_retention_overdue_seconds", "what" => what).set(late.as_secs_f64());
    }
    metrics::gauge!("hubbub_unfinished_bytes")
        .set((app.admission.budget.used() + app.admission.strangers.used()) as f64);
    metrics::gauge!("process_max_fds").set(app.descriptors.limit() as f64);
    // Reads a few small files under `/proc`.
    let text = tokio::task::spawn_blocking(|| {
        process();
        telemetry::render_metrics()
    });
    let text = text.await.unwrap_or_default();
    Ok((
        [
            (header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"),
            (header::CACHE_CONTROL, "no-store"),
        ],
        text,
    ))
}

/// The lengths of the job queues, by class of work.
async fn jobs(app: &AppState) -> Result<()> {
    for (class, waiting, running, dead, blocked) in app.store.read(CountJobs).await? {
        let Some(class) = Class::of(class) else { continue };
        for (name, value) in [
            ("hubbub_jobs_waiting", waiting - running),
            ("hubbub_jobs_running", running),
            ("hubbub_jobs_dead", dead),
            ("hubbub_job_queues_blocked", blocked),
        ] {
            metrics::gauge!(name, "class" => class.as_str()).set(value as f64);
        }
    }
    Ok(())
}

/// The installation's nodes by their state, and how many versions those that live have.
async fn nodes(app: &AppState) -> Result<()> {
    let listed = app.store.read(List).await?;
    for state in [NodeState::Ready, NodeState::NotReady, NodeState::Draining, NodeState::Silent] {
        let count = listed.nodes.iter().filter(|node| node.state_at(listed.now) == state).count();
        metrics::gauge!("hubbub_nodes", "state" => state.as_str()).set(count as f64);
    }
    let versions: BTreeSet<_> = listed.live().map(|node| &node.version).collect();
    metrics::gauge!("hubbub_node_versions").set(versions.len() as f64);
    Ok(())
}

struct CountJobs;

impl Verb for CountJobs {
    type Out = Vec<(i64, i64, i64, i64, i64)>;

    async fn run(&self, tx: &mut Tx<'_>) -> std::result::Result<Self::Out, Error> {
        Ok(queues::count(tx).await?)
    }
}

fn process() {
    metrics::gauge!("process_uptime_seconds").set(telemetry::uptime().as_secs_f64());
    if let Some(bytes) = resident_bytes() {
        metrics::gauge!("process_resident_memory_bytes").set(bytes as f64);
    }
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        metrics::gauge!("process_open_fds").set(open.count() as f64);
    }
}

/// From `/proc`; `None` on systems other than Linux.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}
