//! The first request of a connection: an upgrade is answered at once, everything else is the HTTP library's.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::*;

const HEAD: &str = "GET /connection/websocket HTTP/1.1\r\nHost: hub\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
/// A masked, empty ping, and its answer.
const PING: &[u8] = &[0x89, 0x80, 0, 0, 0, 0];
const PONG: &[u8] = &[0x8a, 0x00];

async fn open(server: &Server) -> TcpStream {
    let address: SocketAddr = server.base.trim_start_matches("http://").parse().expect("an address");
    TcpStream::connect(address).await.expect("connected")
}

/// What comes back until there is nothing more for a while, or `end`.
async fn answer(stream: &mut TcpStream, end: &[u8]) -> Vec<u8> {
    let mut got = Vec::new();
    let mut chunk = [0; 4096];
    while !got.ends_with(end) || end.is_empty() {
        let Ok(Ok(size @ 1..)) = timeout(Duration::from_secs(20), stream.read(&mut chunk)).await else {
            break;
        };
        got.extend_from_slice(&chunk[..size]);
        if end.is_empty() && got.windows(4).any(|part| part == b"\r\n\r\n") {
            break;
        }
    }
    got
}

fn status(answer: &[u8]) -> u16 {
    let text = String::from_utf8_lossy(answer);
    text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_is_answered_in_one_piece_in_two_and_after_another_request() {
    let server = Server::start().await;
    // What comes behind the head in the same packet is the socket's.
    let mut stream = open(&server).await;
    stream.write_all(&[HEAD.as_bytes(), PING].concat()).await.expect("sent");
    let got = answer(&mut stream, PONG).await;
    assert_eq!(status(&got), 101);
    assert!(got.ends_with(PONG), "the ping was answered: {got:?}");
    assert!(!String::from_utf8_lossy(&got).contains("x-request-id"), "by the listener itself");
    // The head in two pieces, a request before it, and an id that the answer repeats: by the HTTP library.
    let named = HEAD.replacen("Host", "X-Request-Id: 0190-abc-def\r\nHost", 1);
    let before = "GET /health/live HTTP/1.1\r\nHost: hub\r\n\r\n";
    for (first, second) in [(&HEAD[..60], &HEAD[60..]), (before, HEAD), (named.as_str(), "")] {
        let mut stream = open(&server).await;
        stream.write_all(first.as_bytes()).await.expect("sent");
        if first == before {
            assert_eq!(status(&answer(&mut stream, b"").await), 200);
        }
        sleep(Duration::from_millis(50)).await;
        stream.write_all(second.as_bytes()).await.expect("sent");
        let got = answer(&mut stream, b"").await;
        assert_eq!(status(&got), 101);
        assert!(String::from_utf8_lossy(&got).contains("x-request-id: "), "{got:?}");
        stream.write_all(PING).await.expect("sent");
        assert!(answer(&mut stream, PONG).await.ends_with(PONG));
    }
    let metrics = server.call(Method::GET, "/metrics", None, None).await;
    assert_ne!(metrics.status(), StatusCode::SWITCHING_PROTOCOLS);
    server.app.stop().await;
}

/// What other servers on the way may read in another way is not answered by the listener: the HTTP library refuses it, or
/// answers it as it always has.
#[tokio::test(flavor = "multi_thread")]
async fn unusual_upgrades_are_the_http_librarys() {
    let server = Server::start().await;
    let many = "x: y\r\n".repeat(200);
    let long = format!("X-Long: {}\r\n", "y".repeat(40_000));
    for (from, to, refused) in [
        ("Host", "Content-Length: 6\r\nTransfer-Encoding: chunked\r\nHost", false),
        ("Host", "Content-Length: 6\r\nHost", false),
        ("Host", "Transfer-Encoding: chunked\r\nHost", false),
        ("Host", "Transfer-Encoding: chunked\u{e9}\r\nHost", true),
        ("Host: hub", "Host: hub\r\n folded", true),
        ("Host: hub\r\n", "Host: hub\n", false),
        ("Host", "Host :", true),
        ("Host", &format!("{many}Host"), true),
        ("Host", &format!("{long}Host"), true),
        ("Host", "Origin: https://evil.example.com\r\nHost", true),
        ("Version: 13", "Version: 8", true),
        ("GET", "POST", true),
        ("HTTP/1.1", "HTTP/1.0", true),
    ] {
        let mut stream = open(&server).await;
        stream.write_all(HEAD.replacen(from, to, 1).as_bytes()).await.expect("sent");
        let got = answer(&mut stream, b"").await;
        let text = String::from_utf8_lossy(&got);
        assert!(status(&got) != 101 || text.contains("x-request-id"), "{to:.60}: {text}");
        assert_eq!(refused, status(&got) != 101, "{to:.60}: {text}");
        if refused {
            assert!((400..500).contains(&status(&got)), "{to:.60}: {text}");
        }
    }
    server.app.stop().await;
}

/// Half a head keeps a place for as long as any head may take, and a socket gives its place back.
#[tokio::test(flavor = "multi_thread")]
async fn a_socket_gives_its_place_back_and_half_a_head_keeps_it() {
    let server = Server::with(|config| config.limits.max_unfinished_per_address = 8).await;
    let mut sockets = Vec::new();
    for _ in 0..20 {
        let mut stream = open(&server).await;
        stream.write_all(&[HEAD.as_bytes(), PING].concat()).await.expect("sent");
        assert!(answer(&mut stream, PONG).await.ends_with(PONG));
        sockets.push(stream);
    }
    let mut halves = Vec::new();
    for _ in 0..8 {
        let mut stream = open(&server).await;
        stream.write_all(&HEAD.as_bytes()[..60]).await.expect("sent");
        halves.push(stream);
    }
    sleep(Duration::from_millis(200)).await;
    let mut stream = open(&server).await;
    stream.write_all(HEAD.as_bytes()).await.expect("sent");
    assert_eq!(status(&answer(&mut stream, b"").await), 429);
    drop(halves);
    server.app.stop().await;
}
