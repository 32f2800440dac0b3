//! The commands over the client protocol against the bare server: they pass what is right, name what is wrong by
//! exit code and JSON report, and measure what they say.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

struct Bare {
    child: Child,
    port: u16,
}

impl Bare {
    fn start(more: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_loadtest"))
            .arg("baseline")
            .args(more)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, port: line.trim().parse().unwrap() }
    }

    /// Exit code and JSON report of a command against this server.
    fn run(&self, name: &str, command: &str, more: &[&str]) -> (i32, Value) {
        let report = Report::new(name);
        let url = format!("ws://127.0.0.1:{}/connection/websocket", self.port);
        let output = Command::new(env!("CARGO_BIN_EXE_loadtest"))
            .args([command, "--url", &url, "--server-pid", &self.child.id().to_string()])
            .args(["--json", &report.0.display().to_string()])
            .args(more)
            .output()
            .unwrap();
        let text = std::fs::read_to_string(&report.0)
            .unwrap_or_else(|_| panic!("no report: {}", String::from_utf8_lossy(&output.stderr)));
        (output.status.code().unwrap(), serde_json::from_str(&text).unwrap())
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Report(PathBuf);

impl Report {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("loadtest-{}-{name}.json", std::process::id())))
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

const SMALL: [&str; 8] = ["--rooms", "3", "--subscribers", "4", "--rate", "300", "--seconds", "1"];
/// For what will never arrive.
const IMPATIENT: [&str; 2] = ["--drain-s", "1"];

fn fanout(name: &str, server: &[&str], more: &[&str]) -> (i32, Value) {
    Bare::start(server).run(name, "fanout", more)
}

#[test]
fn every_publication_reaches_every_subscriber_of_its_room() {
    let (code, report) = fanout("right", &[], &[&SMALL[..], &["--processes", "2"]].concat());
    assert_eq!(code, 0, "{report:#}");
    let steady = &report["server"]["phases"][0];
    assert_eq!((&steady["published"], &steady["deliveries"]), (&300.into(), &1200.into()));
    assert_eq!(steady["latency"]["count"], 1200);
    assert!(steady["seconds"].as_f64().unwrap() >= 0.99, "the schedule is kept");
    assert!(steady["server"]["rss_kib_after"].as_u64().unwrap() > 0);
}

#[test]
fn publishing_over_http_is_the_same_and_the_bare_server_can_be_compared_with() {
    let bare = Bare::start(&[]);
    let publish = format!("http://127.0.0.1:{}/api/publish", bare.port);
    let more = [&SMALL[..], &["--publish-url", &publish, "--baseline"]].concat();
    let (code, report) = bare.run("http", "fanout", &more);
    assert_eq!(code, 0, "{report:#}");
    assert_eq!(report["server"]["phases"][0]["deliveries"], 1200);
    assert_eq!(report["baseline"]["phases"][0]["deliveries"], 1200);
    assert!(report["of_baseline"]["deliveries_per_second"]["median"].as_f64().unwrap() > 0.1);
}

#[test]
fn lost_doubled_and_swapped_ones_fail() {
    // Every fiftieth for one subscriber of each room, of 200 publications a room with those of the warm-up. The
    // last swapped one still waits for the one behind it.
    for (fault, field, count) in [("lose", "lost", 12), ("double", "doubled", 12), ("swap", "disordered", 9)]
    {
        let (code, report) = fanout(fault, &["--fault", fault], &[&SMALL[..], &IMPATIENT].concat());
        assert_eq!(code, 1, "{report:#}");
        assert_eq!(report["server"][field], count, "{report:#}");
    }
}

#[test]
fn stalled_subscriber_is_cut_and_who_keeps_it_fails() {
    // More than the kernel holds of a connection has to go out, for the server to notice that nobody reads.
    let flood =
        ["--subscribers", "4", "--seconds", "1", "--rate", "1500", "--bytes", "16000", "--stalled", "2"];
    let (code, report) = fanout("stalled", &["--queue-bytes", "200000"], &flood);
    assert_eq!(code, 0, "{report:#}");
    assert_eq!(report["server"]["stalled_closes"]["3008"], 2);
    assert_eq!(report["server"]["phases"].as_array().unwrap().len(), 2);
    let (code, report) = fanout("kept", &[], &[&SMALL[..], &IMPATIENT, &["--stalled", "1"]].concat());
    assert_eq!(code, 1, "{report:#}");
}

#[test]
fn search_ends_when_a_step_is_too_much() {
    let more = ["--subscribers", "4", "--seconds", "0.2", "--rate", "100", "--search", "--p99-ms", "0.001"];
    let (code, report) = fanout("search", &[], &more);
    assert_eq!(code, 1, "nothing arrives within a microsecond: {report:#}");
    assert_eq!(report["server"]["phases"].as_array().unwrap().len(), 2, "tried twice");
    assert!(report["server"]["found"].is_null());
}

