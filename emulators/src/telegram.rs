//! An emulated Telegram Bot API with one bot: validates calls as Telegram does, delivers updates as Telegram does (in
//! order for each chat, retried until delivered), and performs a customer's actions. It stores nothing on disk and
//! calls nothing but the webhook.

mod api;
mod calls;
mod delivery;
mod place;
mod places;
mod refusal;
mod shared;
mod state;
mod updates;

use std::{io, sync::Arc, time::Duration};

use serde_json::{Value, json};

pub use self::{
    place::Place,
    shared::EmulatorConfig,
    state::{Call, Delivery, Sent, Webhook},
    updates::{File, FileKind},
};
use self::{shared::Shared, state::State};
use crate::{
    script::Answer,
    serving::{self, Fail, Tasks, Watched},
};

/// The address of a customer's message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said {
    pub update_id: i64,
    pub message_id: i64,
}

/// The running emulator; stopped when dropped.
pub struct TelegramEmulator {
    pub address: std::net::SocketAddr,
    shared: Arc<Shared>,
}

impl TelegramEmulator {
    pub async fn start(config: EmulatorConfig) -> io::Result<Self> {
        let http =
            serving::hook_client().timeout(Duration::from_mins(1)).build().map_err(io::Error::other)?;
        let state = Watched::new(State::new(config.clock.now_ms()));
        let shared = Arc::new(Shared { state, tasks: Tasks::default(), http, config });
        let router = api::router(Arc::clone(&shared));
        let address = shared.tasks.serve(shared.config.address, router).await?;
        Ok(Self { address, shared })
    }

    /// The channel's `api_base`.
    pub fn api_base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The channel's `token`.
    pub fn token(&self) -> &str {
        &self.shared.config.token
    }

    /// The messages that the bot sent, in order. Only the last ten thousand are kept.
    pub fn sent(&self) -> Vec<Sent> {
        self.shared.state.read(|state| state.sent.to_vec())
    }

    /// Waits until the bot has sent that many messages.
    pub async fn sent_reaches(&self, count: usize) -> Vec<Sent> {
        self.shared.state.until(|state| (state.sent.len() >= count).then(|| state.sent.to_vec())).await
    }

