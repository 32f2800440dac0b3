//! Parts shared by all emulated providers: a server that is closed when dropped, injected failures, and waiting for a
//! condition instead of sleeping.

use std::{
    collections::VecDeque,
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    middleware::{self, Next},
    response::Response,
};
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

/// For deliveries to the hub beside the emulator, which speaks no TLS, so the machine's certificates are not read.
pub(crate) fn hook_client() -> reqwest::ClientBuilder {
    reqwest::Client::builder().tls_certs_only([]).redirect(reqwest::redirect::Policy::none())
}

/// The failure of the next sending calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fail {
    TooManyRequests {
        retry_after: u64,
    },
    /// The customer blocked the account. The message is not sent.
    Blocked,
    /// The message is not sent.
    Server500,
    /// The message is sent, and no response ever comes.
    Hang,
    /// The message is sent, and the response comes a second later.
    Slow,
    /// The connection is reset, and the message is not sent.
    DropConnection,
}

/// A value that can be changed, read and waited for.
pub(crate) struct Watched<T> {
    value: Mutex<T>,
    changes: watch::Sender<()>,
}

impl<T> Watched<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { value: Mutex::new(value), changes: watch::Sender::new(()) }
    }

    fn lock(&self) -> MutexGuard<'_, T> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn read<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.lock())
    }

    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let result = change(&mut self.lock());
        self.changes.send_replace(());
        result
    }

    /// The first `Some`. Waits without a limit; the caller sets one.
    pub(crate) async fn until<R>(&self, mut look: impl FnMut(&T) -> Option<R>) -> R {
        let mut changes = self.changes.subscribe();
        loop {
            if let Some(result) = self.read(&mut look) {
                return result;
            }
            // The sender lives as long as `self`, so this cannot fail.
            let _ = changes.changed().await;
        }
    }
}

/// The tasks of one emulator, stopped together.
#[derive(Clone, Default)]
pub(crate) struct Tasks {
    set: Arc<Mutex<JoinSet<()>>>,
    stopped: Arc<AtomicBool>,
}

impl Tasks {
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        if self.stopped.load(Ordering::SeqCst) {
            return;
        }
        let mut set = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        while set.try_join_next().is_some() {}
        set.spawn(task);
    }

    /// Stops all tasks and closes open connections.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        self.set.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
    }

    /// Serves the router until the tasks are stopped.
    pub(crate) async fn serve(&self, address: SocketAddr, router: Router) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let router =
            router.layer(middleware::from_fn_with_state(Arc::clone(&self.stopped), refuse_when_stopped));
        self.spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::warn!(%error, "an emulated provider stopped serving");
            }
        });
        Ok(address)
    }
}

/// Connections outlive the listener, so they are closed here.
async fn refuse_when_stopped(
    State(stopped): State<Arc<AtomicBool>>,
    request: Request,
    next: Next,
) -> Response {
    if stopped.load(Ordering::SeqCst) { cut() } else { next.run(request).await }
}

/// A response that fails before its first byte.
pub(crate) fn cut() -> Response {
    let broken = io::Error::new(io::ErrorKind::ConnectionReset, "cut on purpose");
    Response::new(Body::from_stream(futures_util::stream::iter([Err::<String, _>(broken)])))
}

/// A log of bounded length, because the demo runs without end.
#[derive(Debug, Clone)]
pub(crate) struct Recent<T>(VecDeque<T>);

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T: Clone> Recent<T> {
    const KEPT: usize = 10_000;

    pub(crate) fn push(&mut self, entry: T) {
        if self.0.len() == Self::KEPT {
            self.0.pop_front();
        }
        self.0.push_back(entry);
    }

    pub(crate) fn to_vec(&self) -> Vec<T> {
        self.0.iter().cloned().collect()
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.0.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut T> {
        self.0.iter_mut()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}
