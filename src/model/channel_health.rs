//! How a channel is, and why. Who finds it out: `channels/health.rs`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::text_enum;

text_enum!(
    /// How a channel is, from the best to the worst.
    #[derive(PartialOrd, Ord)]
    HealthLevel {
        /// Earlier versions stored `ok`.
        #[serde(alias = "ok")]
        Connected = "connected",
        /// It works in part, or not for long: `code` says why.
        Degraded = "degraded",
        /// It does not go on without a person: `action` says what to do.
        NeedsAttention = "needs_attention",
        Down = "down",
    }
);

text_enum!(
    /// Why a channel is not simply connected.
    HealthCause {
        /// The provider says so; `detail` is its own word.
        Provider = "provider",
        Starting = "starting",
        NeedsPerson = "needs_person",
        /// The account was not connected; `detail` has the reason.
        ConnectFailed = "connect_failed",
        /// Another channel has the account.
        AccountTaken = "account_taken",
        /// The credentials lead to another account than the one that the channel was connected with; `detail` names it.
        OtherAccount = "other_account",
        /// The provider refused a send for a reason that holds for every send.
        SendFailed = "send_failed",
        /// The provider does not answer when it is asked.
        Unreachable = "unreachable",
        /// The provider has messages that it did not deliver.
        Silent = "silent",
        /// What was sent is not confirmed any more.
        Unconfirmed = "unconfirmed",
        /// Deliveries wait at the provider.
        Backlog = "backlog",
        /// The provider could not deliver to this server.
        DeliveryErrors = "delivery_errors",
        /// The credentials run out soon.
        Expires = "expires",
        Expired = "expired",
        /// A person disconnected it.
        Disconnected = "disconnected",
    }
);

impl HealthCause {
    /// Its detail holds a figure, which changes all the time: no news.
    pub const fn is_measured(self) -> bool {
        matches!(
            self,
            Self::Unreachable | Self::Silent | Self::Unconfirmed | Self::Backlog | Self::DeliveryErrors
        )
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChannelHealth {
    pub state: HealthLevel,
    /// Why: `provider`, `starting`, `needs_person`, `connect_failed`, `account_taken`, `other_account`, `send_failed`,
    /// `unreachable`, `silent`, `unconfirmed`, `backlog`, `delivery_errors`, `expires`, `expired` or `disconnected`.
    #[serde(default)]
    pub code: Option<String>,
    /// The reason in words, as far as there is more to say than `code`.
    pub detail: Option<String>,
    /// The one thing to do: `scan_code`, `confirm_passkey`, `sign_in`, `check_credentials` or `connect`.
    #[serde(default)]
    pub action: Option<String>,
    /// Since when.
    pub at: i64,
    /// When the same was last found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_at: Option<i64>,
}

impl ChannelHealth {
    pub fn is(&self, cause: HealthCause) -> bool {
        self.code.as_deref() == Some(cause.as_str())
    }

    /// Nothing leaves through the channel.
    pub fn is_blocked(&self) -> bool {
        self.state == HealthLevel::Down
            || (self.state == HealthLevel::NeedsAttention
                && (self.is(HealthCause::NeedsPerson) || self.is(HealthCause::OtherAccount)))
    }

    /// The newest time of which it tells.
    pub fn known_at(&self) -> i64 {
        self.confirmed_at.unwrap_or(self.at).max(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_earlier_versions_stored_is_read() {
        let read = |text: &str| serde_json::from_str::<ChannelHealth>(text).expect("a health");
        let old = read(r#"{"state":"ok","detail":"WORKING","at":5}"#);
        assert_eq!((old.state, old.known_at(), old.code), (HealthLevel::Connected, 5, None));
        assert_eq!(read(r#"{"state":"down","detail":null,"at":5}"#).state, HealthLevel::Down);
        assert_eq!(read(r#"{"state":"degraded","detail":"x","at":5}"#).state, HealthLevel::Degraded);
    }
}
