//! UTM marks as they come from addresses and forms: cleaned, so that one campaign is not counted under five spellings.
//! They are text for people and never anything else: the page shows them as text.

use crate::model::Utm;

/// Characters of a mark.
pub const MOST: usize = 200;

/// A mark: decoded (also twice, as redirects leave it), in lower case, blanks as one, nothing that is not shown, at most
/// [`MOST`] characters. Nothing if nothing is left.
pub fn clean(text: &str) -> Option<String> {
    let mut text = text.to_owned();
    for _ in 0..2 {
        match decoded(&text) {
            Some(other) => text = other,
            None => break,
        }
    }
    let shown = |sign: char| if sign.is_control() || is_hidden(sign) { ' ' } else { sign };
    let text: String = text.chars().map(shown).collect::<String>().to_lowercase();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text: String = text.chars().take(MOST).collect();
    let text = text.trim_end();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Marks of direction and signs without a width: two names that look the same would be two.
fn is_hidden(sign: char) -> bool {
    matches!(sign, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// The text without its `%XX` and `+`, if it has any that are text.
fn decoded(text: &str) -> Option<String> {
    let is_coded = text
        .as_bytes()
        .windows(3)
        .any(|at| at[0] == b'%' && at[1].is_ascii_hexdigit() && at[2].is_ascii_hexdigit());
    if !is_coded && !text.contains('+') {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let pair = tail.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        match (first, pair.and_then(|pair| u8::from_str_radix(pair, 16).ok())) {
            (b'%', Some(byte)) if tail[0] != b'+' => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            (b'+', _) => {
                bytes.push(b' ');
                rest = tail;
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

/// All five marks, cleaned.
pub fn cleaned(utm: &Utm) -> Utm {
    let clean = |text: &Option<String>| text.as_deref().and_then(clean);
    Utm {
        source: clean(&utm.source),
        medium: clean(&utm.medium),
        campaign: clean(&utm.campaign),
        term: clean(&utm.term),
        content: clean(&utm.content),
    }
}

/// The marks in the query of an address.
pub fn of_query(query: &str) -> Utm {
    /// Further parameters are not looked at.
    const PARAMETERS: usize = 50;
    let mut found = Utm::default();
    for pair in query.split('&').take(PARAMETERS) {
        let Some((name, value)) = pair.split_once('=') else { continue };
        let place = match name.to_ascii_lowercase().as_str() {
            "utm_source" => &mut found.source,
            "utm_medium" => &mut found.medium,
            "utm_campaign" => &mut found.campaign,
            "utm_term" => &mut found.term,
            "utm_content" => &mut found.content,
            _ => continue,
        };
        if place.is_none() {
            *place = clean(value);
        }
    }
    found
}

/// `own`, and where it says nothing `other`.
pub fn completed(own: Utm, other: Utm) -> Utm {
    Utm {
        source: own.source.or(other.source),
        medium: own.medium.or(other.medium),
        campaign: own.campaign.or(other.campaign),
        term: own.term.or(other.term),
        content: own.content.or(other.content),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings_of_one_campaign_are_one() {
        for text in [
            "Spring Sale",
            " spring  sale ",
            "spring+sale",
            "Spring%20Sale",
            "spring%2520sale",
            "spring\u{200b} sale",
        ] {
            assert_eq!(clean(text).as_deref(), Some("spring sale"), "{text}");
        }
        assert_eq!(clean("%D0%92%D0%B5%D1%81%D0%BD%D0%B0").as_deref(), Some("весна"));
        assert_eq!(clean("100%").as_deref(), Some("100%"));
        assert_eq!(clean("%ff%fe").as_deref(), Some("%ff%fe"));
        assert_eq!(clean(" \u{202e}%00 "), None);
        assert_eq!(clean(&"ж".repeat(500)).map(|text| text.chars().count()), Some(MOST));
        let found = of_query("a=b&UTM_Source=TikTok&utm_medium=&utm_source=other&utm_campaign=a%26b");
        assert_eq!(
            (found.source.as_deref(), found.medium, found.campaign.as_deref()),
            (Some("tiktok"), None, Some("a&b"))
        );
    }

    proptest! {
        #[test]
        fn what_is_clean_stays_as_it_is(text in "\\PC{0,300}") {
            if let Some(text) = clean(&text) {
                prop_assert!(text.chars().count() <= MOST && !text.contains('\0'));
                // What still looks encoded would be decoded again.
                if !text.contains(['%', '+']) {
                    prop_assert_eq!(clean(&text), Some(text.clone()));
                }
            }
        }
    }
}
