//! `loadtest baseline`: a minimal server that the generator accepts, which shows the limit of the machine. One thread,
//! one epoll; a publication is encoded once and written straight into every subscriber's socket. It has no queues, no
//! validation and no permissions.
//!
//! `--fault` injects one fault, so that tests prove that the generator detects it.

mod fault;
mod peer;
mod rooms;
mod serve;

use std::rc::Rc;
use std::time::Duration;

use anyhow::Result;
use tokio::net::TcpListener;
use tokio::task::{LocalSet, spawn_local};

use fault::Fault;
use peer::Peer;
use rooms::Rooms;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// 0 takes a free one. The port is printed on the first line.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Publications kept for recovery in each room. Keeping them costs what the bare measurement leaves out.
    #[arg(long, default_value_t = 0)]
    history: usize,
    /// A subscriber with more unsent bytes than this is closed with 3008.
    #[arg(long, default_value_t = 64 * 1024 * 1024)]
    queue_bytes: usize,
    #[arg(long, default_value_t = 25.0)]
    ping_s: f64,
    #[arg(long)]
    fault: Option<Fault>,
}

/// Runs until it is killed, on a runtime of one thread.
pub(crate) async fn run(args: Args) -> Result<bool> {
    LocalSet::new().run_until(listen(args)).await?;
    Ok(true)
}

async fn listen(args: Args) -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", args.port)).await?;
    println!("{}", listener.local_addr()?.port());
    let rooms = Rc::new(Rooms::new(args.history, args.fault, args.ping_s));
    spawn_local(ping(Rc::clone(&rooms), Duration::from_secs_f64(args.ping_s)));
    for id in 0.. {
        let (stream, _) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                eprintln!("loadtest baseline: not accepted: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        stream.set_nodelay(true)?;
        let peer = Rc::new(Peer::new(id, stream, args.queue_bytes));
        let rooms = Rc::clone(&rooms);
        spawn_local(async move {
            // An error means that the peer disconnected; there is nothing to clean up here.
            let _ = serve::serve(&peer, &rooms).await;
            rooms.leave(&peer);
        });
    }
    Ok(())
}

/// Writes to a part of the subscribers at a time, as a server with other work does.
async fn ping(rooms: Rc<Rooms>, every: Duration) {
    const SHARES: u64 = 100;
    let mut ticks = tokio::time::interval(every / SHARES as u32);
    for turn in 0.. {
        ticks.tick().await;
        rooms.ping(|id| id % SHARES == turn % SHARES);
    }
}
