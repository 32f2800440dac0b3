//! One event of a provider's, as that provider writes it. Shapes only; what happens is in `chats.rs`.

use serde_json::{Value, json};

pub const NUMBERS: [&str; 2] = ["106500000000001", "106500000000002"];
pub const WABAS: [&str; 2] = ["102200000000001", "102200000000002"];
pub const PAGES: [&str; 2] = ["1020000000000001", "1020000000000002"];
pub const ACCOUNTS: [&str; 2] = ["17841400000000001", "17841400000000002"];
pub const MAILBOX: &str = "support@shop.example.com";

/// What is said, whatever the provider.
#[derive(Clone, Debug)]
pub struct Said<'a> {
    /// Seconds.
    pub at: i64,
    pub id: &'a str,
    pub chat: &'a str,
    /// The writer's name at that time.
    pub name: &'a str,
    pub text: &'a str,
    pub kind: Kind,
    pub reply_to: Option<&'a str>,
    /// The business wrote it elsewhere.
    pub ours: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Photo,
    Place,
    /// A reply button was pressed.
    Press,
}

#[derive(Clone, Debug)]
pub enum Done<'a> {
    Edited(&'a str),
    Deleted,
    /// Nothing: taken back.
    Reacted(Option<&'a str>),
}

pub mod whatsapp {
    use super::{Done, Kind, NUMBERS, Said, Value, json};

    fn change(account: usize, field: &str, list: &str, item: &Value, contact: Option<(&str, &str)>) -> Value {
        let mut value = json!({ "messaging_product": "whatsapp",
            "metadata": { "display_phone_number": "12025550100", "phone_number_id": NUMBERS[account] }, list: [item] });
        if let Some((person, name)) = contact {
            value["contacts"] =
                json!([{ "profile": { "name": name }, "wa_id": person, "user_id": user(person) }]);
        }
        json!({ "value": value, "field": field })
    }

    fn user(person: &str) -> String {
        format!("US.{person}0000")
    }

    pub fn said(account: usize, said: &Said<'_>) -> Value {
        let mut message = json!({ "id": said.id, "timestamp": said.at.to_string() });
        if said.ours {
            message["from"] = "12025550100".into();
            message["to"] = said.chat.into();
        } else {
            message["from"] = said.chat.into();
            message["from_user_id"] = user(said.chat).into();
        }
        let (kind, content) = match said.kind {
            Kind::Text => ("text", json!({ "body": said.text })),
            Kind::Photo => (
                "image",
                json!({ "caption": said.text, "mime_type": "image/jpeg", "sha256": "bm90", "id": format!("9{}", said.at) }),
            ),
            Kind::Place => ("location", json!({ "latitude": 40.5, "longitude": -3.5, "name": said.text })),
            Kind::Press => (
                "interactive",
                json!({ "type": "button_reply", "button_reply": { "id": "yes", "title": said.text } }),
            ),
        };
        message["type"] = kind.into();
        message[kind] = content;
        if let Some(quoted) = said.reply_to {
            message["context"] = json!({ "from": "12025550100", "id": quoted });
        }
        if said.ours {
            change(account, "smb_message_echoes", "message_echoes", &message, None)
        } else {
            change(account, "messages", "messages", &message, Some((said.chat, said.name)))
        }
    }

    pub fn done(
        account: usize,
        (at, id): (i64, &str),
        (chat, name): (&str, &str),
        target: &str,
        what: &Done<'_>,
    ) -> Value {
        let mut message =
            json!({ "from": chat, "from_user_id": user(chat), "id": id, "timestamp": at.to_string() });
        let (kind, content) = match what {
            Done::Edited(text) => (
                "edit",
                json!({ "original_message_id": target,
                "message": { "type": "text", "text": { "body": text } } }),
            ),
            Done::Deleted => ("revoke", json!({ "original_message_id": target })),
            Done::Reacted(Some(emoji)) => ("reaction", json!({ "message_id": target, "emoji": emoji })),
            Done::Reacted(None) => ("reaction", json!({ "message_id": target })),
        };
        message["type"] = kind.into();
        message[kind] = content;
        change(account, "messages", "messages", &message, Some((chat, name)))
    }

    pub fn status(account: usize, at: i64, chat: &str, target: &str, status: &str) -> Value {
        let status =
            json!({ "id": target, "status": status, "timestamp": at.to_string(), "recipient_id": chat });
        change(account, "messages", "statuses", &status, None)
    }
}

/// Messenger and Instagram.
pub mod page {
    use super::{Done, Kind, Said, Value, json};

    fn item(sender: &str, recipient: &str, at: i64, name: &str, content: &Value) -> Value {
        json!({ "sender": { "id": sender }, "recipient": { "id": recipient }, "timestamp": at * 1_000 + 250, name: content })
    }

    pub fn said(account: &str, said: &Said<'_>) -> Value {
        if said.kind == Kind::Press {
            let press = json!({ "mid": said.id, "title": said.text, "payload": "YES" });
            return item(said.chat, account, said.at, "postback", &press);
        }
        let mut message = json!({ "mid": said.id, "text": said.text });
        if said.kind == Kind::Photo {
            let url = format!("https://scontent.example.com/{}.jpg", said.at);
            message["attachments"] = json!([{ "type": "image", "payload": { "url": url } }]);
        }
        if let Some(quoted) = said.reply_to {
            message["reply_to"] = json!({ "mid": quoted });
        }
        if said.ours {
            message["is_echo"] = true.into();
            return item(account, said.chat, said.at, "message", &message);
        }
        item(said.chat, account, said.at, "message", &message)
    }

    pub fn done(account: &str, at: i64, chat: &str, target: &str, what: &Done<'_>) -> Value {
        let (name, content) = match what {
            Done::Edited(text) => ("message_edit", json!({ "mid": target, "text": text, "num_edit": 1 })),
            Done::Deleted => ("message", json!({ "mid": target, "is_deleted": true })),
            Done::Reacted(Some(emoji)) => {
                ("reaction", json!({ "mid": target, "action": "react", "reaction": "other", "emoji": emoji }))
            }
            Done::Reacted(None) => ("reaction", json!({ "mid": target, "action": "unreact" })),
        };
        item(chat, account, at, name, &content)
    }

    pub fn delivered(account: &str, at: i64, chat: &str, target: &str) -> Value {
        item(chat, account, at, "delivery", &json!({ "mids": [target], "watermark": at * 1_000 }))
    }

    /// Messenger's is a watermark, Instagram's names a message.
    pub fn read(account: &str, at: i64, chat: &str, target: Option<&str>) -> Value {
        let read = target.map_or_else(|| json!({ "watermark": at * 1_000 }), |mid| json!({ "mid": mid }));
        item(chat, account, at, "read", &read)
    }
}

pub mod telegram {
    use super::{Done, Kind, Said, Value, json};

    fn person(id: &str, name: &str) -> Value {
        json!({ "id": id.parse::<i64>().expect("a number"), "is_bot": false, "first_name": name })
    }

    pub fn chat(id: &str, title: &str) -> Value {
        let number: i64 = id.parse().expect("a number");
        if number < 0 {
            json!({ "id": number, "title": title, "type": "supergroup" })
        } else {
            json!({ "id": number, "first_name": title, "type": "private" })
        }
    }

    fn number(id: &str) -> i64 {
        id.parse().expect("a number")
    }

    /// `by` is the chat's own person, or one of a group.
    pub fn message(said: &Said<'_>, by: &str, title: &str) -> Value {
        let mut message = json!({ "message_id": number(said.id), "from": person(by, said.name),
            "chat": chat(said.chat, title), "date": said.at });
        match said.kind {
            Kind::Photo => {
                let file = format!("AgAC{}", said.id);
                message["photo"] =
                    json!([{ "file_id": file, "file_unique_id": file, "width": 90, "height": 90 }]);
                message["caption"] = said.text.into();
            }
            Kind::Place => {
                message["location"] =
                    json!({ "latitude": 40.5, "longitude": f64::from(number(said.id) as i32) / 1e4 });
            }
            Kind::Text | Kind::Press => message["text"] = said.text.into(),
        }
        if let Some(quoted) = said.reply_to {
            message["reply_to_message"] = json!({ "message_id": number(quoted), "from": person(by, said.name),
                "chat": chat(said.chat, title), "date": said.at - 1, "text": "quoted" });
        }
        message
    }

    pub fn said(update: usize, said: &Said<'_>, by: &str, title: &str) -> Value {
        if said.kind == Kind::Press {
            let under = json!({ "message_id": 1, "from": { "id": 7_000_000_001_i64, "is_bot": true, "first_name": "Shop" },
                "chat": chat(said.chat, title), "date": said.at - 9, "text": "Confirm?",
                "reply_markup": { "inline_keyboard": [[{ "text": said.text, "callback_data": "ok:7" }]] } });
            return json!({ "update_id": update, "callback_query": { "id": format!("77{}", said.id),
                "from": person(by, said.name), "message": under, "chat_instance": "-99", "data": "ok:7" } });
        }
        json!({ "update_id": update, "message": message(said, by, title) })
    }

    pub fn done(
        update: usize,
        at: i64,
        said: &Said<'_>,
        by: &str,
        title: &str,
        what: &Done<'_>,
    ) -> Option<Value> {
        Some(match what {
            Done::Edited(text) => {
                let mut edited = message(&Said { text, ..said.clone() }, by, title);
                edited["edit_date"] = at.into();
                json!({ "update_id": update, "edited_message": edited })
            }
            Done::Reacted(emoji) => {
                let new: Vec<_> =
                    emoji.iter().map(|emoji| json!({ "type": "emoji", "emoji": emoji })).collect();
                json!({ "update_id": update, "message_reaction": { "chat": chat(said.chat, title),
                    "message_id": number(said.id), "user": person(by, said.name), "date": at,
                    "old_reaction": [], "new_reaction": new } })
            }
            Done::Deleted => return None,
        })
    }

    pub fn titled(update: usize, at: i64, id: &str, (group, title): (&str, &str), by: &str) -> Value {
        json!({ "update_id": update, "message": { "message_id": number(id), "from": person(by, "Noor"),
            "chat": chat(group, title), "date": at, "new_chat_title": title } })
    }
}

pub mod waha {
    use super::{Done, Kind, Said, Value, json};
    use crate::kit::SESSION;

    fn body(at: i64, event: &str, id: &str, payload: &Value) -> Value {
        json!({ "id": format!("evt_{event}{id}"), "timestamp": at * 1_000 + 317, "event": event, "session": SESSION,
            "me": { "id": "12025550100@c.us", "pushName": "Demo Shop" }, "payload": payload, "engine": "WEBJS" })
    }

    /// `false_<chat>_<id>`, with the writer behind it in a group.
    pub fn full(said: &Said<'_>, by: &str) -> String {
        let (ours, chat, id) = (said.ours, said.chat, said.id);
        if chat.ends_with("@g.us") {
            format!("{ours}_{chat}_{id}_{by}")
        } else {
            format!("{ours}_{chat}_{id}")
        }
    }

    pub fn said(said: &Said<'_>, by: &str) -> Value {
        let shop = "12025550100@c.us";
        let (from, to) = if said.ours { (shop, said.chat) } else { (said.chat, shop) };
        let participant = said.chat.ends_with("@g.us").then_some(by);
        let mut payload = json!({ "id": full(said, by), "timestamp": said.at, "from": from, "to": to, "fromMe": said.ours,
            "source": "app", "participant": participant, "body": said.text, "hasMedia": false, "media": null,
            "_data": { "notifyName": said.name, "Info": { "PushName": said.name } } });
        match said.kind {
            Kind::Photo => {
                payload["hasMedia"] = true.into();
                payload["media"] = json!({ "url": format!("http://waha:3000/api/files/{}.jpg", said.id),
                    "mimetype": "image/jpeg", "filename": null, "error": null });
            }
            Kind::Place => {
                payload["body"] = Value::Null;
                payload["location"] =
                    json!({ "description": said.text, "latitude": 40.5, "longitude": -3.5 });
            }
            Kind::Text | Kind::Press => {}
        }
        if let Some(quoted) = said.reply_to {
            payload["replyTo"] = json!({ "id": quoted, "participant": by, "body": "quoted" });
        }
        body(said.at, "message.any", said.id, &payload)
    }

    pub fn done(at: i64, id: &str, said: &Said<'_>, by: &str, what: &Done<'_>) -> Value {
        let group = said.chat.ends_with("@g.us");
        let own = full(&Said { id, ..said.clone() }, by);
        let mut payload = json!({ "id": own, "timestamp": at, "from": said.chat, "fromMe": false,
            "to": "12025550100@c.us", "participant": group.then_some(by), "_data": {} });
        let event = match what {
            Done::Edited(text) => {
                payload["body"] = (*text).into();
                payload["hasMedia"] = false.into();
                payload["editedMessageId"] = said.id.into();
                "message.edited"
            }
            Done::Deleted => {
                payload["body"] = "".into();
                payload = json!({ "after": payload, "revokedMessageId": said.id, "before": null });
                "message.revoked"
            }
            Done::Reacted(emoji) => {
                payload["participant"] = by.into();
                payload["reaction"] =
                    json!({ "text": emoji.unwrap_or_default(), "messageId": full(said, by) });
                "message.reaction"
            }
        };
        body(at, event, id, &payload)
    }

    pub fn ack(at: i64, said: &Said<'_>, ack: i64, name: &str) -> Value {
        let payload = json!({ "id": full(said, ""), "from": said.chat, "participant": null, "fromMe": true, "ack": ack, "ackName": name });
        body(at, "message.ack", &format!("{}{ack}", said.id), &payload)
    }
}

pub mod mail {
    use base64::Engine as _;

    use super::{Kind, MAILBOX, Said, Value, json};

    /// `chat` is the customer's address, `thread` the mail thread.
    pub fn said(said: &Said<'_>, thread: &str) -> Value {
        let customer = format!("\"{}\" <{}>", said.name, said.chat);
        let (from, to, label) = if said.ours {
            (MAILBOX.to_owned(), said.chat.to_owned(), "SENT")
        } else {
            (customer, MAILBOX.to_owned(), "INBOX")
        };
        let mut headers = vec![
            json!({ "name": "From", "value": from }),
            json!({ "name": "To", "value": to }),
            json!({ "name": "Subject", "value": format!("Order {thread}") }),
            json!({ "name": "Message-ID", "value": format!("<{}@example.org>", said.id) }),
        ];
        if let Some(quoted) = said.reply_to {
            for name in ["In-Reply-To", "References"] {
                headers.push(json!({ "name": name, "value": format!("<{quoted}@example.org>") }));
            }
        }
        let data = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(said.text);
        let text = json!({ "size": said.text.len(), "data": data });
        let payload = if said.kind == Kind::Photo {
            json!({ "mimeType": "multipart/mixed", "headers": headers, "body": { "size": 0 }, "parts": [
                { "partId": "0", "mimeType": "text/plain", "filename": "", "headers": [], "body": text },
                { "partId": "1", "mimeType": "image/jpeg", "filename": "label.jpg", "headers": [],
                    "body": { "attachmentId": format!("AN{}", said.id), "size": 4_021 } }] })
        } else {
            json!({ "mimeType": "text/plain", "headers": headers, "body": text })
        };
        json!({ "id": said.id, "threadId": thread, "labelIds": [label], "historyId": "9000110",
            "internalDate": (said.at * 1_000).to_string(), "payload": payload })
    }
}
