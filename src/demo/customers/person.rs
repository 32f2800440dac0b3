//! One customer: its chat, its name, and the last messages in both directions.

use std::collections::HashMap;

use emulators::{telegram, waha};
use serde_json::{Value, json};

use super::dice::Dice;
use super::files;
use super::lines::Tongue;
use crate::demo::World;

/// The first Telegram chat and message id of the customers: made up, and outside of the emulator's own range.
const FIRST_CHAT: i64 = 5_550_100_000;
const FIRST_MESSAGE: i64 = 3_000_000_000;

/// The last message that was sent to the customer.
pub(super) struct Heard {
    pub message: String,
    pub at_ms: i64,
}

enum Chat {
    Telegram { chat: i64, next_message: i64 },
    Waha { chat: String, next_message: u64 },
}

pub(super) struct Person {
    pub tongue: Tongue,
    name: &'static str,
    chat: Chat,
    /// The id and text of the customer's last message.
    last: Option<(String, String)>,
    waits_since_ms: i64,
}

impl Person {
    pub(super) fn new(number: usize, dice: &mut Dice) -> Self {
        let tongue = if dice.percent(65) { Tongue::En } else { Tongue::Ru };
        let names = tongue.names();
        let chat = if number.is_multiple_of(2) {
            Chat::Telegram { chat: FIRST_CHAT + number as i64, next_message: FIRST_MESSAGE }
        } else {
            // Numbers that are reserved for fiction.
            Chat::Waha { chat: format!("1202555{:04}@c.us", 100 + number), next_message: 0 }
        };
        Self { tongue, name: names[number % names.len()], chat, last: None, waits_since_ms: 0 }
    }

    pub(super) fn has_written(&self) -> bool {
        self.last.is_some()
    }

    fn chat(&self) -> String {
        match &self.chat {
            Chat::Telegram { chat, .. } => chat.to_string(),
            Chat::Waha { chat, .. } => chat.clone(),
        }
    }

    /// Whether an answer to the customer's last message has arrived.
    pub(super) fn is_answered(&self, heard: &HashMap<String, Heard>) -> bool {
        heard.get(&self.chat()).is_some_and(|heard| heard.at_ms >= self.waits_since_ms)
    }

    pub(super) fn now_waits(&mut self, world: &World) {
        self.waits_since_ms = world.app.store.clock().now_ms();
    }

    pub(super) fn says(&mut self, world: &World, text: &str) {
        let now_s = world.app.store.clock().now_ms() / 1000;
        let name = self.name;
        let id = match &mut self.chat {
            Chat::Telegram { chat, next_message } => {
                if *next_message == FIRST_MESSAGE {
                    // The emulator answers only in chats whose customer has started the bot.
                    world.telegram.customer_blocks(*chat, false);
                }
                *next_message += 1;
                let message = telegram_message(*chat, *next_message, name, now_s, text);
                world.telegram.update(*chat, "message", &message);
                next_message.to_string()
            }
            Chat::Waha { chat, next_message } => {
                *next_message += 1;
                let id = format!("false_{chat}_3A{:0>10}{next_message:08}", chat.trim_end_matches("@c.us"));
                world.waha.event(world.session(), "message.any", &waha_message(chat, &id, name, now_s, text));
                id
            }
        };
        self.last = Some((id, text.to_owned()));
    }

    pub(super) fn sends_file(&mut self, world: &World, dice: &mut Dice) {
        let is_picture = dice.percent(60);
        let colour = [(); 3].map(|()| dice.between(20, 220) as u8);
        let caption = is_picture.then(|| self.tongue.caption());
        let bytes = if is_picture { files::picture(colour) } else { files::sound() };
        match &self.chat {
            Chat::Telegram { chat, .. } => {
                let file =
                    if is_picture { telegram::File::photo(bytes) } else { telegram::File::voice(bytes) };
                world.telegram.customer_sends(*chat, file, caption);
            }
            Chat::Waha { chat, .. } => {
                let file = if is_picture { waha::File::image(bytes) } else { waha::File::voice(bytes) };
                world.waha.customer_sends(world.session(), chat, file, caption);
            }
        }
    }

    /// Edits the customer's last message.
    pub(super) fn mends(&mut self, world: &World) {
        let Some((id, text)) = &mut self.last else { return };
        text.push_str(self.tongue.correction());
        match &self.chat {
            Chat::Telegram { chat, .. } => {
                if let Ok(id) = id.parse() {
                    world.telegram.customer_edits(*chat, id, text);
                }
            }
            Chat::Waha { chat, .. } => world.waha.customer_edits(world.session(), chat, id, text),
        }
    }

    /// Reacts to the last answer.
    pub(super) fn reacts(&self, world: &World, heard: &HashMap<String, Heard>) {
        let Some(Heard { message, .. }) = heard.get(&self.chat()) else { return };
        match &self.chat {
            Chat::Telegram { chat, .. } => {
                if let Ok(message) = message.parse() {
                    world.telegram.customer_reacts(*chat, message, Some("👍"));
                }
            }
            Chat::Waha { chat, .. } => world.waha.customer_reacts(world.session(), chat, message, "👍"),
        }
    }
}

/// A text as the Bot API delivers it; messages made by the emulator have no chosen name.
fn telegram_message(chat: i64, message_id: i64, name: &str, now_s: i64, text: &str) -> Value {
    json!({ "message_id": message_id, "date": now_s, "text": text,
        "from": { "id": chat, "is_bot": false, "first_name": name },
        "chat": { "id": chat, "type": "private", "first_name": name } })
}

/// A text as WAHA delivers it.
fn waha_message(chat: &str, id: &str, name: &str, now_s: i64, text: &str) -> Value {
    json!({ "id": id, "timestamp": now_s, "from": chat, "fromMe": false, "source": "app", "body": text,
        "hasMedia": false, "replyTo": null, "_data": { "Info": { "PushName": name } } })
}
