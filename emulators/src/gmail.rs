//! An emulated Google as Gmail channels see it: OAuth, the Gmail API of several mailboxes, and pushes of Pub/Sub.
//! Refuses what Google refuses, and sometimes more: a mail that a lenient server would repair. It stores nothing on
//! disk and calls nothing but the push endpoint.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
//! use emulators::gmail::{EmulatorConfig, GmailEmulator, Mail};
//!
//! let google = GmailEmulator::start(EmulatorConfig::default()).await?;
//! // Of the app: `google.base()` for auth_base, token_base and api_base, and `google.certs_url()`.
//! google.subscribes("https://hub.example.com/hooks/gmail");
//! // Of the channel, where the sign-in is not what is tested.
//! let tokens = google.grant("support@shop.example.com");
//! let mail = Mail::new("ari@example.org", "Order 7788", "Where is it?");
//! let arrived = google.arrives("support@shop.example.com", &mail);
//! google.owner_answers("support@shop.example.com", &arrived.thread, "On its way.");
//! assert!(google.sent().is_empty() && !tokens.refresh_token.is_empty());
//! # Ok(()) }
//! ```

mod api;
mod arrival;
mod dates;
mod ids;
mod keys;
mod listing;
mod mail;
mod mailbox;
mod mime;
mod oauth;
mod part;
mod push;
mod reading;
mod refusal;
mod search;
mod sending;
mod shared;
mod state;

use std::{io, sync::Arc, time::Duration};

use serde_json::Value;

pub use self::{
    arrival::Arrived,
    mail::{Mail, MailFile},
    push::Forgery,
    shared::EmulatorConfig,
    state::{Call, Delivery, Sent, SentFile},
};
use self::{
    keys::SigningKey,
    shared::Shared,
    state::{State, Switch},
};
use crate::{
    script::Answer,
    serving::{self, Fail, Tasks, Watched},
};

/// The scope of [`GmailEmulator::grant`].
const GRANTED: &str = "https://www.googleapis.com/auth/gmail.modify";

/// The tokens of a mailbox that has signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    pub access_token: String,
    pub access_expires_at_ms: i64,
    pub refresh_token: String,
}

/// The running emulator; stopped when dropped.
pub struct GmailEmulator {
    pub address: std::net::SocketAddr,
    shared: Arc<Shared>,
}

impl GmailEmulator {
    pub async fn start(config: EmulatorConfig) -> io::Result<Self> {
        let http = serving::hook_client().timeout(config.ack_deadline).build().map_err(io::Error::other)?;
        let key = tokio::task::spawn_blocking(SigningKey::generate).await.map_err(io::Error::other)?;
        let key = key.ok_or_else(|| io::Error::other("no RSA key could be made"))?;
        let state = State::new(&config.mailboxes, config.push_endpoint.clone(), key);
        let shared = Arc::new(Shared { state: Watched::new(state), tasks: Tasks::default(), http, config });
        let router = api::router(Arc::clone(&shared));
        let address = shared.tasks.serve(shared.config.address, router).await?;
        Ok(Self { address, shared })
    }

    /// The app's `auth_base`, `token_base` and `api_base`.
    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The app's `certs_url`.
    pub fn certs_url(&self) -> String {
        format!("{}/oauth2/v3/certs", self.base())
    }

    pub fn config(&self) -> &EmulatorConfig {
        &self.shared.config
    }

    /// Pushes go to this address, also those that waited for one.
    pub fn subscribes(&self, endpoint: &str) {
        self.shared.state.change(|state| state.endpoint = Some(endpoint.to_owned()));
    }

    /// Tokens of a mailbox, as after a sign-in.
    pub fn grant(&self, mailbox: &str) -> Tokens {
        let mailbox = mailbox.to_lowercase();
        Tokens {
            access_token: oauth::issue_access(&self.shared, &mailbox, GRANTED),
            access_expires_at_ms: self.shared.now_ms() + self.shared.config.access_lifetime_ms,
            refresh_token: oauth::issue_refresh(&self.shared, &mailbox, GRANTED),
        }
    }

