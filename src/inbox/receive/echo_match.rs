//! Compares an echo with a sent part, by text and file. Providers change both on the way. Pure.

use adapters::ContentKind;
use adapters::event::Content;
use unicode_normalization::UnicodeNormalization as _;

use crate::inbox::outgoing::Part;

/// Whether the texts match; without text, whether both have a file of the same kind.
pub(super) fn is_same(part: &Part, echo: &Content) -> bool {
    let has_file = !echo.media.is_empty() || is_file(echo.kind);
    if part.media.is_some() != has_file {
        return false;
    }
    let (ours, theirs) = (words(part.text.as_deref()), words(echo.text.as_deref()));
    match &part.media {
        // Without a caption the echo's text may be the file name.
        Some(file) if ours.is_empty() => {
            let named = file.name.as_deref().is_some_and(|name| words(Some(name)) == theirs);
            (theirs.is_empty() || named) && may_be(&file.kind, echo.kind)
        }
        _ => ours == theirs,
    }
}

const fn is_file(kind: ContentKind) -> bool {
    matches!(
        kind,
        ContentKind::Image
            | ContentKind::Audio
            | ContentKind::Voice
            | ContentKind::Video
            | ContentKind::Document
            | ContentKind::Sticker
    )
}

/// Whether a file sent as `sent` can come back as `echo`. Engines report a voice note as audio, any file as a document.
fn may_be(sent: &str, echo: ContentKind) -> bool {
    match echo {
        ContentKind::Image | ContentKind::Sticker => sent == "image",
        ContentKind::Audio | ContentKind::Voice => matches!(sent, "audio" | "voice"),
        ContentKind::Video => sent == "video",
        _ => true,
    }
}

/// The text without what providers change: white space, formatting marks, zero-width characters, composed forms.
pub(super) fn words(text: Option<&str>) -> String {
    let whole = text.unwrap_or_default();
    let kept: String = whole.nfkc().filter(|c| !is_changed(*c)).collect();
    // A text of only such characters is compared unchanged.
    if kept.is_empty() { whole.trim().to_owned() } else { kept }
}

fn is_changed(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '*' | '_' | '~' | '`' | '\\' | '\u{ad}' | '\u{feff}')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{2069}' | '\u{fe00}'..='\u{fe0f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::OutAttachment;

    fn part(text: Option<&str>, file: Option<&str>) -> Part {
        let media = file.map(|kind| OutAttachment {
            kind: kind.to_owned(),
            url: Some("https://cdn.example.com/a".to_owned()),
            file: None,
            name: Some("a.pdf".to_owned()),
            mime: None,
        });
        Part { text: text.map(str::to_owned), media, ..Part::default() }
    }

    fn echo(kind: ContentKind, text: Option<&str>) -> Content {
        Content { kind, text: text.map(str::to_owned), ..Content::default() }
    }

    #[test]
    fn a_text_is_known_whatever_a_provider_does_to_its_form() {
        let sent = part(Some("**Your order**\r\nis ready  ☺\u{fe0f}"), None);
        for came in ["*Your order*\nis ready ☺", " Your order is ready ☺ ", "Your order\u{200e}\nis ready ☺"]
        {
            assert!(is_same(&sent, &echo(ContentKind::Text, Some(came))), "{came}");
        }
        for other in ["Your order is not ready ☺", "", "Your order"] {
            assert!(!is_same(&sent, &echo(ContentKind::Text, Some(other))), "{other}");
        }
        assert!(is_same(&part(Some("caf\u{e9}"), None), &echo(ContentKind::Text, Some("cafe\u{301}"))));
        assert!(!is_same(&part(Some("***"), None), &echo(ContentKind::Text, Some("~~"))));
    }

    #[test]
    fn a_file_is_known_by_its_caption_and_without_one_by_its_kind() {
        assert!(is_same(&part(Some("Menu"), Some("image")), &echo(ContentKind::Image, Some("Menu "))));
        assert!(!is_same(&part(Some("Menu"), Some("image")), &echo(ContentKind::Text, Some("Menu"))));
        assert!(!is_same(&part(Some("Menu"), None), &echo(ContentKind::Image, Some("Menu"))));
        assert!(is_same(&part(None, Some("voice")), &echo(ContentKind::Audio, None)));
        assert!(!is_same(&part(None, Some("voice")), &echo(ContentKind::Image, None)));
        assert!(is_same(&part(None, Some("document")), &echo(ContentKind::Document, Some("a.pdf"))));
    }
}
