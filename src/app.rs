//! The application: the parts of a running server in one value, and its shutdown. `start.rs` builds it.
//!
//! The order of a shutdown: no new sockets and webhooks, sockets closed with a reconnect code, workers finish their
//! jobs, sends that have begun get their answer, the store closes.

pub mod file_lock;
pub mod installation;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::accounts::Accounts;
use crate::admission::origins::Pages;
use crate::admission::untrusted::Untrusted;
use crate::admission::{Admission, WebhookShares};
use crate::channels::pairing::Pairings;
use crate::channels::{AppCache, ChannelCache};
use crate::config::Config;
use crate::files::Files;
use crate::history::History;
use crate::store::Store;
use crate::vault::{BusSeal, Vault};
use crate::work::{BusyTold, Consumers, Dispatcher, Hearing, NodeWatch, Retained, Sends, Typing, sends};

pub struct App {
    pub config: Arc<Config>,
    pub store: Store,
    pub vault: Arc<Vault>,
    pub bus_seal: Arc<BusSeal>,
    pub accounts: Arc<Accounts>,
    pub hub: hub::Hub,
    /// Limits the connections by file descriptors.
    pub descriptors: hub::Descriptors,
    /// Limits of connections, memory and rates.
    pub admission: Admission,
    /// The origins whose pages may use the rights of the browser's user.
    pub pages: Pages,
    /// Warns about proxies that the configuration does not name.
    pub untrusted: Untrusted,
    pub channels: ChannelCache,
    pub files: Files,
    /// The long history of conversations.
    pub history: History,
    pub apps: AppCache,
    /// Accounts that are being paired with phones.
    pub pairings: Arc<Pairings>,
    /// The limits of each tenant's webhooks.
    pub webhook_shares: WebhookShares,
    /// Offers turns to responders, and tracks who holds which lease.
    pub dispatcher: Arc<Dispatcher>,
    /// Wakes whatever follows the feeds.
    pub consumers: Consumers,
    /// Shows customers that an answer is being written.
    pub typing: Arc<Typing>,
    pub hearing: Arc<Hearing>,
    /// For calls to providers: with a timeout, without redirects, limited to the addresses that `outward` allows.
    pub http: adapters::Client,
    /// The time of the last commit by the readiness probe.
    pub committed: tokio::sync::Mutex<Option<Instant>>,
    /// The calls to providers that a stop waits for.
    pub sends: Sends,
    /// Cancelled when the process should finish its work and accept nothing new.
    pub soft: CancellationToken,
    /// Cancelled when the process should drop its work, but for sends that have begun.
    pub hard: CancellationToken,
    pub tasks: TaskTracker,
    /// This node among the others.
    pub nodes: Arc<NodeWatch>,
    /// What is older than it should be, as far as this node knows.
    pub retained: Arc<Retained>,
    /// Tells the others that this node lives, until all other tasks have ended.
    pub beat: TaskTracker,
    pub started_at_ms: i64,
    /// The id of the installation, used in cookie names.
    pub installation: String,
    /// When other nodes were told that there is more work than this one can do.
    pub busy_told: BusyTold,
}

/// The longest wait for tasks after the hard token.
const DROP_WAIT: Duration = Duration::from_secs(1);
/// The longest wait for a database that may be gone: to return leases, which also expire; to leave the list of nodes, and to
/// close. Everything that was answered is committed.
const HAND_BACK_WAIT: Duration = Duration::from_secs(2);
const CLOSE_WAIT: Duration = Duration::from_secs(5);

pub type AppState = Arc<App>;

impl App {
    /// Applies a change of rights of a user or a key: the cached access is dropped, and its live sessions reconnect
    /// with the new rights.
    pub fn rights_changed(&self, id: uuid::Uuid) {
        self.accounts.forget(id);
        self.hub.disconnect_user(&id.to_string(), hub::CloseCode::FORCE_RECONNECT);
    }

    /// The two steps of a shutdown: finish within the grace period, then drop. A send that has begun is waited for to the
    /// limit of its own, since whoever drops it leaves a message of which nobody knows whether it was sent. The listener
    /// follows the same tokens. It returns even if the database no longer answers.
    pub async fn stop(&self) {
        let begun = Instant::now();
        let until = begun + Duration::from_millis(self.config.server.shutdown_grace_ms);
        let call = Duration::from_millis(self.config.calls.provider_timeout_ms);
        let sent_until = until.max(begun + sends::longest(call));
        if timeout(HAND_BACK_WAIT, self.dispatcher.hand_back()).await.is_err() {
            tracing::warn!("leases could not be released in time; they will expire");
        }
        self.soft.cancel();
        self.hub.drain(until.saturating_duration_since(Instant::now())).await;
        self.tasks.close();
        self.beat.close();
        if timeout_at(until, self.tasks.wait()).await.is_err() {
            let (tasks, sends) = (self.tasks.len(), self.sends.count());
            tracing::warn!(
                tasks,
                sends,
                "dropping tasks that did not finish in time, but for sends that have begun"
            );
        }
        self.hard.cancel();
        if timeout_at(sent_until, self.sends.none_left()).await.is_err() {
            tracing::warn!(sends = self.sends.count(), "dropping sends; whether they left is unknown");
        }
        self.sends.cut();
        // A dropped task ends at its next await. A node of which something still runs stays in the list.
        let has_ended = timeout(DROP_WAIT, self.tasks.wait()).await.is_ok();
        let until = Instant::now() + CLOSE_WAIT;
        if !has_ended || timeout_at(until, self.beat.wait()).await.is_err() {
            tracing::warn!("this node stays in the list of nodes until its silence is noticed");
        }
        if timeout_at(until, self.store.close()).await.is_err() {
            tracing::warn!("the database did not close in time");
        }
    }
}
