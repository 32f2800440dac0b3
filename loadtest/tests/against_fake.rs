//! The whole program against the fake hub: it passes what is right and names what is wrong, by its exit code
//! and in its JSON report.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// Cargo builds examples beside the test's binary, one folder down.
fn fake_hub() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_loadtest")).with_file_name("examples").join("fake_hub")
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("loadtest-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Exit code and JSON report.
fn loadtest(folder: &Folder, command: &str, port: u16, more: &[&str]) -> (i32, Value) {
    let report = folder.file("report.json");
    let output = Command::new(env!("CARGO_BIN_EXE_loadtest"))
        .args([command, "--url", &format!("http://127.0.0.1:{port}"), "--hook", "/hooks/x", "--secret", "s"])
        .args(["--email", "manager@example.com", "--password", "p", "--json", &report])
        .args(more)
        .output()
        .unwrap();
    let text = std::fs::read_to_string(&report)
        .unwrap_or_else(|_| panic!("no report: {}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code().unwrap(), serde_json::from_str(&text).unwrap())
}

fn ingest(name: &str, fault: Option<&str>, more: &[&str]) -> (i32, Value) {
    let folder = Folder::new(name);
    let mut command = Command::new(fake_hub());
    command.args(["--data", &folder.file("data")]).stdout(Stdio::piped());
    if let Some(fault) = fault {
        command.args(["--fault", fault]);
    }
    let mut hub = Running(command.spawn().unwrap());
    let mut port = String::new();
    BufReader::new(hub.0.stdout.take().unwrap()).read_line(&mut port).unwrap();
    let pid = hub.0.id().to_string();
    let base = [
        "--messages",
        "300",
        "--conversations",
        "7",
        "--sockets",
        "2",
        "--drain-s",
        "5",
        "--server-pid",
        &pid,
    ];
    loadtest(&folder, "ingest", port.trim().parse().unwrap(), &[&base, more].concat())
}

fn chaos(name: &str, fault: &str) -> (i32, Value) {
    let folder = Folder::new(name);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server =
        format!("{} --port {port} --data {} --answer {fault}", fake_hub().display(), folder.file("data"));
    let sent = format!("http://127.0.0.1:{port}/sent");
    let more =
        ["--server-cmd", &server, "--sent-url", &sent, "--kills", "3", "--messages", "300", "--rate", "600"];
    loadtest(&folder, "chaos", port, &more)
}

#[test]
fn right_server_passes_on_schedule() {
    let (code, report) = ingest("right", None, &["--rate", "1000"]);
    assert_eq!(code, 0, "{report:#}");
    assert_eq!(report["sent"]["acknowledged"], 300);
    assert_eq!(report["sockets"]["tally"]["messages"], 600);
    assert_eq!(report["sockets"]["latency"]["count"], 600);
    assert_eq!((&report["feed"]["messages"], &report["stored"]["messages"]), (&300.into(), &300.into()));
    assert!(report["sent"]["seconds"].as_f64().unwrap() >= 0.299, "the schedule is kept");
    assert!(report["server"]["peak_rss_kib"].as_u64().unwrap() > 0);
}

#[test]
fn unanswered_webhooks_are_repeated_and_counted() {
    let (code, report) = ingest("mute", Some("mute"), &[]);
    assert_eq!(code, 0, "{report:#}");
    assert!(report["sent"]["repeats"]["no answer"].as_u64().unwrap() > 0);
}

#[test]
fn cut_sockets_resume_and_miss_nothing() {
    let (code, report) = ingest("cut", Some("cut"), &["--concurrency", "1"]);
    assert_eq!(code, 0, "{report:#}");
    assert!(report["sockets"]["connections"]["resumed"].as_u64().unwrap() > 0);
}

#[test]
fn lost_messages_fail_everywhere() {
    let (code, report) = ingest("lose", Some("lose"), &[]);
    assert_eq!(code, 1);
    assert_eq!((&report["feed"]["lost"], &report["stored"]["lost"]), (&6.into(), &6.into()));
    assert_eq!(report["sockets"]["tally"]["lost"], 12);
}

#[test]
fn doubled_messages_fail_everywhere() {
    let (code, report) = ingest("double", Some("double"), &[]);
    assert_eq!(code, 1);
    assert_eq!((&report["feed"]["doubled"], &report["stored"]["doubled"]), (&6.into(), &6.into()));
    assert_eq!(report["sockets"]["tally"]["doubled"], 12);
}

#[test]
fn cursor_gaps_fail() {
    let (code, report) = ingest("gap", Some("gap"), &[]);
    assert_eq!(code, 1);
    assert_eq!(report["feed"]["cursor_gaps"], 6);
}

#[test]
fn unreachable_server_is_an_error_and_not_a_failed_check() {
    let output = Command::new(env!("CARGO_BIN_EXE_loadtest"))
        .args([
            "ingest",
            "--url",
            "http://127.0.0.1:1",
            "--hook",
            "/hooks/x",
            "--secret",
            "s",
            "--token",
            "t",
        ])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn killed_server_that_keeps_its_word_passes() {
    let (code, report) = chaos("chaos", "");
    assert_eq!(code, 0, "{report:#}");
    assert_eq!(report["chaos"]["kills"].as_array().unwrap().len(), 3);
    assert!(report["sockets"]["connections"]["resumed"].as_u64().unwrap() >= 3);
    assert_eq!(report["chaos"]["turns"]["turns"]["answered"], 300);
}

#[test]
fn second_answer_to_a_turn_fails() {
    let (code, report) = chaos("twice", "--fault answer-twice");
    assert_eq!(code, 1);
    assert_eq!(report["chaos"]["turns"]["answered_twice"], 300);
}
