//! Listening, until the application's tokens say to finish (`App::soft`) and to drop what is left (`App::hard`).
//! Starting and stopping everything else is `app.rs`.

use std::future::IntoFuture as _;
use std::io;
use std::net::SocketAddr;

use anyhow::Context as _;
use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use hub::{Descriptors, Doorway};
use tokio::net::{TcpListener, TcpStream};

use super::problem;
use crate::app::AppState;

/// What a connection is known by.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    pub address: SocketAddr,
    /// There are descriptors enough to keep it as a socket.
    pub may_stay: bool,
}

pub async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
}

/// Answers requests in a task of the application's. At the soft token idle connections are closed and requests
/// finish; the hard token drops the rest. Sockets are the hub's: `App::stop` drains them.
pub fn start(listener: TcpListener, app: AppState) {
    let (soft, hard, tasks) = (app.soft.clone(), app.hard.clone(), app.tasks.clone());
    let door = Door {
        doorway: Doorway::new(listener, app.descriptors.clone(), problem::no_descriptors_answer()),
        descriptors: app.descriptors.clone(),
    };
    let service = super::router(app).into_make_service_with_connect_info::<Caller>();
    let server = axum::serve(door, service).with_graceful_shutdown(async move { soft.cancelled().await });
    tasks.spawn(async move {
        if let Some(Err(error)) = hard.run_until_cancelled(server.into_future()).await {
            tracing::error!(%error, "the listener failed");
        }
    });
}

/// The engine's doorway as the HTTP server wants it.
struct Door {
    doorway: Doorway,
    descriptors: Descriptors,
}

impl Listener for Door {
    type Io = TcpStream;
    type Addr = Caller;

    async fn accept(&mut self) -> (TcpStream, Self::Addr) {
        let (stream, address) = self.doorway.accept().await;
        // Frames are small and must not wait for company.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "nodelay could not be set");
        }
        let may_stay = self.descriptors.may_stay(&stream);
        (stream, Caller { address, may_stay })
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.doorway.local_addr().map(|address| Caller { address, may_stay: true })
    }
}

impl Connected<IncomingStream<'_, Door>> for Caller {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        *stream.remote_addr()
    }
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
