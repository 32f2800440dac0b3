//! `hubbub demo`: a complete installation in one process to try out: a server with its own store, two companies of a
//! made-up shop, emulated providers of every kind, an AI worker on a real socket, and customers who write. Nothing leaves
//! this machine and nothing is kept.
//!
//! Only providers and customers are emulated. Webhooks, sockets, keys and sends are those of a real server.

mod control;
mod customers;
mod providers;
mod world;

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use responder::{Brain, Responder, Rules};
use tokio_util::sync::CancellationToken;

use self::control::Control;
pub use self::world::{Login, World, WorldOptions};
use crate::http::serve::signal;
use crate::telemetry::LastLines;
use crate::vault::random;

/// The address and the sign-in, kept below the log lines on a terminal.
pub static LAST_LINES: LastLines = LastLines::new();

const WORKER_WAIT: Duration = Duration::from_secs(5);

/// Runs until the process is told to stop. Without an address: 127.0.0.1:8080, or a free port if that is taken.
/// `connected`: the channels are there; otherwise a person connects them. `control`: where it is told what customers and
/// providers do, who do nothing unasked then.
pub async fn run(
    listen: Option<SocketAddr>,
    connected: bool,
    control: Option<SocketAddr>,
) -> anyhow::Result<()> {
    let stop = CancellationToken::new();
    let life = live(listen, connected, control, stop.clone());
    tokio::pin!(life);
    tokio::select! {
        done = &mut life => return done,
        signalled = signal() => signalled?,
    }
    stop.cancel();
    life.await
}

async fn live(
    listen: Option<SocketAddr>,
    connected: bool,
    control: Option<SocketAddr>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let usual = SocketAddr::from(([127, 0, 0, 1], 8080));
    let is_free = listen.is_some() || std::net::TcpListener::bind(usual).is_ok();
    let listen = listen.unwrap_or(if is_free { usual } else { SocketAddr::from(([127, 0, 0, 1], 0)) });
    let world = World::start(WorldOptions { listen, connected, ..WorldOptions::default() }).await?;
    let worker = Responder::start(&world.socket_url(), &world.responder_key, Brain::Rules(Rules::default()));
    // The address is printed after the log lines of the start. A slow worker delays it by `WORKER_WAIT` at most.
    if let Ok(refused) = tokio::time::timeout(WORKER_WAIT, worker.connected()).await {
        refused?;
    }
    let told = welcome(&world);
    if let Some(address) = control {
        let control = Control::listen(address).await?;
        let told = format!("Control: http://{}\n{told}", control.address);
        LAST_LINES.show(&told, std::io::stdout()).context("standard output")?;
        stop.run_until_cancelled(control.live(&world)).await;
    } else {
        LAST_LINES.show(&told, std::io::stdout()).context("standard output")?;
        let seed = random().map_or(1, u64::from_le_bytes);
        tracing::debug!(seed, "starting the customers");
        stop.run_until_cancelled(customers::live(&world, seed)).await;
    }
    LAST_LINES.let_go();
    let left = worker.stop().await;
    world.stop().await;
    left
}

fn welcome(world: &World) -> String {
    let Login { email, password, .. } = &world.owner;
    let (url, agent, operator) = (world.url(), &world.agent.email, &world.operator.email);
    let accounts = if world.channels.is_empty() { at_hand(world) } else { connected(world) };
    format!(
        "Shop, customers and providers are made up. Ctrl-C ends it and removes its data.\n\
         {accounts}\
         The apps of providers are {operator}'s, with the same password.\n\
         Hubbub demo: {url}\n\
         Sign in as {email} or {agent} with the password {password}\n"
    )
}

fn connected(world: &World) -> String {
    let names: Vec<_> = world.channels.iter().map(|one| format!("{} ({})", one.name, one.kind)).collect();
    format!("Connected: {}\n", names.join(", "))
}

/// What connecting them by hand needs; the others sign in.
fn at_hand(world: &World) -> String {
    let (telegram, waha) = (&world.providers.telegram, &world.providers.waha);
    format!(
        "Nothing is connected yet: Settings, Channels, New channel.\n\
         Telegram bot: token {} at {}\n\
         WAHA: {} with the key {}\n",
        telegram.token(),
        telegram.api_base(),
        waha.base_url(),
        waha.api_key(),
    )
}

#[cfg(test)]
mod tests;
