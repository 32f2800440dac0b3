//! What customers do on all three services. An account is a phone number id, a page id or an Instagram account id; a
//! person is a phone number or a business-scoped id on WhatsApp, otherwise a scoped id.

use serde_json::{Value, json};

use super::{
    MetaEmulator, media,
    values::{File, Receipts, Sent, Service},
};

/// What a customer presses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Press {
    /// A button under our message, or a quick reply.
    Button { payload: String, title: String },
    /// A row of WhatsApp's list.
    Row { id: String, title: String, description: Option<String> },
    /// A button of a template: WhatsApp's quick reply; a postback on the others.
    Template { payload: String, title: String },
}

impl MetaEmulator {
    pub fn customer_says(&self, account: &str, person: &str, text: &str) -> String {
        match self.service(account) {
            Service::WhatsApp => {
                self.whatsapp_message(account, person, "text", &json!({ "body": text }), None)
            }
            _ => self.page_message(account, person, json!({ "text": text })),
        }
    }

    /// As [`Self::customer_says`], quoting a message.
    pub fn customer_replies(&self, account: &str, person: &str, quoted: &str, text: &str) -> String {
        if self.service(account) == Service::WhatsApp {
            let context = self.context(account, person, quoted);
            return self.whatsapp_message(account, person, "text", &json!({ "body": text }), Some(context));
        }
        let reply_to = json!({ "mid": quoted, "is_self_reply": self.is_theirs(quoted) });
        self.page_message(account, person, json!({ "text": text, "reply_to": reply_to }))
    }

    /// A customer sends a file. Messenger and Instagram bring the caption as a message of its own.
    pub fn customer_sends(&self, account: &str, person: &str, file: &File, caption: Option<&str>) -> String {
        let kind = file.kind.as_str();
        let id = self.shared.state.change(|state| state.store(file.clone()));
        if self.service(account) == Service::WhatsApp {
            let content = media::in_webhook(&id, file, caption);
            return self.whatsapp_message(account, person, kind, &content, None);
        }
        let attachment = self.attachment(&id, if kind == "document" { "file" } else { kind });
        let mid = self.page_message(account, person, json!({ "attachments": [attachment] }));
        if let Some(caption) = caption {
            self.customer_says(account, person, caption);
        }
        mid
    }

    /// A customer sends several pictures at once: one message with all of them, on WhatsApp one message for each.
    pub fn customer_sends_album(&self, account: &str, person: &str, files: Vec<File>) -> Vec<String> {
        if self.service(account) == Service::WhatsApp {
            return files.into_iter().map(|file| self.customer_sends(account, person, &file, None)).collect();
        }
        let attachments: Vec<Value> = files
            .into_iter()
            .map(|file| {
                let kind = file.kind.clone();
                let id = self.shared.state.change(|state| state.store(file));
                self.attachment(&id, &kind)
            })
            .collect();
        vec![self.page_message(account, person, json!({ "attachments": attachments }))]
    }

    /// A customer presses something under the message `under`.
    pub fn customer_presses(&self, account: &str, person: &str, under: &str, press: &Press) -> String {
        if self.service(account) != Service::WhatsApp {
            return match press {
                Press::Button { payload, title } | Press::Row { id: payload, title, .. } => {
                    let quick_reply = json!({ "payload": payload });
                    self.page_message(account, person, json!({ "text": title, "quick_reply": quick_reply }))
                }
                Press::Template { payload, title } => {
                    self.page_postback(account, person, json!({ "title": title, "payload": payload }))
                }
            };
        }
        let context = Some(self.context(account, person, under));
        match press {
            Press::Button { payload, title } => {
                let reply =
                    json!({ "type": "button_reply", "button_reply": { "id": payload, "title": title } });
                self.whatsapp_message(account, person, "interactive", &reply, context)
            }
            Press::Row { id, title, description } => {
                let mut row = json!({ "id": id, "title": title });
                if let Some(description) = description {
                    row["description"] = description.as_str().into();
                }
                let reply = json!({ "type": "list_reply", "list_reply": row });
                self.whatsapp_message(account, person, "interactive", &reply, context)
            }
            Press::Template { payload, title } => {
                let button = json!({ "payload": payload, "text": title });
                self.whatsapp_message(account, person, "button", &button, context)
            }
        }
    }

