//! Liveness and readiness probes. Ready means that the store reads and commits, that other nodes are reached, and that
//! there is a file descriptor for another socket.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use tokio::time::Instant;
use utoipa::ToSchema;

use super::problem::{Problem, no_descriptors};
use crate::app::{App, AppState};
use crate::error::Error;
use crate::model::NodeReason;
use crate::store::events::Touch;
use crate::store::{Standing, Tx, Verb, accounts};

const BUS: &str = "bus";
const PATIENCE: Duration = Duration::from_secs(2);
/// The probe commits at most once in this time, however often it is called.
const COMMIT_EVERY: Duration = Duration::from_secs(1);

#[derive(Serialize, ToSchema)]
pub struct Health {
    status: &'static str,
    /// What works with less than it should: `history`, while MongoDB is away; `history_owner` beside it, while another
    /// installation has it; `replica`, while the primary does its reads; `bus`, while the database is read instead; `nodes`,
    /// while nothing comes from one that runs. Nothing in it: all is well.
    degraded: Vec<&'static str>,
}

impl Health {
    fn of(status: &'static str) -> Self {
        Self { status, degraded: Vec::new() }
    }
}

/// Fails when the store's writer has ended.
pub async fn live(State(app): State<AppState>) -> Result<Json<Health>, Problem> {
    if app.store.is_alive() {
        return Ok(Json(Health::of("live")));
    }
    Err(Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "not_live",
        "the store's writer has ended: restart the server",
    ))
}

/// What the server knows by itself that keeps it from being ready.
pub fn reason(app: &App) -> Option<NodeReason> {
    if app.descriptors.are_short() {
        return Some(NodeReason::Descriptors);
    }
    app.hub.path().is_some_and(|path| !path.is_up()).then_some(NodeReason::Bus)
}

/// Fails when the store does not read and commit in time, the bus to other nodes is broken, descriptors are short, or a
/// shutdown has begun.
pub async fn ready(State(app): State<AppState>) -> Result<Json<Health>, Problem> {
    let health = look(&app).await?;
    if health.degraded.contains(&BUS) {
        return Err(not_ready("the bus to the other nodes is broken; this one reads the database instead"));
    }
    Ok(health)
}

/// For a balancer that takes out whoever is not ready, and has nobody left when the bus is away for all: the same, but for
/// the bus.
pub async fn serving(State(app): State<AppState>) -> Result<Json<Health>, Problem> {
    look(&app).await
}

async fn look(app: &App) -> Result<Json<Health>, Problem> {
    if app.soft.is_cancelled() {
        return Err(not_ready("the server is shutting down"));
    }
    if reason(app) == Some(NodeReason::Descriptors) {
        return Err(no_descriptors());
    }
    let checks = async {
        app.store.read(ProbeStore).await?;
        let mut committed = app.committed.lock().await;
        if committed.is_none_or(|at| at.elapsed() >= COMMIT_EVERY) {
            app.store.write(Touch).await?;
            *committed = Some(Instant::now());
        }
        Ok::<_, Error>(())
    };
    match tokio::time::timeout(PATIENCE, checks).await {
        Ok(Ok(())) => {
            let has_replica = app.store.replica().is_none_or(|replica| replica.standing == Standing::Up);
            let parts = [
                (BUS, reason(app) != Some(NodeReason::Bus)),
                ("nodes", app.nodes.hears_all()),
                ("history", app.history.is_up()),
                ("history_owner", app.history.is_owned()),
                ("replica", has_replica),
            ];
            let degraded = parts.into_iter().filter(|(_, is_up)| !is_up).map(|(part, _)| part).collect();
            Ok(Json(Health { degraded, ..Health::of("ready") }))
        }
        Ok(Err(error)) => {
            tracing::warn!(%error, "not ready: the store fails");
            Err(not_ready("the store fails"))
        }
        Err(_) => Err(not_ready("the store does not answer in time")),
    }
}

fn not_ready(detail: &str) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", detail).retry_after(2)
}

/// Reads through the same path as every verb.
struct ProbeStore;

impl Verb for ProbeStore {
    type Out = ();

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        accounts::tenants(tx, uuid::Uuid::nil(), 1).await?;
        Ok(())
    }
}
