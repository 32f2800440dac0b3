//! The mail of an answer (RFC 5322): it stays in its thread by its subject and its references, and says when a machine wrote
//! it. The library folds, encodes and quotes; what ends up in a header is checked before, so that no text can add a field.

use std::io::Write;

use mail_builder::{
    MessageBuilder,
    headers::{address::Address, message_id::MessageId, raw::Raw},
    mime::{BodyPart, MimePart},
};
use serde_json::{Map, Value};

use super::{
    header::{address, ids},
    reference,
};
use crate::{
    Outgoing,
    call::{Failure, Verdict},
};

/// Characters of a subject.
const MAX_SUBJECT: usize = 500;
/// Message ids that are repeated.
const MAX_REFERENCES: usize = 30;

/// A fetched file.
pub(super) struct File<'a> {
    pub(super) name: &'a str,
    pub(super) mime: &'a str,
    pub(super) bytes: &'a [u8],
}

/// Writes the mail. Nothing has left when it fails.
pub(super) fn write(
    out: &Outgoing<'_>,
    mailbox: &str,
    file: Option<&File<'_>>,
    sink: impl Write,
) -> Result<(), Failure> {
    let refused = |code: &str, reason: &str| Failure::new(Verdict::Rejected, code, reason);
    let from = address(mailbox).ok_or_else(|| Failure::setting("mailbox", "is not an address"))?;
    let answers = Answered(out.answers);
    let to = answers.text("answer_to").and_then(address).or_else(|| out.contact.and_then(address));
    let to = to.ok_or_else(|| refused("no_recipient", "there is no address to answer to"))?;
    let domain = from.rsplit_once('@').map_or("", |(_, domain)| domain).to_owned();
    let mut mail = MessageBuilder::new()
        .from(Address::new_address(None::<&str>, from))
        .to(Address::new_address(None::<&str>, to))
        .subject(answers.subject());
    if let Some(name) = reference::valid(out.our_reference) {
        mail = mail
            .message_id(MessageId::new(format!("{name}@{domain}")))
            .header(reference::HEADER, Raw::new(name));
    }
    let references = answers.references();
    if let Some(last) = references.last() {
        mail = mail.in_reply_to(MessageId::new(last.clone()));
        mail = mail.references(MessageId::new_list(references.into_iter()));
    }
    if out.is_automatic {
        mail = mail.header("Auto-Submitted", Raw::new("auto-replied"));
    }
    let caption = out.media.and_then(|media| media.caption).filter(|caption| !caption.is_empty());
    let text = caption.or(out.text).filter(|text| !text.trim().is_empty());
    if text.is_none() && file.is_none() {
        return Err(refused("empty", "there is nothing to send"));
    }
    if let Some(text) = text {
        mail = mail.text_body(text.replace('\0', ""));
    }
    if let Some(file) = file {
        let part = MimePart::new(mime(file.mime), BodyPart::Binary(file.bytes.into()));
        mail.attachments = Some(vec![part.attachment(file.name)]);
    }
    mail.write_to(sink).map_err(|error| refused("cannot_write", &error.to_string()))
}

/// A type that can stand in a header.
fn mime(given: &str) -> String {
    let mime = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_token = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
    };
    match mime.split_once('/') {
        // A text would have to say its charset, and a mail as a file may not be encoded.
        Some((kind, more))
            if is_token(kind) && is_token(more) && !matches!(kind, "multipart" | "message" | "text") =>
        {
            mime
        }
        _ => "application/octet-stream".to_owned(),
    }
}

/// The mail that is answered.
struct Answered<'a>(Option<&'a Map<String, Value>>);

