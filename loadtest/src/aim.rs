//! The server under test and the size of the generator: the arguments that the commands over the client protocol
//! share, and the bare server to compare with.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::clock::unix_us;
use crate::fleet::order::SubscriberPlan;
use crate::process::{self, Usage};
use crate::publisher::Transport;

#[derive(clap::Args, Clone)]
pub(crate) struct Aim {
    /// Address of the Centrifuge protocol, JSON, without TLS.
    #[arg(long, default_value = "ws://127.0.0.1:8000/connection/websocket")]
    url: String,
    /// Publish by POST {channel, data} to this address; without it, over a socket.
    #[arg(long)]
    publish_url: Option<String>,
    /// Sent as X-API-Key with every POST.
    #[arg(long, env = "LOADTEST_API_KEY", hide_env_values = true, default_value = "test-api-key")]
    api_key: String,
    /// Token that every connection sends at connect; without it, connections are anonymous.
    #[arg(
        long,
        env = "LOADTEST_TOKEN",
        hide_env_values = true,
        default_value = "",
        hide_default_value = true
    )]
    token: String,
    /// Process whose CPU and memory are reported.
    #[arg(long)]
    pub(crate) server_pid: Option<u32>,
    /// Generator processes that hold the connections; 0 takes one for every 18,000.
    #[arg(long, default_value_t = 0)]
    pub(crate) processes: u32,
    #[arg(long, default_value_t = 2000.0)]
    connects_per_s: f64,
    /// Connections that publish. All publications of a room use one, which keeps their order.
    #[arg(long, default_value_t = 2)]
    pub(crate) publishers: u32,
    /// Write the report as JSON too.
    #[arg(long)]
    pub(crate) json: Option<PathBuf>,
}

/// One server under test.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) url: String,
    pub(crate) transport: Transport,
    pub(crate) pid: Option<u32>,
}

impl Aim {
    pub(crate) fn site(&self) -> Site {
        let transport = match &self.publish_url {
            Some(url) => Transport::Http { url: url.clone(), key: self.api_key.clone() },
            None => Transport::Socket { url: self.url.clone(), token: self.token.clone() },
        };
        Site { url: self.url.clone(), transport, pid: self.server_pid }
    }

    /// Another server, to which the same credentials are sent.
    pub(crate) fn other(&self, url: &str, publish_url: Option<&str>, pid: Option<u32>) -> Site {
        let other = Self {
            url: url.to_owned(),
            publish_url: publish_url.map(str::to_owned),
            server_pid: pid,
            ..self.clone()
        };
        other.site()
    }

    /// A plan of subscribers that only read marks, in rooms that no other run uses.
    pub(crate) fn subscriber_plan(&self, site: &Site, subscribers: u32, rooms: u32) -> SubscriberPlan {
        SubscriberPlan {
            url: site.url.clone(),
            token: self.token.clone(),
            prefix: format!("loadtest-{:x}-", unix_us()),
            rooms: rooms.max(1),
            rooms_per_subscriber: 1,
            first: 0,
            subscribers,
            stalling: 0,
            connects_per_second: self.connects_per_s,
            source: None,
            positions: false,
        }
    }
}

impl Site {
    pub(crate) fn usage(&self) -> Result<Option<Usage>> {
        self.pid.map(process::usage).transpose()
    }
}

/// The bare server in a process of its own; killed when dropped.
pub(crate) struct Bare {
    _child: Child,
    pub(crate) site: Site,
}

impl Bare {
    /// Uses the same transport as the server under test, and runs on the same cores. `history`: publications that it keeps
    /// of each room.
    pub(crate) async fn start(like: &Site, history: u32) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["baseline", "--history", &history.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("cannot start the bare server")?;
        let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
        let port = lines.next_line().await?.context("the bare server ended by itself")?;
        if let Some((bare, server)) = child.id().zip(like.pid) {
            process::share_cores(bare, server)?;
        }
        let url = format!("ws://127.0.0.1:{port}/connection/websocket");
        let transport = match &like.transport {
            Transport::Http { key, .. } => {
                Transport::Http { url: format!("http://127.0.0.1:{port}/api/publish"), key: key.clone() }
            }
            Transport::Socket { token, .. } => Transport::Socket { url: url.clone(), token: token.clone() },
        };
        let site = Site { url, transport, pid: child.id() };
        Ok(Self { _child: child, site })
    }
}
