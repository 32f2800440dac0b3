//! The Messenger Platform: what Messenger and Instagram have in common. Bodies of a page and of an account.

mod happened;
mod written;

use adapters::{Context, Fields, provider};
use serde_json::{Value, json};

pub(crate) const PAGE: &str = "1020000000000001";
pub(crate) const ACCOUNT: &str = "17841400000000001";
pub(crate) const PERSON: &str = "7300000000000001";
pub(crate) const APP: u64 = 555_000_111_222_333;
pub(crate) const AT: i64 = 1_794_312_000_250;

pub(crate) fn context() -> Context {
    Context {
        page_id: Some(json!(PAGE)),
        our_app_id: Some(json!(APP)),
        ig_account_id: Some(json!(ACCOUNT)),
        ..Context::default()
    }
}

pub(crate) fn read(name: &str, body: &Value) -> Vec<Fields> {
    provider(name).unwrap().fields(body.to_string().as_bytes(), &context()).unwrap()
}

pub(crate) fn ours(name: &str) -> &'static str {
    if name == "messenger" { PAGE } else { ACCOUNT }
}

/// The events of elements of `messaging`.
pub(crate) fn all(name: &str, messaging: &[Value]) -> Vec<Fields> {
    let object = if name == "messenger" { "page" } else { "instagram" };
    read(
        name,
        &json!({ "object": object, "entry": [{ "id": ours(name), "time": AT, "messaging": messaging }] }),
    )
}

/// What the customer did.
pub(crate) fn from(name: &str, what: Value) -> Value {
    with(json!({ "sender": {"id": PERSON}, "recipient": {"id": ours(name)}, "timestamp": AT }), what)
}

/// What left the business.
pub(crate) fn to(name: &str, what: Value) -> Value {
    with(json!({ "sender": {"id": ours(name)}, "recipient": {"id": PERSON}, "timestamp": AT }), what)
}

pub(crate) fn with(mut value: Value, more: Value) -> Value {
    let Value::Object(more) = more else { panic!() };
    value.as_object_mut().unwrap().extend(more);
    value
}

pub(crate) fn one(name: &str, element: Value) -> Fields {
    let mut events = all(name, &[element]);
    assert_eq!(events.len(), 1, "{events:?}");
    events.remove(0)
}

pub(crate) fn message(name: &str, content: Value) -> Fields {
    one(name, from(name, json!({ "message": with(json!({ "mid": "m_1" }), content) })))
}

pub(crate) fn attached(name: &str, attachments: &Value) -> Fields {
    message(name, json!({ "attachments": attachments }))
}