impl<'a> Answered<'a> {
    fn text(&self, name: &str) -> Option<&'a str> {
        self.0?.get(name)?.as_str().map(str::trim).filter(|text| !text.is_empty())
    }

    /// The same subject, once marked as an answer: a thread has one subject.
    fn subject(&self) -> String {
        let subject = self.text("subject").unwrap_or_default();
        let plain: String =
            subject.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_SUBJECT).collect();
        let is_answer = plain.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("re:"));
        if is_answer { plain } else { format!("Re: {plain}").trim_end().to_owned() }
    }

    /// What it referred to and itself, without brackets.
    fn references(&self) -> Vec<String> {
        let listed = self.0.and_then(|answers| answers.get("references")?.as_array());
        let listed = listed.into_iter().flatten().filter_map(Value::as_str);
        let own = self.text("rfc822_message_id");
        let mut all: Vec<String> = Vec::new();
        for id in listed.chain(own).flat_map(ids) {
            let id = id.trim_matches(['<', '>']).to_owned();
            all.retain(|known| *known != id);
            all.push(id);
        }
        if all.len() > MAX_REFERENCES {
            all.drain(1..=all.len() - MAX_REFERENCES);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use mail_parser::{MessageParser, MimeHeaders};
    use serde_json::json;

    use super::*;
    use crate::Address as To;

    fn written(out: &Outgoing<'_>, file: Option<&File<'_>>) -> String {
        let mut mail = Vec::new();
        write(out, "Support@shop.example.com", file, &mut mail).unwrap();
        let text = String::from_utf8(mail).unwrap();
        assert!(text.is_ascii(), "no server has to know more than ASCII");
        assert!(text.split("\r\n").all(|line| line.len() <= 998 && !line.contains(['\r', '\n'])));
        text
    }

    fn answer<'a>(answers: &'a Map<String, Value>, text: &'a str) -> Outgoing<'a> {
        Outgoing {
            answers: Some(answers),
            contact: Some("ari@example.org"),
            our_reference: "0190-1",
            ..Outgoing::text(To::chat("t1"), text)
        }
    }

    fn data(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn an_answer_stays_in_its_thread() {
        let answers = data(&json!({"subject": "Order 7788 é", "rfc822_message_id": "<b@x>",
            "references": ["<a@x>", "<b@x>"]}));
        let out = Outgoing { is_automatic: true, ..answer(&answers, "Grüße\n.\nFrom here") };
        let text = written(&out, None);
        let mail = MessageParser::new().parse(text.as_bytes()).unwrap();
        assert_eq!(mail.subject(), Some("Re: Order 7788 é"));
        assert_eq!(mail.message_id(), Some("0190-1@shop.example.com"));
        assert_eq!(mail.in_reply_to().as_text(), Some("b@x"));
        assert_eq!(mail.references().as_text_list().unwrap(), ["a@x", "b@x"]);
        assert_eq!(mail.to().unwrap().first().unwrap().address(), Some("ari@example.org"));
        assert_eq!(mail.body_text(0).unwrap().trim_end(), "Grüße\r\n.\r\nFrom here");
        assert!(text.contains("Auto-Submitted: auto-replied\r\n"));
        assert!(text.contains("X-Hubbub-Reference: 0190-1\r\n"));
        let person = written(&answer(&answers, "hi"), None);
        assert!(!person.contains("Auto-Submitted"));
    }

    #[test]
    fn the_answer_goes_where_it_is_asked_to() {
        let answers = data(&json!({"subject": "RE: hi", "answer_to": "sales@example.net"}));
        let text = written(&answer(&answers, "x"), None);
        assert!(
            text.contains("To: <sales@example.net>\r\n") && text.contains("Subject: RE: hi\r\n"),
            "{text}"
        );
        let none = Outgoing { contact: None, ..Outgoing::text(To::chat("t1"), "x") };
        assert_eq!(write(&none, "a@b", None, Vec::new()).unwrap_err().code, "no_recipient");
        let nothing = Outgoing { text: Some(" "), ..answer(&answers, "") };
        assert_eq!(write(&nothing, "a@b", None, Vec::new()).unwrap_err().code, "empty");
    }

    #[test]
    fn no_text_adds_a_header_field() {
        let evil = "x\r\nBcc: all@example.org\r\n\r\nbody";
        let answers =
            data(&json!({"subject": evil, "answer_to": evil, "rfc822_message_id": "<a@b\r\nBcc: c@d>",
            "references": [evil, "<ok@x>\r\nBcc: e@f"]}));
        let mut out = answer(&answers, "text");
        out.our_reference = evil;
        let file = File { name: evil, mime: evil, bytes: b"x" };
        let text = written(&out, Some(&file));
        let mail = MessageParser::new().parse(text.as_bytes()).unwrap();
        assert!(mail.bcc().is_none() && !text.contains("\r\nBcc"), "{text}");
        assert_eq!(mail.to().unwrap().first().unwrap().address(), Some("ari@example.org"));
        assert_eq!(mail.references().as_text(), Some("ok@x"));
        for contact in ["a@b\r\nBcc: c@d", "a@b, c@d", "<a@b>"] {
            let out = Outgoing { contact: Some(contact), ..Outgoing::text(To::chat("t"), "x") };
            assert_eq!(write(&out, "a@b", None, Vec::new()).unwrap_err().code, "no_recipient", "{contact}");
        }
    }

    #[test]
    fn long_lines_and_files_are_written_so_that_every_server_takes_them() {
        let answers = data(&json!({"subject": "s".repeat(5_000), "references":
            (0..200).map(|n| format!("<{}{n}@example.org>", "r".repeat(400))).collect::<Vec<_>>()}));
        let long = "word".repeat(2_000);
        let file =
            File { name: "Überweisung.pdf", mime: "application/pdf", bytes: &[0, 255, 13, 10].repeat(500) };
        let text = written(&answer(&answers, &long), Some(&file));
        let mail = MessageParser::new().parse(text.as_bytes()).unwrap();
        assert_eq!(mail.body_text(0).unwrap().trim_end(), long);
        let part = mail.attachment(0).unwrap();
        assert_eq!(part.attachment_name(), Some("Überweisung.pdf"));
        assert_eq!(part.contents(), [0, 255, 13, 10].repeat(500));
        assert_eq!(mail.references().as_text_list().unwrap().len(), MAX_REFERENCES);
    }
}
