//! One client WebSocket with minimal overhead over the TCP socket: thousands of them must cost less than the server
//! under test. Reads use one buffer per thread; an idle socket holds none.

use std::cell::RefCell;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::endpoint::Endpoint;
use crate::frame;

const MAX_HEAD_BYTES: usize = 16 * 1024;
const CLOSED_WITHIN: Duration = Duration::from_secs(1);

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; 256 * 1024]);
}

pub(crate) enum Message<'a> {
    Text(&'a str),
    /// With the close code; 1005 if there was none.
    Closed(u16),
}

pub(crate) struct Wire {
    stream: TcpStream,
    /// The received part of an incomplete frame.
    rest: Vec<u8>,
    /// The received fragments of an incomplete message.
    fragments: Vec<u8>,
    /// WebSocket pings without a pong yet.
    pings: usize,
}

impl Wire {
    /// `source` spreads connections over addresses, because one pair of addresses is limited to 28,232 ports.
    /// `receive_buffer` limits the kernel's buffer for a reader that stops reading.
    pub(crate) async fn open(
        endpoint: &Endpoint,
        source: Option<IpAddr>,
        receive_buffer: Option<u32>,
    ) -> Result<Self> {
        let socket = if endpoint.address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        if let Some(bytes) = receive_buffer {
            socket.set_recv_buffer_size(bytes)?;
        }
        if let Some(source) = source {
            socket.bind(SocketAddr::new(source, 0)).context("no source port")?;
        }
        let mut stream = socket.connect(endpoint.address).await.context("not connected")?;
        stream.set_nodelay(true)?;
        stream.write_all(endpoint.upgrade().as_bytes()).await?;
        let mut head = Vec::with_capacity(256);
        let end = loop {
            if let Some(at) = head.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break at + 4;
            }
            ensure!(head.len() < MAX_HEAD_BYTES, "the answer to the upgrade is too long");
            ensure!(stream.read_buf(&mut head).await? > 0, "cut during the upgrade");
        };
        if !head.starts_with(b"HTTP/1.1 101") {
            bail!("no upgrade: {}", String::from_utf8_lossy(&head[..head.len().min(30)]).trim());
        }
        Ok(Self { stream, rest: head.split_off(end), fragments: Vec::new(), pings: 0 })
    }

    pub(crate) async fn send(&mut self, text: &str) -> Result<()> {
        let mut bytes = Vec::with_capacity(text.len() + 14);
        frame::write_masked(&mut bytes, frame::TEXT, text.as_bytes());
        Ok(self.stream.write_all(&bytes).await?)
    }

    /// Sends a close frame and waits briefly for the server's.
    pub(crate) async fn close(mut self) -> Result<()> {
        let mut bytes = Vec::new();
        frame::write_masked(&mut bytes, frame::CLOSE, &1000_u16.to_be_bytes());
        self.stream.write_all(&bytes).await?;
        let over = async {
            let mut closed = false;
            while !closed && self.read(|message| closed = matches!(message, Message::Closed(_))).await? {}
            anyhow::Ok(())
        };
        tokio::time::timeout(CLOSED_WITHIN, over).await?
    }

    /// Resets the connection without a close frame, like a broken network.
    pub(crate) fn cut(self) {
        // Without it, the kernel would close the stream in an orderly way.
        let _ = self.stream.set_zero_linger();
    }

    /// Waits for bytes and returns the messages that they complete. False when the server has ended the connection.
    /// Cancel-safe, unless the server uses WebSocket pings.
    pub(crate) async fn read(&mut self, mut on: impl FnMut(Message<'_>)) -> Result<bool> {
        loop {
            self.stream.readable().await?;
            let read = SCRATCH.with_borrow_mut(|scratch| match self.stream.try_read(scratch) {
                Ok(count) => self.take(&scratch[..count], &mut on).map(|()| Some(count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
                Err(error) => Err(error.into()),
            })?;
            while self.pings > 0 {
                self.pings -= 1;
                let mut pong = Vec::new();
                frame::write_masked(&mut pong, frame::PONG, &[]);
                self.stream.write_all(&pong).await?;
            }
            if let Some(count) = read {
                return Ok(count > 0);
            }
        }
    }

    fn take(&mut self, bytes: &[u8], on: &mut impl FnMut(Message<'_>)) -> Result<()> {
        if self.rest.is_empty() {
            let used = self.split(bytes, on)?;
            self.rest.extend(&bytes[used..]);
        } else {
            let mut rest = std::mem::take(&mut self.rest);
            rest.extend(bytes);
            let used = self.split(&rest, on)?;
            if used < rest.len() {
                rest.drain(..used);
                self.rest = rest;
            }
        }
        Ok(())
    }

    fn split(&mut self, bytes: &[u8], on: &mut impl FnMut(Message<'_>)) -> Result<usize> {
        let mut used = 0;
        while let Some((frame, length)) = frame::next(&bytes[used..])? {
            used += length;
            match frame.opcode {
                frame::TEXT if frame.last => on(Message::Text(std::str::from_utf8(frame.payload)?)),
                frame::TEXT | frame::CONTINUATION => {
                    self.fragments.extend(frame.payload);
                    if frame.last {
                        let whole = std::mem::take(&mut self.fragments);
                        on(Message::Text(std::str::from_utf8(&whole)?));
                    }
                }
                frame::CLOSE => {
                    let code = match frame.payload {
                        [high, low, ..] => u16::from_be_bytes([*high, *low]),
                        _ => 1005,
                    };
                    on(Message::Closed(code));
                }
                frame::PING => self.pings += 1,
                frame::PONG => {}
                other => bail!("a frame of kind {other} in a JSON session"),
            }
        }
        Ok(used)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{SinkExt, StreamExt};
    use tokio::net::TcpListener;
    use tokio_tungstenite::tungstenite::Message as Theirs;
    use tokio_tungstenite::tungstenite::protocol::CloseFrame;

    use super::*;

    #[tokio::test]
    async fn another_implementation_understands_us_and_we_it() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/connection/websocket", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
            let hello = socket.next().await.unwrap().unwrap().into_text().unwrap().to_string();
            socket.send(Theirs::text("y".repeat(300_000))).await.unwrap();
            socket.send(Theirs::Ping("are you there".into())).await.unwrap();
            let pong = socket.next().await.unwrap().unwrap();
            let close = CloseFrame { code: 3008.into(), reason: "slow".into() };
            socket.close(Some(close)).await.unwrap();
            (hello, pong)
        });
        let endpoint = Endpoint::parse(&url, "ws").unwrap();
        let mut wire = Wire::open(&endpoint, Some([127, 0, 0, 9].into()), None).await.unwrap();
        wire.send("{\"id\":1}").await.unwrap();
        let (mut lengths, mut closed) = (Vec::new(), None);
        while closed.is_none() {
            let on = |message: Message<'_>| match message {
                Message::Text(text) => lengths.push(text.len()),
                Message::Closed(code) => closed = Some(code),
            };
            assert!(wire.read(on).await.unwrap());
        }
        let (hello, pong) = server.await.unwrap();
        assert_eq!((lengths, closed), (vec![300_000], Some(3008)));
        assert_eq!(hello, "{\"id\":1}");
        assert!(matches!(pong, Theirs::Pong(_)));
    }
}
