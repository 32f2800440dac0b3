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
use crate::form;

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
    let Some(parts) = form::parts(content_type, &request.body) else {
        return Err(Refusal::parameter("Content-Type must be multipart/form-data"));
    };
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

/// `POST /{page id}/message_attachments`: brings a file to a page, for a message that names it.
pub(super) fn attachment(shared: &Shared, request: &Request, page: &str) -> Outcome {
    let token = tokens::of(shared, request)?;
    if !shared.state.read(|state| state.reaches(&token, page)) {
        return Err(Refusal::unknown(page));
    }
    let content_type = request.header("content-type").unwrap_or_default();
    let Some(parts) = form::parts(content_type, &request.body) else {
        return Err(Refusal::parameter("Content-Type must be multipart/form-data"));
    };
    let named = |name: &str| parts.iter().find(|part| part.name == name);
    let message = named("message").and_then(|part| serde_json::from_slice::<Value>(part.bytes).ok());
    let kind = message.as_ref().and_then(|message| message["attachment"]["type"].as_str());
    let Some(kind @ ("image" | "audio" | "video" | "file")) = kind else {
        return Err(Refusal::parameter("message.attachment.type must be one of {image, audio, video, file}"));
    };
    let Some(file) = named("filedata") else {
        return Err(Refusal::new(100, "The parameter filedata is required."));
    };
    let mime = file.mime.clone().unwrap_or_default();
    let fits = kind == "file" || mime.starts_with(&format!("{kind}/"));
    if !fits || !form::is_kind(kind, file.bytes) {
        return Err(Refusal::new(100, "Upload attachment failure.").sub(2_018_047));
    }
    if file.bytes.is_empty() || file.bytes.len() > 25 << 20 {
        return Err(Refusal::new(100, "The size of the file exceeds the limit.").sub(2_018_278));
    }
    let stored = File { kind: kind.to_owned(), mime, name: file.file.clone(), bytes: file.bytes.to_vec() };
    let id = shared.state.change(|state| state.store(stored));
    Ok(json!({ "attachment_id": id }))
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
        Ok(response) if response.status().is_success() => match response.bytes().await {
            Ok(bytes) => {
                let digest = form::sha256(&bytes);
                shared.state.change(|state| state.fetched.insert(address.to_owned(), digest));
                true
            }
            Err(_) => false,
        },
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
