//! The address that a link opens: one of four hosts, by the channel's kind, and built here from parts. Nothing of it is
//! taken from the visitor, so a link leads nowhere else.

use reqwest::Url;

use super::reference;
use crate::error::Error;

/// Characters of the text that a customer finds written.
pub const MAX_TEXT: usize = 500;

/// How chats of a kind of channel are opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opens {
    WhatsApp,
    Telegram,
    Messenger,
    Instagram,
}

impl Opens {
    /// Nothing for channels that no link opens.
    pub fn of(channel_kind: &str) -> Option<Self> {
        Some(match channel_kind {
            "whatsapp-cloud" | "waha" => Self::WhatsApp,
            "telegram" => Self::Telegram,
            "messenger" => Self::Messenger,
            "instagram" => Self::Instagram,
            _ => return None,
        })
    }

    /// Whether the customer finds a text written; elsewhere the reference travels unseen.
    pub fn has_text(self) -> bool {
        self == Self::WhatsApp
    }

    /// Whom the chat is with, as it stands in the address: from what people paste, a phone number, a name with `@`, or an
    /// address of the provider's.
    pub fn target(self, text: &str) -> Result<String, Error> {
        let text = text.trim();
        let text = self.prefixes().iter().find_map(|prefix| after(text, prefix)).unwrap_or(text);
        let text = text.split(['?', '#']).next().unwrap_or_default().trim_matches('/').trim();
        match self {
            Self::WhatsApp => {
                let is_number =
                    text.chars().all(|sign| sign.is_ascii_digit() || " +-().\u{a0}".contains(sign));
                let digits: String = text.chars().filter(char::is_ascii_digit).collect();
                if !is_number || !(7..=15).contains(&digits.len()) || digits.starts_with('0') {
                    let problem = "give the phone number with its country code, as +1 555 0100";
                    return Err(Error::invalid("target", problem));
                }
                Ok(digits)
            }
            Self::Telegram => name(text, 32, "_", "give the bot's user name, as @example_bot"),
            Self::Messenger => name(text, 60, ".-_", "give the page's user name or its id"),
            Self::Instagram => name(text, 30, "._", "give the account's user name, as @example.shop"),
        }
    }

    const fn prefixes(self) -> &'static [&'static str] {
        match self {
            Self::WhatsApp => &["wa.me/"],
            Self::Telegram => &["t.me/", "telegram.me/"],
            Self::Messenger => &["m.me/", "facebook.com/", "www.facebook.com/"],
            Self::Instagram => &["ig.me/m/", "instagram.com/", "www.instagram.com/"],
        }
    }

    /// The chat's address. `reference`: what the first message brings back; a preview gets none.
    pub fn url(self, target: &str, text: Option<&str>, reference: Option<&str>) -> Result<Url, Error> {
        let (host, folder) = match self {
            Self::WhatsApp => ("https://wa.me/", None),
            Self::Telegram => ("https://t.me/", None),
            Self::Messenger => ("https://m.me/", None),
            Self::Instagram => ("https://ig.me/", Some("m")),
        };
        let mut url = Url::parse(host).map_err(anyhow::Error::from)?;
        if let Ok(mut path) = url.path_segments_mut() {
            path.clear().extend(folder).push(target);
        }
        let parameter = match (self, reference) {
            (Self::WhatsApp, reference) => {
                let text = text.unwrap_or_default();
                let text = reference.map_or_else(|| text.to_owned(), |one| reference::append(text, one));
                (!text.is_empty()).then_some(("text", text))
            }
            (Self::Telegram, Some(reference)) => Some(("start", reference.to_owned())),
            (Self::Messenger | Self::Instagram, Some(reference)) => Some(("ref", reference.to_owned())),
            (_, None) => None,
        };
        if let Some((name, value)) = parameter {
            // `+` for a blank would be shown as it is: `wa.me` decodes `%20` only.
            let value: String = form(&value);
            url.set_query(Some(&format!("{name}={value}")));
        }
        Ok(url)
    }
}

fn after<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let text = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or(text);
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}

fn name(text: &str, most: usize, others: &str, problem: &'static str) -> Result<String, Error> {
    let text = text.strip_prefix('@').unwrap_or(text);
    let fits = |sign: char| sign.is_ascii_alphanumeric() || others.contains(sign);
    let is_name = (2..=most).contains(&text.len()) && text.chars().all(fits) && !text.starts_with('.');
    if is_name { Ok(text.to_owned()) } else { Err(Error::invalid("target", problem)) }
}

/// Percent-encodes all but letters, digits and `-._~`.
fn form(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::with_capacity(text.len()), |mut to, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            to.push(char::from(byte));
        } else {
            let _ = write!(to, "%{byte:02X}");
        }
        to
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_paste_becomes_a_target_or_is_refused() {
        let table = [
            (Opens::WhatsApp, "+1 (555) 010-0200", Some("15550100200")),
            (Opens::WhatsApp, "https://wa.me/15550100200?text=x", Some("15550100200")),
            (Opens::WhatsApp, "0555 010", None),
            (Opens::WhatsApp, "evil.example.com/15550100200", None),
            (Opens::Telegram, "@example_bot", Some("example_bot")),
            (Opens::Telegram, "https://t.me/example_bot?start=x", Some("example_bot")),
            (Opens::Telegram, "example bot", None),
            (Opens::Telegram, "../x", None),
            (Opens::Messenger, "m.me/example.shop", Some("example.shop")),
            (Opens::Messenger, "100200300400500", Some("100200300400500")),
            (Opens::Messenger, "..", None),
            (Opens::Instagram, "https://www.instagram.com/example.shop/", Some("example.shop")),
            (Opens::Instagram, "@", None),
            (Opens::Instagram, "a/b@evil.example.com", None),
        ];
        for (opens, text, expected) in table {
            assert_eq!(opens.target(text).ok().as_deref(), expected, "{text}");
        }
        assert_eq!(Opens::of("gmail"), None);
    }

    #[test]
    fn the_address_is_encoded_once() {
        let url = |opens: Opens, text, reference| {
            opens.url("shop_1", text, reference).expect("an address").to_string()
        };
        assert_eq!(
            url(Opens::WhatsApp, Some("Hi & 100% лампа"), Some("K7M2QX")),
            "https://wa.me/shop_1?text=Hi%20%26%20100%25%20%D0%BB%D0%B0%D0%BC%D0%BF%D0%B0%20%5BK7M2QX%5D"
        );
        assert_eq!(url(Opens::WhatsApp, None, None), "https://wa.me/shop_1");
        assert_eq!(url(Opens::Telegram, None, Some("K7M2QX")), "https://t.me/shop_1?start=K7M2QX");
        assert_eq!(url(Opens::Messenger, None, Some("K7M2QX")), "https://m.me/shop_1?ref=K7M2QX");
        assert_eq!(url(Opens::Instagram, None, Some("K7M2QX")), "https://ig.me/m/shop_1?ref=K7M2QX");
    }
}
