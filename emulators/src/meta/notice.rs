//! Events that wait for their delivery, and how deliveries are disturbed.

use serde_json::Value;

use super::values::Service;

/// How deliveries are disturbed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mode {
    /// The most events in one body.
    pub batch: usize,
    /// The order of what waits is mixed, by this seed.
    pub shuffled: Option<u64>,
    /// Times that each body is delivered.
    pub copies: usize,
}

impl Default for Mode {
    fn default() -> Self {
        Self { batch: 1, shuffled: None, copies: 1 }
    }
}

#[derive(Debug, Clone)]
pub(super) enum Item {
    Change(&'static str, Value),
    Messaging(Value),
    Standby(Value),
}

/// One event, ready to be put into a body.
#[derive(Debug, Clone)]
pub(super) struct Notice {
    pub(super) url: String,
    pub(super) service: Service,
    pub(super) is_of_instagram_login: bool,
    /// WABA, page or Instagram account.
    pub(super) entry: String,
    pub(super) item: Item,
}
