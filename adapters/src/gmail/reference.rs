//! Our own name of a send within its mail, so that the copy of a send whose answer was lost is recognised, and the report
//! that it did not arrive. Gmail may give a mail another Message-ID, so the name stands in a field of its own beside it.

use super::header::Headers;

pub(super) const HEADER: &str = "X-Hubbub-Reference";

/// The name as it may stand in a header field.
pub(super) fn valid(name: &str) -> Option<&str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    ((1..=64).contains(&name.len()) && name.bytes().all(is_plain)).then_some(name)
}

/// The name in a mail of ours.
pub(super) fn of(headers: Headers<'_>, mailbox: Option<&str>) -> Option<String> {
    let named = headers.first(HEADER).map(str::trim).and_then(valid).map(str::to_owned);
    named.or_else(|| headers.ids("Message-ID").first().and_then(|id| of_id(id, mailbox)))
}

/// The name in a Message-ID of ours. Other mail programs write ids of the sender's domain as well, so only what has our
/// form is ours: a UUID of version 7 in small letters, and perhaps more behind it.
pub(super) fn of_id(id: &str, mailbox: Option<&str>) -> Option<String> {
    let (name, domain) = id.trim_matches(['<', '>']).split_once('@')?;
    let own = mailbox.and_then(|mailbox| mailbox.rsplit_once('@')).map(|(_, domain)| domain);
    if own.is_some_and(|own| !own.eq_ignore_ascii_case(domain)) {
        return None;
    }
    let name = valid(name)?;
    let uuid = name.get(..36)?.as_bytes();
    let is_uuid = uuid.iter().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        14 => *byte == b'7',
        _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
    });
    (is_uuid && matches!(name.as_bytes().get(36), None | Some(b'-'))).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_of_our_form_are_ours() {
        let uuid = "0190163d-8694-739b-aea5-966c26f8ad91";
        let of = |id: &str| of_id(id, Some("Support@shop.example.com"));
        assert_eq!(of(&format!("<{uuid}@shop.example.com>")).as_deref(), Some(uuid));
        assert_eq!(of(&format!("<{uuid}-2@Shop.example.com>")), Some(format!("{uuid}-2")));
        for other in [
            format!("<{uuid}@example.org>"),
            format!("<{}@shop.example.com>", uuid.to_uppercase()),
            format!("<{uuid}f@shop.example.com>"),
            "<reply-1@shop.example.com>".to_owned(),
            "<>".to_owned(),
        ] {
            assert_eq!(of(&other), None, "{other}");
        }
    }
}
