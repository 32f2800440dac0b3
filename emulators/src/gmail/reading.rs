//! What the Gmail API tells about one mail, and changes of its labels.

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_URL_SAFE};
use serde_json::{Value, json};

use super::{
    ids,
    listing::{check_label, of},
    oauth::{Form, get},
    push,
    refusal::Refusal,
    shared::Shared,
};

type Outcome = Result<Value, Refusal>;

/// `messages.get`. Every answer has new ids of attachments; the older ones end after the configured time.
pub(super) fn message(shared: &Shared, address: &str, id: &str, query: &Form) -> Outcome {
    let format = get(query, "format").to_ascii_lowercase();
    if !matches!(format.as_str(), "" | "full" | "metadata" | "minimal") {
        return Err(Refusal::invalid(format!("Invalid value at 'format': {format}")));
    }
    let until_ms = shared.now_ms() + shared.config.attachment_lifetime_ms;
    shared.state.change(|state| {
        let mailbox = of(state, address)?;
        let mail = mailbox.mails.get(id).filter(|mail| !mail.is_vanished).ok_or_else(Refusal::not_found)?;
        let mut answer = mail.short();
        answer["snippet"] = mail.snippet().into();
        answer["historyId"] = mail.history_id.to_string().into();
        answer["internalDate"] = mail.at_ms.to_string().into();
        answer["sizeEstimate"] = mail.size.into();
        let mut given = Vec::new();
        let payload = mail.root.payload(shared.config.inline_limit, &mut |part| {
            let name = ids::token("ANGjdJ8");
            given.push((name.clone(), (id.to_owned(), part.to_owned(), until_ms)));
            name
        });
        match format.as_str() {
            "minimal" => {}
            "metadata" => {
                answer["payload"] = json!({ "mimeType": payload["mimeType"], "headers": payload["headers"] });
            }
            _ => {
                answer["payload"] = payload;
                state.attachments.extend(given);
            }
        }
        Ok(answer)
    })
}

/// `messages.attachments.get`: 404 for an id that was valid once.
pub(super) fn attachment(shared: &Shared, address: &str, id: &str, attachment: &str) -> Outcome {
    let now_ms = shared.now_ms();
    shared.state.change(|state| {
        let (message, part, until_ms) = state
            .attachments
            .get(attachment)
            .filter(|(message, ..)| message == id)
            .cloned()
            .ok_or_else(|| Refusal::invalid("Invalid attachment token"))?;
        let mailbox = of(state, address)?;
        let mail = mailbox.mails.get(&message).filter(|mail| !mail.is_vanished && now_ms < until_ms);
        let parts = mail.ok_or_else(Refusal::not_found)?.root.walk();
        let (_, part) = parts.iter().find(|(id, _)| *id == part).ok_or_else(Refusal::not_found)?;
        Ok(json!({ "size": part.body.len(), "data": BASE64_URL_SAFE.encode(&part.body) }))
    })
}

/// `messages.modify`.
pub(super) fn modify(shared: &Arc<Shared>, address: &str, id: &str, body: &Value) -> Outcome {
    let labels = |name: &str| -> Result<Vec<String>, Refusal> {
        let list = body[name].as_array().map_or(&[][..], Vec::as_slice);
        let labels: Vec<_> = list.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        labels.iter().try_for_each(|label| check_label(label))?;
        if labels.iter().any(|label| label == "SENT" || label == "DRAFT") {
            return Err(Refusal::invalid("Cannot modify the labels SENT and DRAFT"));
        }
        Ok(labels)
    };
    let (add, remove) = (labels("addLabelIds")?, labels("removeLabelIds")?);
    if add.is_empty() && remove.is_empty() {
        return Err(Refusal::invalid("No label add or removes specified"));
    }
    let changed: Vec<String> = add.iter().chain(&remove).cloned().collect();
    let (answer, mut labels) = shared.state.change(|state| {
        let mailbox = of(state, address)?;
        let answer = mailbox.relabel(id, &add, &remove).ok_or_else(Refusal::not_found)?;
        let labels = mailbox.mails.get(id).map(|mail| mail.labels.clone()).unwrap_or_default();
        Ok::<_, Refusal>((answer, labels))
    })?;
    labels.extend(changed);
    push::changed(shared, address, &labels);
    Ok(answer)
}
