//! What a provider takes, and how fast; what it can do.

use serde::Serialize;

use crate::split::Unit;

/// How fast a provider takes messages. The hub keeps to it; what waits stays in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// Calls of one channel in a second.
    pub per_second: u32,
    /// Between two messages to one chat, in milliseconds.
    pub chat_gap_ms: u64,
    /// Messages to one chat that may follow each other without the gap.
    pub chat_burst: u32,
}

impl Default for Rates {
    fn default() -> Self {
        Self { per_second: 20, chat_gap_ms: 0, chat_burst: 1 }
    }
}

/// What a provider takes. Longer texts are cut with [`split`](crate::split()).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProviderLimits {
    pub unit: Unit,
    pub max_text: usize,
    pub max_caption: usize,
    /// Largest file that can be sent by its address.
    pub max_upload_bytes: u64,
    /// Largest file that can be fetched.
    pub max_download_bytes: u64,
    pub rates: Rates,
}

/// What a provider takes of reply buttons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ButtonLimits {
    /// Under one text.
    pub most: usize,
    /// Characters of a button's title.
    pub max_title: usize,
    /// Bytes of what comes back when it is pressed.
    pub max_id_bytes: usize,
    /// Of a text with buttons, in the unit of [`ProviderLimits`].
    pub max_text: usize,
}

impl Default for ButtonLimits {
    fn default() -> Self {
        Self { most: 3, max_title: 20, max_id_bytes: 64, max_text: 1_000 }
    }
}

/// How long after a customer's message a provider takes answers, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub open_ms: i64,
    /// Of an answer that a person writes and that says so: [`Outgoing::human_agent`](crate::Outgoing::human_agent).
    pub person_ms: Option<i64>,
    /// It takes [templates](crate::Template) at any time.
    pub templates: bool,
}

impl Window {
    const DAY_MS: i64 = 24 * 3_600_000;
    /// WhatsApp's customer service window.
    pub const SERVICE: Self = Self { open_ms: Self::DAY_MS, person_ms: None, templates: true };
    /// Messenger's and Instagram's, with the tag `HUMAN_AGENT`.
    pub const MESSAGING: Self =
        Self { open_ms: Self::DAY_MS, person_ms: Some(7 * Self::DAY_MS), templates: false };
    /// In the chats of an account that a Telegram bot acts for.
    pub const BUSINESS: Self = Self { open_ms: Self::DAY_MS, person_ms: None, templates: false };
}

/// How a provider gathers what a customer writes: the settings that a new channel begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gathering {
    pub quiet_ms: i64,
    pub max_wait_ms: i64,
}

impl Gathering {
    /// People in a chat write one thought in several messages.
    pub const CHAT: Self = Self { quiet_ms: 4_000, max_wait_ms: 20_000 };
    /// A mail is whole; a second one may correct it.
    pub const MAIL: Self = Self { quiet_ms: 60_000, max_wait_ms: 300_000 };
}

/// What a provider can do beside texts and files, so that nobody is offered what it would refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a thing that a provider has or has not")]
pub struct Abilities {
    pub reply: bool,
    pub reactions: bool,
    /// Reply buttons under a text.
    pub buttons: bool,
    /// Texts that the provider approved beforehand.
    pub templates: bool,
    pub typing: bool,
    /// It tells what the business's own people write elsewhere.
    pub echoes: bool,
    pub receipts: bool,
    /// Messages that were not delivered to us can be asked for.
    pub history: bool,
}
