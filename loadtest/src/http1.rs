//! A minimal HTTP/1.1 client for posting webhooks: one request at a time on a kept-alive connection; only the response
//! status is used. A full client costs several times the CPU, taken from the server under test.

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const MAX_HEAD_BYTES: usize = 16 * 1024;
const MAX_BODY_BYTES: usize = 1024 * 1024;

pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The connection may carry another request.
    pub(crate) reusable: bool,
}

impl Connection {
    pub(crate) async fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(1024) })
    }

    /// Writes a whole request and reads the whole response.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<Answer> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let head_end = loop {
            if let Some(at) = find(&self.buffer, b"\r\n\r\n") {
                break at + 4;
            }
            ensure!(self.buffer.len() <= MAX_HEAD_BYTES, "answer head is too long");
            self.read_more().await?;
        };
        let head = Head::parse(&self.buffer[..head_end])?;
        let mut reusable = head.keep_alive;
        match head.body_bytes {
            Some(bytes) if bytes <= MAX_BODY_BYTES => {
                while self.buffer.len() < head_end + bytes {
                    self.read_more().await?;
                }
            }
            // The body of a chunked or huge response is not skipped: the next request opens a new connection.
            _ => reusable = false,
        }
        Ok(Answer { status: head.status, reusable })
    }

    async fn read_more(&mut self) -> Result<()> {
        if self.stream.read_buf(&mut self.buffer).await? == 0 {
            bail!("connection closed before the answer");
        }
        Ok(())
    }
}

pub(crate) struct Head {
    pub(crate) status: u16,
    keep_alive: bool,
    /// Absent for a chunked body.
    pub(crate) body_bytes: Option<usize>,
}

impl Head {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self> {
        let text = std::str::from_utf8(bytes).context("answer head is not text")?;
        let mut lines = text.split("\r\n");
        let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok());
        let mut head =
            Self { status: status.context("not an HTTP/1.1 answer")?, keep_alive: true, body_bytes: Some(0) };
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-length") {
                head.body_bytes = Some(value.parse().context("unreadable content-length")?);
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                head.body_bytes = None;
            } else if name.eq_ignore_ascii_case("connection") && value.eq_ignore_ascii_case("close") {
                head.keep_alive = false;
            }
        }
        Ok(head)
    }
}

pub(crate) fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    async fn answer_with(pieces: &'static [&'static str]) -> Result<Answer> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await?;
            let mut request = [0; 4];
            stream.read_exact(&mut request).await?;
            for piece in pieces {
                stream.write_all(piece.as_bytes()).await?;
                stream.flush().await?;
            }
            anyhow::Ok(())
        });
        let answer = Connection::open(&address).await?.exchange(b"ping").await;
        server.await??;
        answer
    }

    #[tokio::test]
    async fn answer_in_pieces_is_read_to_the_end_of_its_body() {
        let answer =
            answer_with(&["HTTP/1.1 200 OK\r\nContent-Le", "ngth: 5\r\n\r\nhe", "llo"]).await.unwrap();
        assert_eq!((answer.status, answer.reusable), (200, true));
    }

    #[tokio::test]
    async fn announced_close_and_chunks_end_the_connection() {
        let closed = answer_with(&["HTTP/1.1 503 Busy\r\nconnection: close\r\n\r\n"]).await.unwrap();
        assert_eq!((closed.status, closed.reusable), (503, false));
        let chunked =
            answer_with(&["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"]).await.unwrap();
        assert_eq!((chunked.status, chunked.reusable), (200, false));
    }

    #[tokio::test]
    async fn cut_before_the_body_is_not_an_answer() {
        assert!(answer_with(&["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"]).await.is_err());
        assert!(answer_with(&[]).await.is_err());
    }
}
