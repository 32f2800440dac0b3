//! The short form of `loadtest cluster chaos`: real processes of several nodes, two seeds. Skipped with a word where PostgreSQL
//! or a binary of the workspace is missing.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Cargo builds the server and the examples beside the test's binary.
fn beside(name: &str) -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_loadtest")).with_file_name(name)
}

fn missing() -> Option<&'static str> {
    let initdb = |version: std::fs::DirEntry| version.path().join("bin/initdb").exists();
    let mut versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    if !versions.any(initdb) {
        return Some("PostgreSQL's server is not installed");
    }
    if !beside("hubbub").exists() || !beside("examples/driven").exists() {
        return Some(
            "the server or the emulated providers are not built: cargo test --workspace builds them",
        );
    }
    None
}

#[test]
fn two_nodes_lose_nothing_whatever_fails() {
    if let Some(what) = missing() {
        eprintln!("skipped: {what}");
        return;
    }
    let report = std::env::temp_dir().join(format!("loadtest-cluster-{}.json", std::process::id()));
    let output = Command::new(env!("CARGO_BIN_EXE_loadtest"))
        .args(["cluster", "chaos", "--nodes", "2", "--seed", "1", "--seeds", "2", "--seconds", "6"])
        .args(["--rate", "8", "--json"])
        .arg(&report)
        .output()
        .expect("loadtest runs");
    let said =
        format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    let text = std::fs::read_to_string(&report).expect("a report");
    let _ = std::fs::remove_file(&report);
    let report: Value = serde_json::from_str(&text).expect("JSON");
    let looked_at = |what: &str| report["findings"]["checked"][what].as_u64().unwrap_or(0);
    for what in ["acknowledged webhooks", "frames", "messages that customers got", "turns"] {
        assert!(looked_at(what) > 0, "{what}: {said}");
    }
    let faults = report["faults"].as_object().expect("faults");
    assert!(!faults.is_empty(), "{said}");
}
