//! A strict reader of the mails that are sent (RFC 5322, 2045–2047, 2231): refuses what a lenient server would repair.
//! It decodes transfer encodings and checks charsets, and changes no header.

use base64::{Engine, prelude::BASE64_STANDARD};

use super::part::Part;

const MAX_LINE: usize = 998;
const MAX_ENCODED_LINE: usize = 76;
const MAX_ENCODED_WORD: usize = 75;

/// The tree of parts, or what is wrong.
pub(super) fn parse(raw: &[u8]) -> Result<Part, String> {
    if raw.contains(&0) {
        return Err("a NUL".into());
    }
    for line in raw.split(|byte| *byte == b'\n').rev().skip(1) {
        let Some(line) = line.strip_suffix(b"\r") else { return Err("a line end without CR".into()) };
        if line.contains(&b'\r') {
            return Err("a CR within a line".into());
        }
        if line.len() > MAX_LINE {
            return Err(format!("a line of {} bytes", line.len()));
        }
    }
    if raw.ends_with(b"\r") {
        return Err("a CR without LF".into());
    }
    part(raw)
}

fn part(bytes: &[u8]) -> Result<Part, String> {
    let (head, body) = match bytes.strip_prefix(b"\r\n") {
        Some(body) => (&b""[..], body),
        None => split_at(bytes, b"\r\n\r\n").ok_or("no empty line behind the headers")?,
    };
    let headers = headers(head)?;
    let one = |name: &str| {
        let mut values = headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        let first = values.next().map_or("", |(_, value)| value.as_str());
        values.next().map_or(Ok(first), |_| Err(format!("more than one {name}")))
    };
    let (mime, parameters) = parameters(one("Content-Type")?)?;
    let encoding = one("Content-Transfer-Encoding")?.to_ascii_lowercase();
    let mime = if mime.is_empty() { "text/plain".to_owned() } else { mime };
    let parameter =
        |name: &str| parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let mut part =
        Part { mime, filename: filename(one("Content-Disposition")?, &parameters)?, ..Part::default() };
    if part.mime.starts_with("multipart/") {
        if !matches!(encoding.as_str(), "" | "7bit" | "8bit") {
            return Err("an encoded multipart".into());
        }
        part.parts = children(body, parameter("boundary").ok_or("a multipart without a boundary")?)?;
    } else {
        part.body = decode(body, &encoding)?;
        if part.mime.starts_with("text/") {
            check_charset(&part.body, parameter("charset").unwrap_or("us-ascii"))?;
        }
    }
    part.headers = headers;
    Ok(part)
}

fn split_at<'a>(bytes: &'a [u8], separator: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = bytes.windows(separator.len()).position(|window| window == separator)?;
    Some((&bytes[..at], &bytes[at + separator.len()..]))
}

/// The headers with folds undone.
fn headers(head: &[u8]) -> Result<Vec<(String, String)>, String> {
    if !head.is_ascii() {
        return Err("a header that is not ASCII".into());
    }
    let mut headers: Vec<(String, String)> = Vec::new();
    for line in String::from_utf8_lossy(head).split("\r\n").filter(|line| !line.is_empty()) {
        if line.starts_with([' ', '\t']) {
            let (_, value) = headers.last_mut().ok_or("a fold before the first header")?;
            value.push_str(line);
            continue;
        }
        let (name, value) = line.split_once(':').ok_or_else(|| format!("no header: {line}"))?;
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!("no name of a header: {name}"));
        }
        headers.push((name.to_owned(), value.to_owned()));
    }
    for (_, value) in &mut headers {
        *value = value.trim().to_owned();
        decode_words(value)?;
    }
    Ok(headers)
}

/// The text of a header with encoded words (RFC 2047). Charsets other than UTF-8, ASCII and Latin-1 are left out.
pub(super) fn decode_words(value: &str) -> Result<String, String> {
    let mut text = String::new();
    let mut was_encoded = false;
    for word in value.split_ascii_whitespace() {
        let bare = word.trim_matches(['"', '(', ')', ',']);
        let encoded = bare.strip_prefix("=?").map(|_| decode_word(bare)).transpose()?;
        // White space between two encoded words is no part of the text.
        if !(text.is_empty() || was_encoded && encoded.is_some()) {
            text.push(' ');
        }
        was_encoded = encoded.is_some();
        text.push_str(encoded.as_deref().unwrap_or(word));
    }
    Ok(text)
}

fn decode_word(word: &str) -> Result<String, String> {
    let wrong = || format!("no encoded word: {word}");
    if word.len() > MAX_ENCODED_WORD {
        return Err(format!("an encoded word of {} bytes", word.len()));
    }
    let inner = word.strip_prefix("=?").and_then(|word| word.strip_suffix("?=")).ok_or_else(wrong)?;
    let [charset, encoding, content] = inner.split('?').collect::<Vec<_>>()[..] else { return Err(wrong()) };
    let bytes = match encoding {
        "B" | "b" => BASE64_STANDARD.decode(content).map_err(|_| wrong())?,
        "Q" | "q" => quoted(content.replace('_', " ").as_bytes()).ok_or_else(wrong)?,
        _ => return Err(wrong()),
    };
    match charset.to_ascii_lowercase().as_str() {
        "utf-8" | "us-ascii" => String::from_utf8(bytes).map_err(|_| wrong()),
        "iso-8859-1" => Ok(bytes.into_iter().map(char::from).collect()),
        _ => Ok(String::new()),
    }
}

