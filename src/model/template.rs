//! A template of a channel: what it says, and what fills it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::OutTemplate;

/// A template as the provider last told it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TemplateView {
    pub name: String,
    pub language: String,
    /// The provider's word: `MARKETING`, `UTILITY`, `AUTHENTICATION`.
    pub category: String,
    /// The provider's word: only `APPROVED` is sent.
    pub state: String,
    /// Header, body, footer and buttons in the provider's form, with placeholders (`{{1}}`, `{{name}}`).
    #[schema(value_type = Vec<std::collections::HashMap<String, serde_json::Value>>)]
    pub components: Vec<Value>,
    pub fetched_at: i64,
}

impl TemplateView {
    pub fn is_approved(&self) -> bool {
        self.state.eq_ignore_ascii_case("APPROVED")
    }

    /// The text with its values as the customer reads it, or what is wrong with its values.
    pub fn filled(&self, with: &OutTemplate) -> Result<String, String> {
        let mut lines = Vec::new();
        for kind in ["HEADER", "BODY", "FOOTER"] {
            let Some(part) = self.components.iter().find(|part| is(part, kind)) else { continue };
            let Some(text) = part.get("text").and_then(Value::as_str) else { continue };
            let wanted = placeholders(text);
            let given = with.components.iter().find(|part| is(part, kind)).map(values).unwrap_or_default();
            let mut whole = text.to_owned();
            for (number, name) in wanted.iter().enumerate() {
                let value = given.named.get(name).or_else(|| given.listed.get(number));
                let Some(value) = value else {
                    let part = kind.to_lowercase();
                    let problem = format!(
                        "the {part} takes {} values, not {}: give `{name}` as well",
                        wanted.len(),
                        given.listed.len() + given.named.len()
                    );
                    return Err(problem);
                };
                whole = whole.replace(&format!("{{{{{name}}}}}"), value);
            }
            if given.listed.len() + given.named.len() > wanted.len() {
                let part = kind.to_lowercase();
                let count = given.listed.len() + given.named.len();
                let problem = format!("the {part} takes {} values, not {count}", wanted.len());
                return Err(problem);
            }
            lines.push(whole);
        }
        Ok(lines.join("\n"))
    }
}

fn is(part: &Value, kind: &str) -> bool {
    part.get("type").and_then(Value::as_str).is_some_and(|found| found.eq_ignore_ascii_case(kind))
}

/// The names in `{{…}}`, each once, in the order of the text; numbered ones by their numbers.
fn placeholders(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for piece in text.split("{{").skip(1) {
        let Some((name, _)) = piece.split_once("}}") else { continue };
        if !found.iter().any(|known| known == name) {
            found.push(name.to_owned());
        }
    }
    if found.iter().all(|name| name.parse::<u32>().is_ok()) {
        found.sort_by_key(|name| name.parse::<u32>().unwrap_or(u32::MAX));
    }
    found
}

#[derive(Default)]
struct Values {
    listed: Vec<String>,
    named: BTreeMap<String, String>,
}

/// The values of a part as they are sent: `parameters` `[{type, text, parameter_name?}]`.
fn values(part: &Value) -> Values {
    let mut values = Values::default();
    for parameter in part.get("parameters").and_then(Value::as_array).into_iter().flatten() {
        let text = shown(parameter.as_object());
        match parameter.get("parameter_name").and_then(Value::as_str) {
            Some(name) => {
                values.named.insert(name.to_owned(), text);
            }
            None => values.listed.push(text),
        }
    }
    values
}

/// A value's text; of a date or a sum what stands for it where it cannot be written.
fn shown(parameter: Option<&Map<String, Value>>) -> String {
    let Some(parameter) = parameter else { return String::new() };
    let text = parameter.get("text").and_then(Value::as_str);
    let fallback = || parameter.values().find_map(|value| value.get("fallback_value")?.as_str());
    text.or_else(fallback).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn view(components: &Value) -> TemplateView {
        TemplateView {
            name: "order_ready".into(),
            language: "en".into(),
            category: "UTILITY".into(),
            state: "APPROVED".into(),
            components: components.as_array().expect("a list").clone(),
            fetched_at: 0,
        }
    }

    fn with(components: &Value) -> OutTemplate {
        let components = components.as_array().expect("a list").clone();
        OutTemplate { name: "order_ready".into(), language: "en".into(), components }
    }

    #[test]
    fn it_is_shown_as_the_customer_reads_it() {
        let order = view(&json!([
            { "type": "HEADER", "format": "TEXT", "text": "Order {{1}}" },
            { "type": "BODY", "text": "{{2}}, your order {{1}} is ready. Ask for {{2}}." },
            { "type": "FOOTER", "text": "Lantern Shop" },
            { "type": "BUTTONS", "buttons": [] }
        ]));
        let text = |text: &str| json!({ "type": "text", "text": text });
        let filled = order.filled(&with(&json!([
            { "type": "header", "parameters": [text("42")] },
            { "type": "body", "parameters": [text("42"), text("Ana")] }
        ])));
        assert_eq!(
            filled.expect("it is whole"),
            "Order 42\nAna, your order 42 is ready. Ask for Ana.\nLantern Shop"
        );
        let missing = order.filled(&with(&json!([{ "type": "body", "parameters": [text("42")] }])));
        assert!(missing.unwrap_err().starts_with("the header takes 1 values, not 0"));
        let named = view(&json!([{ "type": "BODY", "text": "Hello {{name}}" }]));
        let ana = json!({ "type": "text", "parameter_name": "name", "text": "Ana" });
        let filled = named.filled(&with(&json!([{ "type": "BODY", "parameters": [ana] }])));
        assert_eq!(filled.expect("it is whole"), "Hello Ana");
        let plain = view(&json!([{ "type": "BODY", "text": "Hello" }]));
        assert_eq!(plain.filled(&with(&json!([]))).expect("it is whole"), "Hello");
        let many = plain.filled(&with(&json!([{ "type": "BODY", "parameters": [text("1")] }])));
        assert_eq!(many.unwrap_err(), "the body takes 0 values, not 1");
    }
}
