//! The kinds of streams: what a request asks for, the headers of its answer, and the framing of its body.

use bytes::Bytes;

use super::query;
use crate::protocol::Form;

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

    /// Frames as they stand in the body, in parts. A frame of JSON is one or more objects, each on a line.
    pub(super) fn encode(self, frames: &[Bytes]) -> Vec<Bytes> {
        let mut body = Parts::default();
        for frame in frames {
            match self {
                StreamKind::HttpStream(Form::Protobuf) => body.add(frame, frame),
                StreamKind::HttpStream(Form::Json) => {
                    body.add(frame, frame);
                    body.small.push(b'\n');
                }
                StreamKind::Sse => {
                    for line in frame.split(|byte| *byte == b'\n') {
                        body.small.extend_from_slice(b"data: ");
                        body.add(frame, line);
                        body.small.push(b'\n');
                    }
                    body.small.push(b'\n');
                }
            }
        }
        body.end_small();
        body.parts
    }
}

/// From this length on bytes are shared with the others who get them: a reader who stands still would hold a copy.
const SHARED_BYTES: usize = 2048;

/// The body as it is put together.
#[derive(Default)]
struct Parts {
    parts: Vec<Bytes>,
    /// Copies of what is short.
    small: Vec<u8>,
}

impl Parts {
    /// Adds a part of a frame.
    fn add(&mut self, frame: &Bytes, part: &[u8]) {
        if part.len() < SHARED_BYTES {
            self.small.extend_from_slice(part);
        } else {
            self.end_small();
            self.parts.push(frame.slice_ref(part));
        }
    }

    fn end_small(&mut self) {
        if !self.small.is_empty() {
            self.parts.push(std::mem::take(&mut self.small).into());
        }
    }
}
