//! Accepts connections until the soft token (`App::soft`) ends the accept loop; the hard token (`App::hard`) drops the
//! connections that are left. `start.rs` starts the other parts, `app.rs` stops them.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::extract::{ConnectInfo, Request};
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use hub::ConnectionListener;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::peer::Caller;
use super::wire::{HEAD_BYTES, HeadTimer, Progress, Wire};
use super::{problem, socket};
use crate::admission::{Charge, ConnectionSlot};
use crate::app::AppState;
use crate::config::is_in;

/// How long a connection may stay without sending its first byte. Each one costs a file descriptor. Trusted proxies,
/// which may open connections in advance, have their own idle timeout.
const FIRST_BYTE: Duration = Duration::from_secs(10);
/// How long the peer may leave sent data unacknowledged. The time between requests is configured
/// (`http_idle_timeout_s`).
const UNREAD: Duration = Duration::from_mins(1);

pub async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
}

/// Who answers upgrades to a WebSocket.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Upgrades {
    /// The first request of a connection is answered without the HTTP library, if it is a plain upgrade.
    First,
    /// The router alone.
    Router,
}

/// Answers requests in tasks tracked by the application. The soft token closes idle connections and lets running
/// requests finish; the hard token drops the rest. WebSockets belong to the hub: `App::stop` drains them.
pub fn serve(listener: TcpListener, app: AppState, router: Router, upgrades: Upgrades) {
    let listener =
        ConnectionListener::new(listener, app.descriptors.clone(), problem::no_descriptors_answer());
    let tasks = app.tasks.clone();
    tasks.spawn(accept(listener, app, router, upgrades));
}

async fn accept(mut listener: ConnectionListener, app: AppState, router: Router, upgrades: Upgrades) {
    let idle = Duration::from_secs(app.config.server.http_idle_timeout_s);
    let idle_proxy = Duration::from_secs(app.config.server.http_proxy_idle_timeout_s);
    while let Some((stream, address)) = app.soft.run_until_cancelled(listener.accept()).await {
        let is_proxy = is_in(&app.config.server.trusted_proxies, address.ip());
        let slot = if is_proxy { None } else { app.admission.connection_slots.take(address.ip()) };
        if !is_proxy && slot.is_none() {
            metrics::counter!("hubbub_connections_over_places_total").increment(1);
            listener.refuse(stream, problem::too_many_unfinished().whole_answer());
            continue;
        }
        // Frames are small: Nagle's algorithm would delay them.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY cannot be set");
        }
        if let Err(error) = give_up_unread(&stream, UNREAD) {
            tracing::debug!(%error, "TCP_USER_TIMEOUT cannot be set");
        }
        let caller = Caller { address, is_proxy, may_stay: app.descriptors.may_stay(&stream) };
        let (idle, first_byte) =
            if is_proxy { (idle_proxy, idle_proxy) } else { (idle, FIRST_BYTE.min(idle)) };
        let connection = Connection {
            caller,
            slot,
            charge: app.admission.strangers.open(address.ip()),
            may_wait: is_proxy || app.descriptors.may_wait(&stream),
            stream,
            idle,
            first_byte,
            sockets: (upgrades == Upgrades::First).then(|| AppState::clone(&app)),
        };
        let (router, soft, hard) = (router.clone(), app.soft.clone(), app.hard.clone());
        app.tasks.spawn(async move {
            hard.run_until_cancelled(connection.answer(router, soft)).await;
        });
    }
}

/// Makes the kernel break the connection when the peer has acknowledged nothing for so long (`TCP_USER_TIMEOUT`).
/// Otherwise an answer that the peer does not read would keep its connection and memory for as long as the peer likes.
#[cfg(target_os = "linux")]
fn give_up_unread(stream: &TcpStream, after: Duration) -> io::Result<()> {
    let ms = u32::try_from(after.as_millis()).unwrap_or(u32::MAX);
    Ok(rustix::net::sockopt::set_tcp_user_timeout(stream, ms)?)
}

