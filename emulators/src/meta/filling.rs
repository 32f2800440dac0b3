//! The braces of scripted answers and bodies.

use serde_json::Value;

use super::{config::Shared, sign};

/// Fills `{base}`, `{now_ms}`, `{now_s}`, `{call}` and `{sha256 of …}` in. `{now_ms}` alone becomes a number.
pub(super) fn filled(shared: &Shared, value: &Value, call: u64, is_delivery: bool) -> Value {
    match value {
        Value::String(text) if text == "{now_ms}" => shared.now_ms().into(),
        Value::String(text) => {
            let now_ms = shared.now_ms();
            let text = text
                .replace("{base}", &shared.base())
                .replace("{now_ms}", &now_ms.to_string())
                .replace("{now_s}", &(now_ms / 1000).to_string())
                .replace("{call}", &call.to_string());
            let digest = text.strip_prefix("{sha256 of ").and_then(|rest| rest.strip_suffix('}'));
            let digest = digest.map(|of| {
                let digest = if is_delivery { sign::sha256_base64 } else { sign::sha256_hex };
                digest(of.as_bytes())
            });
            digest.unwrap_or(text).into()
        }
        Value::Array(list) => list.iter().map(|item| filled(shared, item, call, is_delivery)).collect(),
        Value::Object(members) => {
            let filled =
                members.iter().map(|(name, item)| (name.clone(), filled(shared, item, call, is_delivery)));
            Value::Object(filled.collect())
        }
        other => other.clone(),
    }
}
