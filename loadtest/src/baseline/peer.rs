//! One connection of the bare server. Reads use one buffer of the thread; a write task exists only while the kernel's
//! send buffer is full. The bytes are interpreted in `serve.rs`.

use std::cell::{Cell, RefCell};
use std::io::ErrorKind;
use std::rc::Rc;

use anyhow::{Result, bail};
use tokio::net::TcpStream;
use tokio::task::spawn_local;

use crate::frame;

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; 64 * 1024]);
}

pub(super) struct Peer {
    pub(super) id: u64,
    stream: TcpStream,
    /// Bytes that the kernel's send buffer had no space for.
    backlog: RefCell<Vec<u8>>,
    queue_bytes: usize,
    closing: Cell<bool>,
    /// Its rooms.
    pub(super) rooms: RefCell<Vec<String>>,
}

impl Peer {
    pub(super) fn new(id: u64, stream: TcpStream, queue_bytes: usize) -> Self {
        Self {
            id,
            stream,
            backlog: RefCell::default(),
            queue_bytes,
            closing: Cell::new(false),
            rooms: RefCell::default(),
        }
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
            // The reader gets the same error.
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

    /// Appends the received bytes to `buffer`; waits until there are some.
    pub(super) async fn more(&self, buffer: &mut Vec<u8>) -> Result<()> {
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
