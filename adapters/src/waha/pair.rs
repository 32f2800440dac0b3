//! Linking a session with a phone: the picture of a code to be scanned, a code to be typed, and beginning anew. A server shows
//! the first code for a minute and five more for twenty seconds each; then the session fails until it is started again.

use reqwest::Method;
use serde_json::json;

use super::api::Api;
use crate::{Account, Client, Pairing, SendError, call::call, json as read, sniff};

/// The picture of the code; `None` while there is nothing to scan.
pub(super) async fn picture(http: &Client, account: &Account) -> Result<Option<Pairing>, SendError> {
    let api = Api::of(http, account)?;
    let path = format!("/api/{}/auth/qr", api.session);
    let answer = call(api.request(Method::GET, &path).header("Accept", "image/png")).await?;
    let mime = sniff::settle(&answer.body, None);
    Ok((answer.is_success() && mime == "image/png").then_some(Pairing { mime, bytes: answer.body }))
}

/// Starts the session, or starts it anew. Logging out makes the server forget the device.
pub(super) async fn again(http: &Client, account: &Account, forget: bool) -> Result<(), SendError> {
    let api = Api::of(http, account)?;
    let order = |order: &str| format!("/api/sessions/{}/{order}", api.session);
    if forget {
        api.post(&order("logout"), &json!({})).await?;
        api.post(&order("start"), &json!({})).await?;
    } else {
        api.post(&order("restart"), &json!({})).await?;
    }
    Ok(())
}

pub(super) async fn code(http: &Client, account: &Account, phone: &str) -> Result<Option<String>, SendError> {
    let api = Api::of(http, account)?;
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    let path = format!("/api/{}/auth/request-code", api.session);
    let answer = api.post(&path, &json!({ "phoneNumber": digits })).await?;
    Ok(read::text(&answer.json(), "code"))
}
