//! Calls that carry a file: its bytes are read while they are sent, never all at once. A body that broke off before its last
//! byte was no request yet, so such a call may be made again.

use std::fmt::Write as _;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use futures_util::stream::try_unfold;
use tokio::io::AsyncReadExt;

use crate::call::{Answer, Failure, Verdict, call};
use crate::outward::RequestBuilder;
use crate::provider::{Reader, Upload};

/// A multiple of three, so that a piece in base64 needs no filling.
const PIECE: usize = 48 * 1024;
/// A file gets this much time, and more with its size; a job's claim is renewed meanwhile.
const TIME: Duration = Duration::from_secs(20);
const SLOWEST_BYTES_PER_S: u64 = 512 * 1024;
/// The longest that a call with a file takes.
pub const LONGEST_UPLOAD: Duration = Duration::from_secs(140);

/// How the file's bytes stand in the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Plain,
    Base64,
}

/// A body around a file.
pub(crate) struct Around {
    pub content_type: String,
    pub before: Bytes,
    pub after: Bytes,
    pub encoding: Encoding,
}

/// A form (RFC 7578) with one file. `name` is a word that is in none of its values: our own reference of the send.
pub(crate) fn form(name: &str, fields: &[(&str, &str)], file: (&str, &str, &str)) -> Around {
    let boundary = format!("hubbub-{name}");
    let mut before = String::new();
    for (field, value) in fields {
        let _ = write!(
            before,
            "--{boundary}\r\ncontent-disposition: form-data; name=\"{}\"\r\n\r\n{value}\r\n",
            quoted(field)
        );
    }
    let (field, file_name, mime) = file;
    let _ = write!(
        before,
        "--{boundary}\r\ncontent-disposition: form-data; name=\"{}\"; filename=\"{}\"\r\ncontent-type: {mime}\r\n\r\n",
        quoted(field),
        quoted(file_name)
    );
    Around {
        content_type: format!("multipart/form-data; boundary={boundary}"),
        before: before.into(),
        after: format!("\r\n--{boundary}--\r\n").into(),
        encoding: Encoding::Plain,
    }
}

/// As browsers write it.
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

/// A type that can stand in a header.
pub(crate) fn mime(mime: Option<&str>) -> String {
    let mime = mime.unwrap_or_default().trim();
    let is_word = |c: u8| c.is_ascii_alphanumeric() || b"/+.-_; =".contains(&c);
    if mime.contains('/') && mime.bytes().all(is_word) {
        mime.to_owned()
    } else {
        "application/octet-stream".to_owned()
    }
}

pub(crate) async fn send(
    request: RequestBuilder,
    around: Around,
    upload: &Upload,
) -> Result<Answer, Failure> {
    let reader = upload.open().await.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            Failure::new(Verdict::Rejected, "file_gone", "the file is not here any more: send it again")
        }
        _ => unavailable(&error.to_string()),
    })?;
    let encoded = match around.encoding {
        Encoding::Plain => upload.size,
        Encoding::Base64 => upload.size.div_ceil(3) * 4,
    };
    let length = around.before.len() as u64 + encoded + around.after.len() as u64;
    let is_whole = Arc::new(AtomicBool::new(false));
    let time = TIME + Duration::from_secs(upload.size / SLOWEST_BYTES_PER_S);
    let request = request
        .header("content-type", &around.content_type)
        .header("content-length", &length.to_string())
        .stream(pieces(around, reader, upload.size, Arc::clone(&is_whole)))
        .timeout(time.min(LONGEST_UPLOAD));
    call(request).await.map_err(|failure| {
        let is_open = matches!(failure.verdict, Verdict::Unknown | Verdict::UnknownAndDown);
        if is_open && !is_whole.load(Ordering::Acquire) {
            return Failure { verdict: Verdict::Retry { after_ms: None }, ..failure };
        }
        failure
    })
}

/// Of a call that only brings the bytes: nothing has gone to the customer, whatever became of it.
pub(crate) fn nothing_sent(failure: Failure) -> Failure {
    match failure.verdict {
        Verdict::Unknown => Failure { verdict: Verdict::Retry { after_ms: None }, ..failure },
        Verdict::UnknownAndDown => Failure { verdict: Verdict::ChannelDown, ..failure },
        _ => failure,
    }
}

/// All bytes of a file that a provider takes as a part of something else.
pub(crate) async fn whole(upload: &Upload, most: u64) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::with_capacity(usize::try_from(upload.size.min(most)).unwrap_or(0));
    let reader = upload.open().await.map_err(|error| unavailable(&error.to_string()))?;
    reader.take(most + 1).read_to_end(&mut bytes).await.map_err(|error| unavailable(&error.to_string()))?;
    if bytes.len() as u64 > most {
        return Err(Failure::new(
            Verdict::Rejected,
            "too_large",
            format!("the file is larger than the {most} bytes that are taken"),
        ));
    }
    Ok(bytes)
}

fn unavailable(why: &str) -> Failure {
    Failure::new(
        Verdict::Retry { after_ms: None },
        "file_unavailable",
        format!("the file cannot be read now: {why}"),
    )
}

enum Step {
    Before,
    File { left: u64 },
    Over,
}

fn pieces(
    around: Around,
    reader: Reader,
    size: u64,
    is_whole: Arc<AtomicBool>,
) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    let start = (Step::Before, reader, around, is_whole);
    try_unfold(start, move |(step, mut reader, around, is_whole)| async move {
        Ok(match step {
            Step::Before => {
                let before = around.before.clone();
                Some((before, (Step::File { left: size }, reader, around, is_whole)))
            }
            Step::File { left: 0 } => {
                is_whole.store(true, Ordering::Release);
                let after = around.after.clone();
                Some((after, (Step::Over, reader, around, is_whole)))
            }
            Step::File { left } => {
                let wanted = usize::try_from(left.min(PIECE as u64)).unwrap_or(PIECE);
                let mut piece = BytesMut::zeroed(wanted);
                // A shorter file than was announced ends in an error here, and the body stays incomplete.
                reader.read_exact(&mut piece).await?;
                let piece = match around.encoding {
                    Encoding::Plain => piece.freeze(),
                    Encoding::Base64 => STANDARD.encode(&piece).into(),
                };
                Some((piece, (Step::File { left: left - wanted as u64 }, reader, around, is_whole)))
            }
            Step::Over => None,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_adds_a_field_to_the_form() {
        let form = form("r1", &[("chat_id", "7")], ("photo", "a\"\r\nx: y.png", "image/png"));
        let before = String::from_utf8(form.before.to_vec()).unwrap();
        assert!(
            before.contains("filename=\"a%22%0D%0Ax: y.png\"\r\ncontent-type: image/png\r\n\r\n"),
            "{before}"
        );
        assert!(
            before
                .starts_with("--hubbub-r1\r\ncontent-disposition: form-data; name=\"chat_id\"\r\n\r\n7\r\n")
        );
        assert_eq!(mime(Some("text/html\r\nx: y")), "application/octet-stream");
        assert_eq!(mime(Some("audio/ogg; codecs=opus")), "audio/ogg; codecs=opus");
    }
}
