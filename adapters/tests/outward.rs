//! No door of any provider leads inward: whatever a channel's address is called, and wherever an answer points.

#[path = "support/deaf.rs"]
mod deaf;

use std::{
    io,
    net::IpAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use adapters::{
    Account, Acknowledge, Address, Client, FetchError, Hook, MediaKind, MediaRef, MediaState, Outgoing,
    Outward, Provider, SendOutcome, Since, http_client, outward::Lookup, providers,
};
use async_trait::async_trait;
use serde_json::json;

use self::deaf::Deaf;
use crate::server::{Answer, Server};

/// Gives each name the next of its answers; the last one stays.
struct Flipping(Mutex<Vec<Vec<IpAddr>>>);

impl Flipping {
    fn of(answers: &[&[&str]]) -> Arc<Self> {
        let parse = |text: &&str| text.parse().unwrap();
        Arc::new(Self(Mutex::new(answers.iter().map(|answer| answer.iter().map(parse).collect()).collect())))
    }
}

#[async_trait]
impl Lookup for Flipping {
    async fn lookup(&self, _name: &str) -> io::Result<Vec<IpAddr>> {
        let mut answers = self.0.lock().unwrap();
        Ok(if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() })
    }
}

fn account(base: &str) -> Account {
    let settings = [
        ("token", "77:abc"),
        ("api_base", base),
        ("base_url", base),
        ("api_key", "k"),
        ("session", "s"),
        ("graph_base", base),
        ("access_token", "t"),
        ("phone_number_id", "1"),
        ("waba_id", "2"),
        ("page_id", "1"),
        ("account_id", "1"),
        ("instagram_base", base),
        ("mailbox", "shop@example.com"),
    ];
    Account {
        external_id: None,
        settings: settings.map(|(name, value)| (name.into(), value.into())).into(),
        ..Account::default()
    }
}

const HELLO: Outgoing<'_> = Outgoing {
    contact: Some("ari@example.org"),
    ..Outgoing::text(Address::chat("12025550143@c.us"), "hello")
};

async fn fetch(provider: &dyn Provider, http: &Client, account: &Account) -> Result<(), FetchError> {
    let base = account.get("graph_base").unwrap_or_default();
    let link = json!({ "https": false, "host": base.trim_start_matches("http://"), "path": "/a.jpg" });
    let reference = json!({ "file_id": "F", "path": "/api/files/a.jpg", "chat": "1@c.us", "message": "m", "id": "3",
        "link": link });
    let media = MediaRef {
        kind: MediaKind::Image,
        mime: None,
        name: None,
        size: None,
        state: MediaState::Ready,
        reference,
    };
    let mut sink = Vec::new();
    provider.fetch(http, account, &media, 1000, &mut sink).await.map(drop)
}

/// Tries every call of a provider, and gives what each said.
async fn every_door(provider: &dyn Provider, http: &Client, account: &Account) -> Vec<String> {
    let hook = Hook { url: "https://hub.example.com/hooks/w", secret: "s" };
    let seen = Acknowledge {
        to: Address::chat("1@c.us"),
        message: Some("m"),
        participant: None,
        callback: Some("c"),
    };
    let mut said = vec![
        provider.connect(http, account, &hook).await.unwrap_err().to_string(),
        match provider.send(http, account, &HELLO).await {
            SendOutcome::Rejected { code, reason, .. } => format!("{reason} ({code})"),
            other => format!("{other:?}"),
        },
        fetch(provider, http, account).await.unwrap_err().to_string(),
        provider.disconnect(http, account, hook.url).await.unwrap_err().to_string(),
        provider.acknowledge(http, account, &seen).await.unwrap_err().to_string(),
    ];
    // Not every provider shows typing by itself.
    let typing = provider.typing(http, account, Address::chat("1@c.us"), true).await;
    said.extend(typing.err().map(|error| error.to_string()));
    // A channel that cannot be asked is down, with the reason.
    said.push(
        provider
            .health(http, account)
            .await
            .map_or_else(|error| error.reason, |health| health.detail)
            .to_string(),
    );
    let since = Since::default();
    for optional in [
        provider.typing(http, account, Address::chat("1@c.us"), true).await.err(),
        provider.reserve_id(http, account).await.err(),
        provider.pairing(http, account).await.err(),
        provider.news(http, account, &since).await.err(),
        provider.item(http, account, "m").await.err(),
    ] {
        said.extend(optional.map(|error| error.reason.to_string()));
    }
    said
}

#[tokio::test]
async fn no_spelling_of_an_inward_address_is_called_by_any_door() {
    let deaf = Deaf::at("127.0.0.1:0").await.unwrap();
    let port = deaf.address.port();
    let deaf6 = Deaf::at(&format!("[::1]:{port}")).await.ok();
    let everywhere = Deaf::at(&format!("127.0.0.2:{port}")).await.ok();
    let lookup = Flipping::of(&[&["127.0.0.1", "::1", "::ffff:127.0.0.1"]]);
    let outward = Outward::with_lookup::<&str>(&[], lookup);
    let http = http_client(Duration::from_secs(5), &outward).unwrap();
    let hosts = [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "127.0.0.1.",
        "127.0.0.2",
        "0",
        "0.0.0.1",
        "①②⑦.0.0.1",
        "[::1]",
        "[::]",
        "[::127.0.0.1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b:1::7f00:1]",
        "[2002:7f00:1::]",
        "[2001:0:7f00:1::]",
        "[fe80::1]",
        "[fec0::1]",
        "[ff02::1]",
        "localhost",
        "LOCALHOST.",
        "a.localhost",
        "waha",
        "198.18.0.1",
        "224.0.0.1",
        "169.254.169.254",
        "inside.example.com",
        "INSIDE.example.com.",
    ];
    for provider in providers() {
        for host in hosts {
            let account = account(&format!("http://{host}:{port}"));
            for said in every_door(provider, &http, &account).await {
                assert!(said.starts_with("this address is not public"), "{} {host}: {said}", provider.name());
            }
        }
    }
    assert_eq!(deaf.heard(), 0);
    assert_eq!(deaf6.map_or(0, |deaf| deaf.heard()) + everywhere.map_or(0, |deaf| deaf.heard()), 0);
}

