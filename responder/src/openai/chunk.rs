//! A piece of a streamed answer, as the many servers that speak the chat API send it.

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

/// What a model thinks may come in members of its own: `reasoning`, `reasoning_content`, `thinking`. They are read for
/// no more than that they are there.
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
    /// The words for the customer: a text, or a list of parts of which some are text.
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

    /// Thoughts come apart from the words.
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
