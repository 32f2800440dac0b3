//! What goes to WhatsApp for a message: pure, and refused here where WhatsApp would refuse it in a way that helps nobody.

use serde_json::{Map, Value, json};

use super::wire::{is_user_id, phone};
use crate::{
    Address, Button, MediaKind, OutMedia, Outgoing,
    call::{Failure, Verdict},
};

pub(super) const MAX_TEXT: usize = 4096;
pub(super) const MAX_CAPTION: usize = 1024;

/// Reply buttons under a text, and rows of the list that takes their place when they are more or longer.
const MAX_BUTTONS: usize = 3;
const MAX_BUTTON_TITLE: usize = 20;
const MAX_BUTTON_ID: usize = 256;
const MAX_BUTTON_TEXT: usize = 1024;
const MAX_ROWS: usize = 10;
const MAX_ROW_TITLE: usize = 24;
const MAX_ROW_ID: usize = 200;
/// What opens the list. There is no language here to say it in.
const LIST_LABEL: &str = "☰";

/// The frame of everything that is sent to a person or a group. An id that hides the phone has a member of its own: in
/// `to` it is taken, and the message reaches nobody.
pub(super) fn frame(to: Address<'_>, kind: &str) -> Map<String, Value> {
    let mut frame = Map::new();
    let mut set = |name: &str, value: &str| frame.insert(name.to_owned(), value.into());
    set("messaging_product", "whatsapp");
    set("type", kind);
    match phone(to.chat) {
        Some(number) => {
            set("recipient_type", "individual");
            set("to", &format!("+{number}"));
        }
        None if is_user_id(to.chat) => {
            set("recipient_type", "individual");
            set("recipient", to.chat);
        }
        None => {
            set("recipient_type", "group");
            set("to", to.chat);
        }
    }
    frame
}

/// `uploaded`: the id of the file, if its bytes were brought to WhatsApp before.
pub(super) fn message(out: &Outgoing<'_>, uploaded: Option<&str>) -> Result<Value, Failure> {
    let text = out.text.filter(|text| !text.trim().is_empty());
    let (kind, content) = if let Some(template) = out.template {
        let mut content = json!({ "name": template.name, "language": { "code": template.language } });
        if !template.components.is_empty() {
            content["components"] = template.components.clone().into();
        }
        ("template", content)
    } else if !out.buttons.is_empty() {
        ("interactive", interactive(out, text, uploaded)?)
    } else if let Some(media) = &out.media {
        file(media, media.caption.filter(|caption| !caption.is_empty()).or(text), uploaded)
    } else {
        let text = text.ok_or_else(|| refused("empty", "there is nothing to send"))?;
        ("text", json!({ "body": text, "preview_url": false }))
    };
    let mut request = frame(out.to, kind);
    request.insert(kind.to_owned(), content);
    if let Some(message) = out.reply_to {
        request.insert("context".to_owned(), json!({ "message_id": message }));
    }
    if !out.our_reference.is_empty() {
        request.insert("biz_opaque_callback_data".to_owned(), out.our_reference.into());
    }
    Ok(request.into())
}

fn refused(code: &str, reason: &str) -> Failure {
    Failure::new(Verdict::Rejected, code, reason)
}

/// WhatsApp takes a file as what it is: what it has no kind for goes as a document, and so does a sound or a sticker with
/// words, which have no room for them.
fn file(media: &OutMedia<'_>, caption: Option<&str>, uploaded: Option<&str>) -> (&'static str, Value) {
    let mime =
        media.mime.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_one_of = |known: &[&str]| mime.is_empty() || known.contains(&mime.as_str());
    let kind = match media.kind {
        MediaKind::Image if is_one_of(&["image/jpeg", "image/png"]) => "image",
        MediaKind::Video if is_one_of(&["video/mp4", "video/3gpp"]) => "video",
        MediaKind::Audio | MediaKind::Voice
            if caption.is_none()
                && is_one_of(&["audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"]) =>
        {
            "audio"
        }
        MediaKind::Sticker if caption.is_none() && is_one_of(&["image/webp"]) => "sticker",
        _ => "document",
    };
    let mut content = match uploaded {
        Some(id) => json!({ "id": id }),
        None => json!({ "link": media.url }),
    };
    if let Some(caption) = caption {
        content["caption"] = caption.into();
    }
    if kind == "document"
        && let Some(name) = media.name
    {
        content["filename"] = name.into();
    }
    // Only such a file can be a voice note.
    if kind == "audio" && media.kind == MediaKind::Voice && is_one_of(&["audio/ogg"]) {
        content["voice"] = true.into();
    }
    (kind, content)
}