    /// The mailbox whose owner answers the next sign-in without a page.
    pub fn signs_in(&self, mailbox: &str) {
        self.shared.state.change(|state| state.signs_in = Some(mailbox.to_lowercase()));
    }

    /// The owner refuses the next sign-in.
    pub fn denies_next(&self) {
        self.shared.state.change(|state| state.switch(Switch::Refusal, true));
    }

    /// The owners deselect this scope at every sign-in from now on.
    pub fn withholds(&self, scope: &str) {
        self.shared.state.change(|state| state.withheld.push(scope.to_owned()));
    }

    /// The owner removes the app's access in the account's settings.
    pub fn owner_revokes(&self, mailbox: &str) {
        self.shared.state.change(|state| state.revoke(&mailbox.to_lowercase()));
    }

    /// All access tokens end now. Refresh tokens stay.
    pub fn expires_access(&self) {
        self.shared.state.change(|state| state.access.clear());
    }

    /// Whether an access token still holds.
    pub fn takes(&self, token: &str) -> bool {
        self.shared.state.change(|state| state.access.contains_key(token))
    }

    /// A new key signs from now on. The one before it stays in the set with `keeps_old`.
    pub fn rotates_keys(&self, keeps_old: bool) {
        if let Some(key) = SigningKey::generate() {
            self.shared.state.change(|state| {
                let old = state.keys.pop().filter(|_| keeps_old);
                state.keys = old.into_iter().chain([key]).collect();
            });
        }
    }

    /// The mails sent through the API, in order. Only the last ten thousand are kept.
    pub fn sent(&self) -> Vec<Sent> {
        self.shared.state.read(|state| state.sent.to_vec())
    }

    /// Waits until that many mails were sent.
    pub async fn sent_reaches(&self, count: usize) -> Vec<Sent> {
        self.shared.state.until(|state| (state.sent.len() >= count).then(|| state.sent.to_vec())).await
    }

