//! Redis of the installation: one server without persistence, because it holds nothing that may not be lost.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::program::{Program, Recipe, free_port};

const READY_WITHIN: Duration = Duration::from_secs(20);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

pub(crate) struct Redis {
    program: Program,
    port: u16,
}

/// The server's program, if it is installed.
pub(crate) fn server() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let places: Vec<PathBuf> = std::env::split_paths(&path).collect();
    ["redis-server", "valkey-server"]
        .iter()
        .flat_map(|name| places.iter().map(move |place| place.join(name)))
        .find(|file| file.is_file())
}

impl Redis {
    pub(crate) async fn start(server: &Path, folder: &Path) -> Result<Self> {
        let port = free_port()?;
        let (port_text, dir) = (port.to_string(), folder.display().to_string());
        let args =
            ["--port", &port_text, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", &dir];
        let program = Program::start(Recipe::new(server, &args, &folder.join("redis.log")))?;
        let mut redis = Self { program, port };
        redis.until_ready().await?;
        Ok(redis)
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn id(&self) -> Option<u32> {
        self.program.id()
    }

    pub(crate) async fn kill(&mut self) -> Result<()> {
        self.program.kill().await
    }

    pub(crate) async fn signal(&self, name: &str) -> Result<()> {
        self.program.signal(name).await
    }

    pub(crate) async fn until_ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            if !self.program.runs()? {
                self.program.start_again()?;
            }
            if TcpStream::connect(self.address()).await.is_ok() {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "Redis was not ready within {READY_WITHIN:?}");
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}
