//! Limits of strangers and of callers, over real connections: spellings of origins, connection slots, short bodies,
//! rates.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{PASSWORD, Server, problem};
use crate::accounts::{PlatformRole, Role};
use crate::config;

/// The server's answer to bytes, until it closes the connection.
async fn answer(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    stream.write_all(request).await.expect("sent");
    first_answer(&mut stream).await
}

/// The first bytes of an answer; empty if the server closes the connection.
async fn first_answer(stream: &mut TcpStream) -> String {
    let mut got = vec![0; 16 * 1024];
    let size = timeout(Duration::from_secs(10), stream.read(&mut got)).await.expect("in time").unwrap_or(0);
    String::from_utf8_lossy(&got[..size]).into_owned()
}

/// The server has neither answered nor closed.
fn is_waiting(stream: &TcpStream) -> bool {
    let read = stream.try_read(&mut [0; 1]);
    read.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

impl Server {
    fn address(&self) -> SocketAddr {
        self.base.trim_start_matches("http://").parse().expect("an address")
    }
}

/// A configuration, the `Host` and `Origin` of a browser, and whether its page may open a socket.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_opens_a_socket_by_every_spelling_of_its_address() {
    let hub = "https://hub.example.com";
    let shop = "https://shop.example.com";
    // public_url, allowed_origins, Host, Origin, allowed
    let table = [
        (hub, "", "hub.example.com", hub, true),
        ("https://hub.example.com:443", "", "inner:8080", hub, true),
        ("https://hub.example.com/", "", "inner:8080", hub, true),
        ("HTTPS://Hub.Example.Com", "", "inner:8080", hub, true),
        ("https://hub.example.com.", "", "inner:8080", hub, true),
        (hub, "", "inner:8080", "https://hub.example.com:443", true),
        (hub, "", "inner:8080", "HTTPS://HUB.example.com", true),
        ("https://bücher.example", "", "inner:8080", "https://xn--bcher-kva.example", true),
        ("https://xn--bcher-kva.example", "", "inner:8080", "https://bücher.example", true),
        ("https://hub.example.com:8443", "", "inner:8080", "https://hub.example.com:8443", true),
        ("https://hub.example.com:8443", "", "inner:8080", hub, false),
        (hub, "", "hub.example.com:443", hub, true),
        (hub, "", "HUB.example.com", hub, true),
        (hub, "", "hub.example.com:80", hub, true),
        // A page may come from the host under which the server was reached; a default port makes no difference.
        (hub, "", "10.0.0.5:8080", "http://10.0.0.5:8080", true),
        (hub, "", "10.0.0.5:80", "http://10.0.0.5", true),
        (hub, "", "10.0.0.5", "http://10.0.0.5:80", true),
        (hub, "", "other.example.com:443", "https://other.example.com", true),
        (hub, "", "other.example.com", "https://other.example.com:443", true),
        (hub, "", "[2001:DB8::1]:8080", "http://[2001:db8:0::1]:8080", true),
        (hub, "", "10.0.0.5:8080", "http://10.0.0.5:8081", false),
        // A page on the public host without TLS may have been injected on the network.
        (hub, "", "hub.example.com", "http://hub.example.com", false),
        (hub, shop, "hub.example.com", shop, true),
        (hub, "https://Shop.example.com:443/", "hub.example.com", shop, true),
        (
            hub,
            "https://bücher.example/, http://shop.example.com",
            "hub.example.com",
            "http://shop.example.com",
            true,
        ),
        (hub, "https://BÜCHER.example/", "hub.example.com", "https://xn--bcher-kva.example", true),
        (hub, shop, "hub.example.com", "http://shop.example.com", false),
        (hub, shop, "hub.example.com", "https://shop.example.com:8443", false),
        (hub, shop, "hub.example.com", "https://shop.example.com.evil.example", false),
        (hub, shop, "hub.example.com", "https://evilshop.example.com", false),
        (hub, shop, "hub.example.com", "null", false),
        (hub, shop, "hub.example.com", "https://shop.example.com@evil.example", false),
    ];
    let mut servers = BTreeMap::new();
    for (public_url, allowed, host, origin, may) in table {
        let server = if let Some(server) = servers.remove(&(public_url, allowed)) {
            server
        } else {
            let env = [("HUBBUB_PUBLIC_URL", public_url), ("HUBBUB_ALLOWED_ORIGINS", allowed)];
            let env = env.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
            let spelled = config::load("", &env).expect("valid");
            Server::with(|config| {
                config.server.public_url = spelled.server.public_url;
                config.server.allowed_origins = spelled.server.allowed_origins;
            })
            .await
        };
        let request = format!(
            "GET /connection/websocket HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        let answer = answer(server.address(), request.as_bytes()).await;
        let expected = if may { 101 } else { 403 };
        assert_eq!(
            status(&answer),
            expected,
            "{public_url} [{allowed}] Host {host} Origin {origin}: {answer}"
        );
        assert!(may || answer.contains("allowed_origins"), "{answer}");
        servers.insert((public_url, allowed), server);
    }
    for server in servers.into_values() {
        server.app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_signed_in_has_little_to_say() {
    let server = Server::start().await;
    let large = json!({"email": "ann@example.com", "password": "x".repeat(9_000)});
    for path in ["/api/v1/session", "/api/v1/session/refresh"] {
        let (status, body) = problem(server.call(Method::POST, path, None, Some(&large)).await).await;
        assert_eq!((status, body["code"].as_str()), (413, Some("too_large")), "{path}");
    }
    // A body of unknown length is refused too, and its bytes are released.
    let request = "POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
        Transfer-Encoding: chunked\r\n\r\n";
    let request = format!("{request}4000\r\n{}\r\n", "x".repeat(0x4000));
    assert_eq!(status(&answer(server.address(), request.as_bytes()).await), 413);
    assert_eq!(server.app.admission.strangers.used(), 0);
    server.app.stop().await;
}

/// An address has a limited number of slots, and gets them back when it closes connections. WebSockets and other
/// addresses are not counted.
#[tokio::test(flavor = "multi_thread")]
async fn one_address_does_not_take_all_connections() {
    let server = Server::with(|config| config.limits.max_unfinished_per_address = 8).await;
    let address = server.address();
    let mut socket = TcpStream::connect(address).await.expect("connected");
    let upgrade = "GET /connection/websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    socket.write_all(upgrade.as_bytes()).await.expect("sent");
    assert_eq!(status(&first_answer(&mut socket).await), 101);
    let mut slow = Vec::new();
    for _ in 0..8 {
        let mut stream = TcpStream::connect(address).await.expect("connected");
        stream.write_all(b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\n").await.expect("sent");
        slow.push(stream);
    }
    let mut ninth = TcpStream::connect(address).await.expect("connected");
    let refused = first_answer(&mut ninth).await;
    assert!(status(&refused) == 429 && refused.contains("retry-after: "), "{refused}");
    assert!(
        refused.contains("too_many_unfinished") && refused.contains("application/problem+json"),
        "{refused}"
    );
    // A library that takes an answer before its request for a broken connection is told as well.
    for _ in 0..20 {
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().expect("a client");
        let answer = http.get(format!("http://{address}/health/live")).send().await.expect("an answer");
        assert_eq!(answer.status(), 429);
    }
    // Another address of this machine.
    let other = tokio::net::TcpSocket::new_v4().expect("a socket");
    other.bind("127.0.0.2:0".parse().expect("an address")).expect("bound");
    let mut other = other.connect(address).await.expect("connected");
    let live = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n";
    other.write_all(live).await.expect("sent");
    assert_eq!(status(&first_answer(&mut other).await), 200);
    slow.clear();
    let again = async {
        while status(&answer(address, live).await) != 200 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(10), again).await.expect("there are places again");
    server.app.stop().await;
}

/// Behind a trusted proxy the slots are counted by the forwarded address.
#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_the_forwarded_address_has_the_places() {
    let server = Server::with(|config| {
        config.limits.max_unfinished_per_address = 8;
        config.server.trusted_proxies = vec!["127.0.0.0/8".parse().expect("a network")];
    })
    .await;
    let head = |from: &str, length: usize| {
        format!(
            "POST /api/v1/session HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {from}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        )
    };
    // A body that does not come is given up after some seconds: its place is taken anew, however long the test takes.
    let mut slow: [Option<TcpStream>; 8] = std::array::from_fn(|_| None);
    let full = async {
        loop {
            for (n, place) in slow.iter_mut().enumerate() {
                if place.as_ref().is_none_or(|stream| !is_waiting(stream)) {
                    let mut stream = TcpStream::connect(server.address()).await.expect("connected");
                    stream.write_all(head(&format!("2001:db8::{n}"), 100).as_bytes()).await.expect("sent");
                    *place = Some(stream);
                }
            }
            let ninth = format!("{}{{}}", head("2001:db8::77", 2));
            if status(&answer(server.address(), ninth.as_bytes()).await) == 429 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_mins(1), full).await.expect("the ninth request of the network is refused");
    let other = answer(server.address(), format!("{}{{}}", head("2001:db8:0:1::1", 2)).as_bytes()).await;
    assert_eq!(status(&other), 400, "another network is heard: {other}");
    let own = answer(server.address(), b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert_eq!(status(&own), 200, "the proxy itself is not counted");
    server.app.stop().await;
}

/// Calls a second of a caller and of a tenant; webhooks and strangers do not count.
#[tokio::test(flavor = "multi_thread")]
async fn calls_have_a_rate_for_each_caller_and_a_wider_one_for_each_tenant() {
    let server = Server::with(|config| {
        config.limits.rate_per_caller = 2;
        config.limits.rate_per_tenant = 3;
    })
    .await;
    let (here, _) = server.tenant("Here").await;
    let (there, _) = server.tenant("There").await;
    let ann = server.user("ann@example.com", None, Some((here, Role::Owner))).await;
    let ben = server.user("ben@example.com", None, Some((here, Role::Agent))).await;
    let cat = server.user("cat@example.com", None, Some((there, Role::Owner))).await;
    let heard = async |token: &str| {
        let mut heard = 0;
        let refusal = loop {
            let answer = server.call(Method::GET, "/api/v1/me", Some(token), None).await;
            if answer.status() != StatusCode::OK {
                break answer;
            }
            heard += 1;
            assert!(heard < 1_000, "there is no limit");
        };
        assert!(refusal.headers().contains_key("retry-after"));
        let (status, body) = problem(refusal).await;
        assert_eq!((status, body["code"].as_str()), (429, Some("too_many")));
        heard
    };
    // Ten at once for a caller, fifteen for a tenant, and a few more for the time that the test takes.
    let first = heard(&ann).await;
    assert!((10..40).contains(&first), "{first}");
    let second = heard(&ben).await;
    assert!(second < 10, "what is left of the tenant's: {second}");
    let other = heard(&cat).await;
    assert!(other >= 10, "another tenant has its own: {other}");
    let again = json!({"email": "ann@example.com", "password": PASSWORD});
    let again = server.call(Method::POST, "/api/v1/session", None, Some(&again)).await;
    assert_eq!(again.status(), StatusCode::OK, "signing in has limits of its own");
    server.app.stop().await;
}

/// A search costs the database far more than the call that asks for it, and more over several tenants.
#[tokio::test(flavor = "multi_thread")]
async fn searches_have_a_rate_of_their_own_for_each_caller() {
    let server = Server::with(|config| config.limits.rate_searches = 2).await;
    let (here, _) = server.tenant("Here").await;
    server.tenant("There").await;
    let ann = server.user("ann@example.com", None, Some((here, Role::Owner))).await;
    let ben = server.user("ben@example.com", None, Some((here, Role::Agent))).await;
    let admin = server.user("admin@example.com", Some(PlatformRole::Admin), None).await;
    let heard = async |token: &str| {
        for heard in 0..100 {
            let answer = server.call(Method::GET, "/api/v1/search?q=word", Some(token), None).await;
            if answer.status() != StatusCode::OK {
                let wait = answer.headers()["retry-after"].to_str().expect("text").to_owned();
                assert_eq!((answer.status().as_u16(), wait.as_str()), (429, "1"));
                assert_eq!(problem(answer).await.1["code"], "too_many");
                return heard;
            }
        }
        panic!("there is no limit");
    };
    let (first, both) = (heard(&ann).await, heard(&admin).await);
    assert!((10..30).contains(&first), "{first}");
    assert!((5..15).contains(&both), "each counts twice: {both}");
    assert_eq!(server.status(Method::GET, "/api/v1/me", &ann, None).await, 200, "other calls have theirs");
    assert_eq!(server.status(Method::GET, "/api/v1/search?q=word", &ben, None).await, 200);
    server.app.stop().await;
}

/// Attempts at an owner's account from many addresses: unknown addresses are slowed down, and the owner signs in from
/// the address where she was before.
#[tokio::test(flavor = "multi_thread")]
async fn strangers_lock_no_owner_out() {
    let server = Server::with(|config| {
        config.server.trusted_proxies = vec!["127.0.0.0/8".parse().expect("a network")];
    })
    .await;
    let (tenant, _) = server.tenant("A shop").await;
    server.user("ann@example.com", None, Some((tenant, Role::Owner))).await;
    let sign_in = async |from: &str, password: &str| {
        let request =
            server.http.post(format!("{}/api/v1/session", server.base)).header("x-forwarded-for", from);
        let body = json!({"email": "ann@example.com", "password": password});
        let answer = request.json(&body).send().await.expect("an answer");
        (answer.status().as_u16(), answer.headers().contains_key("retry-after"))
    };
    assert_eq!(sign_in("203.0.113.1", PASSWORD).await, (200, false));
    let mut heard = 0;
    while sign_in(&format!("198.51.100.{heard}"), "a wrong password").await.0 == 401 {
        heard += 1;
        assert!(heard < 100, "there is no bound");
    }
    assert_eq!(sign_in("198.51.100.200", PASSWORD).await, (429, true), "an unknown address is slowed down");
    for _ in 0..20 {
        assert_eq!(sign_in("203.0.113.1", PASSWORD).await, (200, false), "the owner, where she was before");
    }
    server.app.stop().await;
}