#[test]
fn idle_connections_answer_pings_and_are_weighed() {
    let bare = Bare::start(&["--ping-s", "0.2"]);
    let more = ["--connections", "50", "--subscriptions", "2", "--seconds", "1", "--processes", "2"];
    let (code, report) = bare.run("idle", "idle", &more);
    assert_eq!(code, 0, "{report:#}");
    assert_eq!(report["server"]["still_open"], 50);
    assert!(report["server"]["pings"].as_u64().unwrap() >= 4 * 50);
    assert!(report["server"]["resting"]["descriptors"].as_u64().unwrap() > 50);
}

fn storm(name: &str, server: &[&str], more: &[&str]) -> (i32, Value) {
    let base = [
        "--connections",
        "40",
        "--rooms",
        "5",
        "--rate",
        "200",
        "--backoff-min-ms",
        "100",
        "--backoff-max-ms",
        "400",
        "--drops",
        "2",
        "--processes",
        "2",
    ];
    Bare::start(server).run(name, "storm", &[&base, more].concat())
}

#[test]
fn dropped_connections_resume_with_everything_they_missed() {
    let (code, report) = storm("storm", &["--history", "1000"], &[]);
    assert_eq!(code, 0, "{report:#}");
    assert_eq!((&report["resumed"], &report["recovered_rooms"]), (&80.into(), &160.into()));
    assert!(report["replayed"].as_u64().unwrap() > 80);
    assert!(report["resumption"]["p50_us"].as_u64().unwrap() >= 100_000, "nobody is back before the backoff");
}

#[test]
fn forgotten_publications_fail_although_the_server_says_recovered() {
    let (code, report) = storm("forget", &["--history", "1000", "--fault", "forget"], &IMPATIENT);
    assert_eq!(code, 1);
    assert!(report["lost"].as_u64().unwrap() > 80, "{report:#}");
    assert_eq!(report["unrecovered_rooms"], 0);
}

#[test]
fn everything_at_random_leaves_nothing_behind() {
    let bare = Bare::start(&[]);
    let more =
        ["--connections", "40", "--rooms", "6", "--seconds", "4", "--every-ms", "50", "--processes", "2"];
    let (code, report) = bare.run("mixed", "mixed", &more);
    assert_eq!(code, 0, "{report:#}");
    for action in ["connect", "cut", "leave and join", "publish", "rpc", "slow"] {
        assert!(report["actions"][action].as_u64().unwrap() > 0, "{action}");
    }
    assert!(report["descriptors_left"].as_u64().unwrap() <= 4);
    assert!(report["errors"]["error 108 not available"].as_u64().unwrap() > 0);
}

fn soak(name: &str, server: &[&str], more: &[&str]) -> (i32, Value) {
    let base =
        ["--connections", "40", "--rooms", "6", "--minutes", "0.08", "--every-ms", "50", "--deaf", "1"];
    let few = ["--processes", "2"];
    Bare::start(&[&["--history", "5000"], server].concat()).run(
        name,
        "soak",
        &[&base[..], &few, more].concat(),
    )
}

#[test]
fn a_life_of_comings_and_goings_loses_nothing_and_leaves_nothing() {
    let (code, report) = soak("soak", &[], &[]);
    assert_eq!(code, 0, "{report:#}");
    for action in ["close", "cut", "connect", "resume", "leave and come back", "visit", "history", "presence"]
    {
        assert!(report["actions"][action].as_u64().unwrap() > 0, "{action}");
    }
    assert!(report["connects"].as_u64().unwrap() > 40 && report["replayed"].as_u64().unwrap() > 100);
    assert!(report["memory"]["mean_kib"].as_f64().unwrap() > 0.0);
    assert!(report["descriptors_left"].as_u64().unwrap() <= 4);
}

#[test]
fn a_life_with_losses_or_too_much_memory_fails() {
    let (code, report) = soak("soak-forget", &["--fault", "forget"], &["--drain-s", "4"]);
    assert_eq!(code, 1);
    assert!(report["lost"].as_u64().unwrap() > 100, "{report:#}");
    // No memory shrinks like this.
    let (code, report) = soak("soak-grow", &[], &["--warm-up", "0", "--max-percent-per-hour=-1000000"]);
    assert_eq!((code, &report["problems"]), (1, &serde_json::json!(["memory grows"])), "{report:#}");
}

#[test]
fn ratios_of_two_reports() {
    let (first, second) = (Report::new("first"), Report::new("second"));
    std::fs::write(&first.0, r#"{"server": {"rate": 10, "rss": 8}}"#).unwrap();
    std::fs::write(&second.0, r#"{"server": {"rate": 15, "other": 1}}"#).unwrap();
    let compare = |paths: [&Path; 2]| {
        Command::new(env!("CARGO_BIN_EXE_loadtest")).arg("compare").args(paths).output().unwrap()
    };
    let output = compare([&first.0, &second.0]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("1.500"));
    assert_eq!(compare([&first.0, Path::new("/nowhere")]).status.code(), Some(2));
}

#[test]
fn unreachable_server_is_an_error_and_not_a_failed_check() {
    let output = Command::new(env!("CARGO_BIN_EXE_loadtest"))
        .args(["fanout", "--url", "ws://127.0.0.1:1/", "--subscribers", "2"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("0 of 2 connections"));
}