/// Bytes with `=XX`.
fn quoted(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        if *first == b'=' {
            let (digits, after) = after.split_at_checked(2)?;
            if !digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'A'..=b'F')) {
                return None;
            }
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = after;
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    Some(bytes)
}

/// The value before the first semicolon, in lower case, and the parameters, with names in lower case.
fn parameters(value: &str) -> Result<(String, Vec<(String, String)>), String> {
    let mut pieces = vec![String::new()];
    let mut is_quoted = false;
    let mut letters = value.chars();
    while let Some(letter) = letters.next() {
        let kept = match letter {
            '\\' if is_quoted => letters.next(),
            '"' => {
                is_quoted = !is_quoted;
                None
            }
            ';' if !is_quoted => {
                pieces.push(String::new());
                None
            }
            _ => Some(letter),
        };
        if let Some(piece) = pieces.last_mut() {
            piece.extend(kept);
        }
    }
    if is_quoted {
        return Err(format!("an open quote: {value}"));
    }
    let first = pieces.remove(0).trim().to_ascii_lowercase();
    let named = |piece: &String| {
        let (name, value) = piece.split_once('=').ok_or_else(|| format!("no parameter: {piece}"))?;
        Ok((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
    };
    let parameters =
        pieces.iter().filter(|piece| !piece.trim().is_empty()).map(named).collect::<Result<_, _>>();
    parameters.map(|parameters| (first, parameters))
}

fn filename(disposition: &str, type_parameters: &[(String, String)]) -> Result<String, String> {
    let (_, mut parameters) = parameters(disposition)?;
    let encoded = parameters.iter().find(|(name, _)| name == "filename*");
    if let Some((_, value)) = encoded {
        let text = value.strip_prefix("UTF-8''").or_else(|| value.strip_prefix("utf-8''"));
        let hex =
            text.ok_or_else(|| format!("no encoded name: {value}"))?.replace('%', "=").to_ascii_uppercase();
        // Upper case only for the check of the digits; the name is decoded from the value itself.
        quoted(hex.as_bytes()).ok_or_else(|| format!("no encoded name: {value}"))?;
        let name = url::form_urlencoded::parse(text.unwrap_or_default().replace('+', "%2B").as_bytes())
            .next()
            .map(|(name, _)| name.into_owned());
        return Ok(name.unwrap_or_default());
    }
    parameters.retain(|(name, _)| name == "filename");
    let name = parameters.first().or_else(|| type_parameters.iter().find(|(name, _)| name == "name"));
    name.map_or(Ok(String::new()), |(_, value)| decode_words(value))
}

fn children(body: &[u8], boundary: &str) -> Result<Vec<Part>, String> {
    if boundary.is_empty() || boundary.len() > 70 {
        return Err("a boundary of 0 or over 70 bytes".into());
    }
    let delimiter = format!("\r\n--{boundary}").into_bytes();
    // The first delimiter may stand at the very beginning.
    let body = [b"\r\n", body].concat();
    let (_, mut rest) = split_at(&body, &delimiter).ok_or("a multipart without its first boundary")?;
    let mut parts = Vec::new();
    while !rest.starts_with(b"--") {
        let content = rest.strip_prefix(b"\r\n").ok_or("text behind a boundary")?;
        let (content, after) =
            split_at(content, &delimiter).ok_or("a multipart without its last boundary")?;
        parts.push(part(content)?);
        rest = after;
    }
    if parts.is_empty() { Err("a multipart without parts".into()) } else { Ok(parts) }
}

fn decode(body: &[u8], encoding: &str) -> Result<Vec<u8>, String> {
    let too_long =
        |body: &[u8]| body.split(|byte| *byte == b'\n').any(|line| line.len() > MAX_ENCODED_LINE + 1);
    match encoding {
        "" | "7bit" if body.is_ascii() => Ok(body.to_vec()),
        "" | "7bit" => Err("bytes over 127 in 7bit".into()),
        "8bit" => Ok(body.to_vec()),
        "base64" | "quoted-printable" if too_long(body) => Err(format!("a line over 76 bytes in {encoding}")),
        "base64" => {
            let bytes: Vec<u8> = body.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
            BASE64_STANDARD.decode(bytes).map_err(|error| format!("base64: {error}"))
        }
        "quoted-printable" => {
            let text = body.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
            let mut joined = Vec::with_capacity(body.len());
            let mut is_soft = true;
            for line in text {
                if !is_soft {
                    joined.extend(b"\r\n");
                }
                if line.ends_with(b" ") || line.ends_with(b"\t") {
                    return Err("white space at the end of a quoted-printable line".into());
                }
                is_soft = line.ends_with(b"=");
                joined.extend(line.strip_suffix(b"=").unwrap_or(line));
            }
            if !joined.is_ascii() {
                return Err("bytes over 127 in quoted-printable".into());
            }
            quoted(&joined).ok_or_else(|| "quoted-printable: no two upper-case digits behind =".into())
        }
        _ => Err(format!("the transfer encoding {encoding}")),
    }
}

fn check_charset(body: &[u8], charset: &str) -> Result<(), String> {
    let fits = match charset.to_ascii_lowercase().as_str() {
        "utf-8" => std::str::from_utf8(body).is_ok(),
        "us-ascii" => body.is_ascii(),
        _ => true,
    };
    if fits { Ok(()) } else { Err(format!("text that is not {charset}")) }
}
