//! The configuration of the emulated Bot API, and what its handlers and tasks share.

use std::{net::SocketAddr, time::Duration};

use super::state::State;
use crate::{
    clock::Clock,
    serving::{Tasks, Watched},
};

/// The emulator's options.
#[derive(Clone)]
pub struct EmulatorConfig {
    /// Port 0 takes any free one.
    pub address: SocketAddr,
    pub token: String,
    pub username: String,
    pub clock: Clock,
    /// Telegram accepts only https webhooks on four ports; this also accepts http to this machine.
    pub allow_http_loopback: bool,
    /// Fetch media sent by URL, as Telegram does, and refuse the call when that fails.
    pub fetch_media: bool,
    /// The first pause between two attempts of an update (2 s at Telegram), doubled each time.
    pub retry_pause: Duration,
    /// More messages in a second, or more than ten to one chat in five, are refused with 429; nothing: none are.
    pub most_per_second: Option<usize>,
}

impl Default for EmulatorConfig {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            token: "7000000001:emulated-token_of-the-demo-bot".into(),
            username: "demo_shop_test_bot".into(),
            clock: Clock::default(),
            allow_http_loopback: true,
            fetch_media: true,
            retry_pause: Duration::from_secs(2),
            most_per_second: None,
        }
    }
}

pub(super) struct Shared {
    pub(super) config: EmulatorConfig,
    pub(super) state: Watched<State>,
    pub(super) tasks: Tasks,
    pub(super) http: reqwest::Client,
}
