//! The account of a channel: its settings, connecting it, how it does, when its credentials run out.

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::Serialize;

use crate::{Words, outward};

/// What a value decides about the account that is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Binds {
    /// Nothing: a key, a preference.
    Nothing,
    /// Where the provider is called: a [base address](crate::outward::base).
    Address,
    /// Which account of the server is meant.
    Account,
}

impl Binds {
    /// The value in one form for all its spellings.
    pub fn canonical(self, value: &str) -> String {
        match self {
            Self::Address => outward::canonical(value),
            Self::Nothing | Self::Account => value.trim().to_owned(),
        }
    }
}

/// One value that a channel of this provider needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CredentialField {
    pub name: &'static str,
    /// Encrypted at rest, never shown again.
    pub secret: bool,
    pub required: bool,
    /// Secrets belong to the address and the account that they were given for: whoever changes such a value gives every
    /// secret of the channel again.
    pub binds: Binds,
    pub default: Option<&'static str>,
    pub help: &'static str,
}

/// A connected account: the decrypted settings of a channel.
#[derive(Clone, Default)]
pub struct Account {
    pub external_id: Option<String>,
    pub settings: BTreeMap<String, String>,
    /// Who stores what a call renews on its way; nobody: it is used for that call only.
    pub keeper: Option<Arc<dyn KeepRenewed>>,
}

/// Stores credentials that a call had to renew on its way, because the provider ended the former ones before their time.
pub trait KeepRenewed: Send + Sync {
    fn now_ms(&self) -> i64;

    /// Returns at once.
    fn keep(&self, renewed: Renewed);
}

impl Account {
    /// A setting that is there and not blank.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.settings.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.settings.keys().collect();
        f.debug_struct("Account")
            .field("external_id", &self.external_id)
            .field("settings", &names)
            .finish_non_exhaustive()
    }
}

/// Where the provider shall deliver, and the secret by which its deliveries are known.
#[derive(Clone, Copy)]
pub struct Hook<'a> {
    pub url: &'a str,
    pub secret: &'a str,
}

impl fmt::Debug for Hook<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hook").finish_non_exhaustive()
    }
}

/// The account behind the credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountInfo {
    pub external_id: String,
    pub name: Option<Words>,
    /// The account's own id, as [`Provider::claims`](crate::Provider::claims) would name it, where the provider told it.
    pub claim: Option<String>,
    pub health: Health,
}

/// The account could not be connected. The reason is for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason} ({code})")]
pub struct ConnectFailure {
    pub code: String,
    pub reason: Words,
    pub retryable: bool,
}

impl ConnectFailure {
    /// The code of a call of which nothing left.
    pub(crate) const UNREACHABLE: &str = "unreachable";
    /// The code of a call that left, and to which no answer came.
    pub(crate) const NO_ANSWER: &str = "no_answer";

    /// The code of a channel whose own settings do not do: nobody was asked.
    pub(crate) const BAD_SETTINGS: &str = "bad_settings";

    /// The provider was not asked, because a setting of the channel is missing or cannot be used.
    pub fn is_unasked(&self) -> bool {
        self.code == Self::BAD_SETTINGS
    }

    /// Nothing left this server: the provider has not seen what was sent.
    pub fn is_unreached(&self) -> bool {
        self.code == Self::UNREACHABLE
    }

    /// The provider said nothing, so it refused nothing.
    pub fn is_unanswered(&self) -> bool {
        self.is_unreached() || self.code == Self::NO_ANSWER
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthState {
    Up,
    Starting,
    /// A person has to do something: scan a code, confirm on the phone.
    NeedsPerson,
    Down,
}

/// The one thing that a person does so that an account works (again).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Link the account on the phone, with the code that is shown.
    ScanCode,
    /// Confirm the linking with a passkey, on the phone.
    ConfirmPasskey,
    /// Sign in at the provider again.
    SignIn,
    CheckCredentials,
    /// Connect the channel again.
    Connect,
}

impl Remedy {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ScanCode => "scan_code",
            Self::ConfirmPasskey => "confirm_passkey",
            Self::SignIn => "sign_in",
            Self::CheckCredentials => "check_credentials",
            Self::Connect => "connect",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Health {
    pub state: HealthState,
    /// The provider's own word for the state.
    pub detail: Words,
    /// Deliveries that wait on the provider's side.
    pub pending: Option<u64>,
    /// The last delivery failure that the provider saw.
    pub last_error: Option<Words>,
    /// The account behind the credentials, as [`AccountInfo::claim`], where the same credentials may lead to another one later.
    pub account: Option<String>,
}

impl Health {
    pub const fn new(state: HealthState, detail: Words) -> Self {
        Self { state, detail, pending: None, last_error: None, account: None }
    }
}

/// A code by which a person links the account on the phone.
#[derive(Clone, PartialEq, Eq)]
pub struct Pairing {
    pub mime: String,
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Pairing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pairing").field("mime", &self.mime).finish_non_exhaustive()
    }
}

/// Credentials that took the place of others.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Renewed {
    pub settings: BTreeMap<String, String>,
}

impl fmt::Debug for Renewed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renewed").field("settings", &self.settings.keys().collect::<Vec<_>>()).finish()
    }
}

/// When credentials run out, Unix milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expiry {
    /// From then on [`Provider::renew`](crate::Provider::renew) is called, before anything else is.
    pub renew_at_ms: i64,
    pub ends_at_ms: i64,
    /// A machine cannot renew them: a person has to sign in again.
    pub needs_person: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_not_printed() {
        let account = Account {
            external_id: Some("7".into()),
            settings: [("token".to_owned(), "77:very-secret".to_owned())].into(),
            ..Account::default()
        };
        assert!(!format!("{account:?}").contains("very-secret"));
        assert_eq!(account.get("token"), Some("77:very-secret"));
        let hook = Hook { url: "https://hub.example.com/hooks/x", secret: "hush" };
        assert!(!format!("{hook:?}").contains("hush"));
    }
}