    /// A customer reacts to a message of either side, or removes the reaction with `None`.
    pub fn customer_reacts(&self, account: &str, person: &str, message: &str, emoji: Option<&str>) {
        if self.service(account) == Service::WhatsApp {
            let mut reaction = json!({ "message_id": message });
            if let Some(emoji) = emoji {
                reaction["emoji"] = emoji.into();
            }
            self.whatsapp_message(account, person, "reaction", &reaction, None);
            return;
        }
        let action = if emoji.is_some() { "react" } else { "unreact" };
        let mut reaction = json!({ "action": action, "mid": message });
        if let Some(emoji) = emoji {
            reaction["emoji"] = emoji.into();
            reaction["reaction"] = if emoji.starts_with('\u{2764}') { "love" } else { "other" }.into();
        }
        self.page_event(account, person, "message_reactions", "reaction", &reaction);
    }

    /// A customer edits an earlier text. WhatsApp tells it of numbers in coexistence only.
    pub fn customer_edits(&self, account: &str, person: &str, message: &str, text: &str, times: u32) {
        if self.service(account) == Service::WhatsApp {
            let new = json!({ "context": { "id": message }, "type": "text", "text": { "body": text } });
            let edit = json!({ "original_message_id": message, "message": new });
            self.whatsapp_message(account, person, "edit", &edit, None);
            return;
        }
        let edit = json!({ "mid": message, "text": text, "num_edit": times });
        self.page_event(account, person, "message_edits", "message_edit", &edit);
    }

    /// A customer takes a message back. Messenger does not tell it.
    pub fn customer_deletes(&self, account: &str, person: &str, message: &str) {
        match self.service(account) {
            Service::WhatsApp => {
                let revoke = json!({ "original_message_id": message });
                self.whatsapp_message(account, person, "revoke", &revoke, None);
            }
            Service::Instagram => {
                let deleted = json!({ "mid": message, "is_deleted": true });
                self.page_event(account, person, "messages", "message", &deleted);
            }
            Service::Messenger => {}
        }
    }

    /// A customer has read one of our messages; Messenger's mark covers all before it.
    pub fn customer_reads(&self, message: &str) {
        self.receipt(message, Receipts::Read);
    }

    /// A person blocks the account or does away with his own; or is back.
    pub fn customer_blocks(&self, account: &str, person: &str, is_blocked: bool) {
        self.shared.state.change(|state| state.person(account, person).is_blocked = is_blocked);
    }

    /// Members that the person's profile has in place of its own. Without a message of his, the person is only known.
    pub fn has_profile(&self, account: &str, person: &str, profile: Value) {
        self.shared.state.change(|state| state.person(account, person).profile = Some(profile));
    }

    /// The owner answers in the WhatsApp Business app, the page's inbox or Instagram.
    pub fn owner_says(&self, account: &str, person: &str, text: &str) -> String {
        match self.service(account) {
            Service::WhatsApp => self.whatsapp_echo(account, person, "text", &json!({ "body": text })),
            _ => self.page_echo(account, person, json!({ "text": text })),
        }
    }

    pub(super) fn service(&self, account: &str) -> Service {
        self.shared.state.read(|state| state.service(account)).unwrap_or(Service::WhatsApp)
    }

    pub(super) fn sent_as(&self, message: &str) -> Option<Sent> {
        self.shared.state.read(|state| {
            let mut all = state.sent.iter().rev().chain(state.undelivered.iter().rev());
            all.find(|sent| sent.id == message).cloned()
        })
    }

    fn is_theirs(&self, message: &str) -> bool {
        self.shared.state.read(|state| state.known(message).is_some_and(|known| !known.is_ours))
    }
}
