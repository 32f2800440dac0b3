//! One connection of the bare server: an HTTP publisher or a socket, read through one buffer of the thread and
//! written to without a task of its own unless the kernel takes no more.

use std::cell::{Cell, RefCell};
use std::io::ErrorKind;
use std::rc::Rc;

use anyhow::{Context, Result, bail};
use tokio::net::TcpStream;
use tokio::task::spawn_local;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::rooms::{Batch, Rooms};
use crate::frame;
use crate::http1::find;

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; 64 * 1024]);
}

pub(super) struct Peer {
    pub(super) id: u64,
    stream: TcpStream,
    /// What the kernel did not take.
    backlog: RefCell<Vec<u8>>,
    queue_bytes: usize,
    closing: Cell<bool>,
}

impl Peer {
    pub(super) fn new(id: u64, stream: TcpStream, queue_bytes: usize) -> Self {
        Self { id, stream, backlog: RefCell::default(), queue_bytes, closing: Cell::new(false) }
    }

    pub(super) fn write(self: &Rc<Self>, bytes: &[u8]) {
        let mut backlog = self.backlog.borrow_mut();
        if self.closing.get() {
            return;
        }
        if !backlog.is_empty() {
            backlog.extend(bytes);
            if backlog.len() > self.queue_bytes {
                frame::write_plain(&mut backlog, frame::CLOSE, b"\x0b\xc0slow");
                self.closing.set(true);
            }
            return;
        }
        match self.stream.try_write(bytes) {
            Ok(count) if count == bytes.len() => return,
            Ok(count) => backlog.extend(&bytes[count..]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => backlog.extend(bytes),
            // The reading side sees the same end.
            Err(_) => return,
        }
        spawn_local(Rc::clone(self).flush());
    }

    async fn flush(self: Rc<Self>) {
        while self.stream.writable().await.is_ok() {
            let mut backlog = self.backlog.borrow_mut();
            match self.stream.try_write(&backlog) {
                Ok(count) => drop(backlog.drain(..count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                Err(_) => return,
            }
            if backlog.is_empty() {
                *backlog = Vec::new();
                return;
            }
        }
    }

    pub(super) async fn serve(self: &Rc<Self>, rooms: &Rooms) -> Result<()> {
        let mut buffer = Vec::new();
        self.more(&mut buffer).await?;
        if !buffer.starts_with(b"GET ") {
            return self.publisher(rooms, buffer).await;
        }
        let end = self.head(&mut buffer, 0).await?;
        let head = std::str::from_utf8(&buffer[..end])?;
        let key = header(head, "sec-websocket-key").context("no key")?;
        self.write(
            format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Accept: {}\r\n\r\n",
                derive_accept_key(key.as_bytes())
            )
            .as_bytes(),
        );
        buffer.drain(..end);
        loop {
            let mut used = 0;
            let mut batch = Batch::default();
            while let Some((frame, length)) = frame::next(&buffer[used..])? {
                used += length;
                match frame.opcode {
                    frame::TEXT => {
                        let text = frame.unmasked();
                        for line in std::str::from_utf8(&text)?.split('\n') {
                            rooms.command(self, line, &mut batch)?;
                        }
                    }
                    frame::CLOSE => return Ok(()),
                    _ => {}
                }
            }
            rooms.flush(self, &batch);
            buffer.drain(..used);
            if buffer.is_empty() {
                buffer = Vec::new();
            }
            self.more(&mut buffer).await?;
        }
    }

    /// Requests that come together are published together.
    async fn publisher(self: &Rc<Self>, rooms: &Rooms, mut buffer: Vec<u8>) -> Result<()> {
        loop {
            let (mut used, mut answers) = (0, Vec::new());
            let mut batch = Batch::default();
            while let Some(end) = find(&buffer[used..], b"\r\n\r\n").map(|at| used + at + 4) {
                let head = std::str::from_utf8(&buffer[used..end])?;
                let length: usize = header(head, "content-length").context("no length")?.parse()?;
                let Some(body) = buffer.get(end..end + length) else { break };
                rooms.publish(std::str::from_utf8(body)?, &mut batch)?;
                answers.extend(b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"result\":{}}");
                used = end + length;
            }
            rooms.flush(self, &batch);
            if !answers.is_empty() {
                self.write(&answers);
            }
            buffer.drain(..used);
            self.more(&mut buffer).await?;
        }
    }

    async fn head(&self, buffer: &mut Vec<u8>, from: usize) -> Result<usize> {
        loop {
            if let Some(at) = find(&buffer[from..], b"\r\n\r\n") {
                return Ok(from + at + 4);
            }
            self.more(buffer).await?;
        }
    }

    async fn more(&self, buffer: &mut Vec<u8>) -> Result<()> {
        loop {
            self.stream.readable().await?;
            let read = SCRATCH.with_borrow_mut(|scratch| {
                let count = self.stream.try_read(scratch)?;
                buffer.extend(&scratch[..count]);
                Ok::<_, std::io::Error>(count)
            });
            match read {
                Ok(0) => bail!("ended"),
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.split("\r\n").filter_map(|line| line.split_once(':'));
    lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}
