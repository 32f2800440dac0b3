//! `hubbub serve`: the lifetime of a server, from the configuration to the last task.

use anyhow::Context as _;

use super::print;
use crate::accounts::users::ListUsers;
use crate::app::App;
use crate::app::file_lock::FileLock;
use crate::app::installation;
use crate::clock::Clock;
use crate::config::Config;
use crate::http::serve::{listen, signal};
use crate::server::{start, start_metrics};
use crate::telemetry;

pub(super) async fn run(config: Config) -> anyhow::Result<()> {
    // Signals are handled from here on: a supervisor may stop the server as soon as its address is logged.
    let mut signalled = tokio::spawn(signal());
    for warning in config.warnings() {
        tracing::warn!("{warning}");
    }
    // The address is bound first: two servers with one address must not both open one database.
    let listener = listen(config.server.listen).await?;
    let address = listener.local_addr().context("the listening address")?;
    let metrics = match config.metrics_listen() {
        Ok(Some(address)) => Some(listen(address).await.context("metrics_listen")?),
        _ => None,
    };
    let _lock = FileLock::take(&config)?;
    let app = tokio::select! {
        started = App::start(config, Clock::System) => started?,
        signalled = &mut signalled => return signalled.context("waiting for a signal")?,
    };
    for warning in installation::open_to_others(&app.config) {
        tracing::warn!("{warning}");
    }
    start(listener, app.clone());
    if let Some(metrics) = metrics {
        tracing::info!(address = %metrics.local_addr().context("metrics_listen")?, "serving metrics on their own address");
        start_metrics(metrics, app.clone());
    }
    app.tasks.spawn(telemetry::keep_tidy(app.soft.clone()));
    print(&format!("hubbub listens on http://{address}"))?;
    tracing::info!(%address, public_url = app.config.server.public_url, "the server is up");
    if app.store.read(ListUsers { after: None, limit: 1 }).await?.is_empty() {
        tracing::info!("there is no user yet: hubbub admin user create --help");
    }

    let signalled = signalled.await.context("waiting for a signal")?;
    tracing::info!("stopping");
    app.stop().await;
    telemetry::traces::stop().await;
    tracing::info!("stopped");
    signalled
}
