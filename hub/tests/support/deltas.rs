//! The data of publications for a client that may have agreed on deltas.

use hub::Form;
use serde_json::Value;

use super::fossil;

#[derive(Default)]
pub(crate) struct Reader {
    agreed: bool,
    last: Vec<u8>,
    /// The number of publications that came as deltas.
    pub(crate) deltas: u32,
}

impl Reader {
    pub(crate) fn of(reply: &Value) -> Reader {
        Reader { agreed: reply["delta"] == true, ..Reader::default() }
    }

    /// The data of a publication, the next one in the order of the wire.
    pub(crate) fn data(&mut self, form: Form, publication: &Value) -> Value {
        let data = &publication["data"];
        let is_delta = publication["delta"] == true;
        if !self.agreed {
            assert!(!is_delta, "{publication}");
            return data.clone();
        }
        let text = match data {
            Value::String(text) if is_delta || form == Form::Json => text.clone(),
            _ => {
                assert!(form == Form::Protobuf, "not as text: {publication}");
                data.to_string()
            }
        };
        self.last = if is_delta { fossil::apply(&self.last, text.as_bytes()) } else { text.into() };
        self.deltas += u32::from(is_delta);
        serde_json::from_slice(&self.last).unwrap()
    }
}
