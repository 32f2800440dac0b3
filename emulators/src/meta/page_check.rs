//! What Messenger and Instagram check in a recipient and a message: forms, lengths, attachments, quick replies.

use serde_json::Value;

use super::{
    refusal::Refusal,
    values::Service,
    whatsapp_check::{only, text, within},
};

pub(super) struct Part {
    pub(super) kind: String,
    pub(super) text: Option<String>,
    pub(super) media: Option<String>,
}

const MEMBERS: [&str; 6] = ["text", "attachment", "attachments", "quick_replies", "metadata", "reply_to"];
const MAX_CHARACTERS: usize = 2000;
const MAX_INSTAGRAM_BYTES: usize = 1000;
const MAX_QUICK_REPLIES: usize = 13;
const MAX_IMAGES: usize = 10;

/// The person's id; for other forms the form's name, a colon and the value.
pub(super) fn recipient(recipient: &Value) -> Result<String, Refusal> {
    let Some(members) = recipient.as_object() else {
        return Err(Refusal::new(100, "The parameter recipient is required"));
    };
    only(members, &["id", "user_ref", "comment_id", "post_id"], "recipient")?;
    match members.iter().next() {
        Some((name, Value::String(id))) if members.len() == 1 && !id.is_empty() => {
            Ok(if name == "id" { id.clone() } else { format!("{name}:{id}") })
        }
        _ => Err(Refusal::new(100, "param recipient must be non-empty, with exactly one id as a string")),
    }
}

pub(super) fn message(service: Service, message: &Value) -> Result<Part, Refusal> {
    if let Some(members) = message.as_object() {
        only(members, &MEMBERS, "message")?;
    }
    let words = words(service, &message["text"])?;
    within(&message["metadata"], 1000, "message['metadata']")?;
    quick_replies(&message["quick_replies"])?;
    let attachments: Vec<&Value> = match (&message["attachment"], &message["attachments"]) {
        (Value::Null, Value::Null) => Vec::new(),
        (one @ Value::Object(_), Value::Null) => vec![one],
        (Value::Null, Value::Array(several)) if service == Service::Instagram => several.iter().collect(),
        _ => return Err(Refusal::parameter("message takes attachment, or attachments on Instagram")),
    };
    if attachments.len() > MAX_IMAGES {
        return Err(Refusal::parameter("attachments takes at most 10 images"));
    }
    match (words, attachments.first()) {
        (Some(_), Some(_)) => {
            Err(Refusal::new(100, "message cannot contain both text and attachment").sub(2_018_034))
        }
        (None, None) => Err(Refusal::new(100, "Invalid parameter: message must not be empty").sub(2_018_005)),
        (Some(words), None) => {
            let kind = if message["quick_replies"].is_array() { "quick_replies" } else { "text" };
            Ok(Part { kind: kind.to_owned(), text: Some(words), media: None })
        }
        (None, Some(first)) => {
            let mut part = attachment(service, first)?;
            for other in &attachments[1..] {
                if attachment(service, other)?.kind != "image" || part.kind != "image" {
                    return Err(Refusal::parameter("attachments takes images only"));
                }
            }
            if part.kind == "template" {
                part.text = text(&first["payload"]["text"]);
            }
            Ok(part)
        }
    }
}

fn words(service: Service, given: &Value) -> Result<Option<String>, Refusal> {
    let words = match given {
        Value::Null => return Ok(None),
        Value::String(words) if !words.is_empty() => words,
        _ => return Err(Refusal::new(100, "Param message[text] must be a non-empty UTF-8 string")),
    };
    let (length, max) = match service {
        Service::Instagram => (words.len(), MAX_INSTAGRAM_BYTES),
        _ => (words.chars().count(), MAX_CHARACTERS),
    };
    if length > max {
        let unit = if service == Service::Instagram { "bytes" } else { "characters" };
        let words = format!("Length of param message[text] must be less than or equal to {max} {unit}");
        return Err(Refusal::new(100, &words).sub(2_018_109));
    }
    Ok(Some(words.clone()))
}