#[cfg(not(target_os = "linux"))]
fn give_up_unread(_: &TcpStream, _: Duration) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// An accepted connection.
struct Connection {
    stream: TcpStream,
    caller: Caller,
    slot: Option<ConnectionSlot>,
    /// Charged for the heads of its requests.
    charge: Charge,
    /// Whether it is kept open for a next request.
    may_wait: bool,
    /// The longest wait for the next request, and for the first byte of the connection.
    idle: Duration,
    first_byte: Duration,
    /// Whose sockets are opened by the first request.
    sockets: Option<AppState>,
}

impl Connection {
    /// Serves requests until the connection ends or is upgraded to a WebSocket.
    async fn answer(self, router: Router, soft: CancellationToken) {
        let Self { stream, caller, slot, charge, may_wait, idle, first_byte, sockets } = self;
        let spoke = soft.run_until_cancelled(timeout(first_byte, stream.readable())).await;
        if !matches!(spoke, Some(Ok(Ok(())))) {
            return tracing::debug!(?spoke, "a connection was closed before its first byte");
        }
        let stream = match sockets {
            None => stream,
            // The slot is given back when this ends.
            Some(app) => match soft.run_until_cancelled(socket::take_first(&app, stream, caller)).await {
                Some(Some(stream)) => stream,
                _ => return,
            },
        };
        let progress = Arc::new(Progress::new(slot));
        let head = Arc::clone(&progress);
        let service = router.map_request(move |mut request: Request<Incoming>| {
            head.head_is_whole(request.body().size_hint().exact());
            request.extensions_mut().insert(ConnectInfo(caller));
            request.extensions_mut().insert(Arc::clone(&head));
            request.map(Body::new)
        });
        // By the answer, not by the library's own switch, which would add `close` to what an upgrade says of the connection.
        let service = service.map_response(move |mut answer: Response| {
            if !may_wait && answer.status() != StatusCode::SWITCHING_PROTOCOLS {
                answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            answer
        });
        let wire = Wire::new(stream, Arc::clone(&progress), charge);
        let connection = http1::Builder::new()
            .timer(HeadTimer { progress, idle })
            // Only enables the library's timer; `HeadTimer` decides when it fires.
            .header_read_timeout(idle)
            .max_buf_size(HEAD_BYTES)
            .serve_connection(wire, TowerToHyperService::new(service))
            .with_upgrades();
        let mut connection = pin!(connection);
        let ended = if let Some(ended) = soft.run_until_cancelled(connection.as_mut()).await {
            ended
        } else {
            connection.as_mut().graceful_shutdown();
            connection.await
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection failed");
        }
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
    use crate::admission::Budget;

    const IDLE: Duration = Duration::from_secs(130);

    /// A client and the task that serves it.
    async fn pair(soft: &CancellationToken) -> (TcpStream, JoinHandle<()>) {
        pair_with(soft, IDLE, 1 << 20).await
    }

    async fn pair_with(
        soft: &CancellationToken,
        idle: Duration,
        share: usize,
    ) -> (TcpStream, JoinHandle<()>) {
        pair_that(true, soft, idle, share).await
    }

    async fn pair_that(
        may_wait: bool,
        soft: &CancellationToken,
        idle: Duration,
        share: usize,
    ) -> (TcpStream, JoinHandle<()>) {
        let router = Router::new()
            .route(
                "/",
                get(async |caller: ConnectInfo<Caller>| caller.0.address.ip().to_string())
                    .post(async |body: String| body),
            )
            .route("/slow", get(async || sleep(Duration::from_millis(300)).await))
            .route("/upgrade", get(async || (StatusCode::SWITCHING_PROTOCOLS, [(CONNECTION, "upgrade")])))
            .route("/file", get(file));
        let listener = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, address) = listener.accept().await.unwrap();
        let caller = Caller { address, is_proxy: false, may_stay: true };
        let charge = Budget::new(1 << 20, share).open(address.ip());
        let first_byte = FIRST_BYTE;
        let connection =
            Connection { stream, caller, slot: None, charge, may_wait, idle, first_byte, sockets: None };
        (client, tokio::spawn(connection.answer(router, soft.clone())))
    }

    /// A file with the bytes of a refusal by the HTTP library.
    const FILE: &str = "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";

    /// The body comes after the head of the answer was written.
    async fn file() -> Body {
        Body::from_stream(futures_util::stream::once(async {
            sleep(Duration::from_millis(100)).await;
            Ok::<_, io::Error>(FILE)
        }))
    }

    #[tokio::test]
    async fn a_file_that_looks_like_a_refusal_arrives_as_it_is() {
        let (mut client, _answering) = pair(&CancellationToken::new()).await;
        client.write_all(b"GET /file HTTP/1.0\r\nhost: example.com\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.0 200 OK") && answer.ends_with(FILE), "{answer}");
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
        assert!((FIRST_BYTE..IDLE).contains(&begin.elapsed()));
        assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn where_places_are_few_a_connection_ends_with_its_answer() {
        for may_wait in [true, false] {
            let soft = CancellationToken::new();
            let (mut client, answering) = pair_that(may_wait, &soft, IDLE, 1 << 20).await;
            let answer = ask(&mut client, "/slow").await;
            assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
            assert_eq!(answer.contains("connection: close"), !may_wait, "{answer}");
            let (mut other, _answering) = pair_that(may_wait, &soft, IDLE, 1 << 20).await;
            let upgrade =
                "GET /upgrade HTTP/1.1\r\nhost: example.com\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n";
            other.write_all(upgrade.as_bytes()).await.unwrap();
            let mut head = [0; 1024];
            let size = other.read(&mut head).await.unwrap();
            let head = String::from_utf8_lossy(&head[..size]);
            assert!(head.starts_with("HTTP/1.1 101 ") && head.contains("connection: upgrade"), "{head}");
            if may_wait {
                assert!(ask(&mut client, "/").await.starts_with("HTTP/1.1 200 OK"));
            } else {
                assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
                timeout(Duration::from_secs(5), answering).await.expect("it ends").unwrap();
            }
        }
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

    /// The idle timeout and the timeout of a head that has begun are separate.
    #[tokio::test]
    async fn idle_connections_have_their_time_and_heads_in_progress_another() {
        for (idle_s, begun, end_s) in
            [(130, "", 130), (620, "", 620), (3, "", 3), (620, "GET / HTTP/1.1\r\nhost: exam", 15)]
        {
            let idle = Duration::from_secs(idle_s);
            let (mut client, answering) = pair_with(&CancellationToken::new(), idle, 1 << 20).await;
            let answer = ask(&mut client, "/").await;
            assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("127.0.0.1"), "{answer}");
            client.write_all(begun.as_bytes()).await.unwrap();
            if !begun.is_empty() {
                // The server must have read it before the clock is paused.
                sleep(Duration::from_millis(200)).await;
            }
            tokio::time::pause();
            let begin = Instant::now();
            answering.await.unwrap();
            let took = begin.elapsed().as_secs_f64();
            assert!((took - f64::from(end_s)).abs() < 2.0, "{idle_s} {begun:?}: {took}");
            tokio::time::resume();
        }
    }

    /// If the beginning of a second request arrives together with the first, the timeout of a head applies, not the
    /// idle timeout.
    #[tokio::test]
    async fn a_head_that_begins_with_the_request_before_has_the_time_of_a_head() {
        let get = "GET / HTTP/1.1\r\nhost: example.com\r\n\r\n";
        let post = "POST / HTTP/1.1\r\nhost: example.com\r\ncontent-length: 5\r\n\r\nhello";
        let chunked =
            "POST / HTTP/1.1\r\nhost: example.com\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
        for request in [get, post, chunked] {
            for (begun, end_s) in [("", 620), ("GET / HT", 15), ("GET / HTTP/1.1\r\nhost: exam", 15)] {
                let idle = Duration::from_secs(620);
                let (mut client, answering) = pair_with(&CancellationToken::new(), idle, 1 << 20).await;
                client.write_all(format!("{request}{begun}").as_bytes()).await.unwrap();
                let mut answer = [0; 1024];
                let size = client.read(&mut answer).await.unwrap();
                assert!(answer[..size].starts_with(b"HTTP/1.1 200 OK"));
                // The server waits for the next head before the clock is paused.
                sleep(Duration::from_millis(200)).await;
                tokio::time::pause();
                let begin = Instant::now();
                answering.await.unwrap();
                let took = begin.elapsed().as_secs_f64();
                assert!((took - f64::from(end_s)).abs() < 2.0, "{request:?} {begun:?}: {took}");
                tokio::time::resume();
            }
        }
    }

    /// A head that is sent byte by byte has 15 seconds in total, on a fresh connection and on a reused one.
    #[tokio::test]
    async fn a_head_that_is_trickled_ends_in_time() {
        let trickle = async |is_first: bool| {
            let idle = Duration::from_secs(620);
            let (mut client, answering) = pair_with(&CancellationToken::new(), idle, 1 << 20).await;
            if !is_first {
                ask(&mut client, "/").await;
            }
            client.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
            let begin = Instant::now();
            let trickle = async {
                while client.write_all(b"x").await.is_ok() {
                    sleep(Duration::from_millis(500)).await;
                }
            };
            tokio::select! {
                () = trickle => {}
                ended = answering => ended.unwrap(),
            }
            let took = begin.elapsed().as_secs_f64();
            assert!((14.0..19.0).contains(&took), "{took}");
        };
        tokio::join!(trickle(true), trickle(false));
    }

    async fn refused(request: &str, share: usize) -> (u16, String) {
        let (mut client, _answering) = pair_with(&CancellationToken::new(), IDLE, share).await;
        let (mut reading, mut writing) = client.split();
        let mut answer = Vec::new();
        let both = async {
            let _ = writing.write_all(request.as_bytes()).await;
            let _ = reading.read_to_end(&mut answer).await;
        };
        timeout(Duration::from_secs(10), both).await.expect("an end");
        let text = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("an answer: {text:?}"));
        assert!(head.contains("application/problem+json"), "{text}");
        let problem: serde_json::Value = serde_json::from_str(body).expect("a problem");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        assert_eq!(problem["status"], status);
        (status, problem["code"].as_str().expect("a code").to_owned())
    }

    /// Refusals by the HTTP library itself have a problem body too.
    #[tokio::test]
    async fn long_and_unreadable_heads_are_refused_with_a_problem() {
        let long = format!("GET / HTTP/1.1\r\nhost: x\r\nx-long: {}", "y".repeat(HEAD_BYTES));
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(101));
        let address = format!("GET /{}", "a".repeat(HEAD_BYTES));
        let nonsense = "nonsense\r\n\r\n".to_owned();
        for (request, status, code) in [
            (&long, 431, "head_too_large"),
            (&many, 431, "head_too_large"),
            (&address, 414, "address_too_long"),
            (&nonsense, 400, "unreadable"),
        ] {
            assert_eq!(refused(request, 1 << 20).await, (status, code.to_owned()));
        }
        // A head is charged once it is longer than 8 KiB.
        assert_eq!(refused(&long, 40 * 1024).await, (503, "no_room".to_owned()));
        let (mut client, _answering) = pair_with(&CancellationToken::new(), IDLE, 0).await;
        assert!(ask(&mut client, "/").await.starts_with("HTTP/1.1 200 OK"), "short ones are not counted");
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
