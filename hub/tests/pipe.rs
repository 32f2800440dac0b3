//! A client without a socket: its bytes go through memory, so that thousands of runs take seconds. The pipe takes a random
//! number of bytes at a time, often a part of a frame and sometimes nothing.

use std::{
    collections::VecDeque,
    future::poll_fn,
    io,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use hub::{Agreed, Closed, Hub, Outlet, Peer, WebSocket};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncWriteExt, DuplexStream, duplex},
    task::JoinHandle,
};

use crate::{dice::Dice, support::patient};

/// The pipe from the engine to the client.
#[derive(Clone)]
struct Line(Arc<Mutex<State>>);

struct State {
    dice: Dice,
    room: usize,
    bytes: VecDeque<u8>,
    closed: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Line {
    fn new(mut dice: Dice) -> Self {
        let room = 1 + dice.roll(600) as usize;
        let state = State { dice, room, bytes: VecDeque::new(), closed: false, reader: None, writer: None };
        Line(Arc::new(Mutex::new(state)))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The payload of the next text frame; `None` at a close frame.
    async fn frame(&self) -> Option<Vec<u8>> {
        let head = self.take(2).await;
        assert_eq!(head[1] & 0x80, 0, "the server does not mask");
        let length = match head[1] {
            126 => usize::from(u16::from_be_bytes(self.take(2).await.try_into().unwrap())),
            127 => u64::from_be_bytes(self.take(8).await.try_into().unwrap()) as usize,
            short => usize::from(short),
        };
        let payload = self.take(length).await;
        match head[0] {
            0x81 => Some(payload),
            0x88 => None,
            other => panic!("the server began a frame with {other:#x}"),
        }
    }

    async fn take(&self, count: usize) -> Vec<u8> {
        let mut taken = Vec::new();
        while taken.len() < count {
            poll_fn(|cx| {
                let mut state = self.state();
                if state.bytes.is_empty() {
                    state.reader = Some(cx.waker().clone());
                    return Poll::Pending;
                }
                let some = state.bytes.len().min(count - taken.len());
                taken.extend(state.bytes.drain(..some));
                if let Some(writer) = state.writer.take() {
                    writer.wake();
                }
                Poll::Ready(())
            })
            .await;
        }
        taken
    }
}

impl Outlet for Line {
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.state();
        if state.closed {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let chance = state.dice.roll(2 * bytes.len() as u64 + 1) as usize;
        let taken = chance.min(bytes.len()).min(state.room - state.bytes.len());
        if taken == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        state.bytes.extend(&bytes[..taken]);
        if let Some(reader) = state.reader.take() {
            reader.wake();
        }
        Ok(taken)
    }

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.state();
        if state.closed || state.bytes.len() < state.room {
            return Poll::Ready(Ok(()));
        }
        state.writer = Some(cx.waker().clone());
        Poll::Pending
    }
}

pub(crate) struct PipeClient {
    into: DuplexStream,
    from: Line,
    read: VecDeque<Value>,
    served: JoinHandle<Closed>,
}

impl PipeClient {
    /// Connects and subscribes in one frame, as real clients do; returns the subscribe reply.
    pub(crate) async fn join(hub: &Hub, subscribe: Value, dice: Dice) -> (PipeClient, Value) {
        let (into, reader) = duplex(1024);
        let from = Line::new(dice);
        let agreed = Agreed::default();
        let socket = WebSocket::new(reader, from.clone(), Bytes::new(), agreed);
        let hub = hub.clone();
        let served = tokio::spawn(async move { hub.serve(socket, Peer::default()).await });
        let mut client = PipeClient { into, from, read: VecDeque::new(), served };
        let text =
            format!("{}\n{}", json!({"id": 1, "connect": {}}), json!({"id": 2, "subscribe": subscribe}));
        client.send(&text).await;
        assert!(client.next().await["connect"].is_object());
        let reply = client.next().await;
        assert_eq!(reply["id"], 2, "a push came before the reply: {reply}");
        (client, reply["subscribe"].clone())
    }

    async fn send(&mut self, text: &str) {
        let length = u8::try_from(text.len()).ok().filter(|length| *length < 126);
        let mut frame = match length {
            Some(length) => vec![0x81, 0x80 | length],
            None => [&[0x81, 0xfe][..], &(text.len() as u16).to_be_bytes()].concat(),
        };
        frame.extend([0; 4]);
        frame.extend(text.as_bytes());
        self.into.write_all(&frame).await.unwrap();
    }

    pub(crate) async fn next(&mut self) -> Value {
        while self.read.is_empty() {
            let frame = patient("a frame", self.from.frame()).await.expect("the session goes on");
            let lines = frame.split(|byte| *byte == b'\n');
            self.read.extend(lines.map(|line| serde_json::from_slice::<Value>(line).unwrap()));
        }
        self.read.pop_front().unwrap()
    }

    /// Closes and waits until the engine has noticed.
    pub(crate) async fn leave(self) {
        drop(self.into);
        {
            let mut state = self.from.state();
            state.closed = true;
            if let Some(writer) = state.writer.take() {
                writer.wake();
            }
        }
        self.served.await.unwrap();
    }
}
