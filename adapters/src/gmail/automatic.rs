//! Whether a machine wrote a mail (RFC 3834 and what is used beside it). Two machines that answer each other never end.

use super::{header::Headers, part::Part};

/// Local parts that nobody reads, without their dashes, dots and the like.
const NOBODY: &[&str] = &["noreply", "donotreply", "mailerdaemon"];

pub(super) fn is_automatic(root: Part<'_>, from: Option<&str>, mailbox: Option<&str>) -> bool {
    says_so(root.headers())
        || root.mime() == "multipart/report"
        || from
            .is_some_and(|from| is_nobody(from) || mailbox.is_some_and(|own| own.eq_ignore_ascii_case(from)))
}

/// By the header alone, whatever the subject says.
pub(super) fn says_so(headers: Headers<'_>) -> bool {
    let is = |name, matches: fn(&str) -> bool| headers.all(name).any(|value| matches(&word(value)));
    is("Auto-Submitted", |value| !matches!(value, "no" | ""))
        || is("Precedence", |value| matches!(value, "bulk" | "list" | "junk" | "auto_reply"))
        || is("Return-Path", |value| value == "<>")
        || is("X-Auto-Response-Suppress", |value| {
            value.split(',').any(|kind| matches!(kind.trim(), "all" | "autoreply" | "oof"))
        })
        || is("X-Autoreply", |value| value != "no")
        || is("X-Autorespond", |value| value != "no")
        || headers.first("List-Id").is_some()
}

/// What stands before parameters and comments.
fn word(value: &str) -> String {
    value.split([';', '(']).next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn is_nobody(address: &str) -> bool {
    let local = address.rsplit_once('@').map_or(address, |(local, _)| local);
    let plain: String = local.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
    plain == "postmaster" || NOBODY.iter().any(|name| plain.contains(name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn judge(name: &str, value: &str, from: &str) -> bool {
        let mail = json!({"mimeType": "text/plain", "headers": [{"name": name, "value": value}]});
        is_automatic(Part::of(&mail), Some(from), Some("Support@shop.example.com"))
    }

    #[test]
    fn machines_are_known_by_their_marks() {
        for (name, value) in [
            ("Auto-Submitted", "auto-generated"),
            ("auto-submitted", "Auto-Replied; owner-email=\"a@b\""),
            ("Precedence", "Bulk"),
            ("Precedence", "auto_reply"),
            ("X-Autoreply", "yes"),
            ("List-ID", "News <news.example.com>"),
            ("Return-Path", " <> "),
            ("X-Auto-Response-Suppress", "DR, OOF, AutoReply"),
        ] {
            assert!(judge(name, value, "ari@example.org"), "{name}: {value}");
        }
        for from in [
            "no-reply@parcel.example.com",
            "noreply+77@example.com",
            "orders.do_not_reply@example.com",
            "MAILER-DAEMON@mx.example.com",
            "postmaster@example.com",
            "support@SHOP.example.com",
        ] {
            assert!(judge("Subject", "hello", from), "{from}");
        }
    }

    #[test]
    fn people_are_not_machines() {
        for (name, value) in [
            ("Auto-Submitted", "No"),
            ("Auto-Submitted", "no (a person)"),
            ("Precedence", "normal"),
            ("Subject", "Automatic reply: out of office"),
            ("Return-Path", "<ari@example.org>"),
            ("X-Auto-Response-Suppress", "DR, RN, NRN"),
        ] {
            assert!(!judge(name, value, "ari@example.org"), "{name}: {value}");
        }
        assert!(!judge("Subject", "hi", "reply@example.org"));
    }
}
