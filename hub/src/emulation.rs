//! Requests that carry what a client on a stream sends (`EmulationRequest` of the protocol). Whoever knows the secret of
//! a session speaks for it, so the secret goes into the reply to `connect` and nowhere else.

use bytes::Bytes;
use prost::Message;
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::protocol::Form;

/// A frame for a session that is elsewhere on a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmulationRequest {
    pub(crate) form: Form,
    /// The node that holds the stream, as the reply to `connect` named it.
    pub(crate) node: String,
    /// `None` for what no session ever had.
    pub(crate) session: Option<Uuid>,
    pub(crate) frame: Bytes,
}

/// Why a frame was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmulationError {
    /// There is no such session here: answer with 404, after which clients connect again.
    UnknownSession,
    /// The session has too many requests under way, and was closed: answer with 429.
    TooMany,
    /// The session took nothing for too long: answer with 503, after which clients connect again.
    TooSlow,
}

/// The body is not an emulation request: answer with 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Json<'a> {
    node: String,
    session: String,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Clone, PartialEq, Message)]
struct Protobuf {
    #[prost(string, tag = "1")]
    node: String,
    #[prost(string, tag = "2")]
    session: String,
    #[prost(bytes = "bytes", tag = "3")]
    data: Bytes,
}

/// A secret as text: hexadecimal digits.
const SECRET_CHARS: usize = 32;

/// What may be secrets among these bytes.
pub(crate) fn secrets_in(bytes: &[u8]) -> impl Iterator<Item = Uuid> {
    let runs = bytes.split(|byte| !byte.is_ascii_hexdigit()).filter(|run| run.len() == SECRET_CHARS);
    runs.filter_map(|run| Uuid::try_parse_ascii(run).ok())
}

impl EmulationRequest {
    /// Longest body for frames of this length: as a JSON string a frame may take twice its length.
    pub const fn max_body_bytes(max_frame_bytes: usize) -> usize {
        2 * max_frame_bytes + 1024
    }

    /// Reads the body of a request by its content type.
    pub fn read(content_type: Option<&str>, body: Bytes) -> Result<Self, Unreadable> {
        let form = Form::of_content_type(content_type);
        let (node, session, frame) = match form {
            Form::Json => {
                let Json { node, session, data } = serde_json::from_slice(&body).map_err(|_| Unreadable)?;
                (node, session, data.map(frame_of).transpose()?.unwrap_or_default())
            }
            Form::Protobuf => {
                let Protobuf { node, session, data } = Message::decode(body).map_err(|_| Unreadable)?;
                (node, session, data)
            }
        };
        let session =
            Some(session).filter(|text| text.len() == SECRET_CHARS).and_then(|text| text.parse().ok());
        Ok(EmulationRequest { form, node, session, frame })
    }
}

/// A string with a frame in it, or the frame itself.
fn frame_of(data: &RawValue) -> Result<Bytes, Unreadable> {
    let text = data.get();
    if !text.starts_with('"') {
        return Ok(Bytes::copy_from_slice(text.as_bytes()));
    }
    serde_json::from_str::<String>(text).map(Bytes::from).map_err(|_| Unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: &str = "0123456789abcdef0123456789abcdef";

    fn json(body: &str) -> Result<EmulationRequest, Unreadable> {
        EmulationRequest::read(Some("application/json"), Bytes::copy_from_slice(body.as_bytes()))
    }

    #[test]
    fn both_encodings_say_the_same() {
        let frame = "{\"id\":2,\"ping\":{}}\n{\"id\":3}";
        let text = serde_json::json!({"session": SESSION, "node": "n", "data": frame}).to_string();
        let binary = Protobuf { node: "n".into(), session: SESSION.into(), data: frame.into() };
        let (body, bytes) = (Bytes::from(text.clone()), Bytes::from(binary.encode_to_vec()));
        let binary = bytes.clone();
        let (text, binary) =
            (json(&text).unwrap(), EmulationRequest::read(Some("application/octet-stream"), binary).unwrap());
        assert_eq!(text.form, Form::Json);
        for body in [body, bytes] {
            assert_eq!(secrets_in(&body).collect::<Vec<_>>(), [SESSION.parse::<Uuid>().unwrap()]);
        }
        assert_eq!(binary, EmulationRequest { form: Form::Protobuf, ..text.clone() });
        assert_eq!((text.frame, text.node.as_str()), (Bytes::from(frame), "n"));
        assert_eq!(text.session.map(|session| session.simple().to_string()).as_deref(), Some(SESSION));
    }

    #[test]
    fn strange_bodies_are_refused_or_name_no_session() {
        for bad in ["", "[", "7", "{\"session\":1}", "{\"data\":\"\\x\"}", "{} {}"] {
            assert_eq!(json(bad), Err(Unreadable), "{bad}");
        }
        for strange in ["{}", "{\"session\":\"\"}", "{\"session\":\"01234567-89ab-cdef-0123-456789abcdef\"}"]
        {
            assert_eq!(json(strange).unwrap().session, None, "{strange}");
        }
        assert_eq!(json("{\"data\":{\"id\":1}}").unwrap().frame, Bytes::from_static(b"{\"id\":1}"));
        let binary =
            |body| EmulationRequest::read(Some("application/octet-stream"), Bytes::from_static(body));
        assert_eq!(binary(b"\x12\xff"), Err(Unreadable));
        assert_eq!(binary(b"").unwrap().session, None);
    }
}