fn quick_replies(given: &Value) -> Result<(), Refusal> {
    let replies = match given {
        Value::Null => return Ok(()),
        Value::Array(replies) if (1..=MAX_QUICK_REPLIES).contains(&replies.len()) => replies,
        _ => return Err(Refusal::parameter("quick_replies takes 1 to 13 items")),
    };
    for reply in replies {
        let Some(members) = reply.as_object() else {
            return Err(Refusal::parameter("A quick reply is an object"));
        };
        only(members, &["content_type", "title", "payload", "image_url"], "quick_reply")?;
        within(&reply["title"], 20, "quick_reply['title']")?;
        within(&reply["payload"], 1000, "quick_reply['payload']")?;
        let is_text = reply["content_type"] == "text";
        if is_text && (text(&reply["title"]).is_none() || text(&reply["payload"]).is_none()) {
            return Err(Refusal::parameter("A quick reply of text needs title and payload"));
        }
        if !is_text && !matches!(reply["content_type"].as_str(), Some("user_phone_number" | "user_email")) {
            return Err(Refusal::parameter("content_type of a quick reply is unknown"));
        }
    }
    Ok(())
}

fn attachment(service: Service, attachment: &Value) -> Result<Part, Refusal> {
    if let Some(members) = attachment.as_object() {
        only(members, &["type", "payload"], "attachment")?;
    }
    let kind = text(&attachment["type"]).unwrap_or_default();
    let payload = &attachment["payload"];
    match (kind.as_str(), service) {
        ("like_heart", Service::Instagram) => return Ok(Part { kind, text: None, media: None }),
        ("MEDIA_SHARE", Service::Instagram) => {
            return match text(&payload["id"]) {
                Some(media) => Ok(Part { kind, text: None, media: Some(media) }),
                None => Err(Refusal::parameter("MEDIA_SHARE needs the post's id")),
            };
        }
        ("template", _) => {
            template(payload)?;
            return Ok(Part { kind, text: None, media: None });
        }
        ("image" | "audio" | "video" | "file", _) => {}
        _ => {
            return Err(Refusal::parameter(
                "Param attachment[type] must be one of {image, audio, video, file, template}",
            ));
        }
    }
    let Some(members) = payload.as_object() else {
        return Err(Refusal::parameter("attachment needs a payload"));
    };
    only(members, &["url", "is_reusable", "attachment_id"], "payload")?;
    let media = match (text(&payload["url"]), text(&payload["attachment_id"])) {
        (Some(url), None) if url.starts_with("https://") || url.starts_with("http://") => url,
        (None, Some(id)) => id,
        _ => return Err(Refusal::parameter("payload takes a url or an attachment_id")),
    };
    Ok(Part { kind, text: None, media: Some(media) })
}

fn template(payload: &Value) -> Result<(), Refusal> {
    let buttons = |owner: &Value| -> Result<(), Refusal> {
        let buttons = owner["buttons"].as_array().map_or(&[][..], Vec::as_slice);
        if buttons.len() > 3 {
            return Err(Refusal::parameter("A template takes at most 3 buttons"));
        }
        for button in buttons {
            within(&button["title"], 20, "button['title']")?;
            within(&button["payload"], 1000, "button['payload']")?;
            let is_whole = match button["type"].as_str() {
                Some("postback") => text(&button["payload"]).is_some(),
                Some("web_url") => text(&button["url"]).is_some(),
                Some("phone_number") => true,
                _ => false,
            };
            if !is_whole || text(&button["title"]).is_none() {
                return Err(Refusal::parameter("A button needs type, title and payload or url"));
            }
        }
        Ok(())
    };
    match payload["template_type"].as_str() {
        Some("button") => {
            within(&payload["text"], 640, "payload['text']")?;
            if text(&payload["text"]).is_none() || payload["buttons"].as_array().is_none_or(Vec::is_empty) {
                return Err(Refusal::parameter("A button template needs text and buttons"));
            }
            buttons(payload)
        }
        Some("generic") => {
            let elements = payload["elements"].as_array().map_or(&[][..], Vec::as_slice);
            if !(1..=10).contains(&elements.len()) {
                return Err(Refusal::parameter("A generic template takes 1 to 10 elements"));
            }
            elements.iter().try_for_each(|element| {
                within(&element["title"], 80, "element['title']")?;
                buttons(element)
            })
        }
        _ => Err(Refusal::parameter("template_type is unknown")),
    }
}