#[tokio::test]
async fn a_base_with_more_than_a_path_is_not_called() {
    let server = Server::start().await;
    let outward = Outward::allowing(&["127.0.0.1"]);
    let http = http_client(Duration::from_secs(5), &outward).unwrap();
    for provider in providers() {
        for base in [
            format!("{}/?x=", server.url()),
            format!("{}#", server.url()),
            format!("http://u:p@{}", server.address),
        ] {
            for said in every_door(provider, &http, &account(&base)).await {
                assert!(said.contains("must be without") || said.contains("must end with"), "{base}: {said}");
            }
        }
    }
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn a_name_that_changes_between_two_calls_is_judged_at_each() {
    let deaf = Deaf::at("127.0.0.1:0").await.unwrap();
    let Ok(listener) = tokio::net::TcpListener::bind(("127.0.0.2", deaf.address.port())).await else {
        return;
    };
    // Answers one request and hangs up, so that the next call resolves the name again.
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        while let Ok((mut socket, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let _ = socket.read(&mut [0; 4096]).await;
            let answer = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            let _ = socket.write_all(answer.as_bytes()).await;
        }
    });
    // 127.0.0.2 stands for what is public. The second name has both from the beginning.
    let lookup = Flipping::of(&[&["127.0.0.2"], &["127.0.0.1", "127.0.0.2"], &["127.0.0.1"]]);
    let outward = Outward::with_lookup(&["127.0.0.2"], lookup);
    let http = http_client(Duration::from_secs(5), &outward).unwrap();
    let account = account(&format!("http://waha.example.com:{}", deaf.address.port()));
    let waha = adapters::provider("waha").unwrap();
    for _ in 0..2 {
        let health = waha.health(&http, &account).await.unwrap();
        assert_eq!(health.detail, "the WAHA server refuses the API key");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    assert_eq!(waha.health(&http, &account).await.unwrap().detail, "this address is not public");
    assert_eq!((asked.load(Ordering::SeqCst), deaf.heard()), (2, 0));
}

#[tokio::test]
async fn no_answer_leads_elsewhere() {
    let deaf = Deaf::at("127.0.0.1:0").await.unwrap();
    let outward = Outward::allowing(&["127.0.0.1"]);
    let http = http_client(Duration::from_secs(5), &outward).unwrap();
    let to = format!("http://{}/", deaf.address);
    for provider in providers() {
        let server = Server::start().await;
        for route in [
            "POST /bot77:abc/getMe",
            "POST /bot77:abc/sendMessage",
            "POST /bot77:abc/getFile",
            "GET /api/sessions/s",
            "POST /api/sendText",
            "GET /api/files/a.jpg",
            "GET /v25.0/1?fields=id%2Cdisplay_phone_number%2Cverified_name%2Cquality_rating%2Cstatus%2Cname_status",
            "POST /v25.0/1/messages",
            "GET /v25.0/3",
            "GET /v25.0/1?fields=id%2Cname",
            "GET /v25.0/me?fields=user_id%2Cusername%2Cname",
            "GET /a.jpg",
        ] {
            server.on(route, Answer::Redirect(to.clone()));
        }
        let account = account(&server.url());
        let hook = Hook { url: "https://hub.example.com/hooks/w", secret: "s" };
        assert!(provider.connect(&http, &account, &hook).await.is_err());
        assert!(!matches!(provider.send(&http, &account, &HELLO).await, SendOutcome::Sent { .. }));
        assert!(fetch(provider, &http, &account).await.is_err());
    }
    assert_eq!(deaf.heard(), 0);
}

/// The child of the next test: its environment names a proxy.
#[tokio::test]
#[ignore = "run by a test below, in an environment of its own"]
async fn a_call_in_an_environment_with_a_proxy() {
    let server = Server::start().await;
    server.json("GET /api/sessions/s", 200, json!({ "name": "s", "status": "WORKING" }));
    let http = http_client(Duration::from_secs(5), &Outward::allowing(&["127.0.0.1"])).unwrap();
    let health = adapters::provider("waha").unwrap().health(&http, &account(&server.url())).await.unwrap();
    assert_eq!(health.detail, "WORKING");
}

#[tokio::test]
async fn a_proxy_of_the_environment_is_not_asked() {
    let deaf = Deaf::at("127.0.0.1:0").await.unwrap();
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "outward::a_call_in_an_environment_with_a_proxy", "--ignored"]);
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"] {
        child.env(name, format!("http://{}", deaf.address));
    }
    child.env_remove("NO_PROXY").env_remove("no_proxy");
    let output = tokio::task::spawn_blocking(move || child.output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    assert_eq!(deaf.heard(), 0);
}
