//! Reads forms with files (RFC 7578) as strictly as the providers do, and gives digests of what was brought.

use aws_lc_rs::digest;

pub(crate) struct Part<'a> {
    pub(crate) name: String,
    pub(crate) file: Option<String>,
    pub(crate) mime: Option<String>,
    pub(crate) bytes: &'a [u8],
}

/// How a file that was brought is named where others are by their address.
pub fn brought(bytes: &[u8]) -> String {
    format!("upload:{}", sha256(bytes))
}

/// In hex.
pub fn sha256(bytes: &[u8]) -> String {
    digest::digest(&digest::SHA256, bytes).as_ref().iter().fold(String::new(), |mut text, byte| {
        use std::fmt::Write as _;
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    // A search for the first byte first: files have millions.
    let first = *wanted.first()?;
    let mut from = 0;
    while let Some(at) = bytes.get(from..)?.iter().position(|byte| *byte == first) {
        if bytes[from + at..].starts_with(wanted) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

/// The parts of the form; nothing if the type or the form is not well formed.
pub(crate) fn parts<'a>(content_type: &str, body: &'a [u8]) -> Option<Vec<Part<'a>>> {
    let boundary = content_type.strip_prefix("multipart/form-data;")?.trim().strip_prefix("boundary=")?;
    let delimiter = format!("--{}", boundary.trim_matches('"'));
    let mut rest = body.strip_prefix(delimiter.as_bytes())?;
    let between = format!("\r\n{delimiter}");
    let mut parts = Vec::new();
    loop {
        if rest == b"--\r\n" || rest == b"--" {
            return Some(parts);
        }
        rest = rest.strip_prefix(b"\r\n")?;
        let head_end = find(rest, b"\r\n\r\n")?;
        let head = String::from_utf8(rest[..head_end].to_vec()).ok()?;
        rest = &rest[head_end + 4..];
        let end = find(rest, between.as_bytes())?;
        let attribute = |name: &str| {
            let after = head.split(&format!("; {name}=\"")).nth(1)?;
            after.split('"').next().map(str::to_owned)
        };
        let is_type = |line: &&str| line.to_ascii_lowercase().starts_with("content-type:");
        let mime = head.lines().find(is_type).and_then(|line| line.split_once(':'));
        parts.push(Part {
            name: attribute("name")?,
            file: attribute("filename"),
            mime: mime.map(|(_, mime)| mime.trim().to_owned()),
            bytes: &rest[..end],
        });
        rest = &rest[end + between.len()..];
    }
}

/// Whether the bytes are of the type that a kind of message takes; what has no kind of its own may be anything.
pub(crate) fn is_kind(kind: &str, bytes: &[u8]) -> bool {
    let begins = |magic: &[u8]| bytes.starts_with(magic);
    match kind {
        "photo" | "image" => begins(b"\xff\xd8\xff") || begins(b"\x89PNG") || begins(b"RIFF"),
        "voice" => begins(b"OggS") || begins(b"ID3") || bytes.get(4..8) == Some(b"ftyp"),
        _ => true,
    }
}
