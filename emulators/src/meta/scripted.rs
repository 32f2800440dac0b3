//! Selection of a scripted answer: by method, part of the path, query, headers and what is sent. Of several that fit a
//! call the oldest is used, so that answers with `times` follow one another.

use serde_json::Value;

use super::{request::Request, values::Service};
use crate::script::Answer;

/// What a sending call sends, as far as conditions ask for it.
#[derive(Debug, Default)]
pub(super) struct Sending {
    pub(super) text: String,
    pub(super) to: Vec<String>,
    pub(super) has_attachment: bool,
}

impl Sending {
    /// Of any of the three services.
    pub(super) fn of(body: &Value) -> Self {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let message = &body["message"];
        let kinds = ["image", "video", "audio", "document", "sticker"];
        let media = kinds.iter().map(|kind| &body[*kind]).find(|media| media.is_object());
        let words = text(&message["text"])
            .or_else(|| text(&body["text"]["body"]))
            .or_else(|| media.and_then(|media| text(&media["caption"])))
            .or_else(|| text(&body["interactive"]["body"]["text"]));
        let to = [&body["to"], &body["recipient"], &body["recipient"]["id"]];
        Self {
            text: words.unwrap_or_default(),
            to: to.into_iter().filter_map(text).map(|to| to.trim_start_matches('+').to_owned()).collect(),
            has_attachment: media.is_some()
                || message["attachment"].is_object()
                || message["attachments"].is_array(),
        }
    }
}

/// Whether `body` has all that `wanted` has.
fn has(body: &Value, wanted: &Value) -> bool {
    match wanted {
        Value::Null => true,
        Value::Object(members) => members.iter().all(|(name, value)| {
            if value.is_null() { body[name.as_str()].is_null() } else { has(&body[name.as_str()], value) }
        }),
        other => body == other,
    }
}

fn method(answer: &Answer) -> &str {
    answer.method.as_deref().unwrap_or("POST")
}

/// Whether the calls of a service are meant. Where the path does not tell which it is, any may be.
fn is_of(answer: &Answer, service: Option<Service>) -> bool {
    let wanted = answer.provider.as_deref();
    service.is_none_or(|service| wanted.is_none_or(|wanted| wanted == service.name()))
}

fn is_for(answer: &Answer, request: &Request, body: &Value, sending: &Sending) -> bool {
    let in_query = |(name, value): (&String, &String)| request.query.get(name) == Some(value);
    method(answer).eq_ignore_ascii_case(&request.method)
        && answer.path.as_deref().is_none_or(|part| request.path.contains(part))
        && answer.if_query.iter().all(in_query)
        && answer.if_attachment.is_none_or(|wanted| wanted == sending.has_attachment)
        && answer.if_text.as_deref().is_none_or(|text| sending.text.contains(text))
        && answer
            .if_to
            .as_deref()
            .is_none_or(|to| sending.to.iter().any(|known| known == to.trim_start_matches('+')))
        && answer.if_text_bytes_over.is_none_or(|limit| sending.text.len() > limit)
        && answer.if_header_missing.as_deref().is_none_or(|name| request.header(name).is_none())
        && has(body, &answer.if_body)
}

#[derive(Default)]
pub(super) struct Scripted(Vec<Answer>);

impl Scripted {
    /// Adds an answer. It replaces an earlier one for the same calls that has no end.
    pub(super) fn add(&mut self, answer: Answer) {
        let conditions = |one: &Answer| Answer {
            provider: one.provider.clone(),
            method: Some(method(one).to_owned()),
            path: one.path.clone(),
            if_query: one.if_query.clone(),
            if_attachment: one.if_attachment,
            if_text: one.if_text.clone(),
            if_to: one.if_to.clone(),
            if_body: one.if_body.clone(),
            if_header_missing: one.if_header_missing.clone(),
            if_text_bytes_over: one.if_text_bytes_over,
            ..Answer::default()
        };
        let new = conditions(&answer);
        self.0.retain(|known| known.times.is_some() || conditions(known) != new);
        self.0.push(answer);
    }

    pub(super) fn forget(&mut self, path: &str) {
        self.0.retain(|known| known.path.as_deref() != Some(path));
    }

    /// The answer for this call; counts it as used.
    pub(super) fn take(
        &mut self,
        request: &Request,
        body: &Value,
        service: Option<Service>,
    ) -> Option<Answer> {
        let sending = Sending::of(body);
        let at = self
            .0
            .iter()
            .position(|answer| is_of(answer, service) && is_for(answer, request, body, &sending))?;
        let answer = &mut self.0[at];
        match answer.times.as_mut() {
            None => Some(answer.clone()),
            Some(times) if *times > 1 => {
                *times -= 1;
                Some(answer.clone())
            }
            Some(_) => Some(self.0.remove(at)),
        }
    }
}
