//! The byte stream of one connection, between the socket and the HTTP library. It measures how long the connection
//! waits for a request and how long a request's head takes, charges long heads to the memory budget, and adds a problem
//! body to the refusals that the library writes without one.
//!
//! The two waits have different limits: a proxy may keep an idle connection for minutes, but the head of a request that
//! has begun must be complete within seconds.

use std::future::Future;
use std::io::{self, IoSlice};
use std::mem::{self, MaybeUninit};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::{Buf as _, Bytes};
use hyper::rt::{Read, ReadBufCursor, Sleep, Timer, Write};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;

use super::problem;
use crate::admission::budget::SMALL;
use crate::admission::{Charge, ConnectionSlot};

/// The longest head of a request, and the time from its first byte to its end.
pub const HEAD_BYTES: usize = 32 * 1024;
pub const HEAD_TIME: Duration = Duration::from_secs(15);
/// Bytes of a head that are not charged.
const FREE_BYTES: u64 = SMALL as u64;
const CHUNK_BYTES: usize = 8 * 1024;

/// How much of a request's head has arrived. Shared by the wire, the timer and the service that answers requests.
#[derive(Default)]
pub struct Progress {
    /// Bytes read from the connection in total.
    read: AtomicU64,
    /// Value of `read` when the wait for this head began.
    waited_at: AtomicU64,
    in_head: AtomicBool,
    /// The request line is complete.
    line_ended: AtomicBool,
    /// Value of `read` at the end of the head; [`UNKNOWN`] until then, or if the head came together with the previous
    /// request.
    head_end: AtomicU64,
    /// Bytes of the last request's body; [`UNKNOWN`] for a chunked body, which ends with an empty line.
    body: AtomicU64,
    /// The last bytes read are an empty line.
    at_empty_line: AtomicBool,
    /// Released with the connection, or when it becomes a WebSocket or a stream.
    slot: Mutex<Option<ConnectionSlot>>,
}

const UNKNOWN: u64 = u64::MAX;

impl Progress {
    pub fn new(slot: Option<ConnectionSlot>) -> Self {
        Self { slot: Mutex::new(slot), ..Self::default() }
    }

    /// The connection's last answer is a stream: the connection no longer counts as unfinished.
    pub fn keep_as_stream(&self) {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// The head is complete. What follows is its body, of this many bytes if the length is known.
    pub fn head_is_whole(&self, body: Option<u64>) {
        self.body.store(body.unwrap_or(UNKNOWN), Relaxed);
        self.in_head.store(false, Relaxed);
    }

    /// Whether the bytes read go beyond the last request, so that the next one has begun. The library buffers those
    /// bytes and does not report them.
    fn has_begun(&self, read: u64) -> bool {
        match (self.body.load(Relaxed), self.head_end.load(Relaxed)) {
            // A head and a chunked body both end with an empty line.
            (0 | UNKNOWN, _) => read > 0 && !self.at_empty_line.load(Relaxed),
            // The head came together with the previous request. A client that pipelines gets no idle timeout.
            (_, UNKNOWN) => true,
            (body, end) => read > end.saturating_add(body),
        }
    }

    /// The last head is complete and no byte of the next one has arrived.
    fn is_between_heads(&self) -> bool {
        !self.in_head.load(Relaxed) || self.read.load(Relaxed) == self.waited_at.load(Relaxed)
    }

    /// Starts the wait for a head. Returns the bytes read so far, and whether the head has begun among them.
    fn wait_for_head(&self) -> (u64, bool) {
        let read = self.read.load(Relaxed);
        let has_begun = self.has_begun(read);
        self.waited_at.store(read, Relaxed);
        self.line_ended.store(false, Relaxed);
        self.head_end.store(UNKNOWN, Relaxed);
        self.in_head.store(true, Relaxed);
        (read, has_begun)
    }
}

pub struct Wire {
    io: TokioIo<TcpStream>,
    progress: Arc<Progress>,
    charge: Charge,
    /// The rest of an answer of ours that replaces the library's.
    instead: Bytes,
    /// Everything was flushed: the next write begins an answer.
    is_flushed: bool,
    lines: Lines,
}

/// Finds empty lines across the boundaries of reads.
#[derive(Default)]
struct Lines {
    /// The current line is empty so far.
    is_empty: bool,
    /// The last byte ended an empty line.
    is_ended: bool,
}

impl Lines {
    /// The number of bytes up to and including the end of the first empty line.
    fn find(&mut self, bytes: &[u8]) -> Option<usize> {
        let end = bytes.iter().position(|byte| self.step(*byte))? + 1;
        self.note(&bytes[end..]);
        Some(end)
    }

    /// Only the last four bytes matter.
    fn note(&mut self, bytes: &[u8]) {
        let skipped = bytes.len().saturating_sub(4);
        if skipped > 0 {
            *self = Self::default();
        }
        for byte in &bytes[skipped..] {
            self.step(*byte);
        }
    }

    fn step(&mut self, byte: u8) -> bool {
        self.is_ended = byte == b'\n' && self.is_empty;
        self.is_empty = byte == b'\n' || (byte == b'\r' && self.is_empty);
        self.is_ended
    }
}

impl Wire {
    pub fn new(stream: TcpStream, progress: Arc<Progress>, charge: Charge) -> Self {
        let io = TokioIo::new(stream);
        Self { io, progress, charge, instead: Bytes::new(), is_flushed: true, lines: Lines::default() }
    }

    /// The TCP stream, without its connection slot.
    pub fn into_stream(self) -> TcpStream {
        self.progress.keep_as_stream();
        self.io.into_inner()
    }

