//! The two halves of a TCP stream over one allocation, so that a publisher to thousands of sockets touches one cache line
//! less for each. tokio's own halves are two allocations, and consult a third for readiness before they ask the system.

#[cfg(not(unix))]
pub(super) use self::elsewhere::{ReadHalf, WriteHalf, split, try_read};
#[cfg(unix)]
pub(super) use self::unix::{ReadHalf, WriteHalf, split, try_read};

#[cfg(unix)]
mod unix {
    use std::{
        io,
        pin::Pin,
        sync::Arc,
        task::{Context, Poll, ready},
    };

    use rustix::{
        io::Errno,
        net::{RecvFlags, SendFlags, Shutdown, recv, send, shutdown},
    };
    use tokio::{
        io::{AsyncRead, Interest, ReadBuf},
        net::TcpStream,
    };

    use crate::transport::Outlet;

    #[cfg(target_os = "linux")]
    const SEND: SendFlags = SendFlags::NOSIGNAL;
    /// Rust programs ignore SIGPIPE by default.
    #[cfg(not(target_os = "linux"))]
    const SEND: SendFlags = SendFlags::empty();

    pub type WriteHalf = TcpStream;

    pub struct ReadHalf(Arc<TcpStream>);

    pub(in crate::ws) fn split(stream: TcpStream) -> (ReadHalf, Arc<WriteHalf>) {
        let stream = Arc::new(stream);
        (ReadHalf(Arc::clone(&stream)), stream)
    }

    impl Outlet for TcpStream {
        /// Goes through the runtime only when the socket is full, so that the runtime waits for it.
        fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
            match send(self, bytes, SEND) {
                Err(Errno::AGAIN | Errno::INTR) => TcpStream::try_write(self, bytes),
                sent => sent.map_err(io::Error::from),
            }
        }

        fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.poll_write_ready(cx)
        }

        /// The peer sees the end of the stream; what it still sends can be read.
        fn finish(&self) {
            if let Err(error) = shutdown(self, Shutdown::Write) {
                tracing::debug!(%error, "the peer was gone before the end");
            }
        }
    }

    impl AsyncRead for ReadHalf {
        fn poll_read(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            loop {
                ready!(self.0.poll_read_ready(cx))?;
                match try_read(&self.0, buffer.initialize_unfilled()) {
                    Ok(count) => {
                        buffer.advance(count);
                        return Poll::Ready(Ok(()));
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) => return Poll::Ready(Err(error)),
                }
            }
        }
    }

    /// A short read means that the socket is empty: the runtime is told so, which saves one more system call.
    pub(in crate::ws) fn try_read(stream: &TcpStream, room: &mut [u8]) -> io::Result<usize> {
        let size = room.len();
        let mut some = 0;
        let read = stream.try_io(Interest::READABLE, || {
            let count = rustix::io::retry_on_intr(|| recv(stream, &mut *room, RecvFlags::empty()))?.0;
            if (1..size).contains(&count) {
                some = count;
                return Err(io::ErrorKind::WouldBlock.into());
            }
            Ok(count)
        });
        if some > 0 { Ok(some) } else { read }
    }
}

#[cfg(not(unix))]
mod elsewhere {
    use std::{
        io,
        sync::Arc,
        task::{Context, Poll},
    };

    pub use tokio::net::tcp::{OwnedReadHalf as ReadHalf, OwnedWriteHalf as WriteHalf};

    use crate::transport::Outlet;

    pub(in crate::ws) fn split(stream: tokio::net::TcpStream) -> (ReadHalf, Arc<WriteHalf>) {
        let (reader, writer) = stream.into_split();
        (reader, Arc::new(writer))
    }

    pub(in crate::ws) fn try_read(stream: &tokio::net::TcpStream, room: &mut [u8]) -> io::Result<usize> {
        stream.try_read(room)
    }

    /// The end of the stream comes when it is dropped.
    impl Outlet for WriteHalf {
        fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
            WriteHalf::try_write(self, bytes)
        }

        fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.as_ref().poll_write_ready(cx)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, io::ErrorKind, sync::Arc};

    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::{TcpListener, TcpStream},
    };

    use super::{ReadHalf, WriteHalf, split};
    use crate::transport::Outlet as _;

    async fn pair() -> (ReadHalf, Arc<WriteHalf>, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (reader, writer) = split(listener.accept().await.unwrap().0);
        (reader, writer, client)
    }

    #[tokio::test]
    async fn everything_is_read_whatever_the_pieces() {
        let (mut reader, _writer, mut client) = pair().await;
        let sent: Vec<u8> = (0..200_000u32).map(|n| (n % 251) as u8).collect();
        let said = sent.clone();
        let talk = tokio::spawn(async move {
            for (n, piece) in said.chunks(777).enumerate() {
                client.write_all(piece).await.unwrap();
                if n % 16 == 0 {
                    tokio::task::yield_now().await;
                }
            }
        });
        let (mut read, mut room) = (Vec::new(), vec![0; 4096]);
        // One and a half pieces, exactly one, and the whole buffer: full reads and short ones.
        for size in [1165, 777, 4096].into_iter().cycle() {
            match reader.read(&mut room[..size]).await.unwrap() {
                0 => break,
                count => read.extend_from_slice(&room[..count]),
            }
        }
        talk.await.unwrap();
        assert!(read == sent);
    }

    #[tokio::test]
    async fn a_full_socket_is_waited_for() {
        let (_reader, writer, mut client) = pair().await;
        let piece = [7; 10_000];
        let mut sent = 0;
        let full = loop {
            match writer.try_write(&piece) {
                Ok(count) => sent += count,
                Err(error) => break error,
            }
        };
        assert_eq!(full.kind(), ErrorKind::WouldBlock);
        let reading = tokio::spawn(async move {
            let mut read = vec![0; sent];
            client.read_exact(&mut read).await.unwrap();
            client
        });
        poll_fn(|cx| writer.poll_ready(cx)).await.unwrap();
        assert!(writer.try_write(&piece).unwrap() > 0);
        reading.await.unwrap();
    }

    #[tokio::test]
    async fn what_is_finished_can_still_be_read_from() {
        let (mut reader, writer, mut client) = pair().await;
        writer.finish();
        assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
        client.write_all(b"late").await.unwrap();
        let mut late = [0; 4];
        reader.read_exact(&mut late).await.unwrap();
        assert_eq!(&late, b"late");
    }
}
