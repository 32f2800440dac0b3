//! A shortage of file descriptors, in a process of its own with a low limit: open connections are not affected, new ones
//! are refused with an answer, and descriptors that become free are used again.
#![cfg(unix)]

use std::{
    io::{BufRead, BufReader, Lines, Read},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use hub::Descriptors;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{Server, client::Client, config, patient, wait_for};

const LIMIT: usize = 96;
const OWN: &str = "HUB_TEST_OWN_DESCRIPTORS";
const SAYS: &str = "address: ";

/// The server process; ends when its input does.
struct Limited {
    child: Child,
    input: Option<ChildStdin>,
    /// Held, so that its last output can be read.
    _output: Lines<BufReader<ChildStdout>>,
    address: String,
}

impl Limited {
    fn start(own: usize) -> Limited {
        let mut child = Command::new("sh")
            .args(["-c", &format!("ulimit -n {LIMIT} && exec \"$0\" \"$@\"")])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "descriptors::server_process", "--ignored", "--nocapture"])
            .env(OWN, own.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut lines = output.by_ref().map(Result::unwrap);
        let address = lines.find_map(|line| Some(line.split_once(SAYS)?.1.to_owned())).expect("an address");
        Limited { input: child.stdin.take(), child, _output: output, address }
    }

    fn open(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap().count()
    }

    /// Whether one more connection is accepted. A refused one gets an answer, or is at least closed.
    async fn lets_in(&self) -> Result<TcpStream, String> {
        let (host, path) = self.address.strip_prefix("ws://").unwrap().split_once('/').unwrap();
        let mut stream = TcpStream::connect(host).await.unwrap();
        let upgrade = format!(
            "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        let mut answer = [0; 1024];
        let talk = async {
            stream.write_all(upgrade.as_bytes()).await?;
            stream.read(&mut answer).await
        };
        let answer = patient("an answer", talk).await.map(|count| String::from_utf8_lossy(&answer[..count]));
        match answer {
            Ok(answer) if answer.starts_with("HTTP/1.1 101") => Ok(stream),
            Ok(answer) => Err(answer.into_owned()),
            Err(error) => Err(error.to_string()),
        }
    }
}

impl Drop for Limited {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

#[tokio::test]
#[ignore = "the server process of the tests below, started by them"]
async fn server_process() {
    let own = std::env::var(OWN).expect("started by a test").parse().unwrap();
    let server = Server::behind(config(), Descriptors::raise(own, 0)).await;
    println!("{SAYS}{}", server.address);
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await.unwrap().unwrap();
}

/// The first clients publish to each other while many more connect, twice.
async fn holds(server: &Limited) {
    let (mut ann, mut bob) = (Client::open(&server.address).await, Client::open(&server.address).await);
    for client in [&mut ann, &mut bob] {
        client.connect(serde_json::json!({})).await;
        client.subscribe("room").await;
    }
    for round in 0..2 {
        let (mut inside, mut refused) = (Vec::new(), Vec::new());
        for _ in 0..2 * LIMIT {
            match server.lets_in().await {
                Ok(stream) => inside.push(stream),
                Err(answer) => refused.push(answer),
            }
        }
        let (let_in, sent_away) = (inside.len(), refused.len());
        assert!(let_in > LIMIT / 3 && let_in < LIMIT, "round {round}: {let_in} let in, {sent_away} not");
        let answered = refused.iter().filter(|answer| answer.starts_with("HTTP/1.1 503")).count();
        assert!(answered > sent_away / 2, "round {round}: {answered} of {sent_away} were told: {refused:?}");
        ann.call("publish", serde_json::json!({"channel": "room", "data": round})).await;
        assert_eq!(bob.publication().await.1, round);

        let full = server.open();
        drop(inside);
        wait_for("free places", || server.open() + let_in / 2 <= full).await;
        server.lets_in().await.expect("let in again");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_too_late_is_told_and_some_descriptors_stay_free() {
    let server = Limited::start(24);
    holds(&server).await;
    assert!(server.open() < LIMIT - 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_any_descriptor_the_spare_one_still_answers() {
    holds(&Limited::start(0)).await;
}
