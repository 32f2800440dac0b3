//! What WhatsApp Cloud checks in the part of a message that its type names: members, lengths, templates, media.

use serde_json::{Map, Value};

use super::{config::Shared, refusal::Refusal};

/// What the part says.
#[derive(Default)]
pub(super) struct Part {
    pub(super) text: Option<String>,
    pub(super) media: Option<String>,
    /// The message that is reacted to.
    pub(super) target: Option<String>,
}

pub(super) fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// Refuses members that nobody knows, as Graph does.
pub(super) fn only(object: &Map<String, Value>, known: &[&str], of: &str) -> Result<(), Refusal> {
    match object.keys().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => Err(Refusal::parameter(&format!("Unexpected key \"{name}\" on param \"{of}\"."))),
    }
}

fn object<'a>(value: &'a Value, known: &[&str], of: &str) -> Result<&'a Map<String, Value>, Refusal> {
    let object = value.as_object().ok_or_else(|| Refusal::missing(&format!("Parameter {of} is missing")))?;
    only(object, known, of)?;
    Ok(object)
}

/// Refuses what is not a string, or is too long.
pub(super) fn within(value: &Value, max: usize, of: &str) -> Result<(), Refusal> {
    match value {
        Value::Null => Ok(()),
        Value::String(text) if text.chars().count() <= max => Ok(()),
        Value::String(_) => {
            Err(Refusal::parameter(&format!("Param {of} must be at most {max} characters long.")))
        }
        _ => Err(Refusal::parameter(&format!("Param {of} must be a string."))),
    }
}

fn needed(value: &Value, max: usize, of: &str) -> Result<String, Refusal> {
    within(value, max, of)?;
    text(value).ok_or_else(|| Refusal::missing(&format!("Parameter {of} is missing")))
}

pub(super) fn part(shared: &Shared, account: &str, kind: &str, body: &Value) -> Result<Part, Refusal> {
    let part = &body[kind];
    match kind {
        "text" => {
            object(part, &["body", "preview_url"], "text")?;
            Ok(Part { text: Some(needed(&part["body"], 4096, "text['body']")?), ..Part::default() })
        }
        "reaction" => {
            object(part, &["message_id", "emoji"], "reaction")?;
            let target = needed(&part["message_id"], 512, "reaction['message_id']")?;
            let is_known = |known: &super::state::Known| known.account == account;
            if !shared.state.read(|state| state.known(&target).is_some_and(is_known)) {
                return Err(Refusal::value("The message to react to does not exist or is too old"));
            }
            Ok(Part { text: text(&part["emoji"]), target: Some(target), ..Part::default() })
        }
        "location" => {
            object(part, &["latitude", "longitude", "name", "address"], "location")?;
            let is_number = |value: &Value| {
                value.is_number() || value.as_str().is_some_and(|text| text.parse::<f64>().is_ok())
            };
            if is_number(&part["latitude"]) && is_number(&part["longitude"]) {
                Ok(Part { text: text(&part["name"]), ..Part::default() })
            } else {
                Err(Refusal::missing("location needs latitude and longitude"))
            }
        }
        "contacts" => {
            let contacts = part.as_array().filter(|contacts| !contacts.is_empty());
            let is_named = |contact: &Value| contact["name"]["formatted_name"].is_string();
            if contacts.is_some_and(|contacts| contacts.iter().all(is_named)) {
                Ok(Part::default())
            } else {
                Err(Refusal::missing("each of contacts needs name.formatted_name"))
            }
        }
        "interactive" => interactive(part),
        "template" => template(shared, part),
        _ => media(shared, kind, part),
    }
}

fn media(shared: &Shared, kind: &str, part: &Value) -> Result<Part, Refusal> {
    let known: &[&str] = match kind {
        "document" => &["id", "link", "caption", "filename"],
        "image" | "video" => &["id", "link", "caption"],
        "audio" => &["id", "link", "voice"],
        _ => &["id", "link"],
    };
    object(part, known, kind)?;
    within(&part["caption"], 1024, &format!("{kind}['caption']"))?;
    within(&part["filename"], 240, "document['filename']")?;
    let media = match (text(&part["id"]), text(&part["link"])) {
        (Some(id), None) if shared.state.read(|state| state.media.contains_key(&id)) => id,
        (Some(_), None) => return Err(Refusal::value("Media ID does not exist")),
        (None, Some(link)) if link.starts_with("https://") || link.starts_with("http://") => link,
        (None, Some(_)) => {
            return Err(Refusal::parameter(&format!("Param {kind}['link'] is not a valid URI.")));
        }
        (Some(_), Some(_)) => return Err(Refusal::parameter("id and link exclude each other")),
        (None, None) => return Err(Refusal::missing(&format!("{kind} needs id or link"))),
    };
    Ok(Part { text: text(&part["caption"]), media: Some(media), ..Part::default() })
}

