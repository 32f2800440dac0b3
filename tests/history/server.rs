//! A server that speaks MongoDB's protocol, on a free port, with its data in a temporary folder. It ends with this value or
//! with the process. Not shipped, and not MongoDB: it shows that what is written is read, and nothing of MongoDB's speed.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use hubbub::config;
use hubbub::history::History;
use hubbub::store::Store;

pub struct MongoServer {
    port: u16,
    folder: tempfile::TempDir,
    running: Option<Child>,
}

/// Ends the server when its input ends, which only we hold: also when this process is killed.
const SCRIPT: &str = r#""$0" --host 127.0.0.1 --port "$1" --storage-path "$2" --sync-on-commit >"$2.log" 2>&1 &
cat >/dev/null
kill -9 $! 2>/dev/null
wait $! 2>/dev/null"#;

fn program() -> PathBuf {
    std::env::var_os("HUBBUB_TEST_MONGO").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("target/mongo-venv/bin/secantusd-py"),
        PathBuf::from,
    )
}

impl MongoServer {
    /// `None`, with a word, where the server is not installed; in CI that is a failure.
    pub fn start() -> Option<Self> {
        if !program().exists() {
            assert!(std::env::var_os("CI").is_none(), "{} is not there", program().display());
            eprintln!("left out: {} is not there; make history installs it", program().display());
            return None;
        }
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
        let folder = tempfile::Builder::new().prefix("hubbub-mongo-").tempdir().expect("a folder");
        let mut server = Self { port, folder, running: None };
        server.start_again();
        Some(server)
    }

    /// One for all tests of this process that do not stop it.
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<MongoServer>> = OnceLock::new();
        SHARED.get_or_init(Self::start).as_ref()
    }

    pub fn url(&self) -> String {
        format!("mongodb://127.0.0.1:{}/?directConnection=true", self.port)
    }

    /// At the same address, with what it had.
    pub fn start_again(&mut self) {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", SCRIPT]).arg(program()).arg(self.port.to_string());
        shell.arg(self.folder.path().join("data")).stdin(Stdio::piped());
        self.running = Some(shell.spawn().expect("a shell"));
        self.until(|port| TcpStream::connect(("127.0.0.1", port)).is_ok());
    }

    /// As a machine that loses its power.
    pub fn kill(&mut self) {
        if let Some(mut shell) = self.running.take() {
            drop(shell.stdin.take());
            let _ = shell.wait();
            self.until(|port| TcpStream::connect(("127.0.0.1", port)).is_err());
        }
    }

    fn until(&self, holds: impl Fn(u16) -> bool) {
        let begun = Instant::now();
        while !holds(self.port) {
            assert!(begun.elapsed() < Duration::from_mins(1), "the server neither comes nor goes");
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }

    /// A database of its own for each test.
    pub fn config(&self) -> config::History {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let database = format!("test_{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        config::History { url: self.url(), database, days: 0, store_days: 0 }
    }

    /// The history in a database of its own.
    pub async fn history(&self, store: &Store) -> History {
        History::open(&self.config(), store).await.expect("an address")
    }
}

impl Drop for MongoServer {
    fn drop(&mut self) {
        self.kill();
    }
}
