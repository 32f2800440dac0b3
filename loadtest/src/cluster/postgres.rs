//! PostgreSQL of the installation: a cluster in a folder of its own, without fsync, because processes die here and the machine
//! does not. As root the folder is a small file system, so that it can be full.

use std::path::{Path, PathBuf};
use std::process::Command as Blocking;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::net::TcpSocket;
use tokio::process::Command;
use tokio::time::Instant;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use super::program::{Program, Recipe, free_port, output};

const READY_WITHIN: Duration = Duration::from_mins(1);
const LOOK_AGAIN: Duration = Duration::from_millis(50);
const SETTINGS: [&str; 4] =
    ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", "max_connections=200"];

/// How much it may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// A disk that is full in a moment, and a log that fits it.
    Little,
    /// As PostgreSQL is installed. A small log would have it write whole pages again and again.
    Usual,
}

impl Room {
    const fn disk(self) -> &'static str {
        match self {
            Self::Little => "size=320m",
            Self::Usual => "size=3g",
        }
    }

    const fn settings(self) -> &'static [&'static str] {
        match self {
            Self::Little => {
                &["min_wal_size=32MB", "max_wal_size=64MB", "shared_buffers=32MB", "checkpoint_timeout=30s"]
            }
            Self::Usual => &[],
        }
    }
}

const NOBODY: &str = "65534";

/// The newest version of PostgreSQL's programs here.
pub(crate) fn bin() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = versions.map(|entry| entry.path().join("bin")).collect();
    found.retain(|bin| bin.join("initdb").exists());
    found.sort();
    found.pop()
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0)
}

pub(crate) struct Postgres {
    program: Program,
    port: u16,
    /// Where a standby listens once it is promoted.
    standby_port: u16,
    /// Keeps that port until then: the links would go to whatever else listens there.
    reserved: Option<TcpSocket>,
    standby: Option<Program>,
    disk: PathBuf,
    room: Room,
    is_mounted: bool,
}

impl Postgres {
    pub(crate) async fn start(folder: &Path, room: Room) -> Result<Self> {
        let bin = bin().context("PostgreSQL's server is not installed")?;
        let disk = folder.join("postgres");
        std::fs::create_dir_all(&disk)?;
        let is_mounted = is_root()
            && Blocking::new("mount")
                .args(["-t", "tmpfs", "-o", room.disk(), "tmpfs"])
                .arg(&disk)
                .status()?
                .success();
        if is_root() {
            let owned = Blocking::new("chown").arg(format!("{NOBODY}:{NOBODY}")).arg(&disk).status()?;
            ensure!(owned.success(), "the database's folder cannot be given to its user");
        }
        let data = disk.join("data");
        let reserved = TcpSocket::new_v4()?;
        reserved.bind(([127, 0, 0, 1], 0).into())?;
        let standby_port = reserved.local_addr()?.port();
        let (data, port) = (data.display().to_string(), free_port()?);
        let args = ["-U", "hub", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "-D", &data];
        output(&mut as_nobody(&bin.join("initdb"), &args, folder).command(), "").await.context("initdb")?;
        let program = Program::start(server(&bin, &data, port, folder, room))?;
        let mut postgres = Self {
            program,
            port,
            standby_port,
            reserved: Some(reserved),
            standby: None,
            disk,
            room,
            is_mounted,
        };
        postgres.until_ready().await?;
        let client = connect(&postgres.database("postgres")).await?;
        client.batch_execute("create database hub").await?;
        Ok(postgres)
    }

    fn database(&self, database: &str) -> String {
        format!("postgres://hub@127.0.0.1:{}/{database}", self.port)
    }

    /// Past all links.
    pub(crate) fn url(&self) -> String {
        self.database("hub")
    }

    /// Of the primary and of a standby, which does not listen before it is promoted.
    pub(crate) fn addresses(&self) -> [String; 2] {
        [self.port, self.standby_port].map(|port| format!("127.0.0.1:{port}"))
    }

