//! Accepts connections, for the application's HTTP server (the engine itself gets sockets that are upgraded already).
//! When file descriptors are short, a new connection is refused at once instead of waiting, and open ones are not
//! affected.

use std::{
    io::{self, ErrorKind, Read as _, Write as _},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use futures_util::FutureExt as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};

use crate::descriptors::{Descriptors, Spare, is_shortage};

/// Before the next attempt, when an accept failed.
const PAUSE: Duration = Duration::from_millis(100);
/// How long the answer to a refused connection waits for the first bytes of its request. HTTP clients take an answer that is
/// there before they asked for a broken connection.
const ASKED: Duration = Duration::from_millis(300);
/// A refused connection lingers for so long at most, and sends so many bytes, which are ignored.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: u64 = 64 * 1024;

/// A TCP listener that survives a shortage of file descriptors.
pub struct ConnectionListener {
    listener: TcpListener,
    descriptors: Descriptors,
    refusal: Bytes,
    /// Closed when there is no descriptor at all, to accept and refuse one connection with it.
    spare: Option<Spare>,
    lingering: Arc<Semaphore>,
}

impl ConnectionListener {
    /// `refusal`: the answer to a refused connection, in the protocol that is spoken there. Connections get TCP_NODELAY,
    /// which on Linux they inherit, without a system call for each.
    pub fn new(listener: TcpListener, descriptors: Descriptors, refusal: Bytes) -> Self {
        #[cfg(target_os = "linux")]
        if let Err(error) = rustix::net::sockopt::set_tcp_nodelay(&listener, true) {
            tracing::warn!(%error, "TCP_NODELAY could not be set for connections");
        }
        let lingering = Arc::new(Semaphore::new(descriptors.max_lingering().min(Semaphore::MAX_PERMITS)));
        ConnectionListener { listener, descriptors, refusal, spare: Spare::take(), lingering }
    }

    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// The next connection for which there is a descriptor. Never fails, and never spins.
    pub async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, address)) if self.descriptors.may_enter(&stream) => {
                    #[cfg(not(target_os = "linux"))]
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%error, "a connection was gone before it was used");
                    }
                    return (stream, address);
                }
                Ok((stream, _)) => {
                    self.descriptors.refuse();
                    self.refuse(stream, self.refusal.clone());
                }
                Err(error) if is_shortage(&error) => self.refuse_with_spare().await,
                // The client closed while it waited.
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    tracing::error!(%error, "a connection could not be accepted");
                    sleep(PAUSE).await;
                }
            }
        }
    }

    /// Answers and closes, without looking at the request. The client gets time to send it and to read the answer, while few
    /// others do.
    pub fn refuse(&self, stream: TcpStream, answer: Bytes) {
        match Arc::clone(&self.lingering).try_acquire_owned() {
            Ok(permit) => drop(tokio::spawn(linger(stream, answer, permit))),
            Err(_) => cut(stream, &answer),
        }
    }

    async fn refuse_with_spare(&mut self) {
        if self.spare.take().is_none() {
            // It could not be opened again last time.
            sleep(PAUSE).await;
        } else if let Some(Ok((stream, _))) = self.listener.accept().now_or_never() {
            self.descriptors.refuse();
            cut(stream, &self.refusal);
        }
        self.spare = Spare::take();
    }
}

/// Answers and closes at once. Reads what has come: with unread data the system resets the connection, and the client
/// may lose the answer.
fn cut(stream: TcpStream, answer: &[u8]) {
    let Ok(mut stream) = stream.into_std() else { return };
    let mut scratch = [0; 4096];
    let said = stream.write(answer).and_then(|_| stream.read(&mut scratch));
    tracing::debug!(?said, "a connection was refused at once");
}

/// Answers, and waits until the client has read it and closed, but not for long.
async fn linger(mut stream: TcpStream, refusal: Bytes, _permit: OwnedSemaphorePermit) {
    let lingering = async {
        let _ = timeout(ASKED, stream.readable()).await;
        stream.write_all(&refusal).await?;
        stream.shutdown().await?;
        tokio::io::copy(&mut stream.take(LINGER_BYTES), &mut tokio::io::sink()).await
    };
    let said = timeout(LINGER, lingering).await;
    tracing::debug!(?said, "a connection was refused");
}
