//! Selection of a scripted answer for a call of an HTTP API: by method, part of the path, query and what is sent.

use std::time::Duration;

use super::{Answer, Script};

/// What the conditions of an answer are compared with.
#[derive(Debug, Default)]
pub(crate) struct HttpCall<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: &'a [(String, String)],
    /// The text, recipients and presence of a file, of sending calls only.
    pub(crate) text: &'a str,
    pub(crate) to: &'a [String],
    pub(crate) has_attachment: bool,
}

impl Answer {
    pub(crate) fn hang(&self) -> Duration {
        Duration::from_millis(self.hang_ms.unwrap_or_default())
    }

    fn is_for(&self, call: &HttpCall<'_>) -> bool {
        let has = |(name, value): (&String, &String)| {
            call.query.iter().any(|(known, other)| known == name && other == value)
        };
        self.method.as_deref().unwrap_or("POST").eq_ignore_ascii_case(call.method)
            && self.path.as_deref().is_none_or(|part| call.path.contains(part))
            && self.if_query.iter().all(has)
            && self.if_attachment.is_none_or(|wanted| wanted == call.has_attachment)
            && self.if_text.as_deref().is_none_or(|text| call.text.contains(text))
            && self
                .if_to
                .as_deref()
                .is_none_or(|to| call.to.iter().any(|known| known.eq_ignore_ascii_case(to)))
    }
}

impl Script {
    /// Adds an answer to an HTTP API. The newest answer that fits a call is used.
    pub(crate) fn add(&mut self, answer: Answer) {
        self.answers.push(answer);
    }

    /// Removes the answers to this method and part of the path.
    pub(crate) fn remove(&mut self, method: &str, path: &str) {
        let is_it = |known: &Answer| {
            known.method.as_deref().unwrap_or("POST").eq_ignore_ascii_case(method)
                && known.path.as_deref() == Some(path)
        };
        self.answers.retain(|known| !is_it(known));
    }

    /// The answer for this call; counts it as used.
    pub(crate) fn take_http(&mut self, call: &HttpCall<'_>) -> Option<Answer> {
        let at = self.answers.iter().rposition(|answer| answer.is_for(call))?;
        let answer = &mut self.answers[at];
        match answer.times.as_mut() {
            None => Some(answer.clone()),
            Some(times) if *times > 1 => {
                *times -= 1;
                Some(answer.clone())
            }
            Some(_) => Some(self.answers.remove(at)),
        }
    }
}
