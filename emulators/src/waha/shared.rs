//! The configuration of the emulated WAHA server, and what its handlers and tasks share.

use std::{net::SocketAddr, time::Duration};

use super::{engine::Engine, state::State};
use crate::{
    clock::Clock,
    serving::{Tasks, Watched},
};

/// The emulator's options.
#[derive(Clone)]
pub struct EmulatorConfig {
    /// Port 0 takes any free one.
    pub address: SocketAddr,
    pub api_key: String,
    pub engine: Engine,
    /// The phone number that scans the first session's QR code, in WhatsApp's form; each further session's is one
    /// higher.
    pub me: String,
    pub clock: Clock,
    /// A started session works at once; otherwise it waits for [`scan`](super::WahaEmulator::scan).
    pub links_itself: bool,
    /// Deliver a send's echo before its response, the order that is hardest for a client.
    pub echo_first: bool,
    /// The duration of a second of a webhook's retry policy.
    pub second: Duration,
    /// Lifetime of a file (180 s by default at WAHA).
    pub file_lifetime_ms: i64,
}

impl Default for EmulatorConfig {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            api_key: "emulated-key-of-the-demo-server".into(),
            engine: Engine::Gows,
            me: "12025550100@c.us".into(),
            clock: Clock::default(),
            links_itself: true,
            echo_first: false,
            second: Duration::from_secs(1),
            file_lifetime_ms: 180_000,
        }
    }
}

pub(super) struct Shared {
    pub(super) config: EmulatorConfig,
    pub(super) state: Watched<State>,
    pub(super) tasks: Tasks,
    pub(super) http: reqwest::Client,
}
