//! The opening handshake (RFC 6455, section 4.2) as a function of the request's headers. The application reads
//! the request and writes the answer.

use base64::{Engine, engine::general_purpose::STANDARD};
use sha1::{Digest, Sha1};

use super::offer;
use crate::{protocol::Form, transport::Agreed};

/// An accepted upgrade, to be answered with status 101 and these headers.
#[derive(Debug, PartialEq, Eq)]
pub struct Handshake {
    pub agreed: Agreed,
    pub headers: Vec<(&'static str, String)>,
}

/// A refused upgrade, and its answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    pub status: u16,
    pub headers: &'static [(&'static str, &'static str)],
    pub why: &'static str,
}

impl Refusal {
    const fn bad_request(why: &'static str) -> Self {
        Refusal { status: 400, headers: &[], why }
    }
}

const OTHER_VERSION: Refusal = Refusal {
    status: 426,
    headers: &[("upgrade", "websocket"), ("sec-websocket-version", "13")],
    why: "the WebSocket version must be 13",
};

impl Handshake {
    /// Reads an upgrade request, whose method must be GET. `header` returns all values of a header by its lower-case
    /// name. permessage-deflate is agreed on if the client offers it and `deflate` allows it.
    pub fn read<'a, V: Iterator<Item = &'a str>>(
        header: impl Fn(&'static str) -> V,
        query: Option<&str>,
        deflate: bool,
    ) -> Result<Handshake, Refusal> {
        let has = |name, token: &str| {
            header(name).flat_map(|list| list.split(',')).any(|one| one.trim().eq_ignore_ascii_case(token))
        };
        let only = |name| {
            let mut values = header(name);
            values.next().filter(|_| values.next().is_none()).map(str::trim)
        };
        if !has("connection", "upgrade") || !has("upgrade", "websocket") {
            return Err(Refusal::bad_request("this address is for WebSocket connections only"));
        }
        if only("sec-websocket-version") != Some("13") {
            return Err(OTHER_VERSION);
        }
        let is_key = |key: &&str| STANDARD.decode(key).is_ok_and(|bytes| bytes.len() == 16);
        let key = only("sec-websocket-key").filter(is_key);
        let key = key.ok_or(Refusal::bad_request("the WebSocket key must be 16 bytes in base64"))?;
        let mut headers = vec![
            ("connection", "upgrade".to_owned()),
            ("upgrade", "websocket".to_owned()),
            ("sec-websocket-accept", accept(key)),
        ];
        let known = [Form::JSON_SUBPROTOCOL, Form::PROTOBUF_SUBPROTOCOL];
        let subprotocol = known.into_iter().find(|name| has("sec-websocket-protocol", name));
        headers.extend(subprotocol.map(|name| ("sec-websocket-protocol", name.to_owned())));
        let extension = deflate.then(|| offer::answer(header("sec-websocket-extensions"))).flatten();
        let asked = |wish| query.is_some_and(|query| query.split('&').any(|pair| pair == wish));
        let agreed = Agreed {
            form: Form::asked(subprotocol, query),
            deflate: extension.is_some(),
            native_pings: asked("cf_ws_frame_ping_pong=true"),
        };
        headers.extend(extension.map(|answer| ("sec-websocket-extensions", answer)));
        Ok(Handshake { agreed, headers })
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

    /// A good request with one header changed.
    fn read(change: &'static str, to: &'static [&'static str], deflate: bool) -> Result<Handshake, Refusal> {
        let header = move |name: &'static str| {
            let values: &[&str] = match name {
                name if name == change => to,
                "connection" => &["keep-alive, Upgrade"],
                "upgrade" => &["websocket"],
                "sec-websocket-version" => &["13"],
                "sec-websocket-key" => &["dGhlIHNhbXBsZSBub25jZQ=="],
                _ => &[],
            };
            values.iter().copied()
        };
        Handshake::read(header, None, deflate)
    }

    fn answered(handshake: &Handshake, name: &str) -> Option<String> {
        handshake.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    }

    #[test]
    fn the_example_of_the_rfc() {
        let plain = read("", &[], true).unwrap();
        assert_eq!(plain.agreed, Agreed::default());
        assert_eq!(answered(&plain, "sec-websocket-accept").as_deref(), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        assert_eq!(plain.headers.len(), 3);
    }

    #[test]
    fn lists_may_stand_on_several_lines() {
        assert!(read("connection", &["keep-alive", "Upgrade"], false).is_ok());
        let both = read("sec-websocket-protocol", &["other", "centrifuge-json, centrifuge-protobuf"], false);
        let both = both.unwrap();
        assert_eq!(answered(&both, "sec-websocket-protocol").as_deref(), Some("centrifuge-json"));
        assert_eq!(both.agreed.form, Form::Json);
    }

    #[test]
    fn compression_needs_both_ends() {
        let offers = &["x-other", "permessage-deflate; client_max_window_bits"];
        let with = read("sec-websocket-extensions", offers, true).unwrap();
        assert!(with.agreed.deflate);
        assert_eq!(
            answered(&with, "sec-websocket-extensions").as_deref(),
            Some("permessage-deflate; server_no_context_takeover; client_no_context_takeover")
        );
        let without = read("sec-websocket-extensions", offers, false).unwrap();
        assert!(!without.agreed.deflate);
        assert_eq!(answered(&without, "sec-websocket-extensions"), None);
    }

    #[test]
    fn what_is_no_upgrade_is_refused() {
        let cases: [(_, &[&str], _); 8] = [
            ("connection", &["close"], 400),
            ("upgrade", &[], 400),
            ("sec-websocket-version", &["8"], 426),
            ("sec-websocket-version", &[], 426),
            ("sec-websocket-key", &[], 400),
            ("sec-websocket-key", &["c2hvcnQ="], 400),
            ("sec-websocket-key", &["no base64 at all !!!!!!!"], 400),
            ("sec-websocket-key", &["dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ=="], 400),
        ];
        for (name, values, status) in cases {
            let refusal = read(name, values, false).unwrap_err();
            assert_eq!(refusal.status, status, "{name} {values:?}");
            let told = refusal.headers.contains(&("sec-websocket-version", "13"));
            assert_eq!(told, status == 426, "{name} {values:?}");
        }
    }
}
