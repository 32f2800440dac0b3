//! Listening, until the application's tokens say to finish (`App::soft`) and to drop what is left (`App::hard`).
//! Starting and stopping everything else is `app.rs`.

use std::future::IntoFuture as _;
use std::net::SocketAddr;

use anyhow::Context as _;
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;

use crate::app::AppState;

pub async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
}

/// Answers requests in a task of the application's. At the soft token idle connections are closed and requests
/// finish; the hard token drops the rest. Sockets are the hub's: `App::stop` drains them.
pub fn start(listener: TcpListener, app: AppState) {
    let (soft, hard, tasks) = (app.soft.clone(), app.hard.clone(), app.tasks.clone());
    let service = super::router(app).into_make_service_with_connect_info::<SocketAddr>();
    let listener = listener.tap_io(|stream| {
        // Frames are small and must not wait for company.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "nodelay could not be set");
        }
    });
    let server = axum::serve(listener, service).with_graceful_shutdown(async move { soft.cancelled().await });
    tasks.spawn(async move {
        if let Some(Err(error)) = hard.run_until_cancelled(server.into_future()).await {
            tracing::error!(%error, "the listener failed");
        }
    });
}

/// Resolves at the first signal to stop: Ctrl-C, or SIGTERM where there is one.
pub async fn signal() -> anyhow::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut term = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
        tokio::select! {
            done = tokio::signal::ctrl_c() => done.context("cannot wait for Ctrl-C")?,
            _ = term.recv() => {}
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await.context("cannot wait for Ctrl-C")?;
    Ok(())
}
