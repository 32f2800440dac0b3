//! An emulated Graph API of Meta with one app: WhatsApp Cloud, Messenger, Instagram (by page and by Instagram Login),
//! signing in, and the app's webhooks. It refuses what Meta refuses, stores nothing on disk and calls nothing but the
//! callbacks, and addresses of media if it is told to.
//!
//! It starts with two companies: the numbers `106500000000001` and `…2` (WABAs `102200000000001` and `…2`), the pages
//! `1020000000000001` and `…2`, the Instagram accounts `17841400000000001` and `…2` (Instagram Login) and
//! `17841400000000003` (linked with the first page). Their tokens are given out on demand.
//!
//! [`MetaEmulator::base_url`] serves every host. [`MetaEmulator::host`] serves one and refuses what belongs to another:
//! `host("graph.facebook.com")` for `graph_base`, `graph.instagram.com`, `www.facebook.com`, `www.instagram.com` and
//! `api.instagram.com` for the others.
//!
//! ```
//! # use emulators::{Answer, meta::{EmulatorConfig, Fields, MetaEmulator}};
//! # use serde_json::json;
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let meta = MetaEmulator::start(EmulatorConfig::default()).await.unwrap();
//! let token = meta.number_token("106500000000001"); // the channel's `access_token`
//! // What connecting does: the callback is proven (`meta.register(url).await`), our app is subscribed.
//! meta.subscribe("106500000000001", Fields::All);
//! meta.customer_says("106500000000001", "12025550143", "hello"); // opens the window and is delivered
//! // Two seconds late and with an error, although the message has left:
//! let body = json!({ "error": { "message": "Service unavailable", "code": 131_000 } });
//! meta.answers(Answer { hang_ms: Some(2000), leaves: Some(true), times: Some(1),
//!     ..Answer::of("/messages", 500, body) });
//! meta.idle().await; // nothing is on its way any more
//! assert!(meta.sent().is_empty() && meta.lost() == 0 && !token.is_empty());
//! # });
//! ```

mod accounts;
mod api;
mod asked;
mod config;
mod customers;
mod filling;
mod grants;
mod hooks;
mod ids;
mod media;
mod messages;
mod nodes;
mod notice;
mod notices;
mod oauth;
mod page_check;
mod page_customers;
mod page_send;
mod refusal;
mod request;
mod scripted;
mod setup;
mod sign;
mod state;
mod subscriptions;
mod tokens;
mod values;
mod whatsapp_check;
mod whatsapp_customers;
mod whatsapp_send;

use std::{
    io,
    sync::{Arc, OnceLock},
};

use serde_json::{Value, json};

pub use self::{
    accounts::{Instagram, Number, Page, Template},
    config::EmulatorConfig,
    customers::Press,
    grants::SignIn,
    notice::Mode,
    setup::Fields,
    values::{Call, Delivery, File, Mark, Outage, Receipts, Sent, Service},
};
use self::{config::Shared, state::State};
use crate::{
    script::Answer,
    serving::{self, Fail, Tasks, Watched},
};

/// The running emulator; stopped when dropped.
pub struct MetaEmulator {
    pub address: std::net::SocketAddr,
    shared: Arc<Shared>,
}

impl MetaEmulator {
    pub async fn start(config: EmulatorConfig) -> io::Result<Self> {
        let http = serving::hook_client().build().map_err(io::Error::other)?;
        let state = Watched::new(State::new());
        let address = OnceLock::new();
        let shared = Arc::new(Shared { state, tasks: Tasks::default(), http, config, address });
        let router = api::router(Arc::clone(&shared));
        let address = shared.tasks.serve(shared.config.address, router).await?;
        shared.address.get_or_init(|| address);
        Ok(Self { address, shared })
    }

    /// Serves every host.
    pub fn base_url(&self) -> String {
        self.shared.base()
    }

    /// Serves this host only, such as `graph.facebook.com`.
    pub fn host(&self, host: &str) -> String {
        format!("{}/{host}", self.shared.base())
    }

    pub fn config(&self) -> &EmulatorConfig {
        &self.shared.config
    }

    /// The messages that reached their customers, in order. Only the last ten thousand are kept.
    pub fn sent(&self) -> Vec<Sent> {
        self.shared.state.read(|state| state.sent.to_vec())
    }

    /// The digest of a message's file: brought before, or fetched from its address.
    pub fn digest_of(&self, media: &str) -> Option<String> {
        self.shared.state.read(|state| {
            let brought = state.media.get(media).map(|stored| crate::form::sha256(&stored.file.bytes));
            brought.or_else(|| state.fetched.get(media).cloned())
        })
    }

    /// Waits until that many messages have reached their customers.
    pub async fn sent_reaches(&self, count: usize) -> Vec<Sent> {
        self.shared.state.until(|state| (state.sent.len() >= count).then(|| state.sent.to_vec())).await
    }

    /// Messages that were accepted and that nobody got.
    pub fn undelivered(&self) -> Vec<Sent> {
        self.shared.state.read(|state| state.undelivered.to_vec())
    }

