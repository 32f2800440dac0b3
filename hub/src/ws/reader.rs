//! The reading half. Bytes are read into a buffer of the thread and parsed at once; a connection keeps only the bytes of
//! an unfinished frame.

use std::{
    cell::RefCell,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use tokio::io::{AsyncRead, ReadBuf};

use super::{
    fault::Fault,
    frame::{Event, Parser},
};
use crate::transport::{Incoming, MaxBytes, TransportError, TransportReader};

const READ_BYTES: usize = 16 * 1024;
/// More than a client sends before it reads our close frame.
const DISCARDED_BYTES: usize = 16 * 1024 * 1024;

thread_local! {
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BYTES].into());
}

pub struct Reader<R> {
    stream: R,
    parser: Parser,
    state: ReadState,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ReadState {
    Open,
    /// After a fault: so many further bytes are read and dropped, so that our close frame arrives.
    Discarding(usize),
    Ended,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    pub(super) fn new(stream: R, early: &Bytes, deflate: bool) -> Self {
        let mut parser = Parser::new(deflate);
        parser.feed(early);
        Reader { stream, parser, state: ReadState::Open }
    }

    /// Feeds the parser; 0 at the end of the stream.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        SCRATCH.with_borrow_mut(|scratch| {
            let mut buffer = ReadBuf::new(scratch);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
            let read = buffer.filled();
            if self.state == ReadState::Open {
                self.parser.feed(read);
            }
            Poll::Ready(Ok(read.len()))
        })
    }

    fn fault(&mut self, fault: Fault) -> TransportError {
        self.state = ReadState::Discarding(DISCARDED_BYTES);
        self.parser.clear();
        match fault {
            Fault::Violation(what) => TransportError::Violation(what),
            Fault::NotUtf8 => TransportError::NotUtf8,
            Fault::TooLarge => TransportError::TooLarge,
        }
    }
}

impl<R: AsyncRead + Unpin + Send + 'static> TransportReader for Reader<R> {
    async fn next(&mut self, max: impl Fn() -> MaxBytes + Send) -> Option<Result<Incoming, TransportError>> {
        loop {
            if self.state == ReadState::Ended {
                return None;
            }
            match self.parser.next(max()) {
                Ok(Some(Event::Text(text))) => return Some(Ok(Incoming::Text(text))),
                Ok(Some(Event::Binary(data))) => return Some(Ok(Incoming::Binary(data))),
                Ok(Some(Event::Ping(data))) => return Some(Ok(Incoming::Ping(data))),
                Ok(Some(Event::Pong)) => return Some(Ok(Incoming::Pong)),
                Ok(Some(Event::Fragment)) => return Some(Ok(Incoming::Fragment)),
                Ok(Some(Event::Close)) => {
                    self.state = ReadState::Ended;
                    return Some(Ok(Incoming::Close));
                }
                Ok(None) => {}
                Err(fault) => return Some(Err(self.fault(fault))),
            }
            match std::future::poll_fn(|cx| self.poll_read(cx)).await {
                Ok(0) => self.state = ReadState::Ended,
                Ok(read) => {
                    if let ReadState::Discarding(left) = self.state {
                        self.state = left.checked_sub(read).map_or(ReadState::Ended, ReadState::Discarding);
                    }
                }
                Err(error) => {
                    self.state = ReadState::Ended;
                    return Some(Err(TransportError::Lost(error.to_string())));
                }
            }
        }
    }
}