fn interactive(part: &Value) -> Result<Part, Refusal> {
    object(part, &["type", "header", "body", "footer", "action"], "interactive")?;
    let words = needed(&part["body"]["text"], 1024, "interactive['body']['text']")?;
    within(&part["footer"]["text"], 60, "interactive['footer']['text']")?;
    within(&part["header"]["text"], 60, "interactive['header']['text']")?;
    let action = &part["action"];
    match part["type"].as_str() {
        Some("button") => {
            object(action, &["buttons"], "interactive['action']")?;
            let buttons = action["buttons"].as_array().map_or(&[][..], Vec::as_slice);
            if !(1..=3).contains(&buttons.len()) {
                return Err(Refusal::value(
                    "Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: 3",
                ));
            }
            for button in buttons {
                object(button, &["type", "reply"], "button")?;
                object(&button["reply"], &["id", "title"], "reply")?;
                if button["type"] != "reply" {
                    return Err(Refusal::value("Button type must be reply"));
                }
            }
            let replies: Vec<&Value> = buttons.iter().map(|button| &button["reply"]).collect();
            choices(&replies, 256, 20, "button")?;
        }
        Some("list") => {
            object(action, &["button", "sections"], "interactive['action']")?;
            needed(&action["button"], 20, "interactive['action']['button']")?;
            let sections = action["sections"].as_array().map_or(&[][..], Vec::as_slice);
            if !(1..=10).contains(&sections.len()) {
                return Err(Refusal::value("A list has 1 to 10 sections"));
            }
            let mut rows = Vec::new();
            for section in sections {
                object(section, &["title", "rows"], "section")?;
                within(&section["title"], 24, "section['title']")?;
                if sections.len() > 1 && text(&section["title"]).is_none() {
                    return Err(Refusal::missing("Each of several sections needs a title"));
                }
                rows.extend(section["rows"].as_array().into_iter().flatten());
            }
            if !(1..=10).contains(&rows.len()) {
                return Err(Refusal::value("Total row count exceed max allowed count: 10, or there is none"));
            }
            for row in &rows {
                object(row, &["id", "title", "description"], "row")?;
                within(&row["description"], 72, "row['description']")?;
            }
            choices(&rows, 200, 24, "row")?;
        }
        Some("cta_url" | "location_request_message" | "flow" | "product" | "product_list") => {}
        _ => {
            return Err(Refusal::parameter(
                "Param interactive['type'] must be one of {button, list, cta_url}",
            ));
        }
    }
    Ok(Part { text: Some(words), ..Part::default() })
}

/// Ids and titles of buttons or rows: there, short enough and all different.
fn choices(all: &[&Value], max_id: usize, max_title: usize, of: &str) -> Result<(), Refusal> {
    let (mut ids, mut titles) = (Vec::new(), Vec::new());
    for one in all {
        let id = needed(&one["id"], max_id, &format!("{of}['id']"))?;
        let title = needed(&one["title"], max_title, &format!("{of}['title']"))?;
        if ids.contains(&id) || (of == "button" && titles.contains(&title)) {
            return Err(Refusal::value(&format!("Duplicated {of}")));
        }
        ids.push(id);
        titles.push(title);
    }
    Ok(())
}

fn template(shared: &Shared, part: &Value) -> Result<Part, Refusal> {
    object(part, &["name", "language", "components"], "template")?;
    let name = needed(&part["name"], 512, "template['name']")?;
    let language = needed(&part["language"]["code"], 20, "template['language']['code']")?;
    let known = shared.state.read(|state| {
        state.templates.iter().find(|known| known.name == name && known.language == language).cloned()
    });
    let Some(known) = known else {
        return Err(Refusal::new(132_001, "Template name does not exist in the translation")
            .status(404)
            .details(&format!("template name ({name}) does not exist in {language}")));
    };
    let mut words = known.body.clone();
    let mut given = 0;
    for component in part["components"].as_array().into_iter().flatten() {
        object(component, &["type", "parameters", "sub_type", "index"], "component")?;
        if component["type"].as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("body")) {
            for (at, parameter) in component["parameters"].as_array().into_iter().flatten().enumerate() {
                let filling = needed(&parameter["text"], 1024, "parameter['text']")?;
                words = words.replace(&format!("{{{{{}}}}}", at + 1), &filling);
                given += 1;
            }
        }
    }
    if given != known.parameters() {
        return Err(Refusal::new(
            132_000,
            "Number of parameters does not match the expected number of params",
        )
        .details(&format!(
            "body: number of localizable_params ({given}) does not match the expected number of params ({})",
            known.parameters()
        )));
    }
    Ok(Part { text: Some(words), ..Part::default() })
}
