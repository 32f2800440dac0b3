//! Listening, until the application's tokens say to finish (`App::soft`) and to drop what is left (`App::hard`).
//! Starting and stopping everything else is `app.rs`.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use hub::Doorway;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::problem;
use crate::app::AppState;

/// A connection that says nothing at all costs a descriptor for so long, unless it is of a trusted proxy, which may
/// open them beforehand;
const FIRST_BYTE: Duration = Duration::from_secs(10);
/// one that is kept for the next request, or that is slow with the head of one, for so long. Most proxies let go of
/// theirs after one to two minutes, and must be the first to do so, or a request gets lost now and then;
const NEXT_HEAD: Duration = Duration::from_secs(130);
/// and one that takes nothing of what it is sent, for so long.
const UNREAD: Duration = Duration::from_mins(1);

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

/// Answers requests in tasks of the application's. At the soft token idle connections are closed and requests
/// finish; the hard token drops the rest. Sockets are the hub's: `App::stop` drains them.
pub fn start(listener: TcpListener, app: AppState) {
    let doorway = Doorway::new(listener, app.descriptors.clone(), problem::no_descriptors_answer());
    let tasks = app.tasks.clone();
    tasks.spawn(accept(doorway, app));
}

async fn accept(mut doorway: Doorway, app: AppState) {
    let router = super::router(app.clone());
    while let Some((stream, address)) = app.soft.run_until_cancelled(doorway.accept()).await {
        // Frames are small and must not wait for company.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "nodelay could not be set");
        }
        if let Err(error) = give_up_unread(&stream, UNREAD) {
            tracing::debug!(%error, "a connection will be waited for while it takes nothing");
        }
        let caller = Caller { address, may_stay: app.descriptors.may_stay(&stream) };
        let is_proxy = app.config.trusted_proxies.contains(&address.ip().to_canonical());
        let patience = if is_proxy { NEXT_HEAD } else { FIRST_BYTE };
        let (router, soft, hard) = (router.clone(), app.soft.clone(), app.hard.clone());
        app.tasks.spawn(async move {
            hard.run_until_cancelled(answer(stream, caller, patience, router, soft)).await;
        });
    }
}

/// Has the system break the connection when the other side has taken nothing for so long, be it gone or unwilling:
/// an answer that is not read would be kept with its connection for as long as the other side likes.
#[cfg(target_os = "linux")]
fn give_up_unread(stream: &TcpStream, after: Duration) -> io::Result<()> {
    let ms = u32::try_from(after.as_millis()).unwrap_or(u32::MAX);
    Ok(rustix::net::sockopt::set_tcp_user_timeout(stream, ms)?)
}

#[cfg(not(target_os = "linux"))]
fn give_up_unread(_: &TcpStream, _: Duration) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Serves one connection until it ends, or until it becomes a socket.
async fn answer(
    stream: TcpStream,
    caller: Caller,
    first_byte: Duration,
    router: Router,
    soft: CancellationToken,
) {
    let spoke = soft.run_until_cancelled(timeout(first_byte, stream.readable())).await;
    if !matches!(spoke, Some(Ok(Ok(())))) {
        return tracing::debug!(?spoke, "a connection said nothing");
    }
    let service = router.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(caller));
        request.map(Body::new)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(NEXT_HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = if let Some(ended) = soft.run_until_cancelled(connection.as_mut()).await {
        ended
    } else {
        connection.as_mut().graceful_shutdown();
        connection.await
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
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

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::task::JoinHandle;
    use tokio::time::{Instant, sleep};

    use super::*;

    /// A client and the task that answers it.
    async fn pair(soft: &CancellationToken) -> (TcpStream, JoinHandle<()>) {
        let router = Router::new()
            .route("/", get(async |caller: ConnectInfo<Caller>| caller.0.address.ip().to_string()))
            .route("/slow", get(async || sleep(Duration::from_millis(300)).await));
        let listener = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, address) = listener.accept().await.unwrap();
        let caller = Caller { address, may_stay: true };
        (client, tokio::spawn(answer(stream, caller, FIRST_BYTE, router, soft.clone())))
    }

    async fn ask(client: &mut TcpStream, path: &str) -> String {
        let request = format!("GET {path} HTTP/1.1\r\nhost: example.com\r\n\r\n");
        client.write_all(request.as_bytes()).await.unwrap();
        let mut answer = [0; 1024];
        let size = client.read(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer[..size]).into_owned()
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_says_nothing_is_not_kept() {
        let (mut client, answering) = pair(&CancellationToken::new()).await;
        let begin = Instant::now();
        answering.await.unwrap();
        assert!((FIRST_BYTE..NEXT_HEAD).contains(&begin.elapsed()));
        assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn who_reads_nothing_is_given_up() {
        let listener = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut stream, _) = listener.accept().await.unwrap();
        give_up_unread(&stream, Duration::from_millis(500)).unwrap();
        let much = vec![0; 65_536];
        let writing = async { while stream.write_all(&much).await.is_ok() {} };
        timeout(Duration::from_secs(20), writing).await.expect("an end");
        drop(client);
    }

    #[tokio::test]
    async fn slow_heads_and_idle_connections_are_let_go_later() {
        for begun in ["GET / HTTP/1.1\r\nhost: exam", ""] {
            let (mut client, answering) = pair(&CancellationToken::new()).await;
            let answer = ask(&mut client, "/").await;
            assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("127.0.0.1"), "{answer}");
            client.write_all(begun.as_bytes()).await.unwrap();
            tokio::time::pause();
            let begin = Instant::now();
            answering.await.unwrap();
            assert!(begin.elapsed() + FIRST_BYTE > NEXT_HEAD, "{begun:?} {:?}", begin.elapsed());
            tokio::time::resume();
        }
    }

    #[tokio::test]
    async fn a_stop_ends_the_silent_at_once_and_requests_when_they_are_answered() {
        let soft = CancellationToken::new();
        let (_silent, answering) = pair(&soft).await;
        let (mut idle, idling) = pair(&soft).await;
        ask(&mut idle, "/").await;
        let (mut busy, working) = pair(&soft).await;
        let stop = async {
            sleep(Duration::from_millis(100)).await;
            soft.cancel();
        };
        let (answer, ()) = tokio::join!(ask(&mut busy, "/slow"), stop);
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
        for task in [answering, idling, working] {
            timeout(Duration::from_secs(5), task).await.expect("it ends").unwrap();
        }
    }
}
