//! The configuration of the emulated WAHA server, and what its handlers and tasks share.

use std::{net::SocketAddr, time::Duration};

use super::{engine::Engine, state::State};
use crate::{
    clock::Clock,
    serving::{Tasks, Watched},
};

/// How the emulator behaves.
#[derive(Clone)]
pub struct EmulatorConfig {
    /// Port 0 takes any free one.
    pub address: SocketAddr,
    pub api_key: String,
    pub engine: Engine,
    /// The number that scans the code of the first session, in WhatsApp's form; that of each further one is one more.
    pub me: String,
    pub clock: Clock,
    /// A started session works at once; otherwise it waits for [`scan`](super::WahaEmulator::scan).
    pub links_itself: bool,
    /// Deliver a send's echo before the send is answered, which is the order that hurts.
    pub echo_first: bool,
    /// What a second of a webhook's retry policy lasts.
    pub second: Duration,
    /// How long a file can be fetched (180 s by default at the real one).
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
