//! Further nodes of a world, in this process or as programs of their own, and the Redis that joins them.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use hubbub::app::AppState;
use hubbub::config::Config;
use hubbub::model::ChannelSettings;

use super::{World, boot, postgres, quick};
pub use redis::Redis;

#[path = "../../hub/tests/support/redis.rs"]
mod redis;

/// A server in this process.
pub struct Node {
    pub app: AppState,
    pub address: SocketAddr,
}

/// With `HUBBUB_TEST_NODES=2` every world on PostgreSQL has two nodes, and its clients go to either.
pub fn everywhere_two() -> bool {
    std::env::var("HUBBUB_TEST_NODES").is_ok_and(|nodes| nodes == "2")
}

/// The Redis of this process, which all worlds share: their topics have their own prefixes.
pub fn shared_redis() -> String {
    static SHARED: OnceLock<String> = OnceLock::new();
    let start = || {
        let redis = Redis::start().expect("two nodes need redis-server");
        let url = redis.url();
        std::mem::forget(redis);
        url
    };
    SHARED.get_or_init(start).clone()
}

impl World {
    /// Two nodes joined by a Redis of their own, and clients that go to the one or the other by turns. `None` where there is
    /// no Redis.
    pub async fn pair() -> Option<(Self, Redis)> {
        Self::pair_with(quick()).await
    }

    pub async fn pair_with(settings: ChannelSettings) -> Option<(Self, Redis)> {
        let redis = Redis::start()?;
        let url = redis.url();
        let join = move |config: &mut Config| config.bus.url.clone_from(&url);
        let mut world = Box::pin(Self::build_with(
            Some(postgres::database()),
            settings,
            hubbub::clock::Clock::System,
            &join,
        ))
        .await;
        world.join(&join).await;
        Some((world, redis))
    }

    /// Starts a second node, and waits until both reach each other.
    pub(super) async fn join(&mut self, change: &dyn Fn(&mut Config)) {
        let (app, address) = boot(&self.folder, &self.database, self.clock.clone(), change).await;
        self.second = Some(Node { app, address });
        for app in self.apps() {
            until("a path through Redis", || app.hub.path().is_none_or(|path| path.is_up())).await;
        }
    }

    /// The second node.
    pub fn second(&self) -> &Node {
        self.second.as_ref().expect("a world of two nodes")
    }

    pub fn apps(&self) -> Vec<AppState> {
        let second = self.second.iter().map(|node| node.app.clone());
        std::iter::once(self.app.clone()).chain(second).collect()
    }

    /// A node that is a program of its own, with these settings in its environment beside.
    pub async fn program(&self, settings: &[(&str, &str)]) -> Program {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hubbub"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("HUBBUB_") {
                command.env_remove(name);
            }
        }
        command.arg("serve").env("HUBBUB_DATA_DIR", self.folder.path());
        command.env("HUBBUB_LISTEN", "127.0.0.1:0").env("HUBBUB_DATABASE_URL", &self.database);
        command.env("HUBBUB_ALLOW_PRIVATE_HOSTS", "127.0.0.1").env("HUBBUB_PUBLIC_URL", self.url(""));
        command.env("HUBBUB_BUS_URL", &self.app.config.bus.url).envs(settings.iter().copied());
        let begun = tokio::task::spawn_blocking(move || Program::start(command));
        begun.await.expect("it starts")
    }
}

/// Waits for something that shows by looking only.
pub async fn until(what: &str, is_so: impl Fn() -> bool) {
    let wait = async {
        while !is_so() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(super::PATIENCE, wait).await.unwrap_or_else(|_| panic!("waited in vain for {what}"));
}

/// A server that is killed when it is dropped.
pub struct Program {
    child: Child,
    pub address: SocketAddr,
}

impl Program {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
        let mut said = BufReader::new(child.stdout.take().expect("its output")).lines();
        let address = said.find_map(|line| {
            let line = line.expect("a line");
            line.strip_prefix("hubbub listens on http://")?.trim_end().parse().ok()
        });
        let address = address.expect("it says where it listens");
        // Whatever else it says must not fill the pipe.
        std::thread::spawn(move || said.for_each(drop));
        Self { child, address }
    }

    /// As a supervisor that stops it.
    pub fn terminate(&self) {
        let told = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(told.expect("kill runs").success());
    }

    /// Waits for its end.
    pub fn ended(&mut self) {
        self.child.wait().expect("it has ended");
    }

    /// As a machine that loses its power: nothing is handed back.
    pub fn kill(&mut self) {
        self.child.kill().expect("it is killed");
        self.child.wait().expect("it has ended");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
