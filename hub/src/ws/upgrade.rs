//! A WebSocket upgrade that is answered without an HTTP server, which costs more than all the rest of a connect. Everything
//! else is left in the socket as it came, for the application's HTTP server: other requests, and upgrades that it refuses.

use std::{cell::RefCell, future::poll_fn, io, time::Duration};

use bytes::Bytes;
use httparse::{EMPTY_HEADER, Header, Request, Status};
use tokio::{io::ReadBuf, net::TcpStream, time::timeout};

use super::{WebSocket, handshake::Handshake, tcp};
use crate::transport::Agreed;

/// A longer head is for the HTTP server.
const HEAD_BYTES: usize = 8 * 1024;
const MAX_HEADERS: usize = 64;
/// A client that has sent nothing for so long is for the HTTP server, which has its own limit.
const SILENCE: Duration = Duration::from_secs(5);

thread_local! {
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; HEAD_BYTES].into());
}

/// The first request of a connection.
pub struct UpgradeRequest<'a> {
    pub path: &'a str,
    pub query: Option<&'a str>,
    headers: &'a [Header<'a>],
}

impl<'a> UpgradeRequest<'a> {
    /// All values of a header, by its name in lower case.
    pub fn header(&self, name: &'static str) -> impl Iterator<Item = &'a str> {
        let named = self.headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name));
        named.filter_map(|header| std::str::from_utf8(header.value).ok())
    }

    /// All headers as they came.
    pub fn headers(&self) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        self.headers.iter().map(|header| (header.name, header.value))
    }

    /// Also with a value that is no text: what it means is the HTTP server's to say.
    fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|header| header.name.eq_ignore_ascii_case(name))
    }
}

/// What the first request of a connection came to.
pub enum FirstRequest {
    WebSocket(WebSocket),
    /// Nothing was read from it.
    Other(TcpStream),
}

impl FirstRequest {
    /// Waits for the request, and answers it if it is an upgrade that `wanted` takes. An upgrade with an unusual shape
    /// counts as another request.
    pub async fn take(
        stream: TcpStream,
        deflate: bool,
        wanted: impl FnOnce(&UpgradeRequest<'_>) -> bool,
    ) -> io::Result<FirstRequest> {
        let peeked = timeout(SILENCE, peek(&stream, |bytes| read(bytes, deflate, wanted))).await;
        let Ok(Some(Upgrade { length, agreed, answer })) = peeked.unwrap_or(Ok(None)) else {
            return Ok(FirstRequest::Other(stream));
        };
        let early = SCRATCH.with_borrow_mut(|scratch| {
            let count = tcp::try_read(&stream, scratch)?;
            let early = scratch.get(length..count).ok_or(io::ErrorKind::UnexpectedEof)?;
            io::Result::Ok(Bytes::copy_from_slice(early))
        })?;
        // A fresh socket takes so few bytes at once.
        if stream.try_write(answer.as_bytes())? < answer.len() {
            return Err(io::ErrorKind::WriteZero.into());
        }
        Ok(FirstRequest::WebSocket(WebSocket::tcp(stream, early, agreed)))
    }
}

/// An accepted upgrade whose head has this length.
struct Upgrade {
    length: usize,
    agreed: Agreed,
    answer: String,
}

/// What has come so far, without taking it.
async fn peek<T>(stream: &TcpStream, look: impl FnOnce(&[u8]) -> Option<T>) -> io::Result<Option<T>> {
    let mut look = Some(look);
    poll_fn(|cx| {
        SCRATCH.with_borrow_mut(|scratch| {
            let mut buffer = ReadBuf::new(scratch);
            let peeked = stream.poll_peek(cx, &mut buffer);
            peeked.map_ok(|_| look.take().and_then(|look| look(buffer.filled())))
        })
    })
    .await
}

fn read(bytes: &[u8], deflate: bool, wanted: impl FnOnce(&UpgradeRequest<'_>) -> bool) -> Option<Upgrade> {
    let mut headers = [EMPTY_HEADER; MAX_HEADERS];
    let mut request = Request::new(&mut headers);
    let Ok(Status::Complete(length)) = request.parse(bytes) else { return None };
    if request.method != Some("GET") || request.version != Some(1) || has_bare_newline(&bytes[..length]) {
        return None;
    }
    let target = request.path.filter(|target| target.starts_with('/'))?;
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let request = UpgradeRequest { path, query, headers: request.headers };
    // What follows the head would be a body to whoever counts by one of these.
    let has_body = request.has("content-length") || request.has("transfer-encoding");
    if has_body || request.header("host").next().is_none() || !wanted(&request) {
        return None;
    }
    let Handshake { agreed, headers } = Handshake::read(|name| request.header(name), query, deflate).ok()?;
    let mut answer = String::with_capacity(192);
    answer.push_str("HTTP/1.1 101 Switching Protocols\r\n");
    for (name, value) in headers {
        answer.extend([name, ": ", &value, "\r\n"]);
    }
    answer.push_str("\r\n");
    Some(Upgrade { length, agreed, answer })
}

/// The parser takes such ends of lines. Whoever stands before this server may read the lines in another way.
fn has_bare_newline(head: &[u8]) -> bool {
    head.iter().enumerate().any(|(at, byte)| *byte == b'\n' && (at == 0 || head[at - 1] != b'\r'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "GET /socket?a=b HTTP/1.1\r\nHost: hub\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

    fn taken(request: &str) -> Option<Upgrade> {
        read(request.as_bytes(), false, |request| request.path == "/socket")
    }

    #[test]
    fn an_upgrade_is_answered_and_what_follows_it_is_not_part_of_it() {
        let upgrade = taken(&format!("{HEAD}more")).unwrap();
        assert_eq!(upgrade.length, HEAD.len());
        assert!(upgrade.answer.starts_with("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\n"));
        assert!(upgrade.answer.ends_with("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"));
    }

    #[test]
    fn everything_else_is_left_to_the_http_server() {
        for (from, to) in [
            ("GET", "POST"),
            ("HTTP/1.1", "HTTP/1.0"),
            ("/socket", "/other"),
            ("/socket", "http://hub/socket"),
            ("Host: hub\r\n", ""),
            ("Host", "Content-Length: 3\r\nHost"),
            ("Host", "Transfer-Encoding: chunked\r\nHost"),
            ("Version: 13", "Version: 8"),
            ("Upgrade: websocket\r\n", ""),
            ("\r\n\r\n", "\r\n"),
            ("Host", "Host :"),
            ("\r\nConnection", "\nConnection"),
            ("\r\n\r\n", "\n\n"),
            ("GET", "\nGET"),
            ("Host: hub", "Host: hub\r\n folded"),
            ("Host", "content-length: \u{e9}\r\nHost"),
            ("Host", "Content-Length: 3\r\nTransfer-Encoding: chunked\r\nHost"),
            ("Host", "Transfer-Encoding : chunked\r\nHost"),
            ("HTTP/1.1", "HTTP/2.0"),
        ] {
            assert!(taken(&HEAD.replacen(from, to, 1)).is_none(), "{from:?} -> {to:?}");
        }
        let unreadable = HEAD.replacen("Host", "Transfer-Encoding: chunked#\r\nHost", 1);
        let unreadable: Vec<u8> =
            unreadable.bytes().map(|byte| if byte == b'#' { 0xff } else { byte }).collect();
        assert!(read(&unreadable, false, |_| true).is_none());
        let many = "x: y\r\n".repeat(MAX_HEADERS);
        assert!(taken(&HEAD.replacen("Host", &format!("{many}Host"), 1)).is_none());
    }
}
