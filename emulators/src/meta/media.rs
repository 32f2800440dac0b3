//! Files: ids of WhatsApp with addresses that live for minutes and need the token, uploads, and the open addresses of
//! Messenger and Instagram.

use std::collections::BTreeMap;

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{
    config::Shared,
    ids,
    refusal::{Outcome, Refusal},
    request::Request,
    sign,
    state::{State, Stored},
    tokens,
    values::File,
};

impl State {
    pub(super) fn store(&mut self, file: File) -> String {
        let id = ids::number("137", 16);
        self.media.insert(id.clone(), Stored { file, addresses: BTreeMap::new() });
        id
    }
}

/// `GET /{media id}`: each call gives a new address.
pub(super) fn node(shared: &Shared, request: &Request, id: &str) -> Outcome {
    if request.bearer().is_none() {
        let words = "Authentication Error: the token has to be in the Authorization header";
        return Err(Refusal::token(None, words));
    }
    tokens::of(shared, request)?;
    let until_ms = shared.now_ms() + shared.config.media_lifetime_ms;
    let base = shared.base();
    shared.state.change(|state| {
        let stored = state.media.get_mut(id).ok_or_else(|| Refusal::unknown(id))?;
        let hash = ids::letters(12);
        stored.addresses.insert(hash.clone(), until_ms);
        let url =
            format!("{base}/whatsapp_business/attachments/?mid={id}&ext={}&hash={hash}", until_ms / 1000);
        Ok(json!({ "messaging_product": "whatsapp", "url": url, "mime_type": stored.file.mime,
            "sha256": sign::sha256_hex(&stored.file.bytes), "file_size": stored.file.bytes.len(), "id": id }))
    })
}

