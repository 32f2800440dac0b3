//! The fallback transports for clients whose proxies break WebSockets: HTTP streaming and server-sent events. The body
//! of one answer carries everything to the client; what the client sends after `connect` comes in requests of its own
//! (`emulation`). Knows no HTTP: the application reads the request, and answers with [`StreamKind::headers`] and a
//! [`StreamBody`].

mod body;
mod kind;
mod pipe;
mod query;
mod reader;
mod writer;

use std::sync::Arc;

use bytes::Bytes;

pub(crate) use self::pipe::{Pipe, PutError};
pub use self::{body::StreamBody, kind::StreamKind};
use self::{reader::Reader, writer::Writer};
use crate::{
    protocol::Form,
    transport::{Agreed, Incoming, Transport},
};

/// One stream as a [`Transport`].
pub(crate) struct Stream {
    pipe: Arc<Pipe>,
    kind: StreamKind,
}

/// A stream and the body to answer with. `first`: the frame that came with the request.
pub(crate) fn open(kind: StreamKind, first: Bytes) -> (Stream, StreamBody) {
    let ids = kind.form().ids(&first);
    let pipe = Arc::new(Pipe::new(incoming(kind.form(), first), ids));
    (Stream { pipe: Arc::clone(&pipe), kind }, StreamBody::new(pipe))
}

/// A frame of this form, as a WebSocket would have received it.
pub(crate) fn incoming(form: Form, frame: Bytes) -> Incoming {
    match form {
        Form::Json => Incoming::Text(frame),
        Form::Protobuf => Incoming::Binary(frame),
    }
}

impl Stream {
    /// Where the further frames of the client go.
    pub(crate) fn pipe(&self) -> Arc<Pipe> {
        Arc::clone(&self.pipe)
    }
}

impl Transport for Stream {
    type Reader = Reader;
    type Writer = Writer;

    fn agreed(&self) -> Agreed {
        Agreed { form: self.kind.form(), ..Agreed::default() }
    }

    fn split(self) -> (Reader, Writer) {
        (Reader::new(Arc::clone(&self.pipe)), Writer::new(self.pipe, self.kind))
    }
}

#[cfg(test)]
mod tests;
