//! A server of the installation's own, on which tenants connect numbers without having one: an app that gives the channel
//! its address, its key, and the name of its session.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{API_KEY, BASE_URL, MEDIA_HOST};
use crate::{
    Account, App, AppInvalid, Binds, Client, CredentialField, Headers, Invalid, NotJson, Routed, outward,
};

pub(super) struct Server;

/// The setting that only such a server has.
const CAPACITY: &str = "capacity";
/// Sessions of one server, whatever its operator writes.
const MOST: i64 = 10_000;

const FIELDS: &[CredentialField] = &[
    BASE_URL,
    CredentialField {
        help: "The server's API key, sent as X-Api-Key. Its holder reaches every session of the server.",
        ..API_KEY
    },
    CredentialField {
        name: CAPACITY,
        secret: false,
        required: true,
        binds: Binds::Nothing,
        default: Some("50"),
        help: "How many numbers may be connected on it at a time, at most 10000.",
    },
    MEDIA_HOST,
];

/// Whether the account's server is one of the installation's: its session was made for the channel, and goes with it.
pub(super) fn is_given(account: &Account) -> bool {
    account.get(CAPACITY).is_some()
}

#[async_trait]
impl App for Server {
    fn name(&self) -> &'static str {
        "waha"
    }

    fn fields(&self) -> &'static [CredentialField] {
        FIELDS
    }

    fn gives(&self) -> &'static [&'static str] {
        &["base_url", "api_key", "media_host", "session"]
    }

    fn named(&self, channel: &str) -> BTreeMap<String, String> {
        [("session".to_owned(), format!("hubbub-{channel}"))].into()
    }

    /// A number that cannot be read lets nobody in.
    fn capacity(&self, app: &Account) -> Option<i64> {
        let said = app.get(CAPACITY).and_then(|text| text.trim().parse::<i64>().ok());
        Some(said.unwrap_or(0).clamp(0, MOST))
    }

    fn has_hook(&self) -> bool {
        false
    }

    fn external_id(&self, app: &Account) -> Option<String> {
        let base = outward::base(app.get("base_url")?).ok()?;
        Some(outward::server(&base))
    }

    /// Sessions deliver to their channels.
    async fn verify(
        &self,
        _http: &Client,
        _app: &Account,
        _headers: &Headers,
        _body: &[u8],
        _now_s: i64,
    ) -> Result<(), AppInvalid> {
        Err(Invalid::NoSecret.into())
    }

    fn route(&self, _body: &[u8]) -> Result<Vec<Routed>, NotJson> {
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(capacity: &str) -> Account {
        let settings = [("base_url", "https://WAHA.example.com:443/"), (CAPACITY, capacity)];
        Account {
            settings: settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            ..Account::default()
        }
    }

    #[test]
    fn a_capacity_is_a_number_within_bounds() {
        for (said, is) in [("3", 3), (" 7 ", 7), ("0", 0), ("-4", 0), ("many", 0), ("99999999", MOST)] {
            assert_eq!(Server.capacity(&with(said)), Some(is), "{said:?}");
        }
    }

    #[test]
    fn a_server_is_one_by_whatever_address() {
        let other = Account {
            settings: [("base_url".to_owned(), "https://waha.example.com".to_owned())].into(),
            ..Account::default()
        };
        assert_eq!(Server.external_id(&with("1")), Server.external_id(&other));
        assert!(Server.external_id(&other).is_some());
    }
}