fn interactive(out: &Outgoing<'_>, text: Option<&str>, uploaded: Option<&str>) -> Result<Value, Failure> {
    let text = text.ok_or_else(|| refused("buttons", "buttons need a text above them"))?;
    let fits = |most: usize, title: usize, id: usize| {
        let is_short = |button: &Button| button.title.chars().count() <= title && button.id.len() <= id;
        out.buttons.len() <= most && out.buttons.iter().all(is_short)
    };
    if out.buttons.iter().any(|button| button.title.trim().is_empty() || button.id.is_empty()) {
        return Err(refused("buttons", "every button needs a title and an id"));
    }
    let mut content = if fits(MAX_BUTTONS, MAX_BUTTON_TITLE, MAX_BUTTON_ID)
        && text.chars().count() <= MAX_BUTTON_TEXT
    {
        let buttons = out.buttons.iter().map(|button| json!({"type": "reply", "reply": button}));
        json!({"type": "button", "action": {"buttons": buttons.collect::<Vec<_>>()}})
    } else if fits(MAX_ROWS, MAX_ROW_TITLE, MAX_ROW_ID) && out.media.is_none() {
        json!({"type": "list", "action": {"button": LIST_LABEL, "sections": [{"rows": out.buttons}]}})
    } else {
        return Err(refused(
            "buttons",
            "WhatsApp takes 3 buttons with titles of at most 20 characters, or a list of 10 with titles of at most 24",
        ));
    };
    content["body"] = json!({ "text": text });
    if let Some(media) = &out.media {
        let (kind, mut file) = file(media, None, uploaded);
        if !matches!(kind, "image" | "video" | "document") {
            return Err(refused("buttons", "buttons can stand under a picture, a video or a document only"));
        }
        file.as_object_mut().map(|file| file.remove("caption"));
        content["header"] = json!({ "type": kind, kind: file });
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Template;

    const TEXT: Outgoing<'_> = Outgoing::text(Address::chat("12025550143"), "hi");

    fn made(out: &Outgoing<'_>) -> Value {
        message(out, None).unwrap()
    }

    fn media(
        kind: MediaKind,
        mime: Option<&'static str>,
        caption: Option<&'static str>,
    ) -> OutMedia<'static> {
        OutMedia { kind, url: "https://hub.example.com/f/1", bytes: None, name: Some("a.pdf"), mime, caption }
    }

    #[test]
    fn a_text_goes_to_a_number_a_hidden_one_or_a_group() {
        let out = Outgoing { reply_to: Some("wamid.A"), our_reference: "01-ab", ..TEXT };
        let expected = json!({
            "messaging_product": "whatsapp", "recipient_type": "individual", "to": "+12025550143",
            "type": "text", "text": {"body": "hi", "preview_url": false},
            "context": {"message_id": "wamid.A"}, "biz_opaque_callback_data": "01-ab"
        });
        assert_eq!(made(&out), expected);
        for id in ["US.55500044455566677788", "ES.ENT.99"] {
            let hidden = made(&Outgoing { to: Address::chat(id), ..TEXT });
            assert_eq!((hidden["recipient"].as_str(), hidden.get("to")), (Some(id), None));
        }
        let group = made(&Outgoing { to: Address::chat("Y2FwaV9ncm91cDox"), ..TEXT });
        assert_eq!(
            (group["recipient_type"].as_str(), group["to"].as_str()),
            (Some("group"), Some("Y2FwaV9ncm91cDox"))
        );
    }

    #[test]
    fn a_file_goes_as_what_whatsapp_takes() {
        let cases = [
            (MediaKind::Image, Some("image/png"), Some("look"), "image"),
            (MediaKind::Image, Some("image/heic"), None, "document"),
            (MediaKind::Image, None, None, "image"),
            (MediaKind::Video, Some("video/mp4"), None, "video"),
            (MediaKind::Video, Some("video/webm"), None, "document"),
            (MediaKind::Audio, Some("audio/mpeg"), None, "audio"),
            (MediaKind::Audio, Some("audio/mpeg"), Some("listen"), "document"),
            (MediaKind::Voice, Some("audio/ogg; codecs=opus"), None, "audio"),
            (MediaKind::Sticker, Some("image/webp"), None, "sticker"),
            (MediaKind::Document, Some("application/pdf"), Some("read"), "document"),
        ];
        for (kind, mime, caption, expected) in cases {
            let out = Outgoing { text: None, media: Some(media(kind, mime, caption)), ..TEXT };
            let made = made(&out);
            assert_eq!(made["type"], expected, "{kind:?} {mime:?}");
            let content = &made[expected];
            assert_eq!(content["link"], "https://hub.example.com/f/1");
            assert_eq!(content.get("caption").and_then(Value::as_str), caption);
            assert_eq!(content.get("filename").is_some(), expected == "document");
            assert_eq!(content.get("voice").is_some(), kind == MediaKind::Voice);
        }
        let out = Outgoing { media: Some(media(MediaKind::Image, None, None)), ..TEXT };
        assert_eq!(made(&out)["image"]["caption"], "hi", "the text is the caption");
    }

    #[test]
    fn a_template_has_its_language_and_what_fills_it() {
        let mut template =
            Template { name: "order_ready".into(), language: "en_US".into(), components: Vec::new() };
        let content = json!({"name": "order_ready", "language": {"code": "en_US"}});
        assert_eq!(made(&Outgoing { template: Some(&template), ..TEXT })["template"], content);
        template.components.push(json!({"type": "body", "parameters": [{"type": "text", "text": "7"}]}));
        let filled = made(&Outgoing { template: Some(&template), ..TEXT });
        assert_eq!(filled["template"]["components"][0]["parameters"][0]["text"], "7");
    }

    #[test]
    fn buttons_are_three_or_a_list_or_refused() {
        let button = |title: &str| Button { id: title.to_lowercase(), title: title.to_owned() };
        let three = [button("One"), button("Two"), button("Three")];
        let made_three = made(&Outgoing { buttons: &three, ..TEXT });
        assert_eq!(
            made_three["interactive"]["action"]["buttons"][2]["reply"],
            json!({"id": "three", "title": "Three"})
        );
        assert_eq!(made_three["interactive"]["body"]["text"], "hi");
        let four = [button("1"), button("2"), button("3"), button("4")];
        let list = made(&Outgoing { buttons: &four, ..TEXT });
        assert_eq!(list["interactive"]["type"], "list");
        assert_eq!(list["interactive"]["action"]["sections"][0]["rows"].as_array().map(Vec::len), Some(4));
        let long = [button(&"é".repeat(20)), button(&"é".repeat(24))];
        assert_eq!(made(&Outgoing { buttons: &long, ..TEXT })["interactive"]["type"], "list");
        let refused = |out: &Outgoing<'_>| message(out, None).unwrap_err().code;
        assert_eq!(refused(&Outgoing { buttons: &[button(&"é".repeat(25))], ..TEXT }), "buttons");
        assert_eq!(refused(&Outgoing { buttons: &[button(" ")], ..TEXT }), "buttons");
        assert_eq!(refused(&Outgoing { buttons: &three, text: None, ..TEXT }), "buttons");
        let many: Vec<_> = (0..11).map(|n| button(&n.to_string())).collect();
        assert_eq!(refused(&Outgoing { buttons: &many, ..TEXT }), "buttons");
        assert_eq!(refused(&Outgoing { text: Some(" "), ..TEXT }), "empty");
        let picture = Some(media(MediaKind::Image, None, None));
        let headed = made(&Outgoing { buttons: &three, media: picture, ..TEXT });
        assert_eq!(headed["interactive"]["header"]["image"]["link"], "https://hub.example.com/f/1");
    }
}
