//! Taking connections in, for whatever serves them (the engine itself serves what is upgraded already). When file
//! descriptors are short, who comes is told so at once instead of being left waiting, and who is inside notices nothing.

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

/// Before the next try when nothing better can be done.
const PAUSE: Duration = Duration::from_millis(100);
/// A refused client may read its answer for so long, and send so much that nobody looks at.
const FAREWELL: Duration = Duration::from_secs(1);
const FAREWELL_BYTES: u64 = 64 * 1024;

/// A listener that lives through a shortage of descriptors.
pub struct Doorway {
    listener: TcpListener,
    descriptors: Descriptors,
    refusal: Bytes,
    /// Let go to take in and refuse one who comes when there is no descriptor at all.
    spare: Option<Spare>,
    farewells: Arc<Semaphore>,
}

impl Doorway {
    /// `refusal`: written to who is not let in, in whatever protocol is spoken there.
    pub fn new(listener: TcpListener, descriptors: Descriptors, refusal: Bytes) -> Self {
        let farewells = Arc::new(Semaphore::new(descriptors.farewells().min(Semaphore::MAX_PERMITS)));
        Doorway { listener, descriptors, refusal, spare: Spare::take(), farewells }
    }

    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// The next connection for which there is a place. Never fails, and never spins when there is none.
    pub async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, address)) if self.descriptors.may_enter(&stream) => return (stream, address),
                Ok((stream, _)) => {
                    self.descriptors.refuse();
                    self.turn_away(stream, self.refusal.clone());
                }
                Err(error) if is_shortage(&error) => self.refuse_by_the_spare().await,
                // It went away while it waited.
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    tracing::error!(%error, "a connection could not be accepted");
                    sleep(PAUSE).await;
                }
            }
        }
    }

    /// Answers and closes, without reading what is asked. The client has a moment to read it, while that costs little.
    pub fn turn_away(&self, stream: TcpStream, answer: Bytes) {
        match Arc::clone(&self.farewells).try_acquire_owned() {
            Ok(permit) => drop(tokio::spawn(farewell(stream, answer, permit))),
            Err(_) => cut(stream, &answer),
        }
    }

    async fn refuse_by_the_spare(&mut self) {
        if self.spare.take().is_none() {
            // Others were quicker when it was to be taken again.
            sleep(PAUSE).await;
        } else if let Some(Ok((stream, _))) = self.listener.accept().now_or_never() {
            self.descriptors.refuse();
            cut(stream, &self.refusal);
        }
        self.spare = Spare::take();
    }
}

/// Ends it now. What has come is read, or else the system may take the answer back from the client.
fn cut(stream: TcpStream, answer: &[u8]) {
    let Ok(mut stream) = stream.into_std() else { return };
    let mut scratch = [0; 4096];
    let said = stream.write(answer).and_then(|_| stream.read(&mut scratch));
    tracing::debug!(?said, "a connection was refused at once");
}

/// Waits until the client has read the answer and gone, but not for long.
async fn farewell(mut stream: TcpStream, refusal: Bytes, _permit: OwnedSemaphorePermit) {
    let goodbye = async {
        stream.write_all(&refusal).await?;
        stream.shutdown().await?;
        tokio::io::copy(&mut stream.take(FAREWELL_BYTES), &mut tokio::io::sink()).await
    };
    let said = timeout(FAREWELL, goodbye).await;
    tracing::debug!(?said, "a connection was refused");
}
