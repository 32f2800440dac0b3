//! The configuration of the emulated Google, and what its handlers and tasks share.

use std::{net::SocketAddr, time::Duration};

use super::state::State;
use crate::{
    clock::Clock,
    serving::{Tasks, Watched},
};

/// The emulator's options. The defaults are Google's, except the quota, which is off.
#[derive(Clone)]
pub struct EmulatorConfig {
    /// Port 0 takes any free one.
    pub address: SocketAddr,
    pub clock: Clock,
    pub client_id: String,
    pub client_secret: String,
    /// The redirect addresses that are registered for the client; empty: every https address and this machine's.
    pub redirect_uris: Vec<String>,
    /// Ask on a page which mailbox signs in, instead of answering with a redirect at once.
    pub consent_page: bool,
    /// The mailboxes' addresses.
    pub mailboxes: Vec<String>,
    pub access_lifetime_ms: i64,
    /// Seven days for clients in the state "Testing"; `None`: no end.
    pub refresh_lifetime_ms: Option<i64>,
    pub topic: String,
    pub subscription: String,
    /// The audience of push tokens; `None`: the address of the endpoint.
    pub audience: Option<String>,
    /// The account that signs pushes.
    pub service_account: String,
    /// Where pushes go; `GmailEmulator::subscribes` sets it later. Until then they wait.
    pub push_endpoint: Option<String>,
    /// The first pause between two attempts of a push, doubled each time.
    pub retry_pause: Duration,
    pub ack_deadline: Duration,
    /// At most one notification a second for each mailbox; the surplus is lost.
    pub drops_surplus: bool,
    pub certs_max_age_s: u64,
    /// Quota of a mailbox a minute by the clock (6000 for new projects); `None`: without limit.
    pub units_per_minute: Option<u64>,
    /// The most entries of one page of `history.list` and `messages.list`.
    pub page_size: usize,
    /// The largest mail that is sent: 35 MB, as the API documents for uploads.
    pub max_mail_bytes: usize,
    /// How long the id of an attachment can be used.
    pub attachment_lifetime_ms: i64,
    /// Text parts over this size have an `attachmentId` instead of `data`.
    pub inline_limit: usize,
    /// Messages may have hidden recipients. Without it a `Bcc` header is refused, since an injected header often is one.
    pub allow_bcc: bool,
}

impl Default for EmulatorConfig {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            clock: Clock::default(),
            client_id: "5550001.apps.googleusercontent.example.com".into(),
            client_secret: "emulated-client-secret".into(),
            redirect_uris: Vec::new(),
            consent_page: false,
            mailboxes: vec!["support@shop.example.com".into()],
            access_lifetime_ms: 3_599_000,
            refresh_lifetime_ms: None,
            topic: "projects/demo-hub/topics/gmail".into(),
            subscription: "projects/demo-hub/subscriptions/gmail-push".into(),
            audience: None,
            service_account: "gmail-push@demo-hub.iam.gserviceaccount.com".into(),
            push_endpoint: None,
            retry_pause: Duration::from_secs(1),
            ack_deadline: Duration::from_secs(10),
            drops_surplus: true,
            certs_max_age_s: 3600,
            units_per_minute: None,
            page_size: 100,
            max_mail_bytes: 36_700_160,
            attachment_lifetime_ms: 60_000,
            inline_limit: 512 << 10,
            allow_bcc: false,
        }
    }
}

pub(super) struct Shared {
    pub(super) config: EmulatorConfig,
    pub(super) state: Watched<State>,
    pub(super) tasks: Tasks,
    pub(super) http: reqwest::Client,
}

impl Shared {
    pub(super) fn now_ms(&self) -> i64 {
        self.config.clock.now_ms()
    }
}
