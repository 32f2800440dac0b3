//! A program of the installation: it is started with its output in a log file, killed, paused, stopped and started again.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// How long a program that was asked to stop may take.
const STOPS_WITHIN: Duration = Duration::from_secs(30);

/// What to start. Nothing of our own configuration in the environment reaches it.
#[derive(Clone)]
pub(crate) struct Recipe {
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) log: PathBuf,
}

impl Recipe {
    pub(crate) fn new(program: &Path, args: &[&str], log: &Path) -> Self {
        let args = args.iter().map(|arg| (*arg).to_owned()).collect();
        Self { program: program.to_owned(), args, env: Vec::new(), log: log.to_owned() }
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// The command without its input and output.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("HUBBUB_")) {
            command.env_remove(name);
        }
        let env = self.env.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        command.args(&self.args).envs(env).kill_on_drop(true);
        command
    }

    fn spawn(&self, talks: bool) -> Result<Child> {
        let log = File::options().create(true).append(true).open(&self.log)?;
        let mut command = self.command();
        if talks {
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        } else {
            command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        }
        command.spawn().with_context(|| format!("cannot start {}", self.program.display()))
    }
}

/// Killed when dropped.
pub(crate) struct Program {
    recipe: Recipe,
    child: Child,
}

impl Program {
    pub(crate) fn start(recipe: Recipe) -> Result<Self> {
        Ok(Self { child: recipe.spawn(false)?, recipe })
    }

    /// A program whose input and output are ours.
    pub(crate) fn start_talking(recipe: Recipe) -> Result<(Self, ChildStdin, ChildStdout)> {
        let mut child = recipe.spawn(true)?;
        let input = child.stdin.take().context("no input")?;
        let output = child.stdout.take().context("no output")?;
        Ok((Self { recipe, child }, input, output))
    }

    pub(crate) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// True until its end was seen.
    pub(crate) fn runs(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// SIGKILL, also of a paused one.
    pub(crate) async fn kill(&mut self) -> Result<()> {
        self.child.kill().await.context("cannot kill")
    }

    /// Starts it again after its end.
    pub(crate) fn start_again(&mut self) -> Result<()> {
        self.child = self.recipe.spawn(false)?;
        Ok(())
    }

    pub(crate) async fn signal(&self, name: &str) -> Result<()> {
        let Some(id) = self.child.id() else { return Ok(()) };
        let done = Command::new("kill").args(["-s", name, &id.to_string()]).status().await?;
        ensure!(done.success(), "kill -s {name} failed");
        Ok(())
    }

    /// SIGTERM, and waits for the end. False if it had to be killed.
    pub(crate) async fn stop(&mut self) -> Result<bool> {
        self.signal("TERM").await?;
        if tokio::time::timeout(STOPS_WITHIN, self.child.wait()).await.is_ok() {
            return Ok(true);
        }
        self.kill().await?;
        Ok(false)
    }
}

/// Runs a command to its end; gives its output.
pub(crate) async fn output(command: &mut Command, input: &str) -> Result<String> {
    use tokio::io::AsyncWriteExt as _;
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().context("cannot start")?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that ends without reading its input is told by its end.
        let _ = stdin.write_all(input.as_bytes()).await;
    }
    let done = child.wait_with_output().await?;
    ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr).trim());
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}

pub(crate) fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
