//! The configuration of the emulated Graph API, and what its handlers and tasks share.

use std::{net::SocketAddr, sync::OnceLock, time::Duration};

use super::state::State;
use crate::{
    clock::Clock,
    serving::{Tasks, Watched},
};

/// The emulator's options. The default is the app of the made-up shop.
#[derive(Clone)]
pub struct EmulatorConfig {
    /// Port 0 takes any free one.
    pub address: SocketAddr,
    pub app_id: String,
    pub app_secret: String,
    /// What the app's owner entered beside the callback's address.
    pub verify_token: String,
    pub instagram_app_id: String,
    /// Signs what concerns accounts of Instagram Login.
    pub instagram_app_secret: String,
    /// Facebook Login for Business: the configuration that may stand in place of scopes.
    pub config_id: Option<String>,
    /// Where a sign-in may lead back to; empty: anywhere.
    pub redirect_uris: Vec<String>,
    /// The only version that is served.
    pub version: String,
    pub clock: Clock,
    /// The duration of a second in the pauses between two attempts of a delivery.
    pub second: Duration,
    /// The time after which a delivery without a response has failed (20 s at Meta).
    pub delivery_timeout: Duration,
    /// Seconds over which a delivery is retried.
    pub retried_for_s: u64,
    /// Deliver a send's echo before its answer, the order that is hardest for a client.
    pub echo_first: bool,
    /// WhatsApp: a message outside the window is accepted and fails with a status, as at Meta; otherwise it is refused
    /// at once.
    pub window_fails_late: bool,
    /// Fetch media sent by address, as Meta does; WhatsApp reports a failure with a status, the others refuse.
    pub fetch_media: bool,
    /// WhatsApp: the gap between two messages to one person, and how many may borrow from it.
    pub pair_gap_ms: i64,
    pub pair_burst: i64,
    /// WhatsApp: messages of one number in a second.
    pub number_per_second: usize,
    /// Messenger and Instagram: messages of one account in a second.
    pub page_per_second: usize,
    /// Lifetime of an address of media (5 min at Meta).
    pub media_lifetime_ms: i64,
}

impl Default for EmulatorConfig {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            app_id: "555000111222333".into(),
            app_secret: "appsecret_of_the_emulated_app".into(),
            verify_token: "verify-token-of-the-emulated-app".into(),
            instagram_app_id: "555000111222444".into(),
            instagram_app_secret: "instagram_appsecret_of_the_emulated_app".into(),
            config_id: Some("555000111222555".into()),
            redirect_uris: Vec::new(),
            version: "v25.0".into(),
            clock: Clock::default(),
            second: Duration::from_secs(1),
            delivery_timeout: Duration::from_secs(20),
            retried_for_s: 36 * 3600,
            echo_first: false,
            window_fails_late: true,
            fetch_media: false,
            pair_gap_ms: 6_000,
            pair_burst: 45,
            number_per_second: 80,
            page_per_second: 300,
            media_lifetime_ms: 300_000,
        }
    }
}

pub(super) struct Shared {
    pub(super) config: EmulatorConfig,
    pub(super) state: Watched<State>,
    pub(super) tasks: Tasks,
    pub(super) http: reqwest::Client,
    /// Known once the server listens.
    pub(super) address: OnceLock<SocketAddr>,
}

impl Shared {
    pub(super) fn now_ms(&self) -> i64 {
        self.config.clock.now_ms()
    }

    pub(super) fn base(&self) -> String {
        self.address.get().map_or_else(String::new, |address| format!("http://{address}"))
    }
}
