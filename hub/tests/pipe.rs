//! A client without a socket: what it sends and gets goes through memory, so that thousands of runs take seconds.

use bytes::Bytes;
use hub::{Closed, Form, Hub, Incoming, Peer, Transport, TransportError, TransportReader, TransportWriter};
use serde_json::{Value, json};
use tokio::{sync::mpsc, task::JoinHandle};

use crate::support::patient;

pub(crate) struct Pipe {
    reader: mpsc::Receiver<Incoming>,
    writer: mpsc::Sender<Bytes>,
}

impl Transport for Pipe {
    type Reader = Source;
    type Writer = Sink;

    fn split(self) -> (Source, Sink) {
        (Source(self.reader), Sink(self.writer))
    }
}

pub(crate) struct Source(mpsc::Receiver<Incoming>);

impl TransportReader for Source {
    async fn next(&mut self) -> Option<Result<Incoming, TransportError>> {
        self.0.recv().await.map(Ok)
    }
}

pub(crate) struct Sink(mpsc::Sender<Bytes>);

impl TransportWriter for Sink {
    async fn write(&mut self, _: Form, frames: &[Bytes]) -> Result<(), TransportError> {
        for frame in frames {
            self.0
                .send(frame.clone())
                .await
                .map_err(|_| TransportError::Lost("the client is gone".to_owned()))?;
        }
        Ok(())
    }

    async fn close(&mut self, _: u16, _: &str) -> Result<(), TransportError> {
        Ok(())
    }
}

pub(crate) struct PipeClient {
    into: mpsc::Sender<Incoming>,
    from: mpsc::Receiver<Bytes>,
    read: std::collections::VecDeque<Value>,
    served: JoinHandle<Closed>,
}

impl PipeClient {
    /// Connects and subscribes in one frame, as real clients do; gives the subscribe reply.
    pub(crate) async fn join(hub: &Hub, subscribe: Value) -> (PipeClient, Value) {
        let (into, reader) = mpsc::channel(4);
        let (writer, from) = mpsc::channel(1);
        let hub = hub.clone();
        let pipe = Pipe { reader, writer };
        let served = tokio::spawn(async move { hub.serve(pipe, Peer::default()).await });
        let mut client = PipeClient { into, from, read: std::collections::VecDeque::new(), served };
        let frame =
            format!("{}\n{}", json!({"id": 1, "connect": {}}), json!({"id": 2, "subscribe": subscribe}));
        client.into.send(Incoming::Text(frame.into())).await.unwrap();
        assert!(client.next().await["connect"].is_object());
        let reply = client.next().await;
        assert_eq!(reply["id"], 2, "a push came before the reply: {reply}");
        (client, reply["subscribe"].clone())
    }

    pub(crate) async fn next(&mut self) -> Value {
        while self.read.is_empty() {
            let frame = patient("a frame", self.from.recv()).await.expect("the session goes on");
            let lines = frame.split(|byte| *byte == b'\n');
            self.read.extend(lines.map(|line| serde_json::from_slice::<Value>(line).unwrap()));
        }
        self.read.pop_front().unwrap()
    }

    /// Goes away and waits until the engine has noticed.
    pub(crate) async fn leave(self) {
        drop((self.into, self.from));
        self.served.await.unwrap();
    }
}
