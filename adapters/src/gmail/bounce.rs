//! Reports that a mail of ours did not arrive (RFC 3464), or that it did: a status of that mail, which is found by what the
//! report quotes of it.

use serde_json::Value;

use super::{header::Headers, part::Part, reference};
use crate::Status;

pub(super) struct Bounce {
    /// The Message-ID of our mail, with its brackets.
    pub(super) original: String,
    pub(super) our_reference: Option<String>,
    pub(super) status: Status,
    pub(super) reason: Option<String>,
    /// The same mail may arrive later.
    pub(super) retryable: bool,
}

/// What a mail reports; nothing if it is no report, or does not say of which mail, or nothing has been decided yet.
pub(super) fn read(root: Part<'_>, mailbox: Option<&str>) -> Option<Bounce> {
    if root.mime() != "multipart/report" {
        return None;
    }
    let kind = root.headers().parameter("Content-Type", "report-type");
    if kind.is_some_and(|kind| !kind.eq_ignore_ascii_case("delivery-status")) {
        return None;
    }
    let report = find(root, &|mime| mime == "message/delivery-status").and_then(Part::decoded);
    let subject = root.headers().text("Subject");
    // Gmail gives what is no text as a file to be fetched. The words beside it tell the reason, and the subject whether the
    // mail may still arrive.
    let is_delay = subject.as_ref().is_some_and(|subject| subject.to_lowercase().contains("delay"));
    if report.is_none() && is_delay {
        return None;
    }
    let report = Report::of(report.as_deref().unwrap_or_default());
    let status = match report.action.as_deref() {
        None | Some("failed") => Status::Failed,
        Some("delivered" | "relayed" | "expanded") => Status::Delivered,
        Some(_) => return None,
    };
    let original = original(root);
    let headers = Headers::of(&original);
    let own = headers.ids("Message-ID");
    let answered = root.headers().ids("In-Reply-To");
    let thread = root.headers().ids("References");
    let id = own.first().or(answered.first()).or(thread.last())?;
    let reference = reference::of(headers, mailbox).or_else(|| reference::of_id(id, mailbox));
    let reason = report.reason.or_else(|| words(root)).or(subject);
    // A full mailbox (5.2.2) is emptied one day.
    let retryable = report.code.is_some_and(|code| code.starts_with("4.") || code == "5.2.2");
    Some(Bounce {
        original: (*id).to_owned(),
        our_reference: reference,
        status,
        reason: reason.filter(|_| status == Status::Failed),
        retryable: retryable && status == Status::Failed,
    })
}

/// What the report says to people, in one line.
fn words(root: Part<'_>) -> Option<String> {
    let text = find(root, &|mime| mime == "text/plain").and_then(Part::decoded)?;
    Some(text.split_whitespace().collect::<Vec<_>>().join(" ")).filter(|words| !words.is_empty())
}

fn find<'a>(part: Part<'a>, is: &dyn Fn(&str) -> bool) -> Option<Part<'a>> {
    if is(&part.mime()) { Some(part) } else { part.children().find_map(|child| find(child, is)) }
}

/// The headers of the mail that the report gives back, in the form of a part's.
fn original(root: Part<'_>) -> Value {
    let Some(part) = find(root, &|mime| {
        matches!(mime, "message/rfc822" | "text/rfc822-headers" | "message/rfc822-headers")
    }) else {
        return Value::Null;
    };
    // The mail itself stands below the part; some servers give its headers to the part.
    for one in part.children().chain([part]) {
        if one.headers().first("Message-ID").is_some() {
            let field = |name| {
                one.headers().first(name).map(|value| serde_json::json!({"name": name, "value": value}))
            };
            let fields: Vec<_> = ["Message-ID", reference::HEADER].into_iter().filter_map(field).collect();
            return serde_json::json!({ "headers": fields });
        }
    }
    let text = part.decoded().unwrap_or_default();
    let fields: Vec<_> = fields(&text)
        .take_while(|(name, _)| !name.is_empty())
        .filter(|(name, _)| {
            name.eq_ignore_ascii_case("Message-ID") || name.eq_ignore_ascii_case(reference::HEADER)
        })
        .map(|(name, value)| serde_json::json!({ "name": name, "value": value }))
        .collect();
    serde_json::json!({ "headers": fields })
}

/// What a report says of the first recipient, and before others of one whom the mail did not reach.
#[derive(Default)]
struct Report {
    action: Option<String>,
    code: Option<String>,
    reason: Option<String>,
}

impl Report {
    fn of(text: &str) -> Self {
        let mut found: Vec<Self> = Vec::new();
        let mut current = Self::default();
        for (name, value) in fields(text) {
            match name.to_ascii_lowercase().as_str() {
                "" => found.push(std::mem::take(&mut current)),
                "action" => current.action = Some(value.to_ascii_lowercase()),
                "status" => current.code = value.split_whitespace().next().map(str::to_owned),
                "diagnostic-code" => {
                    let said = value.split_once(';').map_or(value.as_str(), |(_, said)| said).trim();
                    current.reason = Some(said.to_owned()).filter(|said| !said.is_empty());
                }
                _ => {}
            }
        }
        found.push(current);
        found.retain(|one| one.action.is_some() || one.code.is_some());
        let failed = found.iter().position(|one| one.action.as_deref() == Some("failed"));
        let mut report = found.into_iter().nth(failed.unwrap_or_default()).unwrap_or_default();
        report.reason = report.reason.or_else(|| report.code.clone());
        report
    }
}