    /// Counts the bytes read, and charges a long head.
    fn note(&mut self, bytes: &[u8]) -> io::Result<()> {
        let before = self.progress.read.fetch_add(bytes.len() as u64, Relaxed);
        let read = before + bytes.len() as u64;
        let in_head = self.progress.in_head.load(Relaxed);
        let looks = in_head && self.progress.head_end.load(Relaxed) == UNKNOWN;
        if looks && let Some(length) = self.lines.find(bytes) {
            self.progress.head_end.store(before + length as u64, Relaxed);
        } else if !looks {
            self.lines.note(bytes);
        }
        self.progress.at_empty_line.store(self.lines.is_ended, Relaxed);
        if !in_head {
            return Ok(());
        }
        if !self.progress.line_ended.load(Relaxed) && bytes.contains(&b'\n') {
            self.progress.line_ended.store(true, Relaxed);
        }
        let head = read - self.progress.waited_at.load(Relaxed);
        // Charged twice: while the library's buffer grows, the old and the new one exist together.
        if head > FREE_BYTES && self.charge.grow_to(2 * head as usize).is_err() {
            // The kernel's send buffer has room for one answer. Whether the peer reads it does not matter.
            let said = self.io.inner().try_write(&problem::no_room_answer());
            tracing::debug!(?said, "a long head was refused: the memory budget is exhausted");
            return Err(io::Error::other("the memory budget is exhausted"));
        }
        Ok(())
    }

    /// A problem document instead of a refusal that the library writes by itself: a status without a body, for a
    /// request that it cannot parse. Only before a request reached a handler: an answer of a handler may contain the
    /// same bytes in a file.
    fn refusal(&mut self, wanted: &[u8]) -> Option<Bytes> {
        let begins = mem::replace(&mut self.is_flushed, false);
        if !begins || !self.progress.in_head.load(Relaxed) {
            return None;
        }
        let status = wanted.strip_prefix(b"HTTP/1.1 ")?.get(..3)?;
        if ![b"400", b"414", b"431"].iter().any(|refusal| *refusal == status) {
            return None;
        }
        // Refusals by our own handlers have a body.
        wanted.windows(19).take(200).find(|part| part.eq_ignore_ascii_case(b"content-length: 0\r\n"))?;
        Some(match status {
            b"400" => problem::unreadable_answer(),
            b"431" if self.progress.line_ended.load(Relaxed) => problem::long_head_answer(HEAD_BYTES),
            _ => problem::long_address_answer(HEAD_BYTES),
        })
    }

    fn poll_instead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.instead.has_remaining() {
            let wrote = ready!(Pin::new(&mut self.io).poll_write(cx, &self.instead))?;
            if wrote == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.instead.advance(wrote);
        }
        Poll::Ready(Ok(()))
    }
}

impl Read for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let mut buf = buf;
        if self.progress.is_between_heads() {
            self.charge.release();
        }
        // The library's buffer does not give access to the bytes read, so they are read into this one first.
        let mut chunk = [MaybeUninit::uninit(); CHUNK_BYTES];
        let room = buf.remaining().min(chunk.len());
        let mut own = ReadBuf::uninit(&mut chunk[..room]);
        let stream = Pin::new(self.io.inner_mut());
        ready!(AsyncRead::poll_read(stream, cx, &mut own))?;
        let read = own.filled();
        self.note(read)?;
        buf.put_slice(read);
        Poll::Ready(Ok(()))
    }
}

impl Write for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_instead(cx))?;
        if let Some(refusal) = self.refusal(buf) {
            self.instead = refusal;
            return Poll::Ready(Ok(buf.len()));
        }
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_instead(cx))?;
        if let Some(refusal) = bufs.first().and_then(|head| self.refusal(head)) {
            self.instead = refusal;
            return Poll::Ready(Ok(bufs.iter().map(|buf| buf.len()).sum()));
        }
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_instead(cx))?;
        // The library flushes when it has nothing more to write.
        self.is_flushed = true;
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_instead(cx))?;
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// The timer given to the HTTP library, which uses it only for heads: it creates a sleep when the wait for a head
/// begins.
pub struct HeadTimer {
    pub progress: Arc<Progress>,
    /// The longest wait for a request to begin.
    pub idle: Duration,
}

impl Timer for HeadTimer {
    fn sleep(&self, _: Duration) -> Pin<Box<dyn Sleep>> {
        let (seen, has_begun) = self.progress.wait_for_head();
        let sleep = Box::pin(tokio::time::sleep(if has_begun { HEAD_TIME } else { self.idle }));
        Box::pin(HeadWait { progress: Arc::clone(&self.progress), seen, has_begun, sleep })
    }

    fn sleep_until(&self, _: Instant) -> Pin<Box<dyn Sleep>> {
        self.sleep(self.idle)
    }
}

/// Completes when the connection has waited too long for a request, or for the rest of its head. The library polls it
/// whenever bytes were read and the head is still incomplete.
struct HeadWait {
    progress: Arc<Progress>,
    seen: u64,
    has_begun: bool,
    sleep: Pin<Box<tokio::time::Sleep>>,
}

impl Sleep for HeadWait {}

impl Future for HeadWait {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if !self.has_begun && self.progress.read.load(Relaxed) != self.seen {
            self.has_begun = true;
            self.sleep.as_mut().reset(tokio::time::Instant::now() + HEAD_TIME);
        }
        self.sleep.as_mut().poll(cx)
    }
}
