//! An emulated WAHA server: sessions with signed webhooks, the three engines' shapes and ids, echoes and receipts in
//! any order, media that expire, and the actions of a customer and of the account's owner. It stores nothing on disk
//! and calls nothing but the webhooks.

mod api;
mod engine;
mod hooks;
mod ids;
mod refusal;
mod sending;
mod sessions;
mod shared;
mod state;

use std::{io, sync::Arc};

use serde_json::{Value, json};

pub use self::{
    engine::Engine,
    shared::EmulatorConfig,
    state::{Call, Delivery, File, Sent},
};
use self::{
    shared::Shared,
    state::{Message, State, Writer},
};
use crate::{
    script::Answer,
    serving::{self, Fail, Tasks, Watched},
};

/// The running emulator; stopped when dropped.
pub struct WahaEmulator {
    pub address: std::net::SocketAddr,
    shared: Arc<Shared>,
}

impl WahaEmulator {
    pub async fn start(config: EmulatorConfig) -> io::Result<Self> {
        // No timeout of deliveries, as in WAHA.
        let http = serving::hook_client().build().map_err(io::Error::other)?;
        let state = Watched::new(State::default());
        let shared = Arc::new(Shared { state, tasks: Tasks::default(), http, config });
        let router = api::router(Arc::clone(&shared));
        let address = shared.tasks.serve(shared.config.address, router).await?;
        Ok(Self { address, shared })
    }

    /// The channel's `base_url`.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The channel's `api_key`.
    pub fn api_key(&self) -> &str {
        &self.shared.config.api_key
    }

    /// The messages sent through the API, in order. Only the last ten thousand are kept.
    pub fn sent(&self) -> Vec<Sent> {
        self.shared.state.read(|state| state.sent.to_vec())
    }

    /// Waits until that many messages were sent.
    pub async fn sent_reaches(&self, count: usize) -> Vec<Sent> {
        self.shared.state.until(|state| (state.sent.len() >= count).then(|| state.sent.to_vec())).await
    }

