//! The parts of a running server: one value that everything is reached from, and how it stops. How they are put together
//! is `start.rs`.
//!
//! The order of a stop: no new sockets and webhooks, sockets closed with a reconnect code, workers finish what they hold,
//! the store closes.

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
use crate::channels::ChannelCache;
use crate::config::Config;
use crate::store::Store;
use crate::vault::Vault;
use crate::work::{Dispatcher, Typing};

pub struct App {
    pub config: Arc<Config>,
    pub store: Store,
    pub vault: Arc<Vault>,
    pub accounts: Arc<Accounts>,
    pub hub: hub::Hub,
    /// How many connections there may be.
    pub descriptors: hub::Descriptors,
    /// What strangers and callers may take before and while they are answered.
    pub admission: Admission,
    /// The pages of browsers that may speak with the rights of whoever looks at them.
    pub pages: Pages,
    /// Proxies that the configuration does not name.
    pub untrusted: Untrusted,
    pub channels: ChannelCache,
    /// What each tenant's webhooks may take at a time.
    pub webhook_shares: WebhookShares,
    /// Offers turns to responders, and knows who holds which lease.
    pub dispatcher: Arc<Dispatcher>,
    /// Tells customers that an answer is being written.
    pub typing: Arc<Typing>,
    /// For calls to providers: bounded in time, follows no redirects, reaches what its `outward` lets it reach.
    pub http: adapters::Client,
    /// When a commit was last seen by who asks whether the server is ready.
    pub committed: tokio::sync::Mutex<Option<Instant>>,
    /// Cancelled when the process should finish what it does and take nothing new.
    pub soft: CancellationToken,
    /// Cancelled when it should drop what it does.
    pub hard: CancellationToken,
    pub tasks: TaskTracker,
    pub started_at_ms: i64,
    /// What browsers know the installation by.
    pub installation: String,
}

/// How long a stop waits for tasks that were told to drop what they do.
const DROP_WAIT: Duration = Duration::from_secs(1);
/// And for a database that may be gone: to take back leases, which end by themselves, and to close. What was answered
/// is committed.
const HAND_BACK_WAIT: Duration = Duration::from_secs(2);
const CLOSE_WAIT: Duration = Duration::from_secs(5);

pub type AppState = Arc<App>;

impl App {
    /// The rights of a user or a key changed: what is remembered is dropped, and live sessions come back
    /// with what they may do now.
    pub fn rights_changed(&self, id: uuid::Uuid) {
        self.accounts.forget(id);
        self.hub.disconnect_user(&id.to_string(), hub::CloseCode::FORCE_RECONNECT);
    }

    /// The two steps of a stop: finish within the grace, then drop. The listener follows the same tokens. Ends even if
    /// the database answers no more.
    pub async fn stop(&self) {
        let until = Instant::now() + Duration::from_millis(self.config.server.shutdown_grace_ms);
        if timeout(HAND_BACK_WAIT, self.dispatcher.hand_back()).await.is_err() {
            tracing::warn!("leases could not be given back in time; they end by themselves");
        }
        self.soft.cancel();
        self.hub.drain(until.saturating_duration_since(Instant::now())).await;
        self.tasks.close();
        if timeout_at(until, self.tasks.wait()).await.is_err() {
            tracing::warn!(tasks = self.tasks.len(), "some work did not finish in time and is dropped");
        }
        self.hard.cancel();
        // What is dropped ends at its next await.
        let _ = timeout(DROP_WAIT, self.tasks.wait()).await;
        if timeout(CLOSE_WAIT, self.store.close()).await.is_err() {
            tracing::warn!("the database did not let go in time");
        }
    }
}