/// The address of a media node: without a token 401, after its time 404.
pub(super) fn whatsapp_file(shared: &Shared, request: &Request) -> Response {
    let is_known = request.bearer().is_some_and(|token| tokens::valid(shared, &token).is_ok());
    if !is_known {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    served(shared, request, "mid", "hash")
}

/// The open address of a file in a message of Messenger or Instagram.
pub(super) fn public_file(shared: &Shared, request: &Request) -> Response {
    served(shared, request, "asset_id", "signature")
}

fn served(shared: &Shared, request: &Request, id: &str, hash: &str) -> Response {
    let now_ms = shared.now_ms();
    let found = shared.state.read(|state| {
        let stored = state.media.get(request.query.get(id)?)?;
        let until_ms = stored.addresses.get(request.query.get(hash)?)?;
        (*until_ms > now_ms).then(|| stored.file.clone())
    });
    match found {
        Some(file) => ([("content-type", file.mime)], file.bytes).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// An open address of a stored file.
pub(super) fn public_address(shared: &Shared, id: &str, lifetime_ms: i64) -> String {
    let until_ms = shared.now_ms().saturating_add(lifetime_ms);
    let signature = ids::letters(12);
    shared.state.change(|state| {
        if let Some(stored) = state.media.get_mut(id) {
            stored.addresses.insert(signature.clone(), until_ms);
        }
    });
    format!("{}/ig_messaging_cdn/?asset_id={id}&signature={signature}", shared.base())
}

/// `POST /{phone number id}/media` with a form of several parts.
pub(super) fn upload(shared: &Shared, request: &Request, number: &str) -> Outcome {
    if request.bearer().is_none() {
        return Err(Refusal::token(None, "Authentication Error"));
    }
    let token = tokens::of(shared, request)?;
    if !shared.state.read(|state| state.number(number).is_some() && state.reaches(&token, number)) {
        return Err(Refusal::unknown(number));
    }
    let content_type = request.header("content-type").unwrap_or_default();
    let boundary =
        content_type.split("boundary=").nth(1).map(|boundary| boundary.trim_matches('"').to_owned());
    let Some(boundary) = boundary.filter(|_| content_type.starts_with("multipart/form-data")) else {
        return Err(Refusal::parameter("Content-Type must be multipart/form-data"));
    };
    let parts = parts(&request.body, &boundary);
    let named = |name: &str| parts.iter().find(|part| part.name == name);
    if named("messaging_product").is_none_or(|part| part.bytes != b"whatsapp") {
        return Err(Refusal::new(100, "The parameter messaging_product is required."));
    }
    let Some(file) = named("file") else { return Err(Refusal::new(100, "The parameter file is required.")) };
    let given = named("type").map(|part| String::from_utf8_lossy(part.bytes).into_owned());
    let mime = given.or_else(|| file.mime.clone()).unwrap_or_default();
    let kind = match mime.split('/').next() {
        Some("image") if mime == "image/webp" => "sticker",
        Some(kind @ ("image" | "audio" | "video")) => kind,
        Some("application" | "text") => "document",
        _ => return Err(Refusal::new(100, "Param file must be a file with one of the supported types")),
    };
    let limit = match kind {
        "image" => 5 << 20,
        "audio" | "video" => 16 << 20,
        "sticker" => 500 << 10,
        _ => 100 << 20,
    };
    if file.bytes.len() > limit {
        return Err(Refusal::new(131_053, "Media upload error").details("The file is too large"));
    }
    let file = File { kind: kind.to_owned(), mime, name: file.file.clone(), bytes: file.bytes.to_vec() };
    let id = shared.state.change(|state| state.store(file));
    Ok(json!({ "id": id }))
}

struct Part<'a> {
    name: String,
    file: Option<String>,
    mime: Option<String>,
    bytes: &'a [u8],
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// The parts of a multipart body that are well formed.
fn parts<'a>(body: &'a [u8], boundary: &str) -> Vec<Part<'a>> {
    let delimiter = format!("--{boundary}");
    let mut rest = body;
    let mut parts = Vec::new();
    while let Some(at) = find(rest, delimiter.as_bytes()) {
        rest = &rest[at + delimiter.len()..];
        let end = find(rest, delimiter.as_bytes()).unwrap_or(rest.len());
        let Some(head_end) = find(&rest[..end], b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&rest[..head_end]).into_owned();
        let content = &rest[head_end + 4..end];
        let bytes = content.strip_suffix(b"\r\n").unwrap_or(content);
        let attribute = |name: &str| {
            let after = head.split(&format!("; {name}=\"")).nth(1)?;
            after.split('"').next().map(str::to_owned)
        };
        let is_type = |line: &&str| line.to_ascii_lowercase().starts_with("content-type:");
        let mime = head.lines().find(is_type).and_then(|line| line.split_once(':'));
        parts.push(Part {
            name: attribute("name").unwrap_or_default(),
            file: attribute("filename"),
            mime: mime.map(|(_, mime)| mime.trim().to_owned()),
            bytes,
        });
    }
    parts
}

/// `DELETE /{media id}`.
pub(super) fn delete(shared: &Shared, request: &Request, id: &str) -> Outcome {
    tokens::of(shared, request)?;
    match shared.state.change(|state| state.media.remove(id)) {
        Some(_) => Ok(json!({ "success": true })),
        None => Err(Refusal::unknown(id)),
    }
}

/// Whether a file that is sent by its address is there.
pub(super) async fn can_be_fetched(shared: &Shared, address: &str) -> bool {
    match shared.http.get(address).send().await {
        Ok(response) if response.status().is_success() => response.bytes().await.is_ok(),
        _ => false,
    }
}

/// The object of a file in a webhook of WhatsApp.
pub(super) fn in_webhook(id: &str, file: &File, caption: Option<&str>) -> Value {
    let mut media = json!({ "mime_type": file.mime, "sha256": sign::sha256_base64(&file.bytes), "id": id });
    match file.kind.as_str() {
        "audio" => media["voice"] = file.mime.starts_with("audio/ogg").into(),
        "sticker" => media["animated"] = false.into(),
        _ => {}
    }
    if let Some(name) = &file.name {
        media["filename"] = name.as_str().into();
    }
    if let Some(caption) = caption {
        media["caption"] = caption.into();
    }
    media
}
