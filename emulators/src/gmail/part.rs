//! The parts of a mail, and their form in `messages.get`: transfer encoding undone, charset kept, ids of attachments
//! that are new in every answer.

use base64::{Engine, prelude::BASE64_URL_SAFE};
use serde_json::{Value, json};

/// A part with its decoded body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) headers: Vec<(String, String)>,
    /// In lower case.
    pub(super) mime: String,
    pub(super) filename: String,
    pub(super) body: Vec<u8>,
    pub(super) parts: Vec<Part>,
}

impl Part {
    pub(super) fn leaf(mime: &str, content_type: &str, body: Vec<u8>) -> Self {
        let headers = vec![("Content-Type".to_owned(), content_type.to_owned())];
        Self { headers, mime: mime.to_owned(), body, ..Self::default() }
    }

    pub(super) fn multipart(kind: &str, parameters: &str, parts: Vec<Part>) -> Self {
        let boundary = super::ids::token("b");
        let mime = format!("multipart/{kind}");
        let content_type = format!("{mime}; boundary=\"{boundary}\"{parameters}");
        Self { parts, ..Self::leaf(&mime, &content_type, Vec::new()) }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers_named(name).next()
    }

    pub(super) fn headers_named<'a, 'b>(
        &'a self,
        name: &'b str,
    ) -> impl Iterator<Item = &'a str> + use<'a, 'b> {
        let named = move |(known, _): &&(String, String)| known.eq_ignore_ascii_case(name);
        self.headers.iter().filter(named).map(|(_, value)| value.as_str())
    }

    /// The bodies of the attachments have an id of their own, as have reports of delivery.
    fn is_attachment(&self, inline_limit: usize) -> bool {
        let is_file = !self.filename.is_empty() || self.mime == "message/delivery-status";
        self.parts.is_empty() && !self.body.is_empty() && (is_file || self.body.len() > inline_limit)
    }

    /// The part and all below it, each with its `partId`.
    pub(super) fn walk(&self) -> Vec<(String, &Part)> {
        let mut all = vec![(String::new(), self)];
        let mut next = 0;
        while let Some((id, part)) = all.get(next).cloned() {
            let parts = part.parts.iter().enumerate();
            all.extend(parts.map(|(at, part)| (child(&id, at), part)));
            next += 1;
        }
        all
    }

    /// The first leaf of this type that is no file, as text.
    pub(super) fn text(&self, mime: &str) -> Option<String> {
        let is_it = |part: &Part| part.mime == mime && part.filename.is_empty() && part.parts.is_empty();
        let all = self.walk();
        let (_, part) = all.iter().find(|(_, part)| is_it(part))?;
        Some(String::from_utf8_lossy(&part.body).into_owned())
    }

    /// `payload` of `messages.get`. `attach` gives the id of the attachment in the part with this `partId`.
    pub(super) fn payload(&self, inline_limit: usize, attach: &mut dyn FnMut(&str) -> String) -> Value {
        self.payload_at("", inline_limit, attach)
    }

    fn payload_at(&self, id: &str, inline_limit: usize, attach: &mut dyn FnMut(&str) -> String) -> Value {
        let headers: Vec<_> =
            self.headers.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
        let mut body = json!({ "size": self.body.len() });
        if self.is_attachment(inline_limit) {
            body["attachmentId"] = attach(id).into();
        } else if !self.body.is_empty() {
            body["data"] = BASE64_URL_SAFE.encode(&self.body).into();
        }
        let mut payload = json!({ "partId": id, "mimeType": self.mime, "filename": self.filename,
            "headers": headers, "body": body });
        if !self.parts.is_empty() {
            let parts = self.parts.iter().enumerate();
            payload["parts"] =
                parts.map(|(at, part)| part.payload_at(&child(id, at), inline_limit, attach)).collect();
        }
        payload
    }
}

fn child(id: &str, at: usize) -> String {
    if id.is_empty() { at.to_string() } else { format!("{id}.{at}") }
}

/// The addresses in a list such as `"Sample, Ari" <ari@example.org>, lee@example.net`, in lower case.
pub(super) fn addresses(list: &str) -> Vec<String> {
    let mut found = Vec::new();
    let (mut entry, mut is_quoted, mut is_escaped) = (String::new(), false, false);
    for letter in list.chars().chain([',']) {
        match letter {
            '"' if !is_escaped => is_quoted = !is_quoted,
            ',' if !is_quoted => {
                let bare = match entry.rsplit_once('<') {
                    Some((_, rest)) => rest.split('>').next().unwrap_or_default(),
                    None => entry.as_str(),
                };
                found.push(bare.trim().to_lowercase());
                entry.clear();
            }
            _ if !is_quoted => entry.push(letter),
            _ => {}
        }
        is_escaped = letter == '\\' && !is_escaped;
    }
    found.retain(|address| !address.is_empty());
    found
}