    /// Every call, refused ones included.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.state.read(|state| state.calls.to_vec())
    }

    /// Waits for a call to a path with this ending.
    pub async fn called(&self, path_end: &str) -> Call {
        self.shared
            .state
            .until(|state| state.calls.iter().rev().find(|call| call.path.ends_with(path_end)).cloned())
            .await
    }

    /// Waits for a call.
    pub async fn call(&self, fits: impl Fn(&Call) -> bool) -> Call {
        self.shared.state.until(|state| state.calls.iter().rev().find(|call| fits(call)).cloned()).await
    }

    /// The delivery attempts with the webhooks' responses.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.shared.state.read(|state| state.deliveries.to_vec())
    }

    /// Events that were given up after the last attempt.
    pub fn lost(&self) -> usize {
        self.shared.state.read(|state| state.lost)
    }

    /// From now on events are lost before they are tried, as when the server restarts with some under way, or no longer.
    pub fn loses_events(&self, on: bool) {
        self.shared.state.change(|state| state.loses_events = on);
    }

    /// Waits until every event is delivered or given up.
    pub async fn idle(&self) {
        self.shared.state.until(|state| (state.under_way == 0).then_some(())).await;
    }

    /// The next `count` sending calls fail in this way; further calls of this method queue up.
    pub fn fail_next(&self, count: usize, fail: Fail) {
        self.shared.state.change(|state| state.failures.extend(std::iter::repeat_n(fail, count)));
    }

    /// What [`Self::fail_next`] asked for and has not come yet does not come.
    pub fn fail_no_more(&self) {
        self.shared.state.change(|state| state.failures.clear());
    }

    /// From now on calls of the answer's path get this answer.
    pub fn answers(&self, answer: Answer) {
        self.shared.state.change(|state| state.script.set(answer));
    }

    /// Removes the scripted answer of the path.
    pub fn answers_itself(&self, path: &str) {
        self.shared.state.change(|state| state.script.forget(path));
    }

    /// Delivers a whole envelope unchanged, once, signed, to every webhook of the session that subscribes to such
    /// events, and returns the last status (0: no response, or no webhook).
    pub async fn post(&self, session: &str, body: &Value) -> u16 {
        hooks::post_once(&self.shared, session, body).await
    }

    /// A session's state; `None` when there is no such session.
    pub fn status(&self, session: &str) -> Option<String> {
        self.shared.state.read(|state| state.sessions.get(session).map(|session| session.status.clone()))
    }

    /// Waits until there is no such session.
    pub async fn removed(&self, session: &str) {
        self.shared.state.until(|state| (!state.sessions.contains_key(session)).then_some(())).await;
    }

    /// Sets a session's state and notifies its webhooks.
    pub fn set_status(&self, session: &str, status: &str) {
        sessions::set_status(&self.shared, session, status);
    }

    /// The code to be scanned is replaced by the next one; after the sixth the session fails.
    pub fn next_code(&self, session: &str) {
        sessions::next_code(&self.shared, session);
    }

    /// The owner scans the QR code.
    pub fn scan(&self, session: &str) {
        self.set_status(session, "WORKING");
    }

    /// The owner of another phone scans it, of the id `…@c.us`.
    pub fn scan_with(&self, session: &str, me: &str) {
        self.shared.state.change(|state| {
            if let Some(session) = state.sessions.get_mut(session) {
                me.clone_into(&mut session.me);
            }
        });
        self.scan(session);
    }

    /// Maps a hidden id (`…@lid`) to its phone (`…@c.us`).
    pub fn introduce(&self, lid: &str, phone: &str) {
        self.shared.state.change(|state| state.lids.insert(lid.to_owned(), phone.to_owned()));
    }

    /// A customer writes; returns the full message id. Groups need [`Self::participant_says`].
    pub fn customer_says(&self, session: &str, chat: &str, text: &str) -> String {
        self.message(session, chat, None, Writer::Customer, Some(text), None)
    }

    /// Sets a group's title. Messages do not contain it.
    pub fn names_group(&self, group: &str, subject: &str) {
        self.shared.state.change(|state| state.groups.insert(group.to_owned(), subject.to_owned()));
    }

    /// Someone renames a group.
    pub fn renames_group(&self, session: &str, group: &str, subject: &str) {
        self.names_group(group, subject);
        let payload = json!({ "timestamp": self.now_ms(), "group": { "id": group, "subject": subject } });
        hooks::emit(&self.shared, session, "group.v2.update", &payload);
    }

    /// Someone writes in a group.
    pub fn participant_says(&self, session: &str, group: &str, person: &str, text: &str) -> String {
        self.message(session, group, Some(person), Writer::Customer, Some(text), None)
    }

    /// A customer sends a file.
    pub fn customer_sends(&self, session: &str, chat: &str, file: File, caption: Option<&str>) -> String {
        self.message(session, chat, None, Writer::Customer, caption, Some(file))
    }

    /// The owner answers on the phone, not through the hub.
    pub fn owner_types_on_phone(&self, session: &str, chat: &str, text: &str) -> String {
        self.message(session, chat, None, Writer::Owner, Some(text), None)
    }

    /// A customer reacts to a message of any writer; an empty text removes the reaction.
    pub fn customer_reacts(&self, session: &str, chat: &str, message: &str, emoji: &str) {
        let id = ids::message_id(false, chat, &ids::new_bare_id(), None);
        let reaction = json!({ "text": emoji, "messageId": message });
        let payload = json!({ "id": id, "from": chat, "fromMe": false, "participant": chat,
            "timestamp": self.now_ms() / 1000, "reaction": reaction });
        hooks::emit(&self.shared, session, "message.reaction", &payload);
    }

    /// A customer edits an earlier text.
    pub fn customer_edits(&self, session: &str, chat: &str, message: &str, text: &str) {
        let id = ids::message_id(false, chat, &ids::new_bare_id(), None);
        let payload = json!({ "id": id, "from": chat, "fromMe": false, "timestamp": self.now_ms() / 1000,
            "body": text, "hasMedia": false, "editedMessageId": ids::bare(message) });
        hooks::emit(&self.shared, session, "message.edited", &payload);
    }

    /// A customer deletes a message for everyone.
    pub fn customer_deletes(&self, session: &str, chat: &str, message: &str) {
        let id = ids::message_id(false, chat, &ids::new_bare_id(), None);
        let after =
            json!({ "id": id, "from": chat, "fromMe": false, "timestamp": self.now_ms() / 1000, "body": "" });
        let payload = json!({ "after": after, "before": null, "revokedMessageId": ids::bare(message) });
        hooks::emit(&self.shared, session, "message.revoked", &payload);
    }

    /// Waits until the presence of a chat is subscribed to.
    pub async fn hears(&self, session: &str, chat: &str) {
        let wanted = (session.to_owned(), chat.to_owned());
        self.shared.state.until(|state| state.heard.contains(&wanted).then_some(())).await;
    }

    /// A customer starts or stops typing. Told only for chats that were subscribed to.
    pub fn customer_types(&self, session: &str, chat: &str, on: bool) {
        let is_heard =
            self.shared.state.read(|state| state.heard.contains(&(session.to_owned(), chat.to_owned())));
        if !is_heard {
            return;
        }
        let state = if on { "typing" } else { "paused" };
        let presence = json!({ "participant": chat, "lastKnownPresence": state, "lastSeen": null });
        let payload = json!({ "id": chat, "presences": [presence] });
        hooks::emit(&self.shared, session, "presence.update", &payload);
    }

    /// Delivers any event of a session.
    pub fn event(&self, session: &str, name: &str, payload: &Value) {
        hooks::emit(&self.shared, session, name, payload);
    }

    fn message(
        &self,
        session: &str,
        chat: &str,
        participant: Option<&str>,
        writer: Writer,
        text: Option<&str>,
        file: Option<File>,
    ) -> String {
        let bare = ids::new_bare_id();
        let from_me = writer != Writer::Customer;
        let message = Message {
            id: ids::message_id(from_me, chat, &bare, participant),
            bare,
            chat: chat.to_owned(),
            participant: participant.map(str::to_owned),
            writer,
            text: text.map(str::to_owned),
            file: file.map(|file| state::Stored {
                file,
                until_ms: self.now_ms() + self.shared.config.file_lifetime_ms,
            }),
            at_ms: self.now_ms(),
        };
        self.shared.state.change(|state| state.remember(session, &message));
        sending::tell(&self.shared, session, &message);
        message.id
    }

    fn now_ms(&self) -> i64 {
        self.shared.config.clock.now_ms()
    }
}

impl Drop for WahaEmulator {
    fn drop(&mut self) {
        self.shared.tasks.stop();
    }
}

#[cfg(test)]
mod tests;
