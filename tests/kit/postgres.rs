//! PostgreSQL for the tests: the one that `HUBBUB_TEST_POSTGRES` names, or a cluster of this process in a
//! temporary folder, which ends with it. Each test gets a database of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// A new database; gives its address.
pub fn database() -> String {
    static SERVER: OnceLock<String> = OnceLock::new();
    let server = SERVER.get_or_init(|| std::env::var("HUBBUB_TEST_POSTGRES").unwrap_or_else(|_| start()));
    let name = format!("test_{}", uuid::Uuid::from_u128(rand_bits()).simple());
    let made = psql(server, &format!("create database {name}"));
    assert!(made.status.success(), "no database: {}", String::from_utf8_lossy(&made.stderr));
    format!("{server}/{name}")
}

fn rand_bits() -> u128 {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).expect("random bytes");
    u128::from_le_bytes(bytes)
}

fn psql(server: &str, sql: &str) -> std::process::Output {
    let psql = bin().join("psql");
    let url = format!("{server}/postgres");
    Command::new(psql).args(["-X", "-q", "-c", sql, &url]).output().expect("psql runs")
}

fn bin() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .expect("PostgreSQL is not installed: apt-get install postgresql");
    let mut found: Vec<PathBuf> = versions.flatten().map(|entry| entry.path().join("bin")).collect();
    found.retain(|bin| bin.join("initdb").exists());
    found.sort();
    found.pop().expect("PostgreSQL's server is not installed: apt-get install postgresql")
}

/// PostgreSQL refuses to run as root.
fn as_nobody(program: &Path) -> Command {
    let is_root =
        std::fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0);
    if is_root {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(program);
        command
    } else {
        Command::new(program)
    }
}

fn start() -> String {
    let folder = tempfile::Builder::new().prefix("hubbub-postgres-").tempdir().expect("a folder").keep();
    let data = folder.join("data");
    std::fs::create_dir(&data).expect("a folder");
    let _ = Command::new("chown").args(["-R", "65534:65534"]).arg(&folder).status();
    let made = as_nobody(&bin().join("initdb"))
        .args(["-U", "hub", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8", "-D"])
        .arg(&data)
        .env("LC_ALL", "C.UTF-8")
        .output()
        .expect("initdb runs");
    assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address").port();
    // The server ends when this process does: its shell waits for the end of a pipe that only we hold.
    let script = format!(
        "{} -D {} -p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off -c max_connections=400 \
         >/dev/null 2>&1 & pid=$!; cat >/dev/null; kill -QUIT $pid; wait $pid; rm -rf {}",
        bin().join("postgres").display(),
        data.display(),
        folder.display()
    );
    let mut shell = as_nobody(Path::new("/bin/sh"));
    let child = shell.args(["-c", &script]).stdin(Stdio::piped()).spawn().expect("a shell");
    std::mem::forget(child);
    let server = format!("postgres://hub@127.0.0.1:{port}");
    let begun = Instant::now();
    while !psql(&server, "select 1").status.success() {
        assert!(begun.elapsed() < Duration::from_secs(30), "PostgreSQL does not start");
        std::thread::park_timeout(Duration::from_millis(100));
    }
    server
}
