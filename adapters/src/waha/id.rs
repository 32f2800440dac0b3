//! WhatsApp's ids as WAHA writes them: `{fromMe}_{chat}_{bare}[_{participant}]` for messages, `12025550101@c.us`
//! (phone), `…@lid` (hidden), `…@g.us` (group) for people and chats.

use crate::bounds::MAX_ID_BYTES;

/// A message id, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MessageId {
    pub(super) from_me: bool,
    pub(super) chat: String,
    pub(super) bare: String,
    pub(super) participant: Option<String>,
}

impl MessageId {
    /// `None` for a bare id and for anything else that is not the long form.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (from_me, rest) = match text.split_once('_')? {
            ("true", rest) => (true, rest),
            ("false", rest) => (false, rest),
            _ => return None,
        };
        let (chat, rest) = rest.split_once('_')?;
        let (bare, participant) = match rest.split_once('_') {
            Some((bare, participant)) => (bare, chat_id(participant)),
            None => (rest, None),
        };
        Some(Self {
            from_me,
            chat: chat_id(chat)?,
            bare: (!bare.is_empty()).then(|| bare.to_owned())?,
            participant,
        })
    }
}

/// The part of a message id that stays the same whoever names it: the third of the long form, or the whole.
pub(super) fn bare(id: &str) -> String {
    MessageId::read(id).map_or_else(|| id.to_owned(), |id| id.bare)
}

/// A chat or a person in one spelling: the internal `@s.whatsapp.net` as `@c.us`, without a device number.
pub(super) fn chat_id(text: &str) -> Option<String> {
    let (user, server) = text.split_once('@').filter(|_| text.len() <= MAX_ID_BYTES)?;
    let user = user.split(':').next().unwrap_or_default();
    let server = if server == "s.whatsapp.net" { "c.us" } else { server };
    let plain =
        |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c.is_control());
    (plain(user) && plain(server) && !server.contains('@')).then(|| format!("{user}@{server}"))
}

/// The digits of an id that is a phone number.
pub(super) fn phone(id: &str) -> Option<String> {
    let user = id.strip_suffix("@c.us")?;
    user.bytes().all(|b| b.is_ascii_digit()).then(|| user.to_owned())
}

pub(super) fn is_group(chat: &str) -> bool {
    chat.ends_with("@g.us")
}

pub(super) fn is_lid(id: &str) -> bool {
    id.ends_with("@lid")
}

/// Accounts of WhatsApp itself: its announcements, its page for businesses, its servers.
const SERVICES: &[&str] = &["0@c.us", "16505361212@c.us", "server@c.us"];

/// Whether no person writes from that address, and which machine does. Models of Meta have a server of their own, or
/// numbers of two ranges that nobody else has.
pub(super) fn machine(id: &str) -> Option<&'static str> {
    if SERVICES.contains(&id) {
        return Some("service_account");
    }
    let is_model = |user: &str, start: &str, digits: usize| {
        user.strip_prefix(start).is_some_and(|rest| rest.len() == digits)
    };
    let in_range =
        phone(id).is_some_and(|user| is_model(&user, "1313555", 4) || is_model(&user, "131655500", 2));
    (in_range || id.ends_with("@bot")).then_some("bot")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_an_id_gives_the_same_bare_id() {
        for id in [
            "3EB0AA",
            "false_12025550143@c.us_3EB0AA",
            "true_187654321098765@lid_3EB0AA",
            "false_120363000000000123@g.us_3EB0AA_12025550151@c.us",
        ] {
            assert_eq!(bare(id), "3EB0AA", "{id}");
        }
        let id = MessageId::read("false_120363000000000123@g.us_A_12025550151:4@s.whatsapp.net").unwrap();
        assert_eq!(id.participant.as_deref(), Some("12025550151@c.us"));
        assert!(is_group(&id.chat));
    }

    #[test]
    fn accounts_of_machines_are_known() {
        for (id, expected) in [
            ("0@c.us", Some("service_account")),
            ("867051314767696@bot", Some("bot")),
            ("13135550002@c.us", Some("bot")),
            ("13165550099@c.us", Some("bot")),
            ("131355500021@c.us", None),
            ("13135550002@lid", None),
            ("12025550143@c.us", None),
        ] {
            assert_eq!(machine(id), expected, "{id}");
        }
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in
            ["", "x", "true_", "true_12_A", "maybe_1@c.us_A", "true_@c.us_A", "true_1@c.us_", "true_1@c.us"]
        {
            assert_eq!(MessageId::read(text), None, "{text}");
        }
        assert_eq!(chat_id("a b@c.us"), None);
        assert_eq!(phone("187654321098765@lid"), None);
        assert_eq!(phone("12025550143@c.us").as_deref(), Some("12025550143"));
    }
}