    /// Every call, refused ones included.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.state.read(|state| state.calls.to_vec())
    }

    /// Waits for a call to a path with this part.
    pub async fn called(&self, path: &str) -> Call {
        self.shared
            .state
            .until(|state| state.calls.iter().rev().find(|call| call.path.contains(path)).cloned())
            .await
    }

    /// The attempts of pushes with the endpoint's responses.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.shared.state.read(|state| state.deliveries.to_vec())
    }

    /// Notifications that were lost to the rate of one a second, and those not accepted in a week.
    pub fn dropped(&self) -> (usize, usize) {
        self.shared.state.read(|state| (state.dropped, state.lost))
    }

    /// Waits until every notification is accepted or given up. Those held back are not waited for.
    pub async fn idle(&self) {
        self.shared.state.until(|state| (state.under_way == 0).then_some(())).await;
    }

    /// The next `count` sends fail in this way. [`Fail::Blocked`] is an address that nobody has: the mail is sent, and
    /// a report of its failure comes.
    pub fn fail_next(&self, count: usize, fail: Fail) {
        self.shared.state.change(|state| state.failures.extend(std::iter::repeat_n(fail, count)));
    }

    /// From now on calls that fit the answer's conditions get it; of several, the newest.
    pub fn answers(&self, answer: Answer) {
        self.shared.state.change(|state| state.script.add(answer));
    }

    /// Removes the scripted answers of the method and part of the path.
    pub fn answers_itself(&self, method: &str, path: &str) {
        self.shared.state.change(|state| state.script.remove(method, path));
    }

    /// While it is on, every call is answered with 503, and pushes wait. Mails arrive meanwhile.
    pub fn outage(&self, is_on: bool) {
        self.shared.state.change(|state| state.switch(Switch::Outage, is_on));
    }

    /// Holds notifications back; released, they come one after the other, the newest first.
    pub fn holds_pushes(&self, is_on: bool) {
        if is_on {
            self.shared.state.change(|state| {
                state.held.get_or_insert_default();
            });
        } else {
            push::release(&self.shared);
        }
    }

    /// Pushes every notification twice.
    pub fn repeats_pushes(&self, is_on: bool) {
        self.shared.state.change(|state| state.switch(Switch::RepeatedPushes, is_on));
    }

    /// Replaces the `Message-ID` of every mail that is sent, as Gmail may.
    pub fn replaces_message_ids(&self, is_on: bool) {
        self.shared.state.change(|state| state.switch(Switch::ReplacedIds, is_on));
    }

    /// The first page of every history is empty, with another behind it.
    pub fn begins_history_with_empty_page(&self, is_on: bool) {
        self.shared.state.change(|state| state.switch(Switch::EmptyPages, is_on));
    }

    /// `history.list` knows nothing before the mailbox's present id: older cursors are answered with 404.
    pub fn forgets_history(&self, mailbox: &str) {
        self.shared.state.change(|state| {
            if let Some(mailbox) = state.mailbox(mailbox) {
                mailbox.history_id += 5;
                mailbox.oldest = mailbox.history_id;
            }
        });
    }

    /// The present history id, and the end of the watch if there is one.
    pub fn state_of(&self, mailbox: &str) -> Option<(u64, Option<i64>)> {
        let found = |state: &mut State| {
            let mailbox = state.mailbox(mailbox)?;
            Some((mailbox.history_id, mailbox.watch.as_ref().map(|watch| watch.until_ms)))
        };
        self.shared.state.change(found)
    }

    /// A mail arrives. An unknown mailbox is made.
    pub fn arrives(&self, mailbox: &str, mail: &Mail) -> Arrived {
        arrival::arrive(&self.shared, mailbox, mail)
    }

    /// The owner answers in Gmail itself. `None`: the thread has nothing to answer.
    pub fn owner_answers(&self, mailbox: &str, thread: &str, text: &str) -> Option<Arrived> {
        arrival::answer(&self.shared, mailbox, thread, text)
    }

    /// A report arrives that a mail, which was sent before, did not reach its recipient.
    pub fn bounces(&self, sent: &Sent) -> Arrived {
        let to = sent.to.first().map(String::as_str).unwrap_or_default();
        let report = mail::bounce(&sent.message_id, &sent.subject, to, &sent.thread);
        arrival::arrive(&self.shared, &sent.mailbox, &report)
    }

    /// The owner deletes a mail for good; `false`: there is none.
    pub fn owner_deletes(&self, mailbox: &str, id: &str) -> bool {
        let is_deleted = self
            .shared
            .state
            .change(|state| state.mailbox(mailbox).is_some_and(|mailbox| mailbox.delete(id)));
        push::changed(&self.shared, mailbox, &["INBOX".to_owned()]);
        is_deleted
    }

    /// Publishes a notification with a history id that need not be the mailbox's. A greater one than the mailbox's
    /// becomes the mailbox's.
    pub fn notifies(&self, mailbox: &str, history_id: u64) {
        let notification = self.notification(mailbox, history_id);
        push::publish(&self.shared, &notification, Duration::ZERO);
    }

    /// As [`Self::notifies`], once, with a bad token; returns the endpoint's status (0: no response).
    pub async fn notifies_forged(&self, mailbox: &str, forgery: Forgery) -> u16 {
        let history_id = self.state_of(mailbox).map_or(1, |(history_id, _)| history_id);
        let notification = self.notification(mailbox, history_id);
        push::post_forged(&self.shared, &notification, forgery).await
    }

    /// Pushes this `message` once, with a good token, and returns the endpoint's status (0: no response).
    pub async fn post(&self, message: &Value) -> u16 {
        push::post_message(&self.shared, message).await
    }

    fn notification(&self, mailbox: &str, history_id: u64) -> state::Notification {
        let now_ms = self.shared.now_ms();
        self.shared.state.change(|state| {
            if let Some(known) = state.mailbox(mailbox) {
                known.history_id = known.history_id.max(history_id);
            }
            state.notification(mailbox, history_id, now_ms)
        })
    }
}

impl Drop for GmailEmulator {
    fn drop(&mut self) {
        self.shared.tasks.stop();
    }
}

#[cfg(test)]
mod tests;