    /// Copies the primary to a standby, which has every commit before it is answered.
    pub(crate) async fn add_standby(&mut self, folder: &Path) -> Result<()> {
        let bin = bin().context("PostgreSQL's server is not installed")?;
        let data = self.disk.join("standby").display().to_string();
        let port = self.port.to_string();
        let args = [
            "-h",
            "127.0.0.1",
            "-p",
            &port,
            "-U",
            "hub",
            "-D",
            &data,
            "-R",
            "-X",
            "stream",
            "-c",
            "fast",
            "--no-sync",
        ];
        output(&mut as_nobody(&bin.join("pg_basebackup"), &args, folder).command(), "")
            .await
            .context("pg_basebackup")?;
        self.reserved = None;
        let mut recipe = server(&bin, &data, self.standby_port, folder, self.room);
        recipe.args.extend(["-c".to_owned(), "hot_standby=off".to_owned()]);
        self.standby = Some(Program::start(recipe)?);
        let client = connect(&self.database("postgres")).await?;
        client.batch_execute("alter system set synchronous_standby_names = '*'").await?;
        client.batch_execute("select pg_reload_conf()").await?;
        let deadline = Instant::now() + READY_WITHIN;
        let in_step = "select 1 from pg_stat_replication where sync_state = 'sync' and state = 'streaming'";
        while rows(&self.database("postgres"), in_step).await?.is_empty() {
            ensure!(Instant::now() < deadline, "the standby does not follow within {READY_WITHIN:?}");
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Ok(())
    }

    /// The standby becomes the primary.
    pub(crate) async fn promote(&mut self) -> Result<()> {
        let bin = bin().context("PostgreSQL's server is not installed")?;
        let data = self.disk.join("standby");
        let (data, folder) =
            (data.display().to_string(), self.disk.parent().unwrap_or(&self.disk).to_owned());
        let args = ["promote", "-w", "-t", "60", "-D", &data];
        output(&mut as_nobody(&bin.join("pg_ctl"), &args, &folder).command(), "")
            .await
            .context("pg_ctl promote")?;
        self.program = self.standby.take().context("no standby")?;
        self.port = self.standby_port;
        self.until_ready().await
    }

    pub(crate) fn id(&self) -> Option<u32> {
        self.program.id()
    }

    pub(crate) fn can_be_full(&self) -> bool {
        self.is_mounted
    }

    /// SIGKILL of the postmaster; its children end when they notice.
    pub(crate) async fn kill(&mut self) -> Result<()> {
        self.program.kill().await
    }

    /// Starts what has ended, as often as it takes: the children of a killed one may still be there.
    pub(crate) async fn until_ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            if !self.program.runs()? {
                self.program.start_again()?;
            }
            if let Ok(client) = connect(&self.database("postgres")).await
                && client.simple_query("select 1").await.is_ok()
            {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "PostgreSQL was not ready within {READY_WITHIN:?}");
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Nothing more can be written until [`Self::empty`].
    pub(crate) fn fill(&self) -> Result<()> {
        use std::io::Write as _;
        let mut ballast = std::fs::File::create(self.disk.join("ballast"))?;
        let piece = vec![0; 1 << 20];
        while ballast.write_all(&piece).is_ok() {}
        let _ = ballast.write_all(&piece[..4096]);
        Ok(())
    }

    pub(crate) fn empty(&self) -> Result<()> {
        Ok(std::fs::remove_file(self.disk.join("ballast"))?)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if self.is_mounted {
            let _ = Blocking::new("umount").arg("-l").arg(&self.disk).status();
        }
    }
}

fn server(bin: &Path, data: &str, port: u16, folder: &Path, room: Room) -> Recipe {
    let port = port.to_string();
    let mut args = vec!["-D", data, "-p", port.as_str()];
    args.extend(SETTINGS.iter().chain(room.settings()).flat_map(|setting| ["-c", *setting]));
    as_nobody(&bin.join("postgres"), &args, folder)
}

/// PostgreSQL refuses to run as root.
fn as_nobody(program: &Path, args: &[&str], folder: &Path) -> Recipe {
    let log = folder.join("postgres.log");
    if !is_root() {
        return Recipe::new(program, args, &log);
    }
    let program = program.display().to_string();
    let ids = [format!("--reuid={NOBODY}"), format!("--regid={NOBODY}"), "--clear-groups".to_owned()];
    let all: Vec<&str> =
        ids.iter().map(String::as_str).chain([program.as_str()]).chain(args.iter().copied()).collect();
    Recipe::new(Path::new("setpriv"), &all, &log)
}

pub(crate) async fn connect(url: &str) -> Result<Client> {
    let opened = tokio::time::timeout(Duration::from_secs(5), tokio_postgres::connect(url, NoTls)).await;
    let (client, connection) = opened.context("PostgreSQL does not answer")??;
    tokio::spawn(connection);
    Ok(client)
}

/// The rows of a statement, every value as text.
pub(crate) async fn rows(url: &str, sql: &str) -> Result<Vec<Vec<String>>> {
    let answers = connect(url).await?.simple_query(sql).await.with_context(|| sql.to_owned())?;
    let row = |answer| match answer {
        SimpleQueryMessage::Row(row) => {
            Some((0..row.len()).map(|at| row.get(at).unwrap_or_default().to_owned()).collect())
        }
        _ => None,
    };
    Ok(answers.into_iter().filter_map(row).collect())
}

/// Writes everything that a database holds to a file.
pub(crate) async fn dump(url: &str, file: &Path) -> Result<()> {
    let bin = bin().context("PostgreSQL's server is not installed")?;
    output(Command::new(bin.join("pg_dump")).arg("-f").arg(file).arg(url), "").await?;
    Ok(())
}

/// Runs a program of PostgreSQL for its version.
pub(crate) async fn version() -> Result<String> {
    let bin = bin().context("PostgreSQL's server is not installed")?;
    Ok(output(Command::new(bin.join("postgres")).arg("--version"), "").await?.trim().to_owned())
}