    /// Read marks, typing and reactions of the accounts.
    pub fn marks(&self) -> Vec<Mark> {
        self.shared.state.read(|state| state.marks.to_vec())
    }

    /// Every call, refused ones included, without tokens and secrets.
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

    /// The delivery attempts with the callbacks' responses.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.shared.state.read(|state| state.deliveries.to_vec())
    }

    /// Events that were given up after the last attempt.
    pub fn lost(&self) -> usize {
        self.shared.state.read(|state| state.lost)
    }

    /// Waits until every event is delivered or given up. Held ones never are.
    pub async fn idle(&self) {
        hooks::settled(&self.shared).await;
    }

    /// The next `count` messages fail in this way; further calls of this method queue up.
    pub fn fail_next(&self, count: usize, fail: Fail) {
        self.shared.state.change(|state| state.failures.extend(std::iter::repeat_n(fail, count)));
    }

    /// From now on calls that fit get this answer. Answers with `times` follow one another.
    pub fn answers(&self, answer: Answer) {
        self.shared.state.change(|state| state.script.add(answer));
    }

    /// Removes the scripted answers of this part of a path.
    pub fn answers_itself(&self, path: &str) {
        self.shared.state.change(|state| state.script.forget(path));
    }

    /// The provider is away, or back again: deliveries wait meanwhile.
    pub fn outage(&self, outage: Option<Outage>) {
        self.shared.state.change(|state| state.outage = outage);
        hooks::wake(&self.shared);
    }

    /// How far receipts come by themselves; [`Receipts::Delivered`] at the start.
    pub fn receipts(&self, receipts: Receipts) {
        self.shared.state.change(|state| state.receipts = receipts);
    }

    /// A receipt of one message.
    pub fn receipt(&self, message: &str, receipt: Receipts) {
        let Some(sent) = self.sent_as(message) else { return };
        match (sent.service, receipt) {
            (_, Receipts::None) => {}
            (Service::WhatsApp, Receipts::Sent) => whatsapp_send::status(&self.shared, &sent, "sent", None),
            (Service::WhatsApp, Receipts::Delivered) => {
                whatsapp_send::status(&self.shared, &sent, "delivered", None);
            }
            (Service::WhatsApp, Receipts::Read) => whatsapp_send::status(&self.shared, &sent, "read", None),
            (_, Receipts::Read) => page_send::read_by(&self.shared, &sent),
            (_, _) => page_send::delivered(&self.shared, &sent),
        }
    }

    /// WhatsApp reports that a message failed.
    pub fn fails(&self, message: &str, code: i64) {
        if let Some(sent) = self.sent_as(message) {
            whatsapp_send::status(&self.shared, &sent, "failed", Some(code));
        }
    }

    /// Holds deliveries back, so that they are batched or shuffled together; `false` lets them go.
    pub fn holds(&self, is_held: bool) {
        self.shared.state.change(|state| state.is_held = is_held);
        hooks::wake(&self.shared);
    }

    /// How deliveries are batched, shuffled and repeated from now on.
    pub fn delivers(&self, mode: Mode) {
        self.shared.state.change(|state| state.mode = mode);
    }

    /// Delivers a whole body once, signed, and returns the callback's status (0: no response). `{now_ms}`, `{now_s}`,
    /// `{base}` and `{sha256 of …}` are filled in. The messages that it names exist from now on, and open windows.
    pub async fn post(&self, body: &Value) -> u16 {
        let body = filling::filled(&self.shared, body, 0, true);
        notices::learn(&self.shared, &body);
        hooks::post_once(&self.shared, &body).await
    }

    /// A person takes the rights of the app back: all tokens end, and the callback is told. Returns its status.
    pub async fn deauthorises(&self, user: &str, callback: &str) -> u16 {
        oauth::revoke_all(&self.shared, user);
        notices::signed_request(&self.shared, user, (callback, 0)).await.0
    }

    /// The callback of a removal that was signed so many seconds ago comes once more; the person's rights stay as they are.
    pub async fn repeats_deauthorisation(&self, user: &str, callback: &str, age_s: i64) -> u16 {
        notices::signed_request(&self.shared, user, (callback, age_s)).await.0
    }

    /// A person asks for the deletion of his data: the status, and the body with `url` and `confirmation_code`.
    pub async fn asks_for_deletion(&self, user: &str, callback: &str) -> (u16, Value) {
        notices::signed_request(&self.shared, user, (callback, 0)).await
    }
}

/// The body of an error, for scripted answers.
pub fn error(code: i64, subcode: Option<i64>, message: &str) -> Value {
    let mut error =
        json!({ "message": message, "type": "OAuthException", "code": code, "fbtrace_id": "Aemulated02" });
    if let Some(subcode) = subcode {
        error["error_subcode"] = subcode.into();
    }
    json!({ "error": error })
}

impl Drop for MetaEmulator {
    fn drop(&mut self) {
        self.shared.tasks.stop();
    }
}

#[cfg(test)]
mod tests;
