//! The fallback transports for clients whose proxies break WebSockets: HTTP streaming and server-sent events. The body
//! of one answer carries everything to the client; what the client sends after `connect` comes in requests of its own
//! (`emulation`). Knows no HTTP: the application reads the request, and answers with [`StreamKind::headers`] and a
//! [`StreamBody`].

mod body;
mod pipe;
mod query;
mod reader;
mod writer;

use std::sync::Arc;

use bytes::Bytes;

pub use self::body::StreamBody;
pub(crate) use self::pipe::{Pipe, PutError};
use self::{reader::Reader, writer::Writer};
use crate::{
    protocol::Form,
    transport::{Agreed, Incoming, Transport},
};

/// How frames are written into the body of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamKind {
    /// `POST` with the first frame as body: JSON lines, or Protobuf messages after their lengths.
    HttpStream(Form),
    /// `GET` with the first frame in the query (`cf_connect`): server-sent events, whose data is JSON.
    Sse,
}

/// What is sent before an answer of either kind. Proxies must neither keep parts of it back nor change them, and nobody
/// may store it.
const HEADERS: [(&str, &str); 3] = [
    ("cache-control", "private, no-cache, no-store, no-transform, must-revalidate, max-age=0"),
    ("pragma", "no-cache"),
    ("x-accel-buffering", "no"),
];

impl StreamKind {
    /// The kind of a `POST`, by its content type.
    pub fn of_content_type(content_type: Option<&str>) -> StreamKind {
        StreamKind::HttpStream(Form::of_content_type(content_type))
    }

    pub fn form(self) -> Form {
        match self {
            StreamKind::HttpStream(form) => form,
            StreamKind::Sse => Form::Json,
        }
    }

    /// The headers of the answer, whose status is 200. The answer must not be compressed: a compressor keeps back what it
    /// is given.
    pub fn headers(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let content_type = match self {
            StreamKind::HttpStream(Form::Json) => "application/json",
            StreamKind::HttpStream(Form::Protobuf) => "application/octet-stream",
            StreamKind::Sse => "text/event-stream; charset=utf-8",
        };
        HEADERS.into_iter().chain([("content-type", content_type)])
    }

    /// The first frame of server-sent events; `None` without a readable `cf_connect` in the query.
    pub fn first_frame(query: Option<&str>) -> Option<Bytes> {
        query::value(query?, "cf_connect").map(Bytes::from)
    }
}

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
