//! The encoding of one connection, and how a client asks for it.

/// The encoding of a connection, agreed on when its socket opens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Form {
    /// Text frames of JSON objects joined by newlines.
    #[default]
    Json,
    /// Binary frames of messages, each after its length as a varint.
    Protobuf,
}

impl Form {
    /// The WebSocket subprotocol by which clients ask for Protobuf. For JSON most clients send none.
    pub const PROTOBUF_SUBPROTOCOL: &'static str = "centrifuge-protobuf";
    pub const JSON_SUBPROTOCOL: &'static str = "centrifuge-json";

    /// What the upgrade request asks for: the agreed subprotocol, or `format=protobuf` or
    /// `cf_protocol=protobuf` in the query.
    pub fn asked(subprotocol: Option<&str>, query: Option<&str>) -> Form {
        let wants = |pair: &str| matches!(pair, "format=protobuf" | "cf_protocol=protobuf");
        let by_query = query.is_some_and(|query| query.split('&').any(wants));
        if by_query || subprotocol == Some(Self::PROTOBUF_SUBPROTOCOL) { Form::Protobuf } else { Form::Json }
    }

    /// What the content type of a request asks for, on transports without subprotocols.
    pub fn of_content_type(content_type: Option<&str>) -> Form {
        let kind = content_type.and_then(|text| text.split(';').next()).unwrap_or_default().trim();
        if kind.eq_ignore_ascii_case("application/octet-stream") { Form::Protobuf } else { Form::Json }
    }

    /// Uses binary frames, not text frames.
    pub fn is_binary(self) -> bool {
        self == Form::Protobuf
    }

    /// The bytes between two messages of a frame.
    pub(crate) fn separator(self) -> &'static [u8] {
        match self {
            Form::Json => b"\n",
            Form::Protobuf => b"",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_subprotocol_or_the_query_decides() {
        let proto = Some(Form::PROTOBUF_SUBPROTOCOL);
        assert_eq!(Form::asked(None, None), Form::Json);
        assert_eq!(Form::asked(proto, None), Form::Protobuf);
        assert_eq!(Form::asked(Some(Form::JSON_SUBPROTOCOL), Some("format=protobuf")), Form::Protobuf);
        assert_eq!(Form::asked(None, Some("a=1&format=protobuf")), Form::Protobuf);
        assert_eq!(Form::asked(None, Some("cf_protocol=protobuf&x")), Form::Protobuf);
        assert_eq!(Form::asked(None, Some("format=json&xformat=protobuf")), Form::Json);
        assert_eq!(Form::of_content_type(Some("application/octet-stream; x=1")), Form::Protobuf);
        assert_eq!(Form::of_content_type(Some("application/json")), Form::Json);
        assert_eq!(Form::of_content_type(None), Form::Json);
    }
}
