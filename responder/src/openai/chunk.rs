//! A chunk of a streamed answer, in the variants of the servers that implement the chat API.

use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
pub(super) struct Chunk {
    #[serde(default)]
    pub choices: Vec<Choice>,
    pub error: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
pub(super) struct Choice {
    #[serde(default)]
    pub delta: Delta,
    pub finish_reason: Option<String>,
}

/// Some servers send reasoning in `reasoning`, `reasoning_content` or `thinking`. Only its presence is used.
#[derive(Default, Deserialize)]
pub(super) struct Delta {
    #[serde(default)]
    content: Value,
    #[serde(default)]
    pub refusal: Option<String>,
    #[serde(default)]
    reasoning: Value,
    #[serde(default)]
    reasoning_content: Value,
    #[serde(default)]
    thinking: Value,
}

impl Delta {
    /// The text for the customer: a string, or a list of parts of which some are text.
    pub fn words(&self) -> String {
        let text = |part: &Value| match part.get("type").and_then(Value::as_str) {
            Some("text" | "output_text") => part.get("text").and_then(Value::as_str).map(str::to_owned),
            _ => None,
        };
        match &self.content {
            Value::String(words) => words.clone(),
            Value::Array(parts) => parts.iter().filter_map(text).collect(),
            part => text(part).unwrap_or_default(),
        }
    }

    /// Reasoning is sent separately from the text.
    pub fn has_thoughts(&self) -> bool {
        let is_thought = |part: &Value| {
            matches!(
                part.get("type").and_then(Value::as_str),
                Some("thinking" | "reasoning" | "summary_text")
            )
        };
        let members = [&self.reasoning, &self.reasoning_content, &self.thinking];
        members.iter().any(|member| member.as_str().is_some_and(|text| !text.is_empty()))
            || self.content.as_array().is_some_and(|parts| parts.iter().any(is_thought))
    }
}
