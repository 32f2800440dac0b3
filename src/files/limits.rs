//! What a channel's provider takes of files, as a refusal that names the field and what to do. Pure.

use adapters::{MediaKind, NotTaken, Provider};

use crate::error::Error;

/// The word of voice notes.
pub const VOICE: &str = "voice";

/// The kind of a file by what is asked, else by its type.
pub fn asked(kind: Option<&str>, mime: &str) -> Result<MediaKind, Error> {
    Ok(match kind {
        Some("image") => MediaKind::Image,
        Some("audio") => MediaKind::Audio,
        Some(VOICE) => MediaKind::Voice,
        Some("video") => MediaKind::Video,
        Some("document") => MediaKind::Document,
        Some(_) => return Err(Error::invalid("kind", "one of image, audio, voice, video, document")),
        None if mime.starts_with("image/") => MediaKind::Image,
        None if mime.starts_with("audio/") => MediaKind::Audio,
        None if mime.starts_with("video/") => MediaKind::Video,
        None => MediaKind::Document,
    })
}

pub const fn word(kind: MediaKind) -> &'static str {
    match kind {
        MediaKind::Image => "image",
        MediaKind::Audio => "audio",
        MediaKind::Voice => VOICE,
        MediaKind::Video => "video",
        MediaKind::Document | MediaKind::Sticker => "document",
    }
}

/// What can be refused before the bytes come, by the type that their sender names. The bytes decide later: types with several
/// names, and those that say nothing, are not refused by their name.
pub fn foresee(
    provider: &dyn Provider,
    asked: MediaKind,
    (mime, size): (&str, u64),
    has_address: bool,
) -> Result<(), Error> {
    let says_little = mime.is_empty() || mime == "application/octet-stream" || mime.starts_with("audio/");
    if says_little && matches!(provider.files().kind(asked, mime, size), Err(NotTaken::Type { .. })) {
        return Ok(());
    }
    judge(provider, "file", asked, (mime, size), has_address).map(drop)
}

/// As what a file goes through a channel. `has_address`: providers can fetch from this server.
pub fn judge(
    provider: &dyn Provider,
    field: &'static str,
    asked: MediaKind,
    (mime, size): (&str, u64),
    has_address: bool,
) -> Result<MediaKind, Error> {
    let (name, limits) = (provider.name(), provider.files());
    if limits.by_address_only && !has_address {
        let problem = format!(
            "{name} fetches files from this server, which has no public address: ask whoever runs it to set \
             public_url, or give the file's own public address (`url`)"
        );
        return Err(Error::invalid(field, problem));
    }
    limits.kind(asked, mime, size).map_err(|refused| {
        let problem = match refused {
            NotTaken::Type { types } => {
                format!("{name} does not take {mime}: convert it to {}", types.join(" or "))
            }
            NotTaken::Size { kind, max_bytes, as_document } => {
                let way = match as_document {
                    Some(most) if size <= most => "send it as a document",
                    _ => "make it smaller, or send a link to it",
                };
                let most = max_bytes >> 20;
                format!("{name} takes a file of this kind ({}) up to {most} MiB: {way}", word(kind))
            }
        };
        Error::invalid(field, problem)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_channel_cannot_take_is_told_before_the_bytes_come() {
        let refused = |name, asked, about| {
            let provider = adapters::provider(name).expect("a provider");
            foresee(provider, asked, about, true).err().map(|error| error.to_string())
        };
        let photo = refused("telegram", MediaKind::Image, ("image/png", 11 << 20)).expect("too large");
        assert!(photo.contains("(image) up to 10 MiB: send it as a document"), "{photo}");
        assert_eq!(refused("telegram", MediaKind::Document, ("image/png", 11 << 20)), None);
        let heic = refused("instagram", MediaKind::Image, ("image/heic", 10)).expect("another type");
        assert!(heic.contains("convert it to image/jpeg"), "{heic}");
        for unsure in ["", "application/octet-stream", "audio/x-m4a"] {
            assert_eq!(refused("instagram", MediaKind::Audio, (unsure, 10)), None, "{unsure}");
        }
    }
}
