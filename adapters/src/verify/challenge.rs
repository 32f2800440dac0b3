//! Meta's handshake when a webhook is registered: `GET ?hub.mode=subscribe&hub.verify_token=…&hub.challenge=…`.

use reqwest::Url;

use super::{Invalid, token::is_same_secret};

const TOKEN: &str = "hub.verify_token";

/// The challenge to be answered, as `text/plain` and nothing else: it comes from the caller, so as HTML it would be a
/// way to run scripts under our name.
pub fn meta_challenge(verify_token: &str, query: &str) -> Result<String, Invalid> {
    // Only its query is used.
    let mut url = Url::parse("http://hub.invalid/").map_err(|_| Invalid::Missing(TOKEN))?;
    url.set_query(Some(query));
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    answer(verify_token, &pairs)
}

/// The same, by the decoded query.
pub(crate) fn answer(verify_token: &str, query: &[(String, String)]) -> Result<String, Invalid> {
    if verify_token.is_empty() {
        return Err(Invalid::NoSecret);
    }
    let only = |name: &'static str| {
        let mut values = query.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
        match (values.next(), values.next()) {
            (None, _) => Err(Invalid::Missing(name)),
            (Some(_), Some(_)) => Err(Invalid::Repeated(name)),
            (Some(value), None) => Ok(value),
        }
    };
    if only("hub.mode")? != "subscribe" {
        return Err(Invalid::Malformed("hub.mode", "only subscribe is answered"));
    }
    if !is_same_secret(verify_token, only(TOKEN)?) {
        return Err(Invalid::Mismatch);
    }
    only("hub.challenge").map(str::to_owned)
}
