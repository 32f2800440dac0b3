//! Server-sent events as model servers use them: the data of each event, from bytes that may be split anywhere, even
//! within a character. (HTML standard, "Parsing an event stream".)

/// Maximum bytes of one event; more is not a model's answer.
const MAX_EVENT_BYTES: usize = 1024 * 1024;

#[derive(Default)]
pub(super) struct Lines {
    bytes: Vec<u8>,
    /// Bytes that are already parsed.
    at: usize,
    /// The data lines of the incomplete event.
    event: Option<Vec<u8>>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong;

impl Lines {
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        self.bytes.drain(..self.at);
        self.at = 0;
        if self.bytes.len() + bytes.len() + self.event.as_ref().map_or(0, Vec::len) > MAX_EVENT_BYTES {
            return Err(TooLong);
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// The data of the next complete event.
    pub(super) fn next_data(&mut self) -> Option<Vec<u8>> {
        loop {
            let rest = &self.bytes[self.at..];
            let end = rest.iter().position(|byte| *byte == b'\n')?;
            let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
            let data =
                line.strip_prefix(b"data:").map(|data| data.strip_prefix(b" ").unwrap_or(data).to_vec());
            let is_blank = line.is_empty();
            self.at += end + 1;
            match (data, &mut self.event) {
                (Some(more), Some(event)) => {
                    event.push(b'\n');
                    event.extend_from_slice(&more);
                }
                (Some(first), event @ None) => *event = Some(first),
                (None, event) if is_blank && event.is_some() => return event.take(),
                // A comment (`: keep-alive`) or another field.
                (None, _) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STREAM: &str = ": hello\r\n\r\ndata: {\"a\":\"é\"}\r\n\r\nevent: x\nid: 7\ndata:{\"b\":\ndata: 2}\n\n\n\ndata: [DONE]\n\n";

    fn read(chunks: &[&[u8]]) -> Vec<String> {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        for chunk in chunks {
            lines.push(chunk).expect("short");
            while let Some(data) = lines.next_data() {
                found.push(String::from_utf8(data).expect("text"));
            }
        }
        found
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_the_bytes_are_cut(mut cuts in proptest::collection::vec(0..STREAM.len(), 0..20)) {
            cuts.extend([0, STREAM.len()]);
            cuts.sort_unstable();
            let chunks: Vec<_> = cuts.windows(2).map(|cut| &STREAM.as_bytes()[cut[0]..cut[1]]).collect();
            prop_assert_eq!(read(&chunks), ["{\"a\":\"é\"}", "{\"b\":\n2}", "[DONE]"]);
        }

        #[test]
        fn any_bytes_are_survived(chunks in proptest::collection::vec(any::<Vec<u8>>(), 0..10)) {
            let mut lines = Lines::default();
            for chunk in chunks {
                prop_assert!(lines.push(&chunk).is_ok());
                while lines.next_data().is_some() {}
            }
        }
    }

    #[test]
    fn an_event_without_its_blank_line_is_not_complete() {
        assert!(read(&[b"data: 1\n"]).is_empty());
        assert!(read(&[b"data: 1\n\r"]).is_empty());
        assert_eq!(read(&[b"data: 1\n\r", b"\n"]), ["1"]);
    }

    #[test]
    fn what_never_ends_is_refused() {
        let mut lines = Lines::default();
        let refused = (0..100).any(|_| {
            let full = lines.push(&[b'x'; 16 * 1024]).is_err();
            assert!(lines.next_data().is_none());
            full
        });
        assert!(refused);
        let mut lines = Lines::default();
        let line = [b"data: ".as_slice(), &[b'x'; 16 * 1024], b"\n"].concat();
        let refused = (0..100).any(|_| {
            let full = lines.push(&line).is_err();
            assert!(lines.next_data().is_none());
            full
        });
        assert!(refused, "data lines without an end");
    }
}
