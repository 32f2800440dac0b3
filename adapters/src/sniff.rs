//! The type of a file from its first bytes, for the few types that a browser shows or plays. A sender's claim counts
//! only where the bytes do not tell, and never for a type that can run scripts.

/// How many of the first bytes are looked at.
pub const HEAD_BYTES: usize = 64;

const UNKNOWN: &str = "application/octet-stream";

fn sniff(head: &[u8]) -> Option<&'static str> {
    let at = |offset: usize, magic: &[u8]| head.get(offset..).is_some_and(|rest| rest.starts_with(magic));
    let known: [(&[u8], &str); 14] = [
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"GIF87a", "image/gif"),
        (b"GIF89a", "image/gif"),
        (b"%PDF-", "application/pdf"),
        (b"OggS", "audio/ogg"),
        (b"ID3", "audio/mpeg"),
        (b"fLaC", "audio/flac"),
        (b"#!AMR", "audio/amr"),
        (b"PK\x03\x04", "application/zip"),
        (b"\x1f\x8b", "application/gzip"),
        (b"Rar!\x1a\x07", "application/vnd.rar"),
        (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
        (b"\x1a\x45\xdf\xa3", "video/webm"),
    ];
    if let Some((_, mime)) = known.iter().find(|(magic, _)| at(0, magic)) {
        return Some(mime);
    }
    if at(0, b"RIFF") {
        return match head.get(8..12) {
            Some(b"WEBP") => Some("image/webp"),
            Some(b"WAVE") => Some("audio/wav"),
            Some(b"AVI ") => Some("video/x-msvideo"),
            _ => None,
        };
    }
    if at(4, b"ftyp") {
        return Some(match head.get(8..12) {
            Some(b"M4A " | b"M4B ") => "audio/mp4",
            Some(b"heic" | b"heix" | b"mif1" | b"msf1") => "image/heic",
            Some(b"avif") => "image/avif",
            Some(b"qt  ") => "video/quicktime",
            Some([b'3', b'g', _, _]) => "video/3gpp",
            _ => "video/mp4",
        });
    }
    match head {
        // MPEG audio frames and ADTS, without a tag before them.
        [0xff, second, ..] if second & 0xe6 == 0xe2 => Some("audio/mpeg"),
        [0xff, second, ..] if second & 0xf6 == 0xf0 => Some("audio/aac"),
        _ => None,
    }
}

/// A page for people, such as one that says that there is nothing to be seen any more.
pub(crate) fn is_page(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let begins = |with: &[u8]| head.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
    begins(b"<!doctype html") || begins(b"<html")
}

/// The type to be stored, from the bytes and the claim.
pub fn settle(head: &[u8], claimed: Option<&str>) -> String {
    let claimed = claimed.and_then(|claim| claim.split(';').next()).unwrap_or("").trim().to_ascii_lowercase();
    match sniff(head) {
        // Office documents are archives; the claim tells which.
        Some("application/zip") if is_archive_document(&claimed) => claimed,
        // One container, sound or picture: the claim tells which.
        Some("audio/ogg") if claimed == "video/ogg" => claimed,
        Some("video/webm") if matches!(claimed.as_str(), "audio/webm" | "video/x-matroska") => claimed,
        Some("video/mp4") if claimed == "audio/mp4" => claimed,
        Some("application/gzip") if claimed == "application/x-tgsticker" => claimed,
        Some(mime) => mime.to_owned(),
        None if is_inert(&claimed) => claimed,
        None => UNKNOWN.to_owned(),
    }
}

fn is_archive_document(claim: &str) -> bool {
    claim.starts_with("application/vnd.openxmlformats-")
        || claim.starts_with("application/vnd.oasis.opendocument.")
        || claim == "application/epub+zip"
}

/// Claims that are harmless even when they lie.
fn is_inert(claim: &str) -> bool {
    matches!(
        claim,
        "text/plain"
            | "text/csv"
            | "text/vcard"
            | "text/x-vcard"
            | "text/calendar"
            | "application/json"
            | "application/msword"
            | "application/rtf"
            | "application/vnd.ms-excel"
            | "application/vnd.ms-powerpoint"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_win_over_the_claim() {
        assert_eq!(settle(b"\xff\xd8\xff\xe0 rest", Some("image/png")), "image/jpeg");
        assert_eq!(settle(b"RIFF\0\0\0\0WEBPVP8 ", None), "image/webp");
        assert_eq!(settle(b"\0\0\0\x20ftypisom", Some("text/html")), "video/mp4");
        assert_eq!(settle(b"\xff\xfb\x90\x00", None), "audio/mpeg");
        assert_eq!(settle(b"OggS\0\x02", Some("audio/ogg; codecs=opus")), "audio/ogg");
    }

    #[test]
    fn claims_that_could_run_scripts_are_not_believed() {
        for claim in
            ["text/html", "image/svg+xml", "application/xhtml+xml", "text/javascript", "image/png", ""]
        {
            assert_eq!(settle(b"<script>alert(1)</script>", Some(claim)), UNKNOWN, "{claim}");
        }
        assert_eq!(settle(b"a;b\n1;2\n", Some("text/csv; charset=utf-8")), "text/csv");
    }

    #[test]
    fn office_documents_keep_their_name() {
        let docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
        assert_eq!(settle(b"PK\x03\x04....", Some(docx)), docx);
        assert_eq!(settle(b"PK\x03\x04....", Some("text/html")), "application/zip");
    }
}