/// Header fields of a text, unfolded; an empty line is a field without a name.
fn fields(text: &str) -> impl Iterator<Item = (String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    for line in text.lines().take(1_000) {
        match (line.starts_with([' ', '\t']), all.last_mut(), line.split_once(':')) {
            (true, Some((_, value)), _) if !line.trim().is_empty() => {
                value.push(' ');
                value.push_str(line.trim());
            }
            (false, _, Some((name, value))) => all.push((name.trim().to_owned(), value.trim().to_owned())),
            _ if line.trim().is_empty() => all.push((String::new(), String::new())),
            _ => {}
        }
    }
    all.into_iter()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const OURS: &str = "0190163d-8694-739b-aea5-966c26f8ad91";

    fn text(mime: &str, text: &str) -> Value {
        let data = ::base64::Engine::encode(&super::super::base64::URL_SAFE, text);
        json!({"mimeType": mime, "body": {"size": text.len(), "data": data}})
    }

    fn report(status: &str, rest: &[Value], fields: &[(&str, &str)]) -> Value {
        let mut headers =
            vec![json!({"name": "Content-Type", "value": "multipart/report; report-type=delivery-status"})];
        headers.extend(fields.iter().map(|(name, value)| json!({"name": name, "value": value})));
        let mut parts =
            vec![text("text/plain", "Address not found"), text("message/delivery-status", status)];
        parts.extend_from_slice(rest);
        json!({"mimeType": "multipart/report", "headers": headers, "parts": parts})
    }

    const FAILED: &str = "Reporting-MTA: dns; mx.example.com\r\n\r\nFinal-Recipient: rfc822; ari@example.org\r\n\
                          Action: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1\r\n no such user\r\n";

    #[test]
    fn a_bounce_is_a_status_of_the_mail_that_it_gives_back() {
        let id = format!("<{OURS}@shop.example.com>");
        let original = json!({"mimeType": "message/rfc822", "parts": [
            {"mimeType": "text/plain", "headers": [{"name": "Message-Id", "value": id}]}]});
        let headers = text("text/rfc822-headers", &format!("From: a@b\r\nMessage-ID:\r\n {id}\r\n"));
        for quoted in [original, headers] {
            let mail = report(FAILED, &[quoted], &[("References", "<other@shop.example.com>")]);
            let bounce = read(Part::of(&mail), Some("support@shop.example.com")).unwrap();
            assert_eq!(
                (bounce.original.as_str(), bounce.our_reference.as_deref()),
                (id.as_str(), Some(OURS))
            );
            assert_eq!((bounce.status, bounce.retryable), (Status::Failed, false));
            assert_eq!(bounce.reason.as_deref(), Some("550 5.1.1 no such user"));
        }
    }

    #[test]
    fn without_the_mail_its_thread_tells_which_one() {
        let mail = report("", &[], &[("References", "<a@example.org> <reply-1@shop.example.com>")]);
        let bounce = read(Part::of(&mail), None).unwrap();
        assert_eq!((bounce.original.as_str(), bounce.our_reference), ("<reply-1@shop.example.com>", None));
        assert!(read(Part::of(&report(FAILED, &[], &[])), None).is_none(), "nothing says of which mail");
    }

    #[test]
    fn a_report_that_is_given_as_a_file_tells_its_reason_in_words() {
        let read_as_file = |subject: &str| {
            let fields = [("In-Reply-To", "<reply-1@shop.example.com>"), ("Subject", subject)];
            let mut mail = report("", &[], &fields);
            mail["parts"][1]["body"] = json!({"size": 200, "attachmentId": "ANGjdJ8"});
            read(Part::of(&mail), None)
        };
        let failed = read_as_file("Delivery Status Notification (Failure)").unwrap();
        assert_eq!((failed.status, failed.reason.as_deref()), (Status::Failed, Some("Address not found")));
        assert!(read_as_file("Delivery Status Notification (Delay)").is_none());
    }

    #[test]
    fn what_is_not_decided_is_no_status() {
        let fields = [("In-Reply-To", "<reply-1@shop.example.com>")];
        let status = |action: &str, code: &str| {
            let text = format!("Reporting-MTA: dns; x\n\nAction: {action}\nStatus: {code}\n");
            read(Part::of(&report(&text, &[], &fields)), None).map(|bounce| (bounce.status, bounce.retryable))
        };
        assert_eq!(status("delayed", "4.4.1"), None);
        assert_eq!(status("delivered", "2.0.0"), Some((Status::Delivered, false)));
        assert_eq!(status("failed", "4.4.7"), Some((Status::Failed, true)));
        assert_eq!(status("Failed", "5.2.2"), Some((Status::Failed, true)));
        let mut receipt = report("", &[], &fields);
        receipt["headers"][0]["value"] = "multipart/report; report-type=disposition-notification".into();
        assert!(read(Part::of(&receipt), None).is_none());
    }
}
