//! The opening handshake (RFC 6455, section 4.2) as a function of the request's headers. The application reads
//! the request and writes the answer.

use base64::{Engine, engine::general_purpose::STANDARD};
use sha1::{Digest, Sha1};

use crate::Form;

/// What to answer with status 101, and how to go on after it.
#[derive(Debug, PartialEq, Eq)]
pub struct Handshake {
    /// For `Sec-WebSocket-Accept`.
    pub accept: String,
    /// For `Sec-WebSocket-Protocol`, if anything.
    pub subprotocol: Option<&'static str>,
    pub form: Form,
}

impl Handshake {
    /// Reads an upgrade request: its headers by lower-case name, and its query. What is wrong with it is for status
    /// 400 in words; the method must have been GET.
    pub fn read<'a>(
        header: impl Fn(&'static str) -> Option<&'a str>,
        query: Option<&str>,
    ) -> Result<Handshake, &'static str> {
        let has = |name, token: &str| {
            header(name).is_some_and(|list| list.split(',').any(|one| one.trim().eq_ignore_ascii_case(token)))
        };
        if !has("connection", "upgrade") || !has("upgrade", "websocket") {
            return Err("this address is for WebSocket connections only");
        }
        if header("sec-websocket-version") != Some("13") {
            return Err("the WebSocket version must be 13");
        }
        let key = header("sec-websocket-key").ok_or("the WebSocket key is missing")?;
        let offers = |name| has("sec-websocket-protocol", name);
        let known = [Form::PROTOBUF_SUBPROTOCOL, Form::JSON_SUBPROTOCOL];
        let subprotocol = known.into_iter().find(|name| offers(name));
        Ok(Handshake { accept: accept(key), subprotocol, form: Form::asked(subprotocol, query) })
    }
}

fn accept(key: &str) -> String {
    let digest =
        Sha1::new().chain_update(key).chain_update("258EAFA5-E914-47DA-95CA-C5AB0DC85B11").finalize();
    STANDARD.encode(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(change: &'static str, to: Option<&'static str>) -> Result<Handshake, &'static str> {
        let header = move |name: &'static str| {
            if name == change {
                return to;
            }
            match name {
                "connection" => Some("keep-alive, Upgrade"),
                "upgrade" => Some("websocket"),
                "sec-websocket-version" => Some("13"),
                "sec-websocket-key" => Some("dGhlIHNhbXBsZSBub25jZQ=="),
                _ => None,
            }
        };
        Handshake::read(header, None)
    }

    #[test]
    fn the_example_of_the_rfc() {
        let accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=".to_owned();
        assert_eq!(read("", None), Ok(Handshake { accept, subprotocol: None, form: Form::Json }));
        let both = read("sec-websocket-protocol", Some("other, centrifuge-protobuf")).unwrap();
        assert_eq!((both.subprotocol, both.form), (Some("centrifuge-protobuf"), Form::Protobuf));
    }

    #[test]
    fn what_is_no_upgrade_is_refused() {
        for (name, value) in [
            ("connection", Some("close")),
            ("upgrade", None),
            ("sec-websocket-version", Some("8")),
            ("sec-websocket-key", None),
        ] {
            assert!(read(name, value).is_err(), "{name}");
        }
    }
}
