//! The finished program as its operator starts it: one server for each SQLite file, an environment that others wrote
//! into, and a demo whose sign-in stays in sight.

use std::io::{BufRead as _, BufReader, PipeReader, Read as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output};

use crate::kit::client::As;
use crate::kit::{Api, Client};

/// Knows nothing of our variables but what a test gives.
pub fn hubbub(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hubbub"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("HUBBUB_") {
            command.env_remove(name);
        }
    }
    command.args(args);
    command
}

pub fn serve(data_dir: &Path) -> Command {
    let mut command = hubbub(&["serve"]);
    command.env("HUBBUB_DATA_DIR", data_dir).env("HUBBUB_LISTEN", "127.0.0.1:0");
    command
}

/// A program whose output and log are read as one, as a terminal shows them. Killed when it is dropped.
pub struct Running {
    child: Child,
    output: BufReader<PipeReader>,
    said: String,
}

impl Running {
    pub fn start(mut command: Command) -> Self {
        let (output, end) = std::io::pipe().expect("a pipe");
        command.stdout(end.try_clone().expect("its end")).stderr(end);
        let child = command.spawn().expect("it starts");
        // The command keeps ends of the pipe open.
        drop(command);
        Self { child, output: BufReader::new(output), said: String::new() }
    }

    /// Waits for a line that begins so; gives the rest of it.
    pub fn says(&mut self, begin: &str) -> String {
        loop {
            let line = self.line();
            assert!(!line.is_empty(), "it ended before it said {begin:?}:\n{}", self.said);
            if let Some(rest) = line.strip_prefix(begin) {
                return rest.trim_end().to_owned();
            }
        }
    }

    /// The next line; empty at the end.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("output");
        self.said.push_str(&line);
        line
    }

    /// Tells it to stop; gives everything that it said.
    pub fn stop(mut self) -> (ExitStatus, String) {
        let id = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw).expect("an id");
        rustix::process::kill_process(id, rustix::process::Signal::TERM).expect("told");
        let mut said = std::mem::take(&mut self.said);
        self.output.read_to_string(&mut said).expect("the rest");
        (self.child.wait().expect("its end"), said)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn error_of(output: &Output) -> String {
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn one_server_works_on_a_sqlite_file_and_a_killed_one_lets_go_of_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut first = Running::start(serve(folder.path()));
    first.says("hubbub listens on ");
    let mut second = Running::start(serve(folder.path()));
    let error = second.line();
    let file = folder.path().join("hubbub.db");
    assert!(error.contains("another server") && error.contains(&file.display().to_string()), "{error}");
    assert!(!second.child.wait().expect("its end").success());

    let mut admin = hubbub(&["admin", "tenant", "create", "--name", "A shop"]);
    let beside = admin.env("HUBBUB_DATA_DIR", folder.path()).output().expect("it runs");
    assert!(beside.status.success(), "{beside:?}");

    // Not asked to stop: killed.
    drop(first);
    let mut third = Running::start(serve(folder.path()));
    third.says("hubbub listens on ");
    assert!(third.stop().0.success());
}

#[test]
fn the_start_is_not_stopped_by_what_an_orchestrator_says_of_a_service_hubbub() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = serve(folder.path());
    command.env("HUBBUB_PORT", "tcp://10.0.0.1:80").env("HUBBUB_SERVICE_HOST", "10.0.0.1");
    command.env("HUBBUB_SERVICE_PORT", "80").env("HUBBUB_PORT_80_TCP_PROTO", "tcp");
    let mut server = Running::start(command);
    server.says("hubbub listens on ");
    assert!(server.stop().0.success());

    let mut misspelt = serve(folder.path());
    let error = error_of(&misspelt.env("HUBBUB_LISTNE", "127.0.0.1:1").output().expect("it runs"));
    assert!(error.contains("HUBBUB_LISTNE"), "{error}");
    let mut wrong = serve(folder.path());
    let error = error_of(&wrong.env("HUBBUB_MAX_BODY_BYTES", "lots").output().expect("it runs"));
    assert!(
        error.starts_with("hubbub: HUBBUB_MAX_BODY_BYTES: ") && !error.contains("hubbub.toml"),
        "{error}"
    );
}

#[test]
fn the_first_command_says_where_it_made_a_database_and_others_make_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = |args: &[&str]| hubbub(args).current_dir(&folder).output().expect("it runs");
    let error = error_of(&run(&["admin", "tenant", "list"]));
    let file = std::fs::canonicalize(&folder).expect("its path").join("data/hubbub.db");
    assert!(error.contains(&file.display().to_string()), "{error}");
    assert!(!folder.path().join("data").exists());

    let first = run(&["admin", "tenant", "create", "--name", "A shop"]);
    let said = String::from_utf8_lossy(&first.stderr).into_owned();
    assert!(said.contains(&format!("made a new database at {}", file.display())), "{said}");
    let second = run(&["admin", "tenant", "create", "--name", "Another"]);
    assert!(second.status.success() && second.stderr.is_empty(), "{second:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demos_sign_in_stays_the_last_that_it_says() {
    let mut demo = Running::start(hubbub(&["demo", "--listen", "127.0.0.1:0"]));
    let url = demo.says("Hubbub demo: ");
    let sign_in = demo.says("Sign in as ");
    let address: SocketAddr = url.trim_start_matches("http://").parse().expect("an address");
    let (email, rest) = sign_in.split_once(" or ").expect("two people");
    let (_, password) = rest.rsplit_once(' ').expect("a password");
    let api = Api::sign_in(address, email, password).await;
    let mut owner = Client::connect(address, As::Token(api.token)).await;
    // A while of it: somebody writes, and is answered.
    for _ in 0..4 {
        owner.event("message.created").await;
    }
    let (ended, said) = demo.stop();
    assert!(ended.success(), "{said}");
    assert!(said.ends_with(&format!("Hubbub demo: {url}\nSign in as {sign_in}\n")), "{said}");
}