    /// Every call of a method, refused ones included.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.state.read(|state| state.calls.to_vec())
    }

    /// Waits for a call of that method.
    pub async fn called(&self, method: &str) -> Call {
        self.shared
            .state
            .until(|state| state.calls.iter().rev().find(|call| call.method == method).cloned())
            .await
    }

    pub fn webhook(&self) -> Option<Webhook> {
        self.shared.state.read(|state| state.webhook.clone())
    }

    /// The delivery attempts with the webhook's responses.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.shared.state.read(|state| state.deliveries.to_vec())
    }

    /// Waits until every update is delivered or has expired.
    pub async fn idle(&self) {
        self.shared.state.until(|state| (state.pending() == 0).then_some(())).await;
    }

    /// The next `count` sending calls fail in this way; further calls of this method queue up.
    pub fn fail_next(&self, count: usize, fail: Fail) {
        self.shared.state.change(|state| state.failures.extend(std::iter::repeat_n(fail, count)));
    }

    /// What [`Self::fail_next`] asked for and has not come yet does not come.
    pub fn fail_no_more(&self) {
        self.shared.state.change(|state| state.failures.clear());
    }

    /// From now on calls of the answer's method get this answer.
    pub fn answers(&self, answer: Answer) {
        self.shared.state.change(|state| state.script.set(answer));
    }

    /// Removes the scripted answer of the method.
    pub fn answers_itself(&self, method: &str) {
        self.shared.state.change(|state| state.script.forget(method));
    }

    /// Delivers a whole update body unchanged, once, and returns the webhook's status (0: no response). Registers the
    /// chats, messages, topics, connections and button presses that the body names.
    pub async fn post(&self, body: &Value) -> u16 {
        delivery::post_once(&self.shared, body).await
    }

    /// A customer writes in a place of a chat. A business chat needs [`Self::business_connects`] first.
    pub fn customer_says_at(&self, chat: i64, place: &Place, text: &str) -> Said {
        let mut parts = place.parts(chat);
        parts["text"] = text.into();
        let kind = if matches!(place, Place::Business(_)) { "business_message" } else { "message" };
        self.message_as(kind, chat, parts)
    }

    /// The owner of a connected account answers a customer by hand.
    pub fn owner_says(&self, chat: i64, connection: &str, text: &str) -> Said {
        let owner = self.shared.state.read(|state| state.connections.get(connection).copied());
        let from = json!({ "id": owner.unwrap_or_default(), "is_bot": false, "first_name": "Owner" });
        let parts = json!({ "business_connection_id": connection, "text": text, "from": from });
        self.message_as("business_message", chat, parts)
    }

    /// A business account connects the bot, or disconnects it.
    pub fn business_connects(&self, connection: &str, owner: i64, enabled: bool) -> i64 {
        let content = updates::connection(connection, owner, self.now_s(), enabled);
        self.update(owner, "business_connection", &content)
    }

    /// A customer writes in a private chat. The first message creates the chat.
    pub fn customer_says(&self, chat: i64, text: &str) -> Said {
        self.message(chat, json!({ "text": text }))
    }

    /// As [`Self::customer_says`], quoting a message of the chat.
    pub fn customer_replies(&self, chat: i64, quoted: i64, text: &str) -> Said {
        let quoted = json!({ "message_id": quoted, "chat": { "id": chat, "type": "private" }, "date": 1 });
        self.message(chat, json!({ "text": text, "reply_to_message": quoted }))
    }

    /// A customer sends a file, which `getFile` then finds.
    pub fn customer_sends(&self, chat: i64, file: File, caption: Option<&str>) -> Said {
        let mut content = self.shared.state.change(|state| state.store(file));
        if let Some(caption) = caption {
            content["caption"] = caption.into();
        }
        self.message(chat, content)
    }

    /// A customer edits an earlier text.
    pub fn customer_edits(&self, chat: i64, message_id: i64, text: &str) -> i64 {
        let now_s = self.now_s();
        let parts = json!({ "text": text, "edit_date": now_s });
        let message = updates::message(chat, message_id, now_s, parts);
        self.update(chat, "edited_message", &message)
    }

    /// A customer reacts to a message, or removes the reaction with `None`.
    pub fn customer_reacts(&self, chat: i64, message_id: i64, emoji: Option<&str>) -> i64 {
        let content = updates::reaction(chat, message_id, self.now_s(), emoji);
        self.update(chat, "message_reaction", &content)
    }

    /// A customer presses a button under the bot's message; returns the id for `answerCallbackQuery`.
    pub fn customer_presses(&self, chat: i64, message_id: i64, data: &str) -> String {
        let now_s = self.now_s();
        let id = self.shared.state.change(|state| state.press(now_s));
        let content = updates::press(&id, chat, message_id, now_s, data);
        self.update(chat, "callback_query", &content);
        id
    }

    /// A customer blocks or unblocks the bot.
    pub fn customer_blocks(&self, chat: i64, blocked: bool) -> i64 {
        self.shared.state.change(|state| state.chat(chat).blocked = blocked);
        let content = updates::membership(chat, self.now_s(), blocked, &self.shared.config.username);
        self.update(chat, "my_chat_member", &content)
    }

    /// Delivers any update of a chat; the emulator adds the `update_id`, which it returns.
    pub fn update(&self, chat: i64, kind: &str, content: &Value) -> i64 {
        delivery::enqueue(&self.shared, chat, kind, content, None)
    }

    /// Delivers an earlier update again, as Telegram does when the webhook's response is lost.
    pub fn repeat(&self, chat: i64, update_id: i64, kind: &str, content: &Value) {
        delivery::enqueue(&self.shared, chat, kind, content, Some(update_id));
    }

    fn message(&self, chat: i64, parts: Value) -> Said {
        self.message_as("message", chat, parts)
    }

    fn message_as(&self, kind: &str, chat: i64, parts: Value) -> Said {
        let message_id = self.shared.state.change(|state| state.chat(chat).next_message());
        let message = updates::message(chat, message_id, self.now_s(), parts);
        Said { update_id: self.update(chat, kind, &message), message_id }
    }

    fn now_s(&self) -> i64 {
        self.shared.config.clock.now_ms() / 1000
    }
}

impl Drop for TelegramEmulator {
    fn drop(&mut self) {
        self.shared.tasks.stop();
    }
}

#[cfg(test)]
mod tests;
