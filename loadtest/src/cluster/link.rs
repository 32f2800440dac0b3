//! A TCP connection between two parts of the installation that can be cut, slowed and left half-open; with several ends
//! behind it, it is the load balancer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

const PIECE_BYTES: usize = 16 * 1024;
const CONNECTS_WITHIN: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Open,
    /// Connections are closed, and new ones too.
    Cut,
    /// Every piece is late by so many milliseconds.
    Slow(u64),
    /// Connections stay, and nothing arrives any more; they end with this mode.
    Still,
}

/// The addresses behind a link.
pub(crate) struct Ends {
    all: Vec<(String, AtomicBool)>,
    next: AtomicUsize,
}

impl Ends {
    pub(crate) fn new(addresses: impl IntoIterator<Item = String>) -> Arc<Self> {
        let all = addresses.into_iter().map(|address| (address, AtomicBool::new(true))).collect();
        Arc::new(Self { all, next: AtomicUsize::new(0) })
    }

    /// Called by whoever watches the health of that end.
    pub(crate) fn set_healthy(&self, index: usize, is_healthy: bool) {
        self.all[index].1.store(is_healthy, Relaxed);
    }

    /// In turn, healthy ones first.
    fn order(&self) -> Vec<&str> {
        let first = self.next.fetch_add(1, Relaxed);
        let turned = (0..self.all.len()).map(|index| &self.all[(first + index) % self.all.len()]);
        let (healthy, ill): (Vec<_>, Vec<_>) = turned.partition(|(_, is_healthy)| is_healthy.load(Relaxed));
        healthy.into_iter().chain(ill).map(|(address, _)| address.as_str()).collect()
    }

    async fn connect(&self) -> Option<TcpStream> {
        for address in self.order() {
            if let Ok(Ok(stream)) = tokio::time::timeout(CONNECTS_WITHIN, TcpStream::connect(address)).await {
                return Some(stream);
            }
        }
        None
    }
}

#[derive(Clone)]
pub(crate) struct Link {
    port: u16,
    mode: Arc<watch::Sender<Mode>>,
}

impl Link {
    pub(crate) async fn open(ends: Arc<Ends>) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let mode = Arc::new(watch::Sender::new(Mode::Open));
        let link = Self { port, mode: Arc::clone(&mode) };
        tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                let mode = mode.subscribe();
                if *mode.borrow() != Mode::Cut {
                    tokio::spawn(carry(stream, Arc::clone(&ends), mode));
                }
            }
        });
        Ok(link)
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }
}

async fn carry(mut near: TcpStream, ends: Arc<Ends>, mut mode: watch::Receiver<Mode>) {
    if !passes(&mut mode).await {
        return;
    }
    let Some(mut far) = ends.connect().await else { return };
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let (mut near_in, mut near_out) = near.split();
    let (mut far_in, mut far_out) = far.split();
    let mut watched = mode.clone();
    tokio::select! {
        () = pump(&mut near_in, &mut far_out, mode.clone()) => {}
        () = pump(&mut far_in, &mut near_out, mode) => {}
        _ = watched.wait_for(|mode| *mode == Mode::Cut) => {}
    }
}

async fn pump(
    from: &mut (impl AsyncReadExt + Unpin),
    to: &mut (impl AsyncWriteExt + Unpin),
    mut mode: watch::Receiver<Mode>,
) {
    let mut piece = vec![0; PIECE_BYTES];
    while let Ok(read) = from.read(&mut piece).await {
        if read == 0 || !passes(&mut mode).await || to.write_all(&piece[..read]).await.is_err() {
            return;
        }
    }
}

/// Waits as the mode says; false if the connection ends.
async fn passes(mode: &mut watch::Receiver<Mode>) -> bool {
    let now = *mode.borrow_and_update();
    match now {
        Mode::Open => true,
        Mode::Cut => false,
        Mode::Slow(ms) => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            true
        }
        Mode::Still => {
            let _ = mode.changed().await;
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that gives back what it gets, with its name before it.
    async fn echo(name: &'static str) -> String {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut piece = [0; 64];
                    while let Ok(read @ 1..) = stream.read(&mut piece).await {
                        let answer = [name.as_bytes(), &piece[..read]].concat();
                        if stream.write_all(&answer).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        address
    }

    async fn ask(stream: &mut TcpStream) -> Option<String> {
        stream.write_all(b"?").await.ok()?;
        let mut piece = [0; 64];
        match stream.read(&mut piece).await {
            Ok(read @ 1..) => Some(String::from_utf8_lossy(&piece[..read]).into_owned()),
            _ => None,
        }
    }

    #[tokio::test]
    async fn an_open_link_carries_a_cut_one_closes_and_a_still_one_says_nothing() {
        let link = Link::open(Ends::new([echo("a").await])).await.unwrap();
        let mut stream = TcpStream::connect(link.address()).await.unwrap();
        assert_eq!(ask(&mut stream).await.as_deref(), Some("a?"));
        link.set(Mode::Slow(30));
        let asked = tokio::time::Instant::now();
        assert_eq!(ask(&mut stream).await.as_deref(), Some("a?"));
        assert!(asked.elapsed() >= Duration::from_millis(60), "late in both directions");
        link.set(Mode::Cut);
        assert_eq!(ask(&mut stream).await, None);
        link.set(Mode::Open);
        let mut stream = TcpStream::connect(link.address()).await.unwrap();
        assert_eq!(ask(&mut stream).await.as_deref(), Some("a?"));
        link.set(Mode::Still);
        let silent = tokio::time::timeout(Duration::from_millis(200), ask(&mut stream)).await;
        assert!(silent.is_err(), "neither an answer nor an end: {silent:?}");
        link.set(Mode::Open);
        assert_eq!(ask(&mut stream).await, None, "the connection ends when the link heals");
    }

    #[tokio::test]
    async fn connections_go_round_the_healthy_ends_and_past_the_dead_ones() {
        let gone = { TcpListener::bind(("127.0.0.1", 0)).await.unwrap().local_addr().unwrap().to_string() };
        let ends = Ends::new([echo("a").await, gone, echo("b").await]);
        let link = Link::open(Arc::clone(&ends)).await.unwrap();
        let mut names = Vec::new();
        for _ in 0..6 {
            let mut stream = TcpStream::connect(link.address()).await.unwrap();
            names.push(ask(&mut stream).await.unwrap());
        }
        assert!(names.contains(&"a?".to_owned()) && names.contains(&"b?".to_owned()), "{names:?}");
        ends.set_healthy(0, false);
        for _ in 0..3 {
            let mut stream = TcpStream::connect(link.address()).await.unwrap();
            assert_eq!(ask(&mut stream).await.as_deref(), Some("b?"));
        }
    }
}
